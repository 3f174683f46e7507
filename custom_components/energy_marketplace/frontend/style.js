// How the panel looks: Home Assistant's own colours, so that every theme fits.

// Where a table of this kind has no room for its columns, each row becomes a small card that names its figures.
const asCards = (kind, width) => `@container (max-width: ${width}px) {
  ${kind} { overflow: visible; }
  ${kind} thead { display: none; }
  ${kind} tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(116px, 1fr)); gap: 6px 12px; padding: 10px 0;
    border-bottom: 1px solid var(--divider-color); }
  ${kind} tr:first-child { padding-top: 0; }
  ${kind} tr:last-child { border-bottom: 0; padding-bottom: 0; }
  ${kind} td, ${kind} td:not(.figure) { display: block; padding: 0; border: 0; text-align: left; white-space: normal; overflow-wrap: anywhere; }
  ${kind} td::before { content: attr(data-label); display: block; font-size: 12px; color: var(--secondary-text-color); }
  ${kind} td[data-empty] { display: none; }
  ${kind} td.long { grid-column: 1 / -1; }
}`;

export const STYLE = `
:host { display: block; min-height: 100%; background: var(--primary-background-color); color: var(--primary-text-color);
  font-family: var(--ha-font-family-body, Roboto, sans-serif); font-size: 14px; }
header { position: sticky; top: 0; z-index: 2; background: var(--app-header-background-color, var(--primary-color));
  color: var(--app-header-text-color, #fff); }
.bar { display: flex; align-items: center; gap: 8px; height: 56px; padding: 0 16px; font-size: 20px; }
.bar .grow { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
nav { display: flex; gap: 4px; padding: 0 12px; overflow-x: auto; scrollbar-width: none; }
nav button { background: none; color: inherit; border: 0; border-bottom: 3px solid transparent; padding: 10px 14px;
  font: inherit; cursor: pointer; opacity: .8; white-space: nowrap; border-radius: 0; }
nav button[aria-selected=true] { border-color: currentColor; opacity: 1; font-weight: 500; }
main { max-width: 1180px; box-sizing: border-box; margin: 0 auto; padding: 16px; display: grid; gap: 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); align-items: start; }
.card { container-type: inline-size; min-width: 0; background: var(--card-background-color); padding: 16px;
  border-radius: var(--ha-card-border-radius, 12px); border: 1px solid var(--ha-card-border-color, var(--divider-color)); }
.card.wide { grid-column: 1 / -1; }
h2 { font-size: 16px; font-weight: 500; margin: 0 0 12px; display: flex; align-items: center; gap: 8px; }
.big { font-size: 32px; line-height: 1.2; }
.dim { color: var(--secondary-text-color); }
.row { display: flex; flex-wrap: wrap; gap: 8px 24px; margin-top: 8px; }
.badge { display: inline-flex; align-items: center; gap: 4px; border-radius: 12px; padding: 2px 10px; font-size: 12px;
  background: var(--secondary-background-color); --mdc-icon-size: 16px; }
.badge.good { background: rgba(var(--rgb-success-color, 67, 160, 71), .18); }
.badge.bad { background: rgba(var(--rgb-error-color, 219, 68, 55), .2); }
.warning { border-left: 4px solid var(--warning-color, #ffa600); padding: 8px 12px; background: var(--secondary-background-color); }
form { display: grid; gap: 12px; max-width: 560px; }
label { display: grid; gap: 4px; font-size: 12px; color: var(--secondary-text-color); }
input, select { font: inherit; font-size: 14px; color: var(--primary-text-color);
  background: var(--ha-color-form-background, var(--input-fill-color, var(--secondary-background-color)));
  border: 1px solid var(--divider-color); border-radius: 6px; padding: 9px; min-width: 0; color-scheme: inherit; }
button { font: inherit; font-weight: 500; color: var(--text-primary-color, #fff); background: var(--primary-color); border: 0;
  border-radius: 18px; padding: 9px 18px; cursor: pointer; }
button.plain { background: none; color: var(--primary-color); padding: 6px 10px; }
td button.plain { padding: 2px 0; border-radius: 4px; text-align: left; }
button:disabled { opacity: .5; cursor: default; }
button:focus-visible, input:focus-visible, select:focus-visible { outline: 2px solid var(--primary-color); outline-offset: 2px; }
nav button:focus-visible { outline-color: currentColor; outline-offset: -4px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 500; color: var(--secondary-text-color); }
th, td { padding: 6px 16px 6px 0; border-bottom: 1px solid var(--divider-color); vertical-align: top; }
td:last-child, th:last-child { padding-right: 0; }
.figure { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.figure + :not(.figure) { padding-left: 12px; }
.pairs { max-width: 560px; }
.pairs th { font-weight: 400; color: inherit; }
tr:last-child > * { border-bottom: 0; }
code { font-family: var(--ha-font-family-code, monospace); font-size: 12px; overflow-wrap: anywhere; }
details code { display: block; white-space: pre-wrap; margin-top: 8px; }
summary { cursor: pointer; }
.said { margin-top: 8px; }
.said:empty { margin: 0; }
form .said { margin: 0; }
form .said:empty { margin-top: -12px; }
.apart { margin-top: 20px; }
.said.bad { color: var(--error-color); }
.share { margin: 12px 0; }
.track { height: 8px; border-radius: 4px; background: var(--secondary-background-color); overflow: hidden; margin-top: 4px; }
.track i { display: block; height: 100%; background: var(--success-color, #43a047); }
@media print { header, .no-print { display: none; } .card { border: 0; } }
.qr { display: block; width: min(100%, 360px); aspect-ratio: 1; background: #fff; border-radius: 8px; image-rendering: pixelated; }
.invite { display: block; max-height: 84px; overflow-y: auto; }
svg.chart { width: 100%; height: auto; display: block; }
.unseen { position: fixed; opacity: 0; }
.choices { display: inline-flex; flex-wrap: wrap; gap: 4px 16px; }
.note { margin: 8px 0 0; }
.verdict { display: grid; gap: 8px; margin: 16px 0; }
.verdict p { margin: 0; max-width: 72ch; }
${asCards(".scroll:not(.many)", 400)}
${asCards(".many", 760)}
svg.chart text { fill: var(--secondary-text-color); font-size: 11px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 12px; color: var(--secondary-text-color); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -2px; }
`;
