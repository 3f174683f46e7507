// Turning vouchers back into real money: a member asks, the treasurer pays or gives the vouchers back.

import { el, figure, long, put, table, text } from "../dom.js";
import { actionForm, field } from "./form.js";

const EVERY_MS = 60_000;

export class Payouts {
  constructor(context, home) {
    this.context = context;
    this.home = home;
    this.names = {};
    this.rows = [];
    this.list = el("div", { class: "apart" });
    this.said = el("div", { class: "said bad", role: "alert" });
    const { texts } = context;
    const help = el("p", { class: "dim" }, texts("payout_help"));
    this.node = el("section", { class: "card wide" }, el("h2", {}, texts("payouts")), help, this.#form(), this.said, this.list);
  }

  // Others ask without this home being told: looking once a minute is soon enough for money that changes hands.
  refresh(now = Date.now()) {
    if (this.asked && now - this.asked < EVERY_MS) return;
    this.asked = now;
    this.#load();
  }

  // The members' names, once they are known.
  knows(names) {
    this.names = names;
    this.#show();
  }

  async #load() {
    await this.#attempt(async () => {
      const { redemptions } = await this.context.call("get_redemptions", { config_entry: this.home.entry_id }, true);
      this.rows = redemptions;
    });
    this.#show();
  }

  async #attempt(act) {
    put(this.said);
    try {
      await act();
    } catch (error) {
      put(this.said, await this.context.explain(error));
    }
  }

  #form() {
    const { call, explain, texts } = this.context;
    const { entry_id, network } = this.home;
    const amount = el("input", { name: "amount", type: "number", min: "0", step: "any", required: true });
    const reference = el("input", { name: "reference", type: "text", required: true, autocomplete: "off", maxlength: "140" });
    return actionForm({
      fields: [field(`${texts("amount")} (${network.currency})`, amount), field(texts("reference"), reference)],
      button: texts("payout_ask"),
      send: (values) => call("redeem_voucher", { ...values, config_entry: entry_id }),
      explain,
      done: () => {
        this.#load();
        return texts("done");
      },
    });
  }

  #show() {
    const { wallet } = this.home;
    const isTreasurer = wallet.roles.includes("treasurer");
    const shown = this.rows.filter((row) => isTreasurer || row.account === wallet.address);
    put(this.list, shown.length ? this.#table(shown.reverse(), isTreasurer) : null);
  }

  #table(rows, isTreasurer) {
    const { format, texts } = this.context;
    const columns = [text(texts("when")), text(texts("name")), figure(texts("amount")), text(texts("reference")), long(texts("state"))];
    const cells = rows.map((row) => [
      format.full(row.requested),
      this.names[row.account] ?? "–",
      format.money(row.amount, this.home.network.currency),
      row.reference,
      isTreasurer && row.state === "requested" ? this.#choices(row.id) : texts(`payout_${row.state}`),
    ]);
    return table(columns, cells);
  }

  #choices(redemption) {
    const { texts } = this.context;
    const choice = (word, paid) => el("button", { class: "plain", onclick: () => this.#settle(redemption, paid) }, texts(word));
    return el("span", { class: "choices" }, choice("payout_confirm", true), choice("payout_refuse", false));
  }

  async #settle(redemption, paid) {
    const config_entry = this.home.entry_id;
    await this.#attempt(() => this.context.call("settle_redemption", { redemption, paid, config_entry }));
    await this.#load();
  }
}
