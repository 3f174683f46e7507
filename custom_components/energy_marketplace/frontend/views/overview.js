// The first page: the wallet, the street, the prices ahead, what is agreed, and asking for energy.

import { badge, isVerdict } from "../badges.js";
import { chart, legend } from "../chart.js";
import { card, el, figure, icon, put, table, text } from "../dom.js";
import { actionForm, field, select } from "./form.js";

const SHOWN_DELIVERIES = 12;

export class Overview {
  constructor(context) {
    this.context = context;
    const { texts } = context;
    this.wallet = el("div");
    this.street = el("div");
    this.chart = el("div");
    this.chartTitle = el("h2", {}, texts("prices_ahead"));
    new ResizeObserver(() => this.#draw()).observe(this.chart);
    this.agreed = el("div");
    this.request = el("div");
    this.node = [
      card(texts("wallet"), this.wallet),
      card(texts("street"), this.street),
      el("section", { class: "card wide" }, this.chartTitle, this.chart),
      card(texts("request"), this.request),
      card(texts("agreed"), this.agreed),
    ];
  }

  update(home) {
    this.home = home;
    put(this.chartTitle, `${this.context.texts("prices_ahead")} (${home.network.currency}/kWh)`);
    put(this.wallet, ...this.#wallet(home));
    put(this.street, ...this.#street(home));
    put(this.agreed, ...[this.#deliveries(home)].flat());
    this.#offerRequest(home);
    this.#refreshPrices(home);
  }

  #wallet({ wallet, network }) {
    const { format, texts } = this.context;
    if (!isVerdict(wallet.verdict)) return [el("p", { class: "dim" }, texts("waiting"))];
    const isProven = wallet.verdict === "proven";
    const word = isProven ? texts("proven_at", { time: format.time(wallet.proven, true) }) : texts(wallet.verdict);
    const shown = badge(wallet.verdict, word);
    if (wallet.verdict === "contradicted") return [shown, el("p", { class: "warning" }, texts("node_lies"))];
    const amount = (key) =>
      el("span", {}, el("span", { class: "dim" }, `${texts(key)} `), format.money(wallet[key], network.currency));
    return [
      el("div", { class: "big" }, format.money(wallet.balance, network.currency)),
      el("div", { class: "row" }, amount("held"), amount("available"), amount("credit")),
      el("div", { class: "row" }, shown),
    ];
  }

  #street({ network, connected }) {
    const { texts } = this.context;
    const state = connected && network.in_sync;
    const style = state ? "badge good" : "badge bad";
    const counted = (key, count) => el("span", {}, el("span", { class: "dim" }, `${texts(key)} `), String(count));
    const problem = network.problem && texts(`problem_${network.problem_code}`, {}, network.problem);
    const shown = connected ? texts(network.in_sync ? "in_sync" : "behind") : texts("node_away");
    return [
      el("div", { class: "big" }, network.name),
      el("div", { class: "row" }, counted("members", network.members), counted("validators", network.validators)),
      el("div", { class: "row" }, el("span", { class: style }, icon(state ? "lan-connect" : "lan-disconnect"), shown)),
      problem ? el("p", { class: "warning" }, problem) : null,
    ];
  }

  #deliveries({ assets, network }) {
    const { format, texts } = this.context;
    const all = assets.flatMap((asset) => asset.deliveries.map((one) => ({ ...one, asset: asset.name })));
    all.sort((left, right) => left.start - right.start);
    if (!all.length) return el("p", { class: "dim" }, texts("nothing_agreed"));
    const rows = all
      .slice(0, SHOWN_DELIVERIES)
      .map((one) => [
        format.full(one.start, network.slot_s < 60),
        one.asset,
        `${one.direction === "import" ? "↓" : "↑"} ${format.energy(one.energy)}`,
        format.price(one.price, network.currency),
      ]);
    const rest = all.length - rows.length;
    const shown = table([text(texts("when")), text(texts("asset")), figure(texts("energy")), figure(texts("price"))], rows);
    return rest > 0 ? [shown, el("p", { class: "dim note" }, texts("more_agreed", { count: rest }))] : shown;
  }

  // The form stays as it is while figures change: only other assets make a new one.
  #offerRequest({ assets, network }) {
    const { call, explain, texts } = this.context;
    const takers = assets.filter((asset) => asset.takes && asset.device_id);
    const key = takers.map((asset) => asset.device_id + asset.name).join();
    if (key === this.takers) return;
    this.takers = key;
    if (!takers.length) return put(this.request, el("p", { class: "dim" }, texts("no_takers")));
    const number = (name, more) => el("input", { name, type: "number", min: "0", step: "any", ...more });
    const form = actionForm({
      fields: [
        field(texts("asset"), select("device_id", takers.map((asset) => [asset.device_id, asset.name]))),
        field(texts("energy_kwh"), number("energy", { required: true, value: "1" })),
        field(texts("finish_by"), el("input", { name: "finish_by", type: "datetime-local", step: "1", required: true })),
        field(texts("price_cap", { currency: network.currency }), number("price_cap")),
      ],
      explain,
      button: texts("request"),
      send: (values) => call("request_energy", this.#given(values)),
      done: () => texts("requested"),
    });
    return put(this.request, form);
  }

  #given(values) {
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value));
    return { ...given, finish_by: this.context.format.entered(given.finish_by) };
  }

  // Every round changes something in the home's state or not at all for it: asking twice a slot is plenty.
  async #refreshPrices({ entry_id, network }) {
    const now = Date.now();
    if (!this.prices || now - this.asked > (network.slot_s * 1000) / 4) {
      this.asked = now;
      try {
        this.prices = await this.context.ask("prices", { entry_id });
      } catch (error) {
        this.prices = undefined;
        return put(this.chart, el("p", { class: "warning" }, await this.context.explain(error)));
      }
    }
    return this.#draw();
  }

  #draw() {
    if (!this.prices) return;
    const { format, texts } = this.context;
    const agreed = this.home.assets.flatMap((asset) => asset.deliveries);
    const drawn = chart(this.prices, agreed, format, texts, this.chart.clientWidth);
    put(this.chart, drawn, this.prices.slots.length ? legend(texts) : null);
  }
}
