// What a member does with others: pay; what the founder and the treasurer do: invite, let in, issue money.

import { card, el } from "../dom.js";
import { actionForm, field } from "./form.js";

const text = (name, more = {}) => el("input", { name, type: "text", required: true, autocomplete: "off", ...more });
const amount = () => el("input", { name: "amount", type: "number", min: "0", step: "any", required: true });

export class Neighbours {
  constructor(context) {
    this.context = context;
    this.node = [el("div", { class: "holder" })];
  }

  update(home) {
    const key = [home.entry_id, home.wallet.address, ...home.wallet.roles].join();
    if (key === this.key) return;
    this.key = key;
    const { wallet, network } = home;
    const is = (role) => wallet.roles.includes(role);
    this.cards = [
      is("founder") ? this.#invite(home) : null,
      is("founder") && network.approval === "manual" ? this.#approve(home) : null,
      is("treasurer") ? this.#issue(home) : null,
      this.#pay(home),
      this.#address(wallet),
    ].filter(Boolean);
    this.node.at(0).replaceWith(...this.cards);
    this.node.slice(1).forEach((old) => old.remove());
    this.node = this.cards;
  }

  #invite({ entry_id }) {
    const { call, format, texts } = this.context;
    const days = el("input", { name: "valid_days", type: "number", min: "1", max: "365", value: "7", required: true });
    return card(
      texts("invite"),
      el("p", { class: "dim" }, texts("invite_help")),
      actionForm({
        fields: [field(texts("valid_days"), days)],
        button: texts("make_invite"),
        send: ({ valid_days }) => call("create_invite", { valid_days: Number(valid_days), config_entry: entry_id }, true),
        done: (made) => this.#made(made, texts, format),
      }),
    );
  }

  #made(made, texts, format) {
    const copy = el("button", { type: "button", class: "plain" }, texts("copy"));
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText(made.invite);
      copy.textContent = texts("copied");
    });
    const picture = made.qr ? el("img", { class: "qr", src: made.qr, alt: texts("invite") }) : null;
    return [
      picture,
      el("p", {}, el("code", { class: "invite" }, made.invite)),
      el("p", { class: "dim" }, texts("invite_until", { time: format.full(made.expires) })),
      copy,
    ];
  }

  #approve({ entry_id }) {
    const { call, texts } = this.context;
    return card(
      texts("approve"),
      actionForm({
        fields: [field(texts("member_address"), text("member"))],
        button: texts("approve"),
        send: ({ member }) => call("approve_member", { member, config_entry: entry_id }),
        done: () => texts("done"),
      }),
    );
  }

  #issue({ entry_id, wallet }) {
    const { call, texts } = this.context;
    return card(
      texts("issue"),
      el("p", { class: "dim" }, texts("issue_help")),
      actionForm({
        fields: [
          field(texts("member_address"), text("to", { value: wallet.address })),
          field(texts("amount"), amount()),
          field(texts("reference"), text("reference", { maxlength: "140" })),
        ],
        button: texts("issue"),
        send: ({ to, amount: sum, reference }) =>
          call("issue_voucher", { to, amount: sum, reference, config_entry: entry_id }),
        done: () => texts("done"),
      }),
    );
  }

  #pay({ entry_id }) {
    const { call, texts } = this.context;
    return card(
      texts("pay"),
      actionForm({
        fields: [field(texts("member_address"), text("to")), field(texts("amount"), amount())],
        button: texts("pay"),
        send: ({ to, amount: sum }) => call("transfer", { to, amount: sum, config_entry: entry_id }),
        done: () => texts("done"),
      }),
    );
  }

  #address({ address }) {
    const { texts } = this.context;
    return card(texts("my_address"), el("code", {}, address));
  }
}
