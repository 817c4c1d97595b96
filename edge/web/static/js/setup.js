// The steps of the first run, and the hints while the camera is aimed.
//
// What the device knows decides whether a step is done. What only the visitor knows (the name is right, a test was
// sent, the camera is aimed) is remembered by this browser.
import { $, ask, hold, say, send, t, tell } from "./common.js";
import { listen, now, seen, take } from "./events.js";

const STEPS = ["password", "name", "aim", "zone", "test", "finish"], DEFAULT_NAME = "entrance";
const step = name => $(`step-${name}`);
let own = {}, opened = false;
try {
  own = JSON.parse(localStorage["maskwatch.steps"] ?? "{}");
} catch { /* a browser that keeps nothing */ }

function remember(name) {
  own[name] = true;
  try {
    localStorage["maskwatch.steps"] = JSON.stringify(own);
  } catch { /* it is known until the page is closed */ }
  show();
}
function isDone(name) {
  if (name === "password") return now.locked;
  if (name === "name") return own.name || !!now.next_name || now.device !== DEFAULT_NAME;
  if (name === "zone") return now.zones?.length > 0;
  return name === "finish" ? now.setup === false : !!own[name];
}
function show() {
  const done = STEPS.filter(isDone).length;
  for (const name of STEPS) {
    const mark = step(name).querySelector(".mark");
    say(mark, t(isDone(name) ? "setup.done" : "setup.open"));
    mark.classList.toggle("good", isDone(name));
  }
  const progress = t("setup.count", { done, all: STEPS.length });
  say($("progress"), now.setup ? progress : t("setup.complete"));
  $("setup-link").classList.toggle("open", now.setup);
  $("unfinished").hidden = !now.setup;
  if (!opened) lead(STEPS.find(name => !isDone(name)));
  opened = true;
  $("current-row").hidden = !($("current").required = now.locked);
  if (!$("name").value) $("name").value = now.next_name ?? now.device;
  if (now.next_name) showNext();
}
/** Opens a step and closes the others. */
function lead(name) {
  for (const other of STEPS) step(other).open = other === name;
}
/** Leads to the next step that is not done, after this one. */
function next(name) {
  const rest = [...STEPS.slice(STEPS.indexOf(name) + 1), ...STEPS.slice(0, STEPS.indexOf(name))].filter(other => !isDone(other));
  if (!rest.length) return;
  lead(rest[0]);
  step(rest[0]).querySelector("summary").focus();
}
for (const button of document.querySelectorAll(".later"))
  button.addEventListener("click", () => next(button.closest("details").id.slice(5)));

/** Does something and says what came of it; an error is the device's sentence. */
async function attempt(at, action) {
  say(at, "");
  at.className = "";
  try {
    say(at, await action());
    show();
    return true;
  } catch (error) {
    if (error.words) say(at, error.words);
    else tell(at, "setup.failed", error);
    at.className = "bad";
  }
}
const words = text => Object.assign(new Error(text), { words: text });

$("password-form").addEventListener("submit", event => {
  event.preventDefault();
  attempt($("password-told"), async () => {
    const password = $("new").value, length = [...password].length;
    if (length < 8 || length > 256) throw words(t("setup.password_length", { length }));
    if (password !== $("again").value) throw words(t("setup.password_differ"));
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ current: $("current").value, new: password }) };
    hold.login = true;
    setTimeout(() => { hold.login = false; take("doubt"); }, 5000); // what was refused meanwhile is asked again
    const answer = await fetch("api/password", options);
    if (answer.status === 403) throw words(t("setup.password_wrong"));
    if (answer.status === 429) throw words(t("login.wait", { seconds: answer.headers.get("Retry-After") }));
    const data = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(data.error ?? t("error.status", { status: answer.status })), { details: data });
    $("password-form").reset();
    take("now", data);
    return t("setup.password_saved");
  });
});

function showNext() {
  say($("name-told"), t("setup.name_next", { name: now.next_name, device: now.device }) + (now.restarts ? "" : ` ${t("setup.restart_yourself")}`));
  $("restart-row").hidden = !now.restarts;
}
$("name-form").addEventListener("submit", event => {
  event.preventDefault();
  attempt($("name-told"), async () => {
    const name = $("name").value.trim();
    take("now", await send("api/name", { name }));
    remember("name");
    $("restart-row").hidden = true;
    return now.next_name ? $("name-told").textContent : t("setup.name_kept", { name });
  });
});
$("restart").addEventListener("click", () => attempt($("name-told"), async () => {
  await send("api/restart", {});
  delete now.next_name;
  $("restart-row").hidden = true;
  return t("setup.restarting");
}));
$("to-zones").addEventListener("click", () => { $("editing").open = true; });
$("setup-test").addEventListener("click", () => attempt($("setup-tested"), async () => {
  await send("api/test", {});
  remember("test");
  return t("health.test_sent");
}));
$("finish").addEventListener("click", () => attempt($("finished"), async () => {
  take("now", await send("api/settings", { web: { setup: false } }));
  return t("setup.complete");
}));
listen("now", show);

// The hint below the live image, once per second while it shows faces. It changes only with what it says, so that a
// screen reader is not busy with every pixel.
const JUST = 1.3, DARK = 50, BRIGHT = 225;
let told = {};

function hint({ widths, light, face_light: face, smallest }) {
  const widest = Math.max(0, ...widths), pixels = Math.round(widest / 10) * 10;
  const kind = !widest ? (light < DARK ? "dark" : "none") : face < DARK ? (light < DARK ? "dark" : "backlight")
    : face > BRIGHT ? "bright" : widest < JUST * smallest ? "just" : "good";
  if (kind === "good" && !own.aim) remember("aim");
  if (kind === told.kind && Math.abs(pixels - told.pixels) < 0.15 * told.pixels) return;
  told = { kind, pixels };
  say($("aim"), t(`aim.${kind}`, { pixels, smallest }));
  $("aim").className = kind === "good" ? "good" : "";
}
setInterval(async () => {
  const wanted = now.setup && seen && !$("live").hidden;
  $("aim").hidden = !now.setup;
  if (!wanted) return;
  try {
    hint(await ask("api/aim"));
  } catch { /* the page says elsewhere that the device does not answer */ }
}, 1000);
