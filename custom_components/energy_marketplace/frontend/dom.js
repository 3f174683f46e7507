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

// A column of a table: what stands above it, and whether it holds figures.
export const text = (label) => ({ label, style: null });
export const figure = (label) => ({ label, style: "figure" });
export const long = (label) => ({ label, style: "long" });

const MANY = 5;

// Every cell knows its column's name, so that a narrow screen can show a row as a card of its own; the roles
// keep it a table then.
export const table = (columns, rows) =>
  el(
    "div",
    { class: columns.length > MANY ? "scroll many" : "scroll" },
    el(
      "table",
      { role: "table" },
      el("thead", {}, el("tr", { role: "row" }, ...columns.map(tableHead))),
      el("tbody", {}, ...rows.map((cells) => el("tr", { role: "row" }, ...cells.map((cell, place) => tableCell(columns[place], cell))))),
    ),
  );

const tableHead = ({ label, style }) => el("th", { scope: "col", role: "columnheader", class: style }, label);

function tableCell({ label, style }, cell) {
  const isEmpty = cell === "" || cell === null || cell === undefined;
  return el("td", { role: "cell", class: style, "data-label": label, "data-empty": isEmpty }, cell);
}

// Names and their values, one below the other.
export const pairs = (rows) =>
  el(
    "table",
    { class: "pairs" },
    el("tbody", {}, ...rows.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", { class: "figure" }, value)))),
  );

// Browsers give their clipboard to encrypted pages only; many homes are reached without encryption.
export async function copyText(what, near) {
  if (navigator.clipboard) return navigator.clipboard.writeText(what);
  const field = el("textarea", { class: "unseen" }, what);
  near.after(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  return near.focus();
}
