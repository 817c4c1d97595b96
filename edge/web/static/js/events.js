// Follows the device: what it sends is merged into `now` and passed to listeners.
import { $, login, t, tell } from "./common.js";
import { stream } from "./stream.js";

/** The newest of everything: the fields of api/now, and the newest event of each kind. */
export const now = {};
/** The connection to the device: state is ok, gone, login or refused, and reason tells why it is refused. */
export let link = { state: "starting" };
/** Whether somebody can see the page. */
export let seen = false;
const listeners = [];

/**
 * Calls listener(data) for each event of these kinds: now, alert, marks, state, health, stats of the device; of this page
 * itself link, seen, and doubt (something else had no answer).
 */
export function listen(kinds, listener) {
  for (const kind of kinds.split(" ")) listeners.push([kind, listener]);
}

/** Calls a listener; one that fails, for example at a value that nobody expects, leaves the others alone. */
function attempt(listener, data) {
  try {
    listener(data);
  } catch (error) {
    reportError(error);
  }
}

export function take(kind, data) {
  const { version } = now;
  if (kind === "link") link = data;
  else if (kind === "seen") seen = data;
  else if (kind === "now") {
    for (const key of Object.keys(now)) if (!(key in data)) delete now[key]; // of an earlier run of the device
    Object.assign(now, data);
  } else now[kind] = data;
  // another version has another page; what is not saved is kept
  if (version && version !== now.version && !document.querySelector("details[open]")) return location.reload();
  for (const [wanted, listener] of listeners) if (wanted === kind) attempt(listener, data);
}

listen("link", () => {
  if (link.state === "login") return login();
  const bad = ["gone", "refused"].includes(link.state);
  if (link.state === "gone") $("broken").textContent = t("broken");
  if (link.state === "refused") tell($("broken"), "broken.refused", { message: link.reason, details: {} });
  $("broken").hidden = !bad;
});

/** Follows the device while somebody can see the page. */
export function follow() {
  let source = shared();
  const look = yes => {
    if (yes) source.start();
    else source.stop();
    if (yes !== seen) take("seen", yes);
  };
  function shared() {
    try {
      // the version in the name: pages of an earlier version may still use its worker
      const name = `maskwatch ${$("texts").dataset.version}`;
      const worker = new SharedWorker(new URL("worker.js", import.meta.url), { type: "module", name });
      worker.port.onmessage = ({ data: [kind, data] }) => take(kind, data);
      worker.onerror = () => { source = stream(take); look(seen); }; // a browser without modules in workers
      return { start: () => worker.port.postMessage(true), stop: () => worker.port.postMessage(false) };
    } catch {
      return stream(take); // Chrome on Android has no such worker; it shows one page at a time
    }
  }
  const attend = () => look(!document.hidden);
  document.addEventListener("visibilitychange", attend);
  for (const kind of ["pageshow", "online", "focus"]) addEventListener(kind, attend);
  addEventListener("pagehide", () => look(false)); // a page with open connections is not kept for Back
  document.addEventListener("freeze", () => look(false));
  document.addEventListener("resume", attend);
  listen("doubt", () => seen && source.start());
  attend();
}
