// What the page must not hide: watching is paused, or the camera sees nothing.
import { $, locale, say, send, t, tell } from "./common.js";
import { link, listen, now } from "./events.js";

/** Returns the local time of day; with the date if that is not today. */
export function clock(when) {
  const time = new Date(when), today = time.toDateString() === new Date().toDateString();
  return time.toLocaleString(locale, { timeStyle: "medium", dateStyle: today ? undefined : "medium" });
}

/** Returns why the camera sees nothing, and since when; nothing while it sees. */
export function fault() {
  const { condition, reason, since } = now.camera ?? {};
  if (condition && condition !== "ok") return t(`camera.${condition}`, { since: clock(since), reason });
}

export const paused = () => !!now.pause?.paused;

listen("now pause link", () => {
  const known = link.state === "ok" && !!now.pause;
  $("paused").hidden = !known || !paused();
  $("pause").disabled = !known;
  say($("pause"), t(paused() ? "pause.resume" : "pause.pause"));
});
$("pause").addEventListener("click", async () => {
  try {
    await send("api/pause", { paused: !paused() });
    say($("pause-failed"), "");
  } catch (error) {
    tell($("pause-failed"), "not_changed", error);
  }
});
