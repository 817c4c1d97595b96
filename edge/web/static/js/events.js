// Follows the device: what it sends is merged into `now` and passed to listeners.
import { $, t } from "./common.js";

/** The newest of everything: the fields of api/now. */
export const now = {};
const listeners = [];

/** Calls listener(data) for each event of these kinds: now, alert, state, health, stats. */
export function listen(kinds, listener) {
  for (const kind of kinds.split(" ")) listeners.push([kind, listener]);
}

export function take(kind, data) {
  if (kind === "now") Object.assign(now, data);
  else now[kind] = data;
  for (const [wanted, listener] of listeners) if (wanted === kind) listener(data);
}

export function follow() {
  const events = new EventSource("events");
  for (const kind of ["now", "alert", "state", "health", "stats"])
    events.addEventListener(kind, event => { $("broken").hidden = true; take(kind, JSON.parse(event.data)); });
  events.addEventListener("error", () => {
    $("broken").textContent = t("broken");
    $("broken").hidden = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
  });
}
