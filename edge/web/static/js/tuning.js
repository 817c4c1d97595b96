// The sliders that say which faces count. A change is saved and in use at once, and the faces in view show its effect.
import { $, ask, element, keep, label, percent, say, send, t } from "./common.js";
import { listen, now, seen, take } from "./events.js";

const pixels = value => t("zones.pixels", { pixels: value });
const SLIDERS = {
  smallest: { section: "detect", key: "min_face", words: pixels },
  threshold: { section: "decide", key: "threshold", words: percent },
  score: { section: "detect", key: "score", words: percent },
};
const PAUSE = 400; // milliseconds without a further change, after which a change is saved
let queue = Promise.resolve(), drawn = () => {};

/** Runs requests that change options one after the other: each must know the version that the one before it made. */
export const inTurn = action => (queue = queue.then(action, action));
export const smallest = () => Number($("smallest").value);
export const whenDrawn = listener => { drawn = listener; };

/** Sets a slider; it is saved soon, or at once. */
export function slide(id, value, atOnce) {
  const slider = SLIDERS[id];
  if (value !== undefined) $(id).value = value;
  show(id);
  clearTimeout(slider.timer);
  slider.timer = setTimeout(() => inTurn(() => save(id)), atOnce ? 0 : PAUSE);
}
function show(id) {
  const { words, key } = SLIDERS[id], value = Number($(id).value), usual = now.defaults[key];
  say($(`${id}-note`), words(value));
  $(id).setAttribute("aria-valuetext", words(value));
  say($(`${id}-default`), t("tuning.default", { value: words(usual) }));
  $(`${id}-default`).disabled = value === usual;
  if (id === "smallest") drawn();
}
async function save(id) {
  const slider = SLIDERS[id], { section, key } = slider, value = Number($(id).value);
  slider.timer = undefined;
  if (value === now[key]) return;
  try {
    take("now", await send("api/settings", { settings_version: now.settings_version, [section]: { [key]: value } }));
    say($("tuned"), t("zones.saved"));
  } catch (error) {
    say($("tuned"), error.details?.now ? t("tuning.conflict") : t("zones.not_saved", { reason: error.message }));
    if (error.details?.now) take("now", error.details.now);
    else refill();
  }
}
function refill() {
  if (!now.defaults) return;
  const [width, height] = now.frame_size ?? [640, 480];
  $("smallest").max = Math.max(now.min_face, Math.min(1000, width, height));
  $("score-row").hidden = now.detector !== "yunet";
  for (const [id, { key, timer }] of Object.entries(SLIDERS)) {
    if (timer) continue; // somebody moves it
    $(id).value = now[key];
    show(id);
  }
}
for (const id of Object.keys(SLIDERS)) {
  $(id).addEventListener("input", () => slide(id));
  $(id).addEventListener("change", () => slide(id, undefined, true));
  $(`${id}-default`).addEventListener("click", () => { slide(id, now.defaults[SLIDERS[id].key], true); $(id).focus(); });
}
listen("now", refill);

// The faces in view, only while somebody looks at the sliders.
function verdict({ fault, mask }) {
  return Math.max(fault, mask) >= Number($("threshold").value) ? t("tuning.counts") : t("tuning.below");
}
setInterval(async () => {
  if (!$("editing").open || !seen || $("live").hidden) return;
  try {
    const { faces } = await ask("api/faces");
    $("no-faces").hidden = faces.length > 0;
    keep($("faces"), faces.map((face, place) => ({ ...face, place })), face => face.place, () => element("li"), (row, face) =>
      say(row, t("tuning.face", { what: label(face.label), score: percent(face.score), pixels: face.pixels, verdict: verdict(face) })));
  } catch { /* the page says elsewhere that the device does not answer */ }
}, 700);
