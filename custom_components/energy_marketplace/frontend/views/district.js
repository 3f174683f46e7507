// How far the street lives on the energy it makes itself, and whether every feeder's meter agrees with its members.

import { card, el, figure, pairs, put, table, text } from "../dom.js";

const SPANS = [7, 30, 365];
const MILLION = 1e6;
const BARS = { self_sufficiency: "self_sufficiency_ppm", self_consumption: "self_consumption_ppm" };
const ENERGY = [
  "produced_wh", "consumed_wh", "self_consumed_wh", "traded_wh", "shared_wh", "imported_wh", "exported_wh",
  "balance_wh", "flexible_wh", "moved_wh", "peak_import_wh", "baseline_peak_import_wh",
];

export class District {
  constructor(context) {
    this.context = context;
    const { texts } = context;
    const options = SPANS.map((days) => el("option", { value: days }, texts("days", { count: days })));
    this.span = el("select", { "aria-label": texts("district") }, ...options);
    this.span.value = 30;
    this.span.addEventListener("change", () => this.#load());
    this.said = el("div", { class: "said bad", role: "alert" });
    this.shares = el("div");
    this.figures = el("div");
    this.feeders = el("div");
    put(this.shares, el("p", { class: "dim" }, texts("waiting")));
    this.figuresCard = card(texts("figures"), this.figures);
    this.figuresCard.hidden = true;
    this.node = [
      card(texts("district"), this.span, this.said, this.shares),
      this.figuresCard,
      el("section", { class: "card wide" }, el("h2", {}, texts("feeders")), this.feeders),
    ];
  }

  update({ entry_id, network, connected }) {
    this.currency = network.currency;
    const key = `${entry_id} ${connected}`;
    if (key === this.key) return;
    Object.assign(this, { key, entry: entry_id });
    this.#load();
  }

  async #load() {
    const { ask, explain } = this.context;
    try {
      const { district, feeders } = await ask("district", { entry_id: this.entry, days: Number(this.span.value) });
      put(this.said);
      this.#showDistrict(district);
      this.#showFeeders(feeders);
    } catch (error) {
      put(this.said, await explain(error));
    }
  }

  #showDistrict(district) {
    const { format, texts } = this.context;
    const days = texts("days_complete", { count: district.days_complete, of: district.until_day - district.from_day });
    this.figuresCard.hidden = !district.days_complete;
    if (!district.days_complete) return put(this.shares, el("p", { class: "dim" }, texts("district_waiting")));
    put(
      this.shares,
      ...Object.entries(BARS).map(([name, field]) => this.#bar(texts(name), district[field])),
      el("p", { class: "dim" }, days),
      district.positive === null ? null : el("p", {}, texts(district.positive ? "positive" : "not_positive")),
    );
    const rows = ENERGY.filter((name) => district[name] !== null).map((name) => [
      texts(`district_${name}`),
      format.energy(district[name] / 1000),
    ]);
    const kept = [texts("money_kept"), format.money(district.money_kept / 1e9, this.currency)];
    return put(this.figures, pairs([...rows, kept]));
  }

  #bar(name, ppm) {
    const { format } = this.context;
    const share = ppm === null ? "–" : format.share(ppm / MILLION);
    const filled = el("i", { style: `width:${ppm === null ? 0 : Math.min(100, (ppm / MILLION) * 100)}%` });
    return el("div", { class: "share" }, el("div", { class: "dim" }, name), el("div", { class: "big" }, share), el("div", { class: "track" }, filled));
  }

  #showFeeders(days) {
    const { format, texts } = this.context;
    if (!days.length) return put(this.feeders, el("p", { class: "dim" }, texts("no_feeders")));
    const figures = ["metered", "members_sum", "difference"].map((key) => figure(texts(key)));
    const columns = [text(texts("when")), text(texts("feeder")), ...figures, text(texts("state"))];
    const rows = days
      .slice()
      .reverse()
      .map((one) => [
        format.day((one.day + 0.5) * 86_400_000),
        one.feeder || "–",
        format.energy(one.metered_wh / 1000),
        format.energy(one.members_wh / 1000),
        format.energy(one.difference_wh / 1000),
        one.persistent ? el("span", { class: "badge bad" }, texts("persistent")) : texts(one.complete ? "complete" : "incomplete"),
      ]);
    return put(this.feeders, table(columns, rows));
  }
}
