// Health and statistics, and the verdict in the header.
import { $, element, keep, locale, say, send, t, tell } from "./common.js";
import { link, listen, now } from "./events.js";
import { paused } from "./state.js";

const UNITS = {
  fps: "", frames: "", dropped: "", detect_ms: " ms", classify_ms: " ms", latency_ms: " ms", cpu_temp_c: " °C",
  throttled: "", rss_mb: " MB", outbox: "", uptime_s: " s",
};
const value = (name, number) => number == null ? undefined : name === "uptime_s" ? duration(number)
  : `${number.toLocaleString(locale)}${UNITS[name] ?? ""}`;
const duration = seconds => seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;

function pair([name]) {
  const made = element("div");
  made.append(element("dt", t(`health.${name}`)), element("dd"));
  return made;
}

function showNumbers() {
  const { health, state, stats } = now, today = state?.today;
  const rows = {
    camera: health?.camera, problem: health && (health.problem ?? t("health.none")), people: state?.people,
    mask: state?.mask, no_mask: state?.no_mask_count, people_today: today?.people, mask_today: today?.mask,
    alerts_today: today?.alerts, ...Object.fromEntries(Object.keys(UNITS).map(name => [name, value(name, stats?.[name])])),
    model: now.model, detector: now.detector, version: now.version,
  };
  // what is not known yet has its place already, so that nothing moves when it comes
  keep($("numbers"), Object.entries(rows), ([name]) => name, pair, (made, [name, shown]) => {
    made.lastChild.lang = name === "problem" && health?.problem ? "en" : ""; // the device's sentence
    say(made.lastChild, shown ?? "–");
  });
  const bare = state?.no_mask === "ON";
  const known = link.state === "ok", verdict = !known ? "unknown" : !health ? "starting" : bare ? "bare" : "good";
  const stopped = known && paused(); // it is first, because nobody is checked then
  say($("verdict"), stopped ? [t("verdict.paused"), health?.problem].filter(Boolean).join("; ")
    : known && health?.problem || t(`verdict.${verdict}`));
  $("verdict").lang = known && !stopped && health?.problem ? "en" : "";
  $("verdict").className = !known ? "" : stopped ? "paused" : health?.problem || bare ? "bad" : "good";
}
listen("now state health stats pause link", showNumbers);
$("test").addEventListener("click", async () => {
  try {
    await send("api/test", {});
    $("tested").textContent = t("health.test_sent");
  } catch (error) {
    tell($("tested"), "health.test_not_sent", error);
  }
});
