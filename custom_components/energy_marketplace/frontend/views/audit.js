// The audit log of a chosen asset, entry by entry, as the ledger holds it, and whether the committee vouches for it.

import { badge } from "../badges.js";
import { el, long, put, table, text } from "../dom.js";

const PAGE = 100;
const NANO = 1e9;
const MILLION = 1e6;
const WH = 1000;

const named = (word) => (wh, { format, texts }) => texts(word, { energy: format.energy(wh / WH) });
const moved = (arrow) => (wh, { format }) => (wh ? `${arrow} ${format.energy(wh / WH)}` : null);
const money = (word, side) => (nano, { format, texts, data, home }) =>
  data[side] === home.wallet.address ? texts(word, { money: format.money(nano / NANO, home.network.currency) }) : null;

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

function placed(order, { format, texts, home: { network } }) {
  const wh = order.energy_wh ?? sum(Object.values(order.slots ?? order.profile_wh));
  return [texts(`order_${order.type}`), format.energy(wh / WH), format.price(order.price / MILLION, network.currency)].join(" · ");
}

// The trades that a round made of an order: from when to when, and how much in all.
function matched(partners, { format, home: { network } }) {
  const trades = partners.flatMap((partner) => partner.trades);
  const slots = trades.map(([, slot]) => slot);
  const at = (slot) => format.full(slot * network.slot_s * 1000, network.slot_s < 60);
  const span = `${at(Math.min(...slots))} – ${at(Math.max(...slots) + 1)}`;
  return `${span} · ${format.energy(sum(trades.map(([, , wh]) => wh)) / WH)}`;
}

// What an entry says at a glance: the fields worth a look, as people read them.
const BRIEF = {
  name: (name) => name,
  slot: (slot, { format, home: { network } }) => format.full(slot * network.slot_s * 1000, network.slot_s < 60),
  order: (order, context) => (order.type ? placed(order, context) : null),
  partners: matched,
  wh: (wh, { format }) => format.energy(wh / WH),
  imported_wh: moved("↓"),
  exported_wh: moved("↑"),
  settled_wh: named("brief_measured"),
  paid: money("brief_paid", "buyer"),
  received: money("brief_received", "seller"),
};

export class Audit {
  constructor(context) {
    this.context = context;
    const { texts } = context;
    this.choice = el("div");
    this.verdict = el("div", { class: "verdict", role: "status" });
    this.said = el("div", { class: "said bad", role: "alert" });
    this.list = el("div");
    this.check = el("button", { onclick: () => this.#verify() }, texts("audit_check"));
    const save = el("button", { class: "plain", title: texts("audit_save_help"), onclick: () => this.#save() }, texts("audit_save"));
    this.tools = el("div", { class: "row", hidden: true }, this.check, save);
    this.more = el("button", { class: "plain", hidden: true, onclick: () => this.#load() }, texts("more"));
    const title = el("h2", {}, texts("audit"));
    this.node = [
      el("section", { class: "card wide" }, title, this.choice, this.verdict, this.tools, this.said),
      el("section", { class: "card wide" }, this.list, this.more),
    ];
  }

  update(home) {
    this.home = home;
    const key = home.assets.map((asset) => asset.id + asset.name).join();
    if (key === this.known) return;
    this.known = key;
    this.assets = home.assets.filter((asset) => asset.device_id);
    this.tools.hidden = !this.assets.length;
    if (!this.assets.length) return put(this.choice, el("p", { class: "dim" }, this.context.texts("no_assets")));
    const options = this.assets.map((asset) => el("option", { value: asset.device_id }, asset.name));
    const chosen = el("select", { "aria-label": this.context.texts("asset") }, ...options);
    chosen.addEventListener("change", () => this.#open(chosen.value));
    put(this.choice, chosen);
    this.#open(chosen.value);
  }

  // A short log is checked at once; a long one, which takes the node a while, when it is wished.
  async #open(device) {
    this.device = device;
    this.#begin();
    this.#showVerdict("unproven", this.context.texts("audit_unchecked"));
    await this.#load();
    if (this.rows?.length && !this.cursor) await this.#verify();
  }

  #begin() {
    this.cursor = null;
    this.rows = null;
  }

  #add({ events, next }) {
    this.rows = [...(this.rows ?? []), ...events];
    this.cursor = next;
  }

  async #load() {
    const cursor = this.cursor ? { cursor: this.cursor } : {};
    await this.#attempt(async (device) => {
      const page = await this.#ask(device, { limit: PAGE, ...cursor });
      if (device === this.device) this.#add(page);
    });
    this.more.hidden = !this.cursor;
    this.#show();
  }

  async #verify() {
    const { texts, format } = this.context;
    this.check.disabled = true;
    this.#showVerdict("unproven", texts("audit_checking"));
    await this.#attempt(async (device) => {
      const page = await this.#ask(device, { limit: PAGE, verify: true });
      if (device !== this.device) return;
      this.#begin();
      this.#add(page);
      const { verdict, events: count, until, reason } = page.verification;
      const time = until ? format.full(until, true) : "";
      const said = texts(`audit_${verdict}`, { count: format.number(count), time });
      this.#showVerdict(verdict, texts(`verdict_${verdict}`), said, reason);
    });
    this.check.disabled = false;
    this.more.hidden = !this.cursor;
    this.#show();
  }

  // Hands out the log as a file that proves itself to whoever has the program of a node.
  #save() {
    return this.#attempt(async (device) => {
      const { file_name, content } = await this.context.call("export_audit", { device_id: device }, true);
      const address = URL.createObjectURL(new Blob([content], { type: "application/json" }));
      el("a", { href: address, download: file_name }).click();
      URL.revokeObjectURL(address);
    });
  }

  #ask(device, more) {
    return this.context.call("get_audit_log", { device_id: device, ...more }, true);
  }

  async #attempt(act) {
    put(this.said);
    try {
      await act(this.device);
    } catch (error) {
      put(this.said, await this.context.explain(error));
      this.#showVerdict("unproven", this.context.texts("audit_unchecked"));
    }
  }

  #showVerdict(verdict, word, sentence, reason) {
    put(
      this.verdict,
      el("div", {}, badge(verdict, word)),
      sentence ? el("p", { class: verdict === "contradicted" ? "warning" : null }, sentence) : null,
      reason ? el("p", { class: "dim" }, el("code", {}, reason)) : null,
    );
  }

  #show() {
    const { format, texts } = this.context;
    if (!this.rows) return put(this.list);
    const columns = [text(texts("when")), text(texts("what")), long(texts("details")), text(texts("transaction"))];
    const rows = this.rows.map((event) => [
      format.full(event.time, true),
      el("span", { title: event.type }, texts(`event_${event.type.replace(".", "_")}`, {}, event.type)),
      this.#details(event.data),
      event.transaction ? el("code", { title: event.transaction }, event.transaction.slice(0, 12)) : "",
    ]);
    return put(this.list, rows.length ? table(columns, rows) : el("p", { class: "dim" }, texts("no_entries")));
  }

  // All of an entry, folded away: an auditor wants every field, everybody else the first few.
  #details(data) {
    const brief = Object.entries(BRIEF)
      .filter(([key]) => data[key] !== undefined && data[key] !== null)
      .map(([key, read]) => read(data[key], { ...this.context, data, home: this.home }))
      .filter(Boolean)
      .join(" · ");
    return el("details", {}, el("summary", {}, brief || "…"), el("code", {}, JSON.stringify(data, null, 1)));
  }
}
