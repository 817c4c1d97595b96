// Health and statistics, and the verdict in the header.
import { $, element, keep, say, send, t } from "./common.js";
import { link, listen, now } from "./events.js";

const UNITS = {
  fps: "", frames: "", dropped: "", detect_ms: " ms", classify_ms: " ms", latency_ms: " ms", cpu_temp_c: " °C",
  throttled: "", rss_mb: " MB", outbox: "", uptime_s: " s",
};
const value = (name, number) => number == null ? undefined : `${number}${UNITS[name] ?? ""}`;

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
  keep($("numbers"), Object.entries(rows), ([name]) => name, pair, (made, [, shown]) => say(made.lastChild, shown ?? "–"));
  const bare = state?.no_mask === "ON";
  const known = link.state === "ok", verdict = !known ? "unknown" : !health ? "starting" : bare ? "bare" : "good";
  say($("verdict"), known && health?.problem || t(`verdict.${verdict}`));
  $("verdict").className = !known ? "" : health?.problem || bare ? "bad" : "good";
}
listen("now state health stats link", showNumbers);
$("test").addEventListener("click", async () => {
  try {
    await send("api/test", {});
    $("tested").textContent = t("health.test_sent");
  } catch (error) {
    $("tested").textContent = t("health.test_not_sent", { reason: error.message });
  }
});
