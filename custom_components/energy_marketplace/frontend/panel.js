// The panel's element: Home Assistant gives it `hass` and `narrow`; it follows the members that run.

import { card, el, put } from "./dom.js";
import { explain } from "./errors.js";
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
  #homes = null;
  #chosen = 0;
  #tab = "overview";

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
    this.bar = el("header");
    this.main = el("main", { role: "tabpanel", id: "view", "aria-labelledby": "chosen" });
    this.shadowRoot.append(el("style", {}, STYLE), this.bar, this.main);
  }

  set hass(hass) {
    const spokeAnother = this.texts && hass.language !== this.#hass.language;
    this.#hass = hass;
    if (this.menu) this.menu.hass = hass;
    if (spokeAnother) this.#speak().then(() => this.#homes && this.#take(this.#homes));
  }

  set narrow(narrow) {
    this.isNarrow = narrow;
    if (this.menu) this.menu.narrow = narrow;
  }

  async connectedCallback() {
    await this.#speak();
    const take = ({ homes }) => this.#take(homes);
    const unsubscribe = await this.#hass.connection.subscribeMessage(take, { type: `${DOMAIN}/subscribe` });
    if (this.isConnected) this.unsubscribe = unsubscribe;
    else unsubscribe();
  }

  disconnectedCallback() {
    this.unsubscribe?.();
    this.unsubscribe = undefined;
  }

  async #speak() {
    this.texts = await loadTexts(this.#hass.language ?? "en");
    this.format = new Format(this.#hass);
    this.#build();
  }

  #build() {
    this.menu = el("ha-menu-button");
    Object.assign(this.menu, { hass: this.#hass, narrow: this.isNarrow });
    this.title_ = el("div", { class: "grow" }, "Energy Marketplace");
    this.homes = el("div");
    this.tabs = el("nav", { role: "tablist", "aria-label": "Energy Marketplace", onkeydown: (event) => this.#turn(event) });
    put(this.bar, el("div", { class: "bar" }, this.menu, this.title_, this.homes), this.tabs);
    this.#showTab(this.#tab);
  }

  #showTab(tab) {
    this.#tab = tab;
    const buttons = Object.keys(VIEWS).map((name) =>
      el(
        "button",
        { ...this.#standing(name === tab), "data-view": name, onclick: () => this.#showTab(name) },
        this.texts(name),
      ),
    );
    put(this.tabs, ...buttons);
    this.tabs.querySelector("#chosen").scrollIntoView({ block: "nearest", inline: "nearest" });
    this.view = new VIEWS[tab](this.#context());
    this.#update();
  }

  #standing(isChosen) {
    const id = isChosen ? "chosen" : null;
    return { role: "tab", id, "aria-selected": String(isChosen), "aria-controls": "view", tabindex: isChosen ? 0 : -1 };
  }

  // Arrow keys go from tab to tab, as in every row of tabs.
  #turn({ key }) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const names = Object.keys(VIEWS);
    this.#showTab(names.at((names.indexOf(this.#tab) + step) % names.length));
    this.tabs.querySelector("#chosen").focus();
  }

  #context() {
    return {
      hass: () => this.#hass,
      texts: this.texts,
      format: this.format,
      call: (action, data, answers = false) => this.#call(action, data, answers),
      ask: (type, more) => this.#hass.callWS({ type: `${DOMAIN}/${type}`, ...more }),
      explain: (error) => explain(this.#hass, error),
    };
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
    const home = this.#homes?.[this.#chosen];
    if (!home) return this.#showNothing();
    if (this.shown !== this.view) put(this.main, ...this.view.node);
    this.shown = this.view;
    return this.view.update(home);
  }

  #showNothing() {
    this.shown = null;
    put(this.main, card(null, el("p", { class: "dim" }, this.texts(this.#homes ? "no_member" : "waiting"))));
  }

  async #call(service, data, answers) {
    const message = { type: "call_service", domain: DOMAIN, service, service_data: data, return_response: answers };
    const { response } = await this.#hass.connection.sendMessagePromise(message);
    return response;
  }
}

customElements.define("energy-marketplace-panel", EnergyMarketplacePanel);
