// The prices of the slots to come: what was traded, what could be, the tariff around it, and what is agreed.

import { el, svg } from "./dom.js";

const WIDEST = 1100;
const NARROWEST = 280;
const HEIGHT = 240;
const LEFT = 44;
const MARK = 72;
const BOTTOM = 26;
const TOP = 10;
const COLOURS = {
  traded: "var(--primary-color)",
  possible: "rgba(var(--rgb-primary-color, 0, 154, 199), .25)",
  import: "var(--energy-grid-consumption-color, #488fc2)",
  export: "var(--energy-solar-color, #ff9800)",
};

// Steps of 1, 2 or 5 times a power of ten, about four of them up to `top`.
function steps(top) {
  const rough = top / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  return Array.from({ length: Math.floor(top / step) + 1 }, (_, place) => place * step);
}

function scales(slots, width) {
  const top = Math.max(...slots.map((slot) => slot.cap), 0.01) * 1.08;
  const wide = (width - LEFT) / slots.length;
  return {
    top,
    wide,
    width,
    x: (place) => LEFT + place * wide,
    y: (price) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - price / top),
  };
}

function line(slots, scale, key) {
  const points = slots.flatMap((slot, place) => [
    `${scale.x(place)},${scale.y(slot[key])}`,
    `${scale.x(place + 1)},${scale.y(slot[key])}`,
  ]);
  const dashed = { fill: "none", stroke: "var(--secondary-text-color)", "stroke-dasharray": "4 4" };
  return svg("polyline", { points: points.join(" "), ...dashed });
}

function bar(slot, place, scale, format, currency) {
  const x = scale.x(place) + scale.wide * 0.1;
  const width = Math.max(1, scale.wide * 0.8);
  const parts = [];
  if (slot.least !== null && slot.greatest !== null) {
    const y = scale.y(slot.greatest);
    const height = Math.max(2, scale.y(slot.least) - y);
    parts.push(svg("rect", { x, y, width, height, fill: COLOURS.possible }));
  }
  if (slot.price !== null) {
    const y = scale.y(slot.price);
    const height = Math.max(1, scale.y(0) - y);
    parts.push(svg("rect", { x, y, width, height, rx: 2, fill: COLOURS.traded, opacity: 0.85 }));
  }
  const told = `${format.full(slot.start, true)}: ${format.price(slot.price, currency)}`;
  return svg("g", {}, svg("title", {}, told), ...parts);
}

function agreed(deliveries, prices, scale) {
  return deliveries.map(({ start, direction }) => {
    const place = (start - prices.slots[0].start) / prices.slot_ms;
    const inside = place >= 0 && place < prices.slots.length;
    const box = { x: scale.x(place), y: HEIGHT - BOTTOM - 5, width: scale.wide, height: 5 };
    return inside ? svg("rect", { ...box, fill: COLOURS[direction] }) : null;
  });
}

function timeMarks(prices, scale, format) {
  const every = Math.ceil(MARK / scale.wide);
  const seconds = prices.slot_ms < 60_000;
  return prices.slots
    .map((slot, place) => ({ slot, place }))
    .filter(({ place }) => place % every === 0 && scale.x(place) + MARK - 8 < scale.width)
    .map(({ slot, place }) => svg("text", { x: scale.x(place), y: HEIGHT - 6 }, format.time(slot.start, seconds)));
}

function priceMarks(scale, format) {
  return steps(scale.top).flatMap((price) => [
    svg("line", { x1: LEFT, x2: scale.width, y1: scale.y(price), y2: scale.y(price), stroke: "var(--divider-color)" }),
    svg("text", { x: LEFT - 8, y: scale.y(price) + 4, "text-anchor": "end" }, format.number(price, 2, 3)),
  ]);
}

// Drawn for the width it is shown in (pixels), so that its writing keeps its size on a phone.
export function chart(prices, deliveries, format, texts, shown) {
  if (!prices.slots.length) return el("p", { class: "dim" }, texts("no_prices"));
  const width = Math.min(WIDEST, Math.max(NARROWEST, Math.round(shown || WIDEST)));
  const scale = scales(prices.slots, width);
  return svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": texts("prices_ahead") },
    ...priceMarks(scale, format),
    ...prices.slots.map((slot, place) => bar(slot, place, scale, format, prices.currency)),
    line(prices.slots, scale, "floor"),
    line(prices.slots, scale, "cap"),
    ...agreed(deliveries, prices, scale),
    ...timeMarks(prices, scale, format),
  );
}

export function legend(texts) {
  const names = { traded: "traded", possible: "possible", import: "agreed_in", export: "agreed_out" };
  const entries = Object.entries(names).map(([colour, name]) =>
    el("span", {}, el("i", { style: `background:${COLOURS[colour]}` }), texts(name)),
  );
  return el("div", { class: "legend" }, ...entries, el("span", {}, `┄ ${texts("supplier")}`));
}
