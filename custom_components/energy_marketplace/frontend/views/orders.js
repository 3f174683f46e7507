// The open orders and why they did not get more, those that ended without everything, and what became of the trades.

import { el, figure, long, put, table, text } from "../dom.js";

export class Orders {
  constructor(context) {
    this.context = context;
    this.open = el("div");
    this.ended = el("div");
    this.trades = el("div");
    this.said = el("div", { class: "said bad", role: "alert" });
    this.outcomes = {};
    const { texts } = context;
    this.endedCard = el("section", { class: "card wide", hidden: true }, el("h2", {}, texts("ended_orders")), this.ended);
    this.node = [
      el("section", { class: "card wide" }, el("h2", {}, texts("open_orders")), this.open, this.said),
      this.endedCard,
      el("section", { class: "card wide" }, el("h2", {}, texts("trades")), this.trades),
    ];
  }

  update(home) {
    this.home = home;
    this.names = Object.fromEntries(home.assets.map((asset) => [asset.id, asset.name]));
    this.#show();
    this.#askWhy(home);
  }

  #show() {
    put(this.open, this.#openOrders(this.home));
    put(this.trades, this.#trades(this.home));
    const ended = this.#endedOrders(this.home);
    this.endedCard.hidden = !ended;
    put(this.ended, ended);
  }

  // What a round did to an order does not change any more: asking twice a slot is plenty.
  async #askWhy({ entry_id, network }) {
    const now = Date.now();
    if (this.entry === entry_id && now - this.asked < (network.slot_s * 1000) / 2) return;
    Object.assign(this, { entry: entry_id, asked: now });
    try {
      const { outcomes } = await this.context.ask("outcomes", { entry_id });
      this.outcomes = Object.fromEntries(outcomes.map((one) => [one.order, one]));
      put(this.said);
      this.#show();
    } catch (error) {
      put(this.said, await this.context.explain(error));
    }
  }

  #openOrders({ orders, network, entry_id }) {
    const { format, texts } = this.context;
    if (!orders.length) return el("p", { class: "dim" }, texts("no_orders"));
    const rows = orders.map((order) => [
      ...this.#facts(order, network),
      this.#placedBy(order.placed_by),
      this.#why(this.outcomes[order.order]) ?? texts("why_waiting"),
      el("button", { class: "plain", onclick: () => this.#cancel(order.order, entry_id) }, texts("cancel")),
    ]);
    return table([...this.#columns(), text(texts("placed_by")), long(texts("why")), text("")], rows);
  }

  #endedOrders({ network }) {
    const ended = Object.values(this.outcomes).filter((one) => one.state === "lapsed");
    if (!ended.length) return null;
    const { format, texts } = this.context;
    const rows = ended.map((one) => [format.full(one.closed), ...this.#facts(one, network), this.#why(one)]);
    return table([text(texts("last_round")), ...this.#columns(), long(texts("why"))], rows);
  }

  #columns() {
    const { texts } = this.context;
    const figures = ["energy", "filled", "limit"].map((key) => figure(texts(key)));
    return [text(texts("asset")), text(texts("kind")), ...figures];
  }

  #facts(order, { currency }) {
    const { format, texts } = this.context;
    return [
      this.#name(order.asset),
      texts(`order_${order.type}`),
      format.energy(order.energy),
      format.energy(order.filled_energy),
      format.price(order.price, currency),
    ];
  }

  #name(asset) {
    return this.names[asset] ?? asset.slice(0, 8);
  }

  // What the last round that had the order says about it, in a sentence.
  #why(outcome) {
    if (!outcome) return null;
    const { format, texts } = this.context;
    const { network } = this.home;
    const start = outcome.start === null ? "–" : format.full(outcome.start, network.slot_s < 60);
    const price = format.price(outcome.better_price, network.currency);
    return texts(`why_${outcome.reason}`, { price, start, feeder: outcome.feeder || "–" });
  }

  async #cancel(order, config_entry) {
    put(this.said);
    try {
      await this.context.call("cancel_order", { order, config_entry });
    } catch (error) {
      put(this.said, await this.context.explain(error));
    }
  }

  // An automation by its name; a person and the home's own trading as such.
  #placedBy(placedBy) {
    const word = { user: "by_hand", automatic_trading: "by_agent" }[placedBy ?? "user"];
    if (word) return this.context.texts(word);
    return this.context.hass().states[placedBy]?.attributes.friendly_name ?? placedBy;
  }

  #trades({ trades, network }) {
    const { format, texts } = this.context;
    if (!trades.length) return el("p", { class: "dim" }, texts("no_trades"));
    const figures = ["agreed_energy", "settled_energy", "price", "amount", "penalty"].map((key) => figure(texts(key)));
    const columns = [text(texts("when")), text(texts("asset")), ...figures, text(texts("state"))];
    const rows = trades
      .slice()
      .reverse()
      .map((trade) => [
        format.full(trade.start, network.slot_s < 60),
        this.#name(trade.asset),
        `${trade.direction === "import" ? "↓" : "↑"} ${format.energy(trade.energy)}`,
        format.energy(trade.settled_energy),
        format.price(trade.price, network.currency),
        format.money(trade.amount, network.currency),
        trade.penalty ? format.money(trade.penalty, network.currency) : "–",
        texts(`trade_${trade.state}`),
      ]);
    return table(columns, rows);
  }
}
