// The panel's words, from locales/<language>.json; English stands in where a language is not there.

const LANGUAGES = ["en", "de", "es", "fr", "it", "nb", "nl", "pt", "pt-BR"];

function nearest(language) {
  const base = language.split("-")[0];
  return LANGUAGES.find((one) => one === language) ?? LANGUAGES.find((one) => one === base) ?? "en";
}

export async function loadTexts(language) {
  const url = new URL(`./locales/${nearest(language)}.json`, import.meta.url);
  const words = await (await fetch(url)).json();
  return (key, values = {}, otherwise = key) =>
    (words[key] ?? otherwise).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
