// Shows counts of people as tables with a bar in each row: the numbers are there for everybody, also on paper.
import { count, element, locale, percent, t } from "./common.js";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const KINDS = ["mask", "incorrect_mask", "no_mask", "unsure"], NUMBERS = ["people", "mask", "no_mask", "incorrect_mask", "unsure", "alerts"];

/** Returns a duration in words, in minutes or hours. */
export const lasting = seconds => seconds < 7200 ? t("report.minutes", { minutes: Math.round(seconds / 60) })
  : t("report.hours", { hours: (Math.round(seconds / 360) / 10).toLocaleString(locale) });

/** Tells how long nobody was counted, and why: paused, camera lost, or the rest, in which maskwatch did not run. */
export function unknown({ unknown_s, paused_s, camera_lost_s }) {
  const off = unknown_s - paused_s - camera_lost_s, why = { paused: paused_s, lost: camera_lost_s, off };
  const parts = Object.entries(why).filter(([, seconds]) => seconds >= 60).map(([name, seconds]) => `${t(`report.${name}`)} ${lasting(seconds)}`);
  return `${lasting(unknown_s)}${parts.length ? ` (${parts.join(", ")})` : ""}`;
}

/** Returns a weekday, date or hour of the device as people write it. */
function named({ label: text }, rows) {
  const weekday = WEEKDAYS.indexOf(text); // 5 January 1970 was a Monday
  if (weekday >= 0) return new Date(1970, 0, 5 + weekday).toLocaleDateString(locale, { weekday: "long" });
  if (text.length === 2) return `${text}:00`;
  if (text.length === 10)
    return new Date(`${text}T12:00`).toLocaleDateString(locale, { weekday: "short", day: "numeric", month: "short" });
  const hour = text.slice(11, 16); // in the night in which an hour comes twice, its offset tells which one it is
  return rows.filter(row => row.label.slice(11, 16) === hour).length > 1 ? `${hour} (UTC${text.slice(19, 22)})` : hour;
}
function bar(row, most) {
  const NS = "http://www.w3.org/2000/svg", box = document.createElementNS(NS, "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": true, class: "share" }))
    box.setAttribute(name, value);
  let x = 0;
  for (const kind of KINDS) {
    const part = document.createElementNS(NS, "rect"), width = 100 * row[kind] / most;
    for (const [name, value] of Object.entries({ x, width, height: 10, class: kind })) part.setAttribute(name, value);
    box.append(part);
    x += width;
  }
  return box;
}
/** Returns the share with a mask and its interval. */
export const share = row => row.mask_share === null ? "–"
  : `${percent(row.mask_share)} (${percent(row.mask_share_low)}–${percent(row.mask_share_high)})`;

/** Makes a table of rows of api/report; name_of(row, rows) returns what a row is called, and kind what the rows are. */
export function table(rows, caption, name_of = named, kind = "period") {
  const made = element("table", undefined, `counts ${kind}`), scrolled = element("div", undefined, "scroll");
  const head = made.createTHead().insertRow(), body = made.createTBody(), most = Math.max(1, ...rows.map(row => row.people ?? 0));
  made.createCaption().textContent = caption;
  for (const name of [kind, "bar", ...NUMBERS, "share", "unknown"]) {
    const cell = element("th", t(`report.${name}`));
    cell.scope = "col";
    head.append(cell);
  }
  for (const row of rows) {
    const line = body.insertRow(), name = element("th", name_of(row, rows));
    name.scope = "row";
    line.append(name);
    if (row.unknown) {
      const cell = element("td", t("report.is_unknown"), "unknown");
      cell.colSpan = 2 + NUMBERS.length;
      line.append(cell);
    } else {
      line.insertCell().append(bar(row, most));
      line.append(...[...NUMBERS.map(kind => row[kind]), share(row)].map(text => element("td", text)));
    }
    line.append(element("td", row.unknown_s ? lasting(row.unknown_s) : ""));
  }
  // it may be wider than a phone: then it scrolls, with the keyboard too
  scrolled.tabIndex = 0;
  scrolled.setAttribute("role", "region");
  scrolled.setAttribute("aria-label", caption);
  scrolled.append(made);
  return scrolled;
}

/** Tells that the detector haar counted, and where only some doors have it, at which. */
const bias = ({ is_partial, names, doors, of_doors, people, of_people }) => is_partial
  ? t("report.biased_doors", { names, doors: doors.length, of_doors, people, of_people: count("report.people", of_people) }) : t("report.biased");

/** Returns what must be said of the numbers: their sum, bias, unknown time. */
export function notes(found) {
  const { total } = found, texts = [];
  if (total.unknown) texts.push(t("report.nothing"));
  else texts.push(t("report.sum", { ...total, people: count("report.people", total.people), alerts: count("alerts", total.alerts) }));
  if (total.mask_share !== null)
    texts.push(t("report.share_sum", { share: percent(total.mask_share), low: percent(total.mask_share_low), high: percent(total.mask_share_high) }));
  else if (!total.unknown) texts.push(t("report.few"));
  if (found.bias) texts.push(bias(found.bias));
  if (total.clock_synced === false) texts.push(t("report.unsynced"));
  if (total.unknown_s)
    texts.push(t("report.unknown_sum", { time: unknown(total) }));
  return texts.map(text => element("p", text, "note"));
}
