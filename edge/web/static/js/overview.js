// All doors of a broker, the worst first.
import { $, count, element, keep, label, language, login, say, t } from "./common.js";
import { stream } from "./stream.js";

const WORST_FIRST = ["offline", "silent", "camera", "bare", "problem", "paused", "waiting", "good"];
const LEVEL = { offline: "bad", silent: "bad", camera: "bad", bare: "bad", problem: "warn", paused: "off", waiting: "off", good: "good" };
const doors = new Map();
const names = new Intl.Collator(language, { numeric: true });
const clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "short" });
let broker = { connected: false }, link = { state: "starting" }, drawing;

function moment(text) {
  const time = new Date(text);
  if (isNaN(time)) return "?";
  return (time.toDateString() === new Date().toDateString() ? clock : day).format(time);
}

function standing(door) {
  const since = door.since ? t(door.at_least ? "overview.since_before" : "overview.since", { since: moment(door.since) }) : "";
  const name = door.standing === "camera" ? `overview.camera.${door.camera}` : `overview.${door.standing}`;
  return `${t(name)}${door.standing === "waiting" ? "" : since}`;
}

function counts({ people, today }) {
  if (!today) return t("overview.no_counts");
  const number = value => value ?? "?";
  return t("overview.counts", { now: number(people), people: number(today.people), mask: number(today.mask), alerts: number(today.alerts) });
}

const alert = last => (last ? t("overview.last", { kind: label(last.kind), time: moment(last.time) }) : "");

function make() {
  const made = element("li");
  made.append(element("h2"), element("p", "", "standing"), element("p", "", "problem"), element("p", "", "more"), element("p", "", "more"));
  return made;
}

function fill(at, door) {
  const [title, state, problem, numbers, last] = at.children;
  at.dataset.level = LEVEL[door.standing];
  at.dataset.standing = door.standing;
  if (title.textContent !== door.name || title.dataset.link !== door.link) {
    const name = element(door.link ? "a" : "span", door.name);
    if (door.link) name.href = door.link;
    title.replaceChildren(name);
    title.dataset.link = door.link;
  }
  say(state, standing(door));
  say(problem, door.problem);
  problem.hidden = !door.problem;
  say(numbers, counts(door));
  say(last, alert(door.last_alert));
  last.hidden = !door.last_alert;
}

/** Draws at most once per frame of the screen, however many doors have changed. */
function draw() {
  drawing ??= requestAnimationFrame(() => {
    drawing = undefined;
    const all = [...doors.values()], wanted = $("filter").value.trim().toLowerCase();
    const shown = all.filter(door => door.name.includes(wanted));
    const rank = door => WORST_FIRST.indexOf(door.standing);
    shown.sort((a, b) => rank(a) - rank(b) || names.compare(a.name, b.name));
    keep($("doors"), shown, door => door.name, make, fill);
    const bad = all.filter(door => ["bad", "warn"].includes(LEVEL[door.standing])).length;
    say($("summary"), all.length ? `${count("overview.doors", all.length)}: ${bad ? count("overview.bad", bad) : t("overview.all_good")}` : "");
    say($("none"), t(all.length ? "overview.none_match" : "overview.none"));
    $("none").hidden = !!shown.length || !broker.connected;
  });
}

function tell() {
  const gone = link.state === "gone" ? t("overview.broken") : link.state === "refused" ? t("broken.refused", { reason: link.reason }) : "";
  const cut = link.state === "ok" && !broker.connected && t("overview.no_broker", { since: moment(broker.since) });
  say($("broken"), gone || cut || "");
  $("broken").hidden = !(gone || cut);
}

stream((kind, data) => {
  if (kind === "link") {
    if (data.state === "login") return login();
    link = data;
  } else if (kind === "now") {
    doors.clear();
    broker = data.broker;
    $("report").hidden = !data.reports;
    for (const row of data.rows) doors.set(row.name, row);
  } else if (kind === "broker") broker = data;
  else if (kind === "doors") {
    for (const row of data.rows) doors.set(row.name, row);
    for (const name of data.gone) doors.delete(name);
  }
  tell();
  draw();
}).start();
$("filter").addEventListener("input", draw);
