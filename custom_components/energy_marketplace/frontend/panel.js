// The panel's element: Home Assistant gives it `hass` and `narrow`; it follows the members that run.

import { el, put } from "./dom.js";
import { Format } from "./format.js";
import { STYLE } from "./style.js";
import { loadTexts } from "./texts.js";
import { Audit } from "./views/audit.js";
import { District } from "./views/district.js";
import { Neighbours } from "./views/neighbours.js";
import { Orders } from "./views/orders.js";
import { Overview } from "./views/overview.js";
import { Statement } from "./views/statement.js";

const DOMAIN = "energy_marketplace";
const VIEWS = {
  overview: Overview,
  orders: Orders,
  statement: Statement,
  district: District,
  audit: Audit,
  neighbours: Neighbours,
};

class EnergyMarketplacePanel extends HTMLElement {
  #hass;
  #homes = [];
  #chosen = 0;
  #tab = "overview";

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
    this.bar = el("header");
    this.main = el("main");
    this.shadowRoot.append(el("style", {}, STYLE), this.bar, this.main);
  }

  set hass(hass) {
    this.#hass = hass;
    if (this.menu) this.menu.hass = hass;
  }

  set narrow(narrow) {
    this.isNarrow = narrow;
    if (this.menu) this.menu.narrow = narrow;
  }

  async connectedCallback() {
    this.texts = await loadTexts(this.#hass.language ?? "en");
    this.format = new Format(this.#hass);
    this.#build();
    const take = ({ homes }) => this.#take(homes);
    this.unsubscribe = await this.#hass.connection.subscribeMessage(take, { type: `${DOMAIN}/subscribe` });
  }

  disconnectedCallback() {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }

  #build() {
    this.menu = el("ha-menu-button");
    Object.assign(this.menu, { hass: this.#hass, narrow: this.isNarrow });
    this.title_ = el("div", { class: "grow" }, "Energy Marketplace");
    this.homes = el("div");
    this.tabs = el("nav", { role: "tablist" });
    put(this.bar, el("div", { class: "bar" }, this.menu, this.title_, this.homes), this.tabs);
    this.#showTab(this.#tab);
  }

  #showTab(tab) {
    this.#tab = tab;
    const buttons = Object.keys(VIEWS).map((name) =>
      el(
        "button",
        { role: "tab", "aria-selected": String(name === tab), onclick: () => this.#showTab(name) },
        this.texts(name),
      ),
    );
    put(this.tabs, ...buttons);
    const context = {
      hass: () => this.#hass,
      texts: this.texts,
      format: this.format,
      call: (action, data, answers = false) => this.#call(action, data, answers),
    };
    this.view = new VIEWS[tab](context);
    put(this.main, ...this.view.node);
    this.#update();
  }

  #take(homes) {
    this.#homes = homes;
    this.#chosen = Math.min(this.#chosen, Math.max(0, homes.length - 1));
    const options = homes.map((home, place) => el("option", { value: place }, home.name));
    const choice = el("select", { "aria-label": this.texts("home") }, ...options);
    choice.value = this.#chosen;
    choice.addEventListener("change", () => {
      this.#chosen = Number(choice.value);
      this.#showTab(this.#tab);
    });
    put(this.homes, homes.length > 1 ? choice : null);
    this.#update();
  }

  #update() {
    const home = this.#homes[this.#chosen];
    if (home) this.view.update(home);
  }

  async #call(service, data, answers) {
    const message = { type: "call_service", domain: DOMAIN, service, service_data: data, return_response: answers };
    const { response } = await this.#hass.connection.sendMessagePromise(message);
    return response;
  }
}

customElements.define("energy-marketplace-panel", EnergyMarketplacePanel);
