// Lists the alerts by hour, the newest first. A new alert is added at the top; what is there already stays as it is.
import { $, ask, count, element, keep, label, locale, percent, say, send, t, tell } from "./common.js";
import { notes, table } from "./counts.js";
import { listen } from "./events.js";

const CHUNK = 48;
let shown = new Set(), next = null, asked = Promise.resolve(), waiting = false;

const query = more => `${new URLSearchParams([...new FormData($("search")), ...Object.entries(more ?? {})]
  .filter(([, value]) => value))}`;
const hours = from => t("alerts.hours", Object.fromEntries([["from", from], ["to", from + 1]].map(([name, hour]) => [name, `${hour}`.padStart(2, 0)])));
const day = date => new Date(`${date}T12:00`).toLocaleDateString(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

function fillCard(card, seen) {
  card.classList.toggle("seen", seen);
  card.querySelector("button").setAttribute("aria-pressed", seen);
}
function makeCard(alert) {
  const card = element("li"), text = element("p"), button = element("button", t("alerts.seen"), "quiet");
  const time = alert.local_time.slice(11, 19), what = label(alert.event_type);
  card.dataset.id = alert.id;
  if (alert.snapshot) {
    const link = card.appendChild(element("a")), picture = link.appendChild(element("img"));
    link.href = `api/snapshots/${alert.id}`;
    picture.loading = "lazy"; // before the address, or it would be loaded at once
    [picture.width, picture.height] = alert.frame_size;
    picture.alt = t("alerts.picture", { what, time });
    picture.src = `api/thumbnails/${alert.id}`;
  }
  text.append(element("strong", what, alert.event_type), ` ${time}, ${percent(alert.score)}`);
  if (!alert.clock_synced) text.append(element("small", ` ${t("alerts.unsynced")}`));
  button.setAttribute("aria-label", t("alerts.seen_of", { what, time }));
  button.addEventListener("click", () => mark({ ids: [alert.id], seen: !card.classList.contains("seen") }));
  card.append(text, button);
  fillCard(card, alert.seen);
  return card;
}
function place(alert, top) {
  const hour = alert.local_time.slice(0, 13), key = hour + alert.local_time.slice(19), list = $("list");
  let group = top ? list.firstElementChild : list.lastElementChild;
  if (group?.dataset.key !== key) {
    group = element("div");
    group.dataset.key = key;
    group.append(element("h3", `${day(hour.slice(0, 10))}, ${hours(Number(hour.slice(11)))}`), element("ol"));
    top ? list.prepend(group) : list.append(group);
  }
  group.lastElementChild[top ? "prepend" : "append"](makeCard(alert));
  shown.add(alert.id);
}

function makeBar() {
  const bar = element("div", undefined, "bar"), NS = "http://www.w3.org/2000/svg", box = document.createElementNS(NS, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 1 100", preserveAspectRatio: "none", "aria-hidden": true }))
    box.setAttribute(name, value);
  box.append(document.createElementNS(NS, "rect"));
  bar.append(element("span"), box, element("span"));
  return bar;
}
function showSums(found) {
  const most = Math.max(1, ...found.days.map(one => one.alerts));
  keep($("chart"), found.days, one => one.day, makeBar, (bar, one) => {
    const [number, box, name] = bar.children, height = 100 * one.alerts / most;
    say(number, one.alerts);
    say(name, new Date(`${one.day}T12:00`).toLocaleDateString(locale, { weekday: "short" }));
    for (const [key, value] of Object.entries({ x: 0, y: 100 - height, width: 1, height })) box.firstChild.setAttribute(key, value);
  });
  say($("found"), t("alerts.found", { alerts: count("alerts", found.total), unseen: found.unseen }));
  say($("none"), t([...new FormData($("search")).values()].some(Boolean) ? "alerts.none_found" : "alerts.none"));
  $("none").hidden = found.total > 0;
  $("mark-all").disabled = !found.total;
  $("more").hidden = !next;
  for (const kind of ["csv", "json"]) $(kind).href = `api/alerts.${kind}?${query()}`;
}

/** Changes the list so that what can be seen slides to its new place: a card that jumps is not the one that is tapped. */
function smoothly(change) {
  const before = new Map([...$("list").querySelectorAll(":scope > div, li, h3")].map(one => [one, one.getBoundingClientRect()])
    .filter(([, box]) => box.bottom > -innerHeight && box.top < 2 * innerHeight));
  change();
  for (const one of before.keys()) for (const running of one.getAnimations()) running.cancel();
  const duration = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1 : 300, moved = new Map(), slides = [];
  for (const [one, old] of before) { // a group comes before what is in it
    const { left, top } = one.getBoundingClientRect(), group = one.parentElement.closest("#list > div");
    moved.set(one, [old.left - left, old.top - top]);
    const [x, y] = moved.get(one).map((far, axis) => far - (moved.get(group)?.[axis] ?? 0));
    slides.push([one, x, y]);
  }
  for (const [one, x, y] of slides) // after all is measured: a group that slides takes its cards along
    if (x || y) one.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], { duration, easing: "ease-out" });
}

/** Returns whether the newest alert that is shown lies above what can be seen. */
const isAbove = () => $("list").querySelector("li")?.getBoundingClientRect().bottom < 0;

async function search() {
  const found = await ask(`api/alerts?${query({ limit: CHUNK })}`);
  shown = new Set();
  $("list").replaceChildren();
  found.alerts.forEach(alert => place(alert));
  next = found.next;
  showSums(found);
  return found;
}
async function more() {
  const found = await ask(`api/alerts?${query({ limit: CHUNK, before: next })}`);
  const fresh = found.alerts.filter(alert => !shown.has(alert.id));
  fresh.forEach(alert => place(alert));
  next = found.next;
  showSums(found);
  // the button may be gone now: the focus goes to the first alert that it brought
  if (fresh.length) $("list").querySelector(`[data-id="${fresh[0].id}"] button`).focus();
}
async function update(told) {
  const found = await ask(`api/alerts?${query({ limit: CHUNK })}`);
  const fresh = found.alerts.filter(alert => !shown.has(alert.id));
  if (!shown.size || fresh.length === CHUNK) return search(); // all of them are new: others may lie between
  fresh.reverse();
  // whoever looks at older alerts gets the new ones when scrolling back to the top: until then nothing moves
  waiting = fresh.length > 0 && isAbove();
  if (!waiting) smoothly(() => fresh.forEach(alert => place(alert, true)));
  for (const alert of found.alerts) if (shown.has(alert.id)) fillCard($("list").querySelector(`[data-id="${alert.id}"]`), alert.seen);
  showSums(found);
  const last = fresh.at(-1);
  if (told && last) say($("news"), t("alerts.new", { what: label(last.event_type), time: last.local_time.slice(11, 19) }));
}
/** Does one thing after the other, so that an answer that comes late never shows an old search. */
function then(work) {
  asked = asked.then(work).catch(error => tell($("news"), "alerts.failed", error));
  return asked;
}
async function mark(marks) {
  try {
    await send(`api/alerts/seen?${query()}`, marks);
  } catch (error) {
    tell($("news"), "not_changed", error);
  }
}

async function showPeople() {
  if (!$("people").open) return;
  const found = await ask("api/report?days=28");
  $("people-tables").replaceChildren(...notes(found),
    table(found.hours_of_day, t("report.by_hour")), table(found.weekdays, t("report.by_weekday")));
}

for (let hour = 0; hour < 24; hour++) {
  const option = element("option", hours(hour));
  option.value = hour;
  $("search").elements.hour.append(option);
}
$("search").addEventListener("submit", event => event.preventDefault());
$("search").addEventListener("change", () => then(async () => {
  const found = await search();
  say($("news"), count("alerts", found.total));
}));
$("more").addEventListener("click", () => then(more));
$("mark-all").addEventListener("click", () => mark({ all: true, seen: true }));
$("people").addEventListener("toggle", () => then(showPeople));
addEventListener("scroll", () => {
  if (!waiting || isAbove()) return;
  waiting = false;
  then(() => update(false));
}, { passive: true });
listen("now", () => then(() => update(false)));
listen("alert", () => then(() => update(true)));
listen("marks", ({ ids, seen }) => then(async () => {
  if (!ids) return search();
  for (const id of ids) {
    const card = $("list").querySelector(`[data-id="${id}"]`);
    if (card) fillCard(card, seen);
  }
  showSums(await ask(`api/alerts?${query({ limit: 1 })}`));
}));
