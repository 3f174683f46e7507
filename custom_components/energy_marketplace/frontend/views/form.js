// A form for one action of the integration: its fields, its button, and what came of it.

import { el, put } from "../dom.js";

export const field = (label, input) => el("label", {}, label, input);

export const select = (name, options) =>
  el("select", { name, required: true }, ...options.map(([value, text]) => el("option", { value }, text)));

// Runs `send` with the form's values; its answer is shown by `done`, what went wrong in the form itself.
export function actionForm({ fields, button, send, done, explain }) {
  const said = el("div", { class: "said", role: "status" });
  const submit = el("button", { type: "submit" }, button);
  const form = el("form", {}, ...fields, el("div", {}, submit), said);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    said.className = "said";
    put(said);
    try {
      put(said, ...[done(await send(Object.fromEntries(new FormData(form))), form)].flat());
    } catch (error) {
      said.className = "said bad";
      put(said, await explain(error));
    }
    submit.disabled = false;
  });
  return form;
}
