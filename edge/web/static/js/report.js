// The report of a day or a week. The address has its dates, so that Back and bookmarks work.
import { $, ask, element, label, locale, t, tell } from "./common.js";
import { notes, table, unknown } from "./counts.js";

const LISTED = 40, OUTAGES = 8;
/** What is printed: its lines have so many letters at least, and are so many ems high (part of one in a list of columns). */
const PRINTED = [["h1", 60, 2.4], ["h2", 60, 2.3], ["caption", 60, 3.6], ["#tables tbody th", 26, 1.45], [":is(.note, .small)", 110, 1.6],
  ["#outages li", 45, .7], ["#alert-list li", 28, .35], ["#checksums li", 78, .42]];
/** Ems of a page of A4 in letters of 8 points. */
const PAGE = 98;
let unit = "day", first = "", today = "";

const shift = (day, days) => new Date(Date.parse(`${day}T00:00Z`) + days * 864e5).toISOString().slice(0, 10);
const monday = day => shift(day, -((new Date(`${day}T00:00Z`).getUTCDay() + 6) % 7));
const long = day => new Date(`${day}T12:00`).toLocaleDateString(locale, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const short = (time, with_day) => `${with_day ? `${new Date(`${time.slice(0, 10)}T12:00`)
  .toLocaleDateString(locale, { weekday: "short" })} ` : ""}${time.slice(11, 16)}`;

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
  const made = table(shifts, t("report.by_shift"), ({ label }) => label === "outside shifts" ? t("report.outside") : label);
  return shift_passes_midnight ? [made, element("p", t("report.shift_day"), "small")] : [made];
}
async function show() {
  const last = shift(first, unit === "week" ? 6 : 0), range = `from=${first}&to=${last}`;
  const [found, alerts] = await Promise.all([ask(`api/report?${range}`), ask(`api/alerts?${range}&limit=${LISTED}`)]);
  const week = unit === "week", { outages } = found;
  today = found.today;
  $("title").textContent = t("report.of", { device: found.device, dates: week ? `${long(first)} – ${long(last)}` : long(first) });
  document.title = `${$("title").textContent}`;
  $("notes").replaceChildren(...notes(found));
  $("tables").replaceChildren(...(found.shifts.length ? by_shift(found) : []),
    ...(week ? [table(found.days, t("report.by_day")), table(found.hours_of_day, t("report.by_hour"))]
      : [table(found.hours, t("report.by_hour"))]));
  list("outages", t("report.outages"), outages.slice(-OUTAGES).map(one => `${short(one.start, week)} – ${short(one.end, week)}: ${unknown(one)}`),
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
  for (const kind of ["html", "csv", "json"]) $(kind).href = `api/report.${kind}?${range}`;
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
  history.pushState(null, "", `?${name}=${name === "week" ? monday(day) : day}`);
  turn();
}
addEventListener("popstate", turn);
$("day").addEventListener("click", () => go("day", unit === "week" && today <= shift(first, 6) && today >= first ? today : first));
$("week").addEventListener("click", () => go("week", first));
$("date").addEventListener("change", event => go(unit, event.target.value));
$("previous").addEventListener("click", () => go(unit, shift(first, unit === "week" ? -7 : -1)));
$("next").addEventListener("click", () => go(unit, shift(first, unit === "week" ? 7 : 1)));
$("print").addEventListener("click", () => print());
turn();
