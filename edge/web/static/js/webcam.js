// The visitor's camera: checks one image of it, or about one per second with what is found drawn over the video.
import { check, jpeg } from "./check.js";
import { $, ask, count, element, label, locale, percent, say, t } from "./common.js";
import { listen, seen } from "./events.js";

const SIDE = 640; // pixels of the longer side: faces of 32 pixels are found in it, and it has 60 kB
const PERIOD = 1000, AGAIN = 5000; // milliseconds between two images; after a failure that names no time
const video = $("video"), svg = $("found-now");
let opened = 0, following = 0, request;

/** Opens the visitor's camera, or closes it. */
export async function camera(on) {
  const mine = ++opened;
  continuous(false);
  close(video.srcObject);
  video.srcObject = null;
  $("cam").hidden = !on;
  if (!on) return;
  say($("checking"), "");
  try {
    if (!navigator.mediaDevices) throw new Error(t("check.camera_https"));
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    if (mine !== opened) return close(stream); // another part was opened before the visitor allowed the camera
    stream.getTracks()[0].addEventListener("ended", () => mine === opened && lose(t("check.camera_ended")));
    video.srcObject = stream;
  } catch (error) {
    const key = `check.camera.${error.name}`, text = t(key);
    if (mine === opened) lose(text === key ? error.message : text);
  }
}
function close(stream) {
  stream?.getTracks().forEach(track => track.stop());
}
function lose(reason) {
  camera(false);
  say($("checking"), t("check.no_camera", { reason }));
}

function continuous(on) {
  $("continuous").ariaPressed = on;
  following++;
  request?.abort();
  clear();
  if (on && seen) follow(following);
}
function clear(text = "") {
  svg.replaceChildren();
  say($("said"), text);
}
const isOn = () => $("continuous").ariaPressed === "true";

/** Sends one image after the other. A device that needs longer is left alone as long as it needed. */
async function follow(mine) {
  while (mine === following) {
    const start = performance.now();
    let pause;
    try {
      if (video.videoWidth) await once(mine);
    } catch (error) {
      if (mine !== following) return;
      clear(t("check.not_checked", { reason: reason(error) }));
      pause = error.wait ?? AGAIN;
    }
    const took = performance.now() - start;
    await new Promise(done => setTimeout(done, pause ?? Math.max(PERIOD - took, took)));
  }
}
async function once(mine) {
  const { blob } = await jpeg(video, video.videoWidth, video.videoHeight, SIDE, 0.85);
  if (mine !== following) return;
  request = new AbortController();
  const found = await ask("api/check?picture=no", { method: "POST", body: blob, signal: request.signal });
  if (mine === following) draw(found);
}
function reason(error) {
  const key = `check.error.${error.details?.code}`, text = t(key, error.details);
  return text !== key ? text : error.details ? error.message : t("live.gone");
}

const shape = (name, values, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
};
// A screen reader hears which kinds of faces are in view when that changes; the scores change every second.
function draw({ faces, width, height }) {
  const size = 17 * width / (svg.clientWidth || width); // pixels of the screen, whatever the size of the video
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...faces.flatMap(({ box: [x0, y0, x1, y1], label: name, score }) => {
    const right = x0 + x1 > width, y = y0 > 1.3 * size ? y0 - 0.35 * size : y0 + 1.1 * size;
    return [shape("rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, class: name }),
      shape("text", { x: right ? x1 : x0, y, "font-size": size, "text-anchor": right ? "end" : "start" },
        `${label(name)} ${percent(score)}`)];
  }));
  const kinds = faces.map(face => label(face.label)).sort().join(", ");
  say($("said"), faces.length ? t("check.in_view", { faces: kinds }) : t("check.no_face"));
}

$("webcam").addEventListener("click", () => camera(true));
$("camoff").addEventListener("click", () => camera(false));
$("continuous").addEventListener("click", () => continuous(!isOn()));
listen("seen", () => continuous(isOn())); // a page that nobody sees sends nothing, and goes on when it is seen again
$("shoot").addEventListener("click", async () => {
  if (!video.videoWidth) return;
  const { blob } = await jpeg(video, video.videoWidth, video.videoHeight);
  const found = await check(blob, t("check.camera_picture", { time: new Date().toLocaleTimeString(locale) }));
  say($("checking"), isNaN(found) ? t("check.sum_none") : t("check.sum", { good: 1, faces: count("faces", found) }));
});
