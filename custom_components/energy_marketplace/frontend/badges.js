// How far something stands proven, as a badge.

import { el, icon } from "./dom.js";

const VERDICTS = {
  proven: { style: "badge good", sign: "shield-check" },
  unproven: { style: "badge", sign: "shield-outline" },
  contradicted: { style: "badge bad", sign: "shield-alert" },
};

export const isVerdict = (verdict) => verdict in VERDICTS;

export function badge(verdict, word) {
  const { style, sign } = VERDICTS[verdict];
  return el("span", { class: style }, icon(sign), word);
}
