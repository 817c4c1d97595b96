// The page of a door: selects the part that is shown, and follows the device.
import { $ } from "./common.js";
import { follow, listen, now } from "./events.js";
import { look } from "./live.js";
import { camera } from "./check.js";
import "./zones.js";
import "./alerts.js";
import "./health.js";

// The address (#live) selects the part, so that Back and bookmarks work.
function turn() {
  const wanted = ["live", "check", "alerts", "health"].find(id => `#${id}` === location.hash) ?? "live";
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== wanted;
  for (const link of document.querySelectorAll("nav a"))
    link.hash === `#${wanted}` ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  look(wanted === "live" && !document.hidden); // a hidden page must not make the device encode images
  if (wanted !== "check") camera(false);
}
addEventListener("hashchange", turn);
document.addEventListener("visibilitychange", turn);

listen("now", () => {
  $("device").textContent = document.title = `maskwatch: ${now.device}`;
  $("logout").hidden = !now.locked;
});
$("logout").addEventListener("click", async () => { await fetch("logout", { method: "POST" }); location.href = "login"; });
turn();
follow();
