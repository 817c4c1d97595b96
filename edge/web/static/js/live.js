// The live image, and the mode in which it is shown.
//
// The page asks for one image after the other. A stream would hold one of the six connections that a browser opens to a
// device, for each page that is seen, and a stream that dies leaves a black picture that nothing reports.
import { $, login, say, send, t, tell } from "./common.js";
import { link, listen, now, take } from "./events.js";
import { clock, fault } from "./state.js";

// milliseconds until an image is called old, until an answer must begin, and until it must be whole
const OLD = 5000, BEGIN = 6000, WHOLE = 20000;
const picture = $("picture"), viewer = name();
let round = 0, request, drawn, trouble, taken; // taken: when the camera gave the image

/** Returns the name of this browser as a viewer: all its pages share one place. */
function name() {
  const made = Math.random().toString(36).slice(2);
  try {
    return localStorage["maskwatch.viewer"] ??= made;
  } catch {
    return made; // a browser that keeps nothing
  }
}

/** Shows the live image, or ends that. */
export function look(yes) {
  if (yes === !!request) return;
  request?.abort();
  URL.revokeObjectURL(picture.src);
  request = drawn = trouble = undefined;
  picture.removeAttribute("src");
  cover();
  if (yes) follow(++round);
}

async function follow(mine) {
  for (let tag = ""; mine === round; ) {
    const start = performance.now();
    let pause = 1000 / (now.fps ?? 5);
    request = new AbortController();
    const abort = request.abort.bind(request), begin = setTimeout(abort, BEGIN), whole = setTimeout(abort, WHOLE);
    try {
      const options = { cache: "no-store", headers: tag ? { "If-None-Match": tag } : {}, signal: request.signal };
      const answer = await fetch(`live.jpg?viewer=${viewer}`, options);
      clearTimeout(begin);
      const image = answer.status === 200 && await answer.blob();
      if (!request || mine !== round) return;
      if (answer.status === 401) return login();
      trouble = answer.ok || answer.status === 304 ? undefined : await refusal(answer);
      taken = answer.headers.get("Last-Modified") ?? taken;
      if (image) draw(image);
      if (image) tag = answer.headers.get("ETag");
    } catch {
      if (!request || mine !== round) return;
      trouble = t("live.gone");
      take("doubt"); // the events may come over a connection that is gone as well
    } finally {
      clearTimeout(begin);
      clearTimeout(whole);
    }
    if (trouble) pause = 1000;
    cover();
    await new Promise(done => setTimeout(done, start + pause - performance.now()));
    if (!request) return;
  }
}
async function refusal(answer) {
  const { error, viewers } = await answer.json().catch(() => ({}));
  if (viewers) return t("live.full", { viewers });
  return [502, 504].includes(answer.status) ? t("live.gone") : error ?? t("error.status", { status: answer.status });
}
function draw(image) {
  const old = picture.src;
  picture.src = URL.createObjectURL(image);
  drawn = performance.now();
  if (old) picture.addEventListener("load", () => URL.revokeObjectURL(old), { once: true });
}

/** Says over the picture why there is none, or why it is old. */
function cover() {
  const age = performance.now() - drawn, old = age > OLD + 3000 / (now.fps ?? 5);
  const blind = link.state === "ok" && trouble !== t("live.gone") && fault();
  const stale = blind && drawn && now.camera.condition === "lost" && t("live.taken", { time: clock(taken) });
  const text = blind ? [blind, stale].filter(Boolean).join("\n")
    : trouble ?? (!drawn ? t("live.waiting") : old ? t("live.old", { seconds: Math.round(age / 1000) }) : "");
  say($("waiting"), text);
  $("waiting").hidden = !text;
  $("stage").classList.toggle("old", !!drawn && !!text);
}
setInterval(() => request && cover(), 1000);
listen("now camera link", () => request && cover());

listen("now", () => {
  if (now.frame_size) $("stage").style.aspectRatio = now.frame_size.join(" / "); // its place, before an image comes
  say($("mode"), t(now.setup ? "live.mode_setup" : `live.mode_${now.blur}`));
  say($("mode-switch"), t(now.setup ? "live.finish_setup" : "live.setup"));
});
$("mode-switch").addEventListener("click", async () => {
  try {
    take("now", await send("api/settings", { web: { setup: !now.setup } }));
  } catch (error) {
    tell($("mode"), "not_changed", error);
  }
});
