// The audit log of a chosen asset, entry by entry, as the ledger holds it.

import { el, put, table } from "../dom.js";

const PAGE = 100;

export class Audit {
  constructor(context) {
    this.context = context;
    const { texts } = context;
    this.choice = el("div");
    this.said = el("div", { class: "said", role: "status" });
    this.list = el("div");
    this.more = el("button", { class: "plain", hidden: true, onclick: () => this.#load() }, texts("more"));
    this.node = [
      el("section", { class: "card wide" }, el("h2", {}, texts("audit")), this.choice, this.said, this.list, this.more),
    ];
  }

  update({ assets }) {
    const key = assets.map((asset) => asset.id + asset.name).join();
    if (key === this.known) return;
    this.known = key;
    this.assets = assets.filter((asset) => asset.device_id);
    const options = this.assets.map((asset) => el("option", { value: asset.device_id }, asset.name));
    const chosen = el("select", { "aria-label": this.context.texts("asset") }, ...options);
    chosen.addEventListener("change", () => this.#open(chosen.value));
    put(this.choice, chosen);
    if (this.assets.length) this.#open(chosen.value);
  }

  #open(device) {
    this.device = device;
    this.cursor = null;
    this.rows = [];
    return this.#load();
  }

  async #load() {
    const { call } = this.context;
    const cursor = this.cursor ? { cursor: this.cursor } : {};
    try {
      const page = await call("get_audit_log", { device_id: this.device, limit: PAGE, ...cursor }, true);
      this.rows.push(...page.events);
      this.cursor = page.next;
      put(this.said);
    } catch (error) {
      put(this.said, error.message);
    }
    this.more.hidden = !this.cursor;
    this.#show();
  }

  #show() {
    const { format, texts } = this.context;
    const heads = ["when", "what", "details", "transaction"].map((key) => texts(key));
    const rows = this.rows.map((event) => [
      format.full(event.time, true),
      event.type,
      this.#details(event.data),
      event.transaction ? el("code", { title: event.transaction }, event.transaction.slice(0, 12)) : "",
    ]);
    put(this.list, rows.length ? table(heads, rows) : el("p", { class: "dim" }, texts("no_entries")));
  }

  // All of an entry, folded away: an auditor wants every field, everybody else the first few.
  #details(data) {
    const brief = ["state", "slot", "wh", "imported_wh", "exported_wh", "settled_wh", "paid", "received", "name"]
      .filter((key) => data[key] !== undefined && data[key] !== null)
      .map((key) => `${key} ${data[key]}`)
      .join(" · ");
    return el(
      "details",
      {},
      el("summary", {}, brief || "…"),
      el("code", {}, JSON.stringify(data, null, 1)),
    );
  }
}
