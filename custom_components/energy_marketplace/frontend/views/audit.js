// The audit log of a chosen asset, entry by entry, as the ledger holds it.

import { el, put, table } from "../dom.js";

const PAGE = 100;
const NANO = 1e9;
const WH = 1000;

const energy = (arrow) => (wh, format) => `${arrow} ${format.energy(wh / WH)}`;
const money = (sign) => (nano, format, { currency }) => `${sign}${format.money(nano / NANO, currency)}`;

// What an entry says at a glance: the fields worth a look, as people read them.
const BRIEF = {
  name: (name) => name,
  state: (state) => state,
  slot: (slot, format, { slot_s }) => format.full(slot * slot_s * 1000, slot_s < 60),
  wh: (wh, format) => format.energy(wh / WH),
  imported_wh: energy("↓"),
  exported_wh: energy("↑"),
  settled_wh: energy("="),
  paid: money("−"),
  received: money("+"),
};

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

  update({ assets, network }) {
    this.network = network;
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
    const brief = Object.entries(BRIEF)
      .filter(([key]) => data[key] !== undefined && data[key] !== null)
      .map(([key, read]) => read(data[key], this.context.format, this.network))
      .join(" · ");
    return el("details", {}, el("summary", {}, brief || "…"), el("code", {}, JSON.stringify(data, null, 1)));
  }
}
