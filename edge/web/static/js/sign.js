// The sign at the door: says what the device's events tell, in one language after the other.
const SILENT = 6000; // milliseconds: three beats of the device
const AGAIN = 1000; // between two attempts to connect
const TURN = 3000; // for which one language is shown
// A request comes at once. It stays long enough to be read, also if the person is judged anew or has gone on.
const HOLD = { idle: 0, no_mask: 3000, incorrect_mask: 3000, mask: 2000 };
const RELEASE = 1000; // for which nobody must be there before the sign is idle
const LARGEST = 0.4; // of the screen's height: one short word
const URGENT = { idle: 0, mask: 1, incorrect_mask: 2, no_mask: 3 };
const $ = id => document.getElementById(id);
let texts = [], version, shown = "idle", since = 0, wanted = "idle", later, turn = 0, turning;

/** Takes the device's message; shows it at once if it is more urgent, else when the present one was shown long enough. */
function take(message) {
  if (!(message in URGENT)) return forget();
  if (message === wanted && later) return;
  wanted = message;
  clearTimeout(later);
  later = undefined;
  if (wanted === shown) return;
  const left = Math.max(since + HOLD[shown] - performance.now(), wanted === "idle" ? RELEASE : 0);
  const wait = URGENT[wanted] > URGENT[shown] ? 0 : left;
  if (wait > 0) later = setTimeout(() => say(wanted), wait);
  else say(wanted);
}

/** Says nothing to anybody, at once: without news of the device nobody knows who is at the door. */
function forget() {
  clearTimeout(later);
  later = undefined;
  wanted = "idle";
  if (shown !== "idle") say("idle");
}

function say(message) {
  shown = message;
  later = undefined;
  since = performance.now();
  turn = 0;
  clearInterval(turning);
  turning = setInterval(() => { turn++; draw(); }, TURN);
  draw();
}

function draw() {
  const text = texts[turn % texts.length];
  document.body.dataset.message = shown;
  if (!text || ($("text").lang === text.language && $("text").textContent === text[shown])) return fit();
  $("text").lang = text.language;
  $("text").dir = "auto";
  $("text").textContent = text[shown];
  fit();
}

/** Makes the text as large as the screen allows. */
function fit() {
  const box = $("text");
  let low = 8, high = innerHeight * LARGEST;
  while (high - low > 1) {
    const size = (low + high) / 2;
    box.style.fontSize = `${size}px`;
    if (box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth) high = size;
    else low = size;
  }
  box.style.fontSize = `${low}px`;
}

function receive(kind, data) {
  if (kind === "message") return take(data);
  if (version && version !== data.version) return location.reload();
  ({ version, texts } = data);
  $("logo").hidden = !data.logo;
  if (data.logo) $("logo").src = `sign/logo${location.search}`;
  draw();
}

async function read(answer, heard) {
  const reader = answer.body.getReader(), decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heard();
    const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
    text = events.pop();
    for (const [, kind, data] of events.map(event => /^event: (\w+)\ndata: (.*)$/.exec(event)).filter(Boolean))
      receive(kind, JSON.parse(data));
  }
}

async function follow() {
  for (;;) {
    const connection = new AbortController();
    let heard = performance.now();
    const watch = setInterval(() => performance.now() - heard > SILENT && connection.abort(), 500);
    try {
      const answer = await fetch(`sign/events${location.search}`, { cache: "no-store", signal: connection.signal });
      if (answer.status === 401) return location.reload(); // another link was made, or the login has ended: to the login
      if (answer.ok) await read(answer, () => { heard = performance.now(); });
    } catch { /* nobody answers: tried again */ }
    clearInterval(watch);
    forget();
    await new Promise(done => setTimeout(done, AGAIN));
  }
}

/** Keeps the screen on, where the browser allows it: over https or on the device itself, while the page can be seen. */
async function stayAwake() {
  try {
    if (!document.hidden) await navigator.wakeLock?.request("screen");
  } catch { /* not allowed, for example with a low battery */ }
}

document.addEventListener("visibilitychange", stayAwake);
document.addEventListener("click", () => document.documentElement.requestFullscreen?.().catch(() => {}));
addEventListener("resize", fit);
$("logo").addEventListener("error", () => { $("logo").hidden = true; fit(); });
stayAwake();
say("idle");
follow();
