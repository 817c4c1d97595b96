// The live image, and the mode in which it is shown.
//
// The page asks for one image after the other. A stream would hold one of the six connections that a browser opens to a
// device, for each page that is seen, and a stream that dies leaves a black picture that nothing reports.
import { $, login, say, send, t } from "./common.js";
import { listen, now, take } from "./events.js";

const OLD = 5000, PATIENCE = 20000; // milliseconds until an image is called old, and until a request is given up
const picture = $("picture"), viewer = name();
let round = 0, request, drawn, trouble;

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
    const late = setTimeout(abort => abort.abort(), PATIENCE, request);
    try {
      const options = { cache: "no-store", headers: tag ? { "If-None-Match": tag } : {}, signal: request.signal };
      const answer = await fetch(`live.jpg?viewer=${viewer}`, options);
      const image = answer.status === 200 && await answer.blob();
      if (!request || mine !== round) return;
      if (answer.status === 401) return login();
      trouble = answer.ok || answer.status === 304 ? undefined : await refusal(answer);
      if (image) draw(image);
      if (image) tag = answer.headers.get("ETag");
    } catch {
      if (!request || mine !== round) return;
      trouble = t("live.gone");
      take("doubt"); // the events may come over a connection that is gone as well
    } finally {
      clearTimeout(late);
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
  const text = trouble ?? (!drawn ? t("live.waiting") : old ? t("live.old", { seconds: Math.round(age / 1000) }) : "");
  say($("waiting"), text);
  $("waiting").hidden = !text;
}
setInterval(() => request && cover(), 1000);

listen("now", () => {
  if (now.frame_size) $("stage").style.aspectRatio = now.frame_size.join(" / "); // its place, before an image comes
  say($("mode"), t(now.setup ? "live.mode_setup" : "live.mode_blurred"));
  say($("setup"), t(now.setup ? "live.finish_setup" : "live.setup"));
});
$("setup").addEventListener("click", async () => {
  try {
    take("now", await send("api/settings", { web: { setup: !now.setup } }));
  } catch (error) {
    $("mode").textContent = t("not_changed", { reason: error.message });
  }
});
