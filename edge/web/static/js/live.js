// The live image, and the mode in which it is shown.
import { $, send, t } from "./common.js";
import { listen, now, take } from "./events.js";

let wanted = false;

/** Shows the live image, or ends its stream. */
export function look(yes) {
  wanted = yes;
  const picture = $("picture");
  if (yes === picture.hasAttribute("src")) return;
  if (yes) picture.src = `live.mjpeg?${Date.now()}`;
  else picture.removeAttribute("src");
}
$("picture").addEventListener("load", () => { $("waiting").hidden = true; });
$("picture").addEventListener("error", () => {
  if (!$("picture").hasAttribute("src")) return;
  $("picture").removeAttribute("src");
  $("waiting").hidden = false;
  setTimeout(() => look(wanted), 2000);
});

listen("now", () => {
  $("mode").textContent = t(now.setup ? "live.mode_setup" : "live.mode_blurred");
  $("setup").textContent = t(now.setup ? "live.finish_setup" : "live.setup");
});
$("setup").addEventListener("click", async () => {
  try {
    take("now", await send("api/settings", { web: { setup: !now.setup } }));
  } catch (error) {
    $("mode").textContent = t("not_changed", { reason: error.message });
  }
});
