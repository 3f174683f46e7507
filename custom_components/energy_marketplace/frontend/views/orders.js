// The open orders, and what became of the trades.

import { el, put, table } from "../dom.js";

export class Orders {
  constructor(context) {
    this.context = context;
    this.open = el("div");
    this.trades = el("div");
    this.said = el("div", { class: "said bad", role: "status" });
    const { texts } = context;
    this.node = [
      el("section", { class: "card wide" }, el("h2", {}, texts("open_orders")), this.open, this.said),
      el("section", { class: "card wide" }, el("h2", {}, texts("trades")), this.trades),
    ];
  }

  update(home) {
    this.names = Object.fromEntries(home.assets.map((asset) => [asset.id, asset.name]));
    put(this.open, this.#orders(home));
    put(this.trades, this.#trades(home));
  }

  #orders({ orders, network, entry_id }) {
    const { format, texts } = this.context;
    if (!orders.length) return el("p", { class: "dim" }, texts("no_orders"));
    const heads = ["asset", "kind", "energy", "filled", "limit", "placed_by"].map((key) => texts(key));
    const rows = orders.map((order) => [
      this.names[order.asset] ?? order.asset.slice(0, 8),
      texts(`order_${order.type}`),
      format.energy(order.energy),
      format.energy(order.filled_energy),
      format.price(order.price, network.currency),
      this.#placedBy(order.placed_by),
      el("button", { class: "plain", onclick: () => this.#cancel(order.order, entry_id) }, texts("cancel")),
    ]);
    return table([...heads, ""], rows);
  }

  async #cancel(order, config_entry) {
    put(this.said);
    try {
      await this.context.call("cancel_order", { order, config_entry });
    } catch (error) {
      put(this.said, error.message);
    }
  }

  // An automation by its name, a person as such.
  #placedBy(placedBy) {
    if (!placedBy || placedBy === "user") return this.context.texts("by_hand");
    return this.context.hass().states[placedBy]?.attributes.friendly_name ?? placedBy;
  }

  #trades({ trades, network }) {
    const { format, texts } = this.context;
    if (!trades.length) return el("p", { class: "dim" }, texts("no_trades"));
    const heads = ["when", "asset", "agreed_energy", "settled_energy", "price", "amount", "penalty", "state"];
    const rows = trades
      .slice()
      .reverse()
      .map((trade) => [
        format.full(trade.start, network.slot_s < 60),
        this.names[trade.asset] ?? trade.asset.slice(0, 8),
        `${trade.direction === "import" ? "↓" : "↑"} ${format.energy(trade.energy)}`,
        format.energy(trade.settled_energy),
        format.price(trade.price, network.currency),
        format.money(trade.amount, network.currency),
        trade.penalty ? format.money(trade.penalty, network.currency) : "–",
        texts(`trade_${trade.state}`),
      ]);
    return table(heads.map((key) => texts(key)), rows);
  }
}
