// What every part of the page uses: elements, texts and requests.
export const $ = id => document.getElementById(id);
export const language = document.documentElement.lang;
const TEXTS = JSON.parse($("texts").textContent);
const plurals = new Intl.PluralRules(language);

/** Returns a text in the page's language, with {name} replaced by the value of that name. */
export const t = (key, values = {}) => (TEXTS[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** Returns the text for a number: "faces.one" or "faces.other". */
export const count = (key, number) => t(`${key}.${plurals.select(number)}`, { number });

/** Returns the words for a label, or an unknown label as it is. */
export const label = name => TEXTS[`label.${name}`] ?? name;

export const percent = share => `${Math.round(share * 100)} %`;

export function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** Requests JSON. Throws an Error with the device's sentence; goes to the login where one is needed. */
export async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.status === 401) location.href = "login";
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.error ?? t("error.status", { status: answer.status }));
  return data;
}

export const send = (path, data) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) });
