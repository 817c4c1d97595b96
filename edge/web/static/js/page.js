// The page of a door: selects the part that is shown, and follows the device.
import { $ } from "./common.js";
import { follow, link, listen, now, seen } from "./events.js";
import { look } from "./live.js";
import "./state.js";
import { camera } from "./webcam.js";
import "./zones.js";
import "./alerts.js";
import "./health.js";
import "./setup.js";
import "./language.js";

const parts = [...document.querySelectorAll("main > section")], places = {};
let shown;

// The address (#live) selects the part, so that Back and bookmarks work.
function turn() {
  const wanted = parts.find(part => `#${part.id}` === location.hash) ?? parts[0], before = shown;
  if (before && before !== wanted) places[before.id] = scrollY;
  shown = wanted;
  for (const part of parts) part.hidden = part !== wanted;
  for (const link of document.querySelectorAll("nav a"))
    link.hash === `#${wanted.id}` ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  entitle();
  watch();
  if (wanted.id !== "check") camera(false);
  if (!before || before === wanted) return;
  wanted.querySelector("h2").focus({ preventScroll: true }); // a screen reader reads on where the eyes do
  scrollTo(0, places[wanted.id] ?? 0);
}
function entitle() {
  document.title = `${shown.querySelector("h2").textContent} – ${now.device ?? "maskwatch"}`;
}
function watch() {
  look(shown.id === "live" && seen); // a hidden page must not make the device encode images
}
for (const part of parts) part.querySelector("h2").tabIndex = -1;
history.scrollRestoration = "manual";
addEventListener("hashchange", turn);
listen("seen", watch);
listen("now", () => {
  $("device").textContent = `maskwatch: ${now.device}`;
  $("logout").hidden = !now.locked;
  entitle();
  settle();
});
$("logout").addEventListener("click", async () => { await fetch("logout", { method: "POST" }); location.href = "login"; });

// What the device tells fills the page before it is shown, so that nothing jumps; a device that is silent delays it only.
const settle = () => document.body.classList.add("settled");
setTimeout(settle, 1500);
listen("link", () => link.state !== "ok" && settle());
turn();
follow();
