"use strict";
const $ = id => document.getElementById(id);
const faceCount = count => `${count} ${count === 1 ? "face" : "faces"}`;
const WORDS = { no_mask: "No mask", incorrect_mask: "Mask worn incorrectly", mask: "Mask" };
let now = {};

const element = (name, text, className) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
};

async function ask(path, options) {
  const answer = await fetch(path, options);
  if (answer.status === 401) location.href = "/login";
  const data = await answer.json().catch(() => ({ error: `the device answers with HTTP status ${answer.status}` }));
  if (!answer.ok) throw new Error(data.error ?? `the device answers with HTTP status ${answer.status}`);
  return data;
}
const send = (path, data) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data) });

// Parts of the page: the address (#live) selects the one that is shown, so that Back and bookmarks work.

function turn() {
  const wanted = ["live", "check", "alerts", "health"].find(id => `#${id}` === location.hash) ?? "live";
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== wanted;
  for (const link of document.querySelectorAll("nav a"))
    link.hash === `#${wanted}` ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  look(wanted === "live" && !document.hidden);
  if (wanted !== "check") camera(false);
}
addEventListener("hashchange", turn);
document.addEventListener("visibilitychange", turn); // a hidden page must not make the device encode images

// Live image

function look(yes) {
  const picture = $("picture");
  if (yes === picture.hasAttribute("src")) return;
  if (yes) picture.src = `/live.mjpeg?${Date.now()}`;
  else picture.removeAttribute("src");
}
$("picture").addEventListener("load", () => { $("waiting").hidden = true; });
$("picture").addEventListener("error", () => {
  if (!$("picture").hasAttribute("src")) return;
  $("picture").removeAttribute("src");
  $("waiting").hidden = false;
  setTimeout(turn, 2000);
});

function showSettings() {
  Drawing.set(now.zones, now.min_face, now.frame_size);
  showDrawing();
  $("mode").textContent = now.setup
    ? "Set-up mode: faces are shown, so that you can aim and focus the camera. Anyone who can open this page sees them."
    : "Faces are blurred before the image leaves the device.";
  $("setup").textContent = now.setup ? "Finish set-up: blur faces" : "Set-up mode: show faces";
}
function showDrawing() {
  $("smallest").value = Drawing.face;
  $("smallest-note").textContent = `${Drawing.face} pixels`;
  $("remove").disabled = !Drawing.zones.length;
}
Drawing.onchange(() => { $("saved").textContent = "Not saved yet"; showDrawing(); });
$("editing").addEventListener("toggle", () => Drawing.show($("editing").open));
$("smallest").addEventListener("input", () => Drawing.setFace(Number($("smallest").value)));
$("add").addEventListener("click", () => Drawing.add());
$("remove").addEventListener("click", () => Drawing.remove());
$("undo").addEventListener("click", () => { showSettings(); $("saved").textContent = "Changes undone"; });
$("save").addEventListener("click", async () => {
  try {
    now = await send("/api/settings", { detect: { zones: Drawing.zones, min_face: Drawing.face } });
    showSettings();
    $("saved").textContent = "Saved and in use";
  } catch (error) {
    $("saved").textContent = `Not saved: ${error.message}`;
  }
});
$("setup").addEventListener("click", async () => {
  try {
    now = await send("/api/settings", { web: { setup: !now.setup } });
    showSettings();
  } catch (error) {
    $("mode").textContent = `Not changed: ${error.message}`;
  }
});

// Check an image

async function check(blob, name) {
  const item = element("li"), title = element("h3", name);
  item.append(title, element("p", "is being checked ..."));
  $("results").prepend(item);
  try {
    if (blob.size > 8 * 2 ** 20) throw new Error(`the file has ${(blob.size / 2 ** 20).toFixed(1)} MiB; at most 8 MiB are allowed`);
    const found = await ask("/api/check", { method: "POST", body: blob });
    const picture = element("img");
    picture.src = found.picture;
    picture.alt = `${name}, with ${faceCount(found.faces.length)} marked`;
    const save = element("a", "Download", "button");
    save.href = found.picture;
    save.download = `${name.replace(/\.[^.]*$/, "")}-checked.jpg`;
    item.replaceChildren(title, picture, faces(found.faces), save);
    return found.faces.length;
  } catch (error) {
    item.replaceChildren(title, element("p", `Not checked: ${error.message}`, "bad"));
    return NaN;
  }
}
function faces(found) {
  if (!found.length) return element("p", "No face found.");
  const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  for (const name of ["Face", "Result", "Score", "Position"]) head.append(element("th", name));
  found.forEach((face, number) => {
    const row = body.insertRow(), [x0, y0, x1, y1] = face.box;
    row.append(element("td", number + 1), element("td", WORDS[face.label] ?? face.label, face.label),
      element("td", `${Math.round(face.score * 100)} %`), element("td", `${x1 - x0} × ${y1 - y0} at ${x0}, ${y0}`));
  });
  return table;
}
async function checkAll(files) {
  const counts = [];
  for (const file of files) {
    $("checking").textContent = `${counts.length} of ${files.length} done`;
    counts.push(await check(file, file.name));
  }
  const good = counts.filter(count => !isNaN(count)), found = good.reduce((sum, count) => sum + count, 0);
  const bad = counts.length - good.length;
  $("checking").textContent = counts.length ? `${good.length} checked, ${faceCount(found)} found${bad ? `, ${bad} not checked` : ""}` : "";
}
$("files").addEventListener("change", async event => { await checkAll([...event.target.files]); event.target.value = ""; });
for (const kind of ["dragover", "dragleave", "drop"])
  $("drop").addEventListener(kind, event => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") checkAll([...event.dataTransfer.files]);
  });

async function camera(on) {
  const video = $("video");
  video.srcObject?.getTracks().forEach(track => track.stop());
  video.srcObject = null;
  $("cam").hidden = !on;
  if (!on) return;
  try {
    if (!navigator.mediaDevices) throw new Error("browsers allow a page to use the camera only over https, or on the device itself");
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
  } catch (error) {
    $("cam").hidden = true;
    $("checking").textContent = `No camera: ${error.message}`;
  }
}
$("webcam").addEventListener("click", () => camera(true));
$("camoff").addEventListener("click", () => camera(false));
$("shoot").addEventListener("click", async () => {
  const video = $("video"), canvas = element("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise(done => canvas.toBlob(done, "image/jpeg", 0.92));
  const time = new Date().toLocaleTimeString();
  const count = await check(blob, `camera ${time}`);
  $("checking").textContent = isNaN(count) ? "Not checked" : `1 checked, ${faceCount(count)} found`;
});

// Alerts

function row(alert) {
  const line = document.createElement("tr"), time = new Date(alert.time);
  line.append(element("td", time.toLocaleString()), element("td", WORDS[alert.event_type] ?? alert.event_type, alert.event_type),
    element("td", `${Math.round(alert.score * 100)} %`));
  const cell = line.insertCell();
  if (alert.snapshot) {
    const link = cell.appendChild(element("a", "Snapshot"));
    link.href = `/api/snapshots/${encodeURIComponent(alert.id)}`;
  }
  return line;
}
async function showAlerts() {
  const found = await ask("/api/alerts"), most = Math.max(1, ...found.days.map(day => day.alerts));
  $("chart").replaceChildren(...found.days.map(day => {
    const bar = element("div", undefined, "bar"), name = new Date(`${day.day}T12:00`).toLocaleDateString([], { weekday: "short" });
    const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const rect = box.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "rect"));
    box.setAttribute("viewBox", "0 0 1 100");
    box.setAttribute("preserveAspectRatio", "none");
    box.setAttribute("aria-hidden", "true");
    const height = 100 * day.alerts / most;
    for (const [key, value] of Object.entries({ x: 0, y: 100 - height, width: 1, height })) rect.setAttribute(key, value);
    bar.append(element("span", day.alerts), box, element("span", name));
    return bar;
  }));
  $("list").tBodies[0].replaceChildren(...found.alerts.map(row));
  $("none").hidden = found.alerts.length > 0;
  $("list").hidden = !found.alerts.length;
}

// Health, and everything else that is updated by events

const UNITS = {
  fps: ["Frames per second", ""], frames: ["Frames processed", ""], dropped: ["Frames dropped", ""],
  detect_ms: ["Detection", " ms"], classify_ms: ["Classification", " ms"], latency_ms: ["All stages", " ms"],
  cpu_temp_c: ["Processor temperature", " °C"], throttled: ["Processor throttled", ""], rss_mb: ["Memory", " MB"],
  outbox: ["Alerts waiting for the broker", ""], uptime_s: ["Uptime", " s"],
};
function showNumbers() {
  const rows = [["Camera", now.health?.camera], ["Problem", now.health ? now.health.problem ?? "none" : undefined],
    ["People in view", now.state?.people], ["With mask", now.state?.mask], ["Without mask", now.state?.no_mask_count],
    ["People today", now.state?.today.people], ["With mask today", now.state?.today.mask], ["Alerts today", now.state?.today.alerts],
    ...Object.entries(UNITS).map(([key, [name, unit]]) => [name, now.stats?.[key] == null ? undefined : `${now.stats[key]}${unit}`]),
    ["Model", now.model], ["Detector", now.detector], ["Version", now.version]];
  $("numbers").replaceChildren(...rows.filter(([, value]) => value !== undefined).map(([name, value]) => {
    const pair = element("div");
    pair.append(element("dt", name), element("dd", value));
    return pair;
  }));
  const problem = now.health?.problem;
  $("verdict").textContent = problem ?? (now.health ? (now.state?.no_mask === "ON" ? "Somebody without a mask" : "No problem") : "Starting");
  $("verdict").className = problem || now.state?.no_mask === "ON" ? "bad" : "good";
}
function take(data) {
  const first = now.device === undefined;
  now = data;
  $("device").textContent = document.title = `maskwatch: ${now.device}`;
  $("logout").hidden = !now.locked;
  if (first || !$("editing").open) showSettings();
  showNumbers();
}

function follow() {
  const events = new EventSource("/events");
  events.addEventListener("now", event => { $("broken").hidden = true; take(JSON.parse(event.data)); showAlerts(); });
  events.addEventListener("alert", showAlerts);
  for (const kind of ["state", "health", "stats"])
    events.addEventListener(kind, event => { now[kind] = JSON.parse(event.data); showNumbers(); });
  events.addEventListener("error", () => {
    $("broken").textContent = "The device does not answer. The page tries again by itself.";
    $("broken").hidden = false;
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
  });
}
$("test").addEventListener("click", async () => {
  try {
    await send("/api/test", {});
    $("tested").textContent = "Sent. If the phone stays silent, its service is not set up or has a problem: see its log.";
  } catch (error) {
    $("tested").textContent = `Not sent: ${error.message}`;
  }
});
$("logout").addEventListener("click", async () => { await fetch("/logout", { method: "POST" }); location.href = "/login"; });
turn();
follow();
