// The report of a day or a week, of one door or of all. The address says which, so that Back and bookmarks work.
import { $, ask, element, label, locale, t, tell } from "./common.js";
import { notes, table, unknown } from "./counts.js";

const LISTED = 40, OUTAGES = 8;
/** What is printed: its lines have so many letters at least, and are so many ems high (part of one in a list of columns). */
const PRINTED = [["h1", 60, 2.4], ["h2", 60, 2.3], [".scroll:not(.screen) caption", 60, 3.6], [".scroll:not(.screen) tbody th", 26, 1.45], [":is(.note, .small)", 110, 1.6],
  ["#outages li", 45, .7], ["#alert-list li", 28, .35], ["#checksums li", 78, .42]];
/** Ems of a page of A4 in letters of 8 points. */
const PAGE = 98;
/** Doors whose table is printed. */
const PRINTED_DOORS = 31;
let unit = "day", first = "", today = "", door = "";

const shift = (day, days) => new Date(Date.parse(`${day}T00:00Z`) + days * 864e5).toISOString().slice(0, 10);
const monday = day => shift(day, -((new Date(`${day}T00:00Z`).getUTCDay() + 6) % 7));
const long = day => new Date(`${day}T12:00`).toLocaleDateString(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const short = (time, with_day) => `${with_day ? `${new Date(`${time.slice(0, 10)}T12:00`)
  .toLocaleDateString(locale, { weekday: "short" })} ` : ""}${time.slice(11, 16)}`;
/** Returns from when to when nobody was counted; "between" if somebody watched in between. */
function span({ start, end, in_parts }, with_day) {
  const times = { start: short(start, with_day), end: short(end, with_day && start.slice(0, 10) !== end.slice(0, 10)) };
  return in_parts ? t("report.between", times) : `${times.start} – ${times.end}`;
}

function list(id, title, items, rest) {
  $(id).replaceChildren();
  if (!items.length) return;
  const made = element("ol");
  made.append(...items.map(text => element("li", text)));
  $(id).append(element("h2", title), made);
  if (rest) $(id).append(element("p", rest, "small"));
}
/** Makes the table by shift, and says where a shift that passes midnight is counted. */
function by_shift({ shifts, shift_passes_midnight }) {
  const made = table(shifts, t("report.by_shift"), ({ label }) => label === "outside shifts" ? t("report.outside") : label, "shift");
  return shift_passes_midnight ? [made, element("p", t("report.shift_day"), "small")] : [made];
}
/** Makes the table by door, in which a door says whether haar counts there; there is none on the page of one door. */
function by_door({ doors }) {
  if (!doors.length) return [];
  const made = table(doors, t("report.by_door"), ({ label, detector }) => detector.includes("haar") ? `${label} (haar)` : label, "door");
  if (doors.length <= PRINTED_DOORS) return [made];
  made.classList.add("screen");
  return [made, element("p", t("report.many_doors", { number: PRINTED_DOORS }), "small")];
}
/** Offers the doors to choose from. */
function offer(names) {
  $("choice").hidden = !names.length;
  $("door").replaceChildren(...["", ...names].map(name => new Option(name || t("overview.title"), name, false, name === door)));
}
async function show() {
  const last = shift(first, unit === "week" ? 6 : 0), days = `from=${first}&to=${last}`;
  const range = door ? `${days}&door=${encodeURIComponent(door)}` : days;
  const found = await ask(`api/report?${range}`), { many } = found;
  const alerts = many ? { alerts: [], total: 0 } : await ask(`api/alerts?${range}&limit=${LISTED}`);
  const week = unit === "week", { outages } = found;
  today = found.today;
  $("title").textContent = t("report.of", { device: found.device || t("overview.title"), dates: week ? `${long(first)} – ${long(last)}` : long(first) });
  document.title = `${$("title").textContent}`;
  $("notes").replaceChildren(...notes(found));
  offer(found.names);
  $("tables").replaceChildren(...by_door(found), ...(found.shifts.length ? by_shift(found) : []),
    ...(week ? [table(found.days, t("report.by_day")), table(found.hours_of_day, t("report.by_hour"))]
      : [table(found.hours, t("report.by_hour"))]));
  list("outages", t("report.outages"), outages.slice(-OUTAGES).map(one => `${span(one, week)}: ${unknown(one)}`),
    outages.length > OUTAGES ? t("report.more", { number: outages.length - OUTAGES + found.more_outages }) : "");
  list("alert-list", t("nav.alerts"), alerts.alerts.map(one => `${short(one.local_time, week)} ${label(one.event_type)}`),
    alerts.total > LISTED ? t("report.more", { number: alerts.total - LISTED }) : "");
  list("checksums", t("report.checksums"), Object.entries(found.checksums).map(([day, checksum]) => `${day} ${checksum}`),
    t("report.checksums_kept"));
  $("made").textContent = [t("report.made", { time: new Date().toLocaleString(locale), detectors: found.detectors.join("; ") || "–" }),
    ...(found.configs.length ? [t("report.configs", { ids: found.configs.join(", ") })] : [])].join(" ");
  fit();
  $("date").value = first;
  $("date").max = today;
  $("next").disabled = last >= today;
  for (const name of ["day", "week"]) $(name).setAttribute("aria-pressed", name === unit);
  for (const kind of ["html", "csv", "json"]) $(kind).href = `api/report.${kind}?${range}${many && !door ? "&by=door" : ""}`;
}
/** Makes letters smaller on paper if the report would need more than one page. */
function fit() {
  const needed = PRINTED.flatMap(([selector, letters, height]) => [...document.querySelectorAll(`main ${selector}`)]
    .map(one => height * Math.ceil(one.textContent.length / letters))).reduce((sum, height) => sum + height, 0);
  document.body.style.setProperty("--fit", Math.min(1, PAGE / needed));
}
async function turn() {
  const asked = new URLSearchParams(location.search);
  unit = asked.has("week") ? "week" : "day";
  door = asked.get("door") ?? "";
  try {
    today ||= (await ask("api/report")).today;
    first = asked.get(unit) || today;
    if (unit === "week") first = monday(first);
    await show();
    $("failed").hidden = true;
  } catch (error) {
    tell($("failed"), "report.failed", error);
    $("failed").hidden = false;
  }
}
function go(name, day) {
  if (!day) return;
  const of_door = door ? `&door=${encodeURIComponent(door)}` : "";
  history.pushState(null, "", `?${name}=${name === "week" ? monday(day) : day}${of_door}`);
  turn();
}
addEventListener("popstate", turn);
$("day").addEventListener("click", () => go("day", unit === "week" && today <= shift(first, 6) && today >= first ? today : first));
$("week").addEventListener("click", () => go("week", first));
$("date").addEventListener("change", event => go(unit, event.target.value));
$("previous").addEventListener("click", () => go(unit, shift(first, unit === "week" ? -7 : -1)));
$("next").addEventListener("click", () => go(unit, shift(first, unit === "week" ? 7 : 1)));
$("door").addEventListener("change", event => {
  door = event.target.value;
  go(unit, first);
});
$("print").addEventListener("click", () => print());
turn();
