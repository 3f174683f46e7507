// Builds elements. Text is always text: nothing that comes from the ledger is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export const el = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

export const put = (parent, ...children) =>
  parent.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));

export const icon = (name) => el("ha-icon", { icon: `mdi:${name}`, "aria-hidden": "true" });

export const card = (title, ...children) =>
  el("section", { class: "card" }, title ? el("h2", {}, title) : null, ...children);

export const table = (heads, rows) =>
  el(
    "div",
    { class: "scroll" },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell))))),
    ),
  );
