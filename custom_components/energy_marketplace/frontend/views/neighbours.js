// Who is in the street; paying one another; what the founder and the treasurer do: invite, let in, issue money.

import { card, copyText, el, put, table, text as column } from "../dom.js";
import { actionForm, field } from "./form.js";
import { Payouts } from "./payouts.js";

const KNOWN = "known-members";

const text = (name, more = {}) => el("input", { name, type: "text", required: true, autocomplete: "off", ...more });
const amount = () => el("input", { name: "amount", type: "number", min: "0", step: "any", required: true });

export class Neighbours {
  constructor(context) {
    this.context = context;
    this.members = el("div", {}, el("p", { class: "dim" }, context.texts("waiting")));
    this.known = el("datalist", { id: KNOWN });
    this.said = el("div", { class: "said bad", role: "alert" });
    this.names = {};
    this.node = [el("div", { class: "holder" })];
  }

  update(home) {
    this.home = home;
    this.#askMembers(home);
    const key = [home.entry_id, home.wallet.address, ...home.wallet.roles].join();
    if (key !== this.key) this.#build(home);
    this.key = key;
    this.payouts.refresh();
  }

  #build(home) {
    const { wallet } = home;
    const is = (role) => wallet.roles.includes(role);
    this.payouts = new Payouts(this.context, home);
    this.payouts.knows(this.names);
    this.cards = [
      is("founder") ? this.#invite(home) : null,
      is("treasurer") ? this.#issue(home) : null,
      this.#pay(home),
      this.#address(wallet),
      this.payouts.node,
      el("section", { class: "card wide" }, el("h2", {}, this.context.texts("members")), this.members, this.said, this.known),
    ].filter(Boolean);
    this.node.at(0).replaceWith(...this.cards);
    this.node.slice(1).forEach((old) => old.remove());
    this.node = this.cards;
  }

  async #askMembers({ entry_id, network, connected }) {
    const key = [entry_id, network.members, connected].join();
    if (key === this.asked) return;
    this.asked = key;
    try {
      const { members } = await this.context.ask("members", { entry_id });
      put(this.said);
      this.#showMembers(members);
    } catch (error) {
      put(this.said, await this.context.explain(error));
    }
  }

  #showMembers(members) {
    const { texts } = this.context;
    const columns = ["name", "roles", "state", "address"].map((key) => column(texts(key)));
    const rows = members.map((one) => [
      one.name,
      one.roles.map((role) => texts(`role_${role}`)).join(", "),
      this.#standing(one),
      el("code", {}, one.account),
    ]);
    this.names = Object.fromEntries(members.map(({ name, account }) => [account, name]));
    this.payouts.knows(this.names);
    put(this.members, table(columns, rows));
    put(this.known, ...members.map(({ name, account }) => el("option", { value: account }, name)));
  }

  #form(words) {
    return actionForm({ explain: this.context.explain, done: () => this.context.texts("done"), ...words });
  }

  #copied(what) {
    const { texts } = this.context;
    const copy = el("button", { type: "button", class: "plain" }, texts("copy"));
    copy.addEventListener("click", async () => {
      await copyText(what, copy);
      put(copy, texts("copied"));
    });
    return copy;
  }

  #invite({ entry_id }) {
    const { call, texts } = this.context;
    const days = el("input", { name: "valid_days", type: "number", min: "1", max: "365", value: "7", required: true });
    return card(
      texts("invite"),
      el("p", { class: "dim" }, texts("invite_help")),
      this.#form({
        fields: [field(texts("valid_days"), days)],
        button: texts("make_invite"),
        send: ({ valid_days }) => call("create_invite", { valid_days: Number(valid_days), config_entry: entry_id }, true),
        done: (made) => this.#made(made),
      }),
    );
  }

  #made(made) {
    const { format, texts } = this.context;
    return [
      made.qr ? el("img", { class: "qr", src: made.qr, alt: texts("invite_qr") }) : null,
      el("p", { class: "dim" }, texts("invite_until", { time: format.full(made.expires) })),
      el("code", { class: "invite", tabindex: 0, "aria-label": texts("invite") }, made.invite),
      this.#copied(made.invite),
    ];
  }

  // Where the founder lets people in by hand, a button stands beside who asks.
  #standing({ account, status }) {
    const { texts } = this.context;
    const state = texts(`member_${status}`);
    if (status !== "pending" || !this.home.wallet.roles.includes("founder")) return state;
    const approve = el("button", { class: "plain", onclick: () => this.#approve(account) }, texts("approve"));
    return el("span", { class: "choices" }, state, approve);
  }

  async #approve(member) {
    try {
      await this.context.call("approve_member", { member, config_entry: this.home.entry_id });
      this.asked = null;
      await this.#askMembers(this.home);
    } catch (error) {
      put(this.said, await this.context.explain(error));
    }
  }

  #issue({ entry_id, wallet, network }) {
    const { call, texts } = this.context;
    return card(
      texts("issue"),
      el("p", { class: "dim" }, texts("issue_help")),
      this.#form({
        fields: [
          field(texts("member_address"), text("to", { value: wallet.address, list: KNOWN })),
          field(`${texts("amount")} (${network.currency})`, amount()),
          field(texts("reference"), text("reference", { maxlength: "140" })),
        ],
        button: texts("issue"),
        send: ({ to, amount: sum, reference }) =>
          call("issue_voucher", { to, amount: sum, reference, config_entry: entry_id }),
      }),
    );
  }

  #pay({ entry_id, network }) {
    const { call, texts } = this.context;
    return card(
      texts("pay"),
      this.#form({
        fields: [
          field(texts("member_address"), text("to", { list: KNOWN })),
          field(`${texts("amount")} (${network.currency})`, amount()),
        ],
        button: texts("pay"),
        send: ({ to, amount: sum }) => call("transfer", { to, amount: sum, config_entry: entry_id }),
      }),
    );
  }

  #address({ address }) {
    return card(this.context.texts("my_address"), el("code", {}, address), el("div", {}, this.#copied(address)));
  }
}
