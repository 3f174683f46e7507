// A month's statement: what was bought and sold, paid and received, from one balance to the next; ready to print.

import { el, figure, pairs, put, table, text } from "../dom.js";

const TOTALS = [
  "bought_wh", "sold_wh", "passed_on_wh", "paid", "received", "fees", "penalties_paid", "penalties_received",
  "issued", "redeemed", "transferred_in", "transferred_out", "community_in", "community_out",
];

const twoDigits = (number) => String(number).padStart(2, "0");
const month = (date) => `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}`;

function bounds(chosen) {
  const [year, number] = chosen.split("-").map(Number);
  const first = (y, n) => `${y}-${twoDigits(n)}-01T00:00:00`;
  return { start: first(year, number), end: number === 12 ? first(year + 1, 1) : first(year, number + 1) };
}

export class Statement {
  constructor(context) {
    this.context = context;
    const { texts } = context;
    this.month = el("input", { type: "month", value: month(new Date()), "aria-label": texts("month") });
    this.month.addEventListener("change", () => this.#load());
    const print = el("button", { class: "plain", onclick: () => window.print() }, texts("print"));
    this.said = el("div", { class: "said bad", role: "alert" });
    this.sums = el("div", { class: "apart" });
    this.lines = el("div", { class: "apart" }, el("p", { class: "dim" }, texts("waiting")));
    const head = el("div", { class: "row no-print" }, this.month, print);
    this.node = [el("section", { class: "card wide" }, el("h2", {}, texts("statement")), head, this.said, this.sums, this.lines)];
  }

  update({ entry_id, wallet, connected }) {
    const key = `${entry_id} ${wallet.balance} ${connected}`;
    if (key === this.key) return;
    this.key = key;
    this.entry = entry_id;
    this.#load();
  }

  async #load() {
    const { call, explain, format } = this.context;
    const { start, end } = bounds(this.month.value);
    const period = { start: format.entered(start), end: format.entered(end) };
    try {
      this.#show(await call("get_statement", { ...period, config_entry: this.entry }, true));
      put(this.said);
    } catch (error) {
      put(this.said, await explain(error));
    }
  }

  #show({ currency, opening, closing, totals, lines }) {
    const { format, texts } = this.context;
    const money = (value) => format.exactMoney(value, currency);
    const sums = TOTALS.filter((name) => totals[name]).map((name) => [
      texts(`total_${name}`),
      name.endsWith("_wh") ? format.energy(totals[name]) : money(totals[name]),
    ]);
    const closed = [texts("closing"), el("strong", {}, money(closing))];
    put(this.sums, pairs([[texts("opening"), money(opening)], ...sums, closed]));
    const figures = ["energy", "price", "fee", "penalty", "amount", "balance"].map((key) => figure(texts(key)));
    const columns = [text(texts("when")), text(texts("what")), ...figures];
    const rows = lines.map((line) => [
      format.full(line.time),
      texts(`line_${line.kind}`),
      line.wh ? format.energy(line.wh) : "",
      line.price === null ? "" : format.price(line.price, currency),
      line.fee ? money(line.fee) : "",
      line.penalty_paid || line.penalty_received ? money(line.penalty_received - line.penalty_paid) : "",
      money(line.amount),
      money(line.balance),
    ]);
    put(this.lines, rows.length ? table(columns, rows) : el("p", { class: "dim" }, texts("no_lines")));
  }
}
