// What every part of the page uses: elements, texts and requests.
export const $ = id => document.getElementById(id);
export const language = document.documentElement.lang;
const TEXTS = JSON.parse($("texts").textContent);
const plurals = new Intl.PluralRules(language);
/** The visitor's form of the language, for dates and numbers: a Swiss or a British one. */
export const locale = navigator.languages.find(tag => tag.split("-")[0] === language) ?? language;

/** Returns a text in the page's language, with {name} replaced by the value of that name. */
export const t = (key, values = {}) => (TEXTS[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** Returns the text for a number: "faces.one", "faces.other", or another form that the language has. */
export const count = (key, number) => {
  const form = `${key}.${plurals.select(number)}`;
  return t(form in TEXTS ? form : `${key}.other`, { number });
};

/** Returns the words for a label, or an unknown label as it is. */
export const label = name => TEXTS[`label.${name}`] ?? name;

const shares = new Intl.NumberFormat(locale, { style: "percent" });
export const percent = share => shares.format(share);

export function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** While login is true, a refusal does not lead to the login: the answer with the session's cookie is on its way. */
export const hold = { login: false };

/** Goes to the login, which comes back to the part that is shown. A device that is being restarted is waited for. */
export async function login() {
  if (hold.login) return;
  const answer = await fetch("login", { method: "HEAD" }).catch(() => ({}));
  if (answer.ok) location.assign(`login${location.hash}`);
}

/** Requests JSON. Throws an Error with the device's sentence, its details, and the milliseconds to wait; goes to the login where one is needed. */
export async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.status === 401) login();
  const data = await answer.json().catch(() => ({}));
  const wait = 1000 * answer.headers.get("Retry-After") || undefined;
  if (!answer.ok) throw Object.assign(new Error(data.error ?? t("error.status", { status: answer.status })), { details: data, wait });
  return data;
}

export const send = (path, data) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) });

/** Sets an element's text where it differs: a text that stays the same is not announced again. */
export function say(at, text) {
  if (at.textContent !== String(text)) at.textContent = text;
}

/**
 * Says in an element what failed: a text with {reason}. A reason that the device names by a code is said in the page's
 * language; any other is the device's sentence, which is English, and marked so that a screen reader reads it well.
 */
export function tell(at, key, error) {
  const known = TEXTS[`error.${error.details?.code}`], reason = element("span", known ?? error.message);
  if (!known && error.details) reason.lang = "en";
  const [before, after] = t(key).split("{reason}");
  at.replaceChildren(before, reason, after ?? "");
}

/**
 * Makes the children of a list, a table's body or a <dl> those of the items. A child whose key is there already stays
 * in its place, with its focus: only what has changed is announced and drawn. make(item) returns a new child;
 * fill(child, item) brings a child up to date, old or new.
 */
export function keep(parent, items, key, make, fill = () => {}) {
  const old = new Map([...parent.children].map(child => [child.dataset.key, child])), keys = items.map(item => `${key(item)}`);
  const wanted = new Set(keys);
  for (const [name, child] of old) if (!wanted.has(name)) child.remove();
  let place = parent.firstElementChild;
  items.forEach((item, number) => {
    const child = old.get(keys[number]) ?? make(item);
    child.dataset.key = keys[number];
    fill(child, item);
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  });
}
