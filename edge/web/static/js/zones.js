// Draws zones over the live image, by touch, mouse or keyboard, and saves them.
//
// Handles are buttons over the image, because their size must be that of a finger whatever the size of the image. Only
// the chosen zone has handles. A draft that is not saved is never replaced: where somebody else has saved other zones
// meanwhile, both are shown and the visitor decides.
import { $, keep, element, say, send, t } from "./common.js";
import { listen, now, take } from "./events.js";
import { after, centre, corner, crosses, middle, moved, within } from "./geometry.js";
import { inTurn, slide, smallest, whenDrawn } from "./tuning.js";

const MOST = 32, MOST_CORNERS = 64, TAP = 4, TWICE = 400; // pixels that a tap may move, milliseconds between two
const FINGER = 44; // pixels
const svg = $("drawing"), layer = $("grips"), stage = $("stage");
let draft = [], saved = "[]", base, chosen = 0, selected, steps = [], drag, late = false, tapped = {}, typed = {};

const plain = () => draft.map(({ name, corners }) => (name ? { name, corners } : corners));
const text = () => JSON.stringify(plain());
const isDirty = () => text() !== saved;
const zone = () => draft[chosen];
const size = () => now.frame_size ?? [640, 480];
const title = (number, { name }) => (name ? t("zones.named", { zone: number + 1, name }) : t("zones.zone", { zone: number + 1 }));
const parsed = zones => structuredClone(zones).map(one => (Array.isArray(one) ? { name: "", corners: one } : one));

function start() {
  draft = parsed(now.zones);
  saved = JSON.stringify(now.zones);
  base = now.settings_version;
  steps = [];
  chosen = Math.min(chosen, Math.max(0, draft.length - 1));
  $("conflict").hidden = true;
  draw();
}
listen("now", () => {
  late = !!drag;
  if (drag || !now.zones) return;
  const theirs = JSON.stringify(now.zones);
  if (!isDirty() || theirs === text()) start();
  else if (theirs === saved) base = now.settings_version; // another option was changed
  else $("conflict").hidden = false;
  draw();
});

// Drawing. Children are kept, with their focus.
const shape = name => document.createElementNS("http://www.w3.org/2000/svg", name);
const set = (one, values) => { for (const [name, value] of Object.entries(values)) one.setAttribute(name, value); };
const points = corners => corners.map(([x, y]) => `${x * size()[0]},${y * size()[1]}`).join(" ");

function draw() {
  const editing = $("editing").open, [width, height] = size(), face = smallest();
  set(svg, { viewBox: `0 0 ${width} ${height}` });
  stage.classList.toggle("edited", editing);
  const shapes = draft.map((one, number) => ({ key: `shape-${number}`, one, number }));
  if (!$("conflict").hidden) shapes.unshift(...parsed(now.zones).map((one, number) => ({ key: `other-${number}`, one, other: true })));
  if (editing) shapes.push({ key: "face" });
  keep(svg, shapes, item => item.key, item => shape(item.one ? "polygon" : "rect"), (child, { key, one, number, other }) => {
    if (!one) return set(child, { class: "face", x: (width - face) / 2, y: (height - face) / 2, width: face, height: face });
    set(child, { id: key, points: points(one.corners), class: other ? "other" : number === chosen && editing ? "zone chosen" : "zone" });
    if (other) return;
    set(child, { tabindex: editing ? 0 : -1, role: "button", "aria-pressed": number === chosen,
      "aria-label": t("zones.shape", { zone: title(number, one), corners: one.corners.length }) });
  });
  keep(layer, handles(editing), item => item.id, make, fill);
  fillPanel();
}
function handles(editing) {
  const items = draft.map((one, number) => ({ id: `name-${number}`, at: centre(one.corners), name: one.name || (editing ? number + 1 : "") }));
  if (!editing) return items.filter(item => item.name);
  zone()?.corners.forEach((at, which, corners) => {
    items.push({ id: `zone-${chosen}-${which}`, which, at, kind: "corner" });
    const box = stage.getBoundingClientRect(), next = after(corners, which);
    const wide = Math.hypot((next[0] - at[0]) * box.width, (next[1] - at[1]) * box.height) >= 1.5 * FINGER;
    if (wide && corners.length < MOST_CORNERS) items.push({ id: `middle-${chosen}-${which}`, which, at: middle(at, next), kind: "middle" });
  });
  const half = size().map(side => 0.5 + smallest() / side / 2);
  return [...items, { id: "smallest-corner", at: half, kind: "size" }];
}
function make({ id, kind }) {
  const made = element(kind ? "button" : "span", undefined, kind ? `grip ${kind}` : "zone-name");
  made.id = id;
  if (kind) made.type = "button";
  return made;
}
function fill(child, { at, kind, name, which }) {
  child.style.left = `${at[0] * 100}%`;
  child.style.top = `${at[1] * 100}%`;
  if (!kind) return say(child, name);
  child.dataset.kind = kind;
  child.dataset.which = which;
  child.classList.toggle("selected", kind === "corner" && which === selected);
  const values = zone() && { zone: chosen + 1, corner: which + 1, corners: zone().corners.length };
  child.ariaLabel = kind === "size" ? t("zones.smallest_corner") : t(`zones.${kind}`, values);
}
function fillPanel() {
  const one = zone();
  keep($("zone"), draft.map((each, number) => ({ number, words: title(number, each) })), item => item.number,
    () => element("option"), (option, { number, words }) => { option.value = number; say(option, words); });
  $("zone").value = chosen;
  $("zone-row").hidden = !one;
  if (document.activeElement !== $("zone-name")) $("zone-name").value = one?.name ?? "";
  $("add").disabled = draft.length >= MOST;
  $("remove").disabled = !one;
  $("add-corner").disabled = !one || one.corners.length >= MOST_CORNERS;
  $("remove-corner").disabled = !one || one.corners[selected] === undefined || one.corners.length <= 3;
  $("undo").disabled = !steps.length;
  $("discard").disabled = $("save").disabled = !isDirty();
  const crossing = draft.findIndex(each => crosses(each.corners));
  $("crossing").hidden = crossing < 0;
  if (crossing >= 0) say($("crossing"), t("zones.crossing", { zone: title(crossing, draft[crossing]) }));
}

// Changes. Each can be undone.
function change(action, before = JSON.stringify(draft)) {
  action?.();
  if (JSON.stringify(draft) !== before) {
    steps.push(before);
    say($("saved"), isDirty() ? t("zones.not_saved_yet") : "");
  }
  draw();
}
function choose(number, which) {
  if (number !== chosen) selected = undefined;
  chosen = number;
  if (which !== undefined) selected = which;
  draw();
}
function addCorner(which) {
  const { corners } = zone();
  corners.splice(which + 1, 0, middle(corners[which], after(corners, which)));
  selected = which + 1;
}
function removeCorner(which) {
  if (zone().corners.length <= 3) return say($("saved"), t("zones.three"));
  change(() => zone().corners.splice(which, 1));
  selected = undefined;
  draw();
  $(`zone-${chosen}-${Math.min(which, zone().corners.length - 1)}`)?.focus();
}
function removeZone() {
  change(() => draft.splice(chosen, 1));
  chosen = Math.max(0, Math.min(chosen, draft.length - 1));
  selected = undefined;
  draw();
  (draft.length ? $(`shape-${chosen}`) : $("add")).focus();
}

// Touch and mouse.
const at = event => {
  const box = stage.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};
/** Returns the handle nearest to the finger: those of neighbours overlap. */
function nearest(event) {
  const away = grip => {
    const box = grip.getBoundingClientRect();
    return Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY);
  };
  return event.target.closest(".grip") && [...layer.querySelectorAll(".grip")].sort((a, b) => away(a) - away(b))[0];
}
stage.addEventListener("touchstart", event => { // else the page would scroll away under the finger
  if (event.target.closest(".grip, .zone.chosen") && event.cancelable) event.preventDefault();
}, { passive: false });
stage.addEventListener("pointerdown", event => {
  if (!$("editing").open || event.button || drag) return;
  const grip = nearest(event), under = event.target.closest(".zone");
  if (!grip && !under) return;
  const number = under ? Number(under.id.slice(6)) : chosen;
  const kind = grip?.dataset.kind ?? (number === chosen ? "zone" : "choose");
  drag = { id: event.pointerId, kind, number, grip, from: at(event), x: event.clientX, y: event.clientY,
    before: JSON.stringify(draft), face: smallest(), which: Number(grip?.dataset.which) };
  if (kind === "choose") return; // a tap chooses; anything else scrolls
  event.preventDefault();
  stage.setPointerCapture(event.pointerId);
  if (kind === "middle") {
    addCorner(drag.which++);
    drag.kind = "corner";
  }
  if (drag.kind === "corner") selected = drag.which;
  drag.corners = zone() && structuredClone(zone().corners);
  draw();
  (drag.kind === "corner" ? $(`zone-${chosen}-${drag.which}`) : grip ?? under).focus({ preventScroll: true });
});
stage.addEventListener("pointermove", event => {
  if (event.pointerId !== drag?.id) return;
  drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > TAP;
  if (!drag.moved || drag.kind === "choose") return;
  const [x, y] = at(event), dx = x - drag.from[0], dy = y - drag.from[1];
  if (drag.kind === "size") return resize(drag.face + 2 * Math.max(dx * size()[0], dy * size()[1]));
  if (drag.kind === "zone") zone().corners = moved(drag.corners, dx, dy);
  else zone().corners[drag.which] = corner(drag.corners[drag.which][0] + dx, drag.corners[drag.which][1] + dy);
  draw();
});
stage.addEventListener("pointerup", event => event.pointerId === drag?.id && end());
stage.addEventListener("pointercancel", event => {
  if (event.pointerId !== drag?.id) return;
  draft = JSON.parse(drag.before); // the browser took the gesture: nothing was meant
  if (drag.kind === "size") slide("smallest", drag.face);
  end();
});
function end() {
  const { kind, number, which, before, moved: wasMoved, grip } = drag;
  drag = undefined;
  if (kind === "choose" && !wasMoved) {
    choose(number);
    $(`shape-${number}`).focus({ preventScroll: true });
  }
  const twice = kind === "corner" && !wasMoved && grip?.dataset.kind === "corner" && tapped.id === grip.id
    && performance.now() - tapped.time < TWICE;
  tapped = wasMoved ? {} : { id: grip?.id, time: performance.now() };
  change(undefined, before);
  if (twice) removeCorner(which);
  if (late) take("now", { ...now }); // what came meanwhile
}
function resize(value) {
  slide("smallest", Math.round(value));
}

// Keyboard.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
stage.addEventListener("focusin", event => {
  if (drag) return;
  if (event.target.matches(".zone")) choose(Number(event.target.id.slice(6)));
  else if (event.target.dataset.kind === "corner") choose(chosen, Number(event.target.dataset.which));
});
stage.addEventListener("keydown", event => {
  const { kind } = event.target.dataset, which = Number(event.target.dataset.which), shaped = event.target.matches(".zone");
  if (!kind && !shaped) return;
  const arrow = ARROWS[event.key], step = event.shiftKey ? 0.05 : 0.01;
  if (arrow && kind !== "middle") {
    const [dx, dy] = arrow.map(one => one * step);
    if (kind === "size") resize(smallest() + Math.sign(dx + dy) * (event.shiftKey ? 10 : 1));
    else burst(event.target.id, () => {
      const { corners } = zone();
      if (shaped) zone().corners = moved(corners, dx, dy);
      else corners[which] = corner(within(corners[which][0] + dx), within(corners[which][1] + dy));
    });
  } else if (["Delete", "Backspace"].includes(event.key)) {
    if (shaped) removeZone();
    else if (kind === "corner") removeCorner(which);
  } else if (kind === "middle" && ["Enter", " "].includes(event.key)) {
    change(() => addCorner(which));
    $(`zone-${chosen}-${selected}`).focus();
  } else return;
  event.preventDefault();
});
/** Makes one step to undo of several keys in a row. */
function burst(id, action) {
  const goesOn = typed.id === id && performance.now() - typed.time < 1000 && typed.steps === steps.length;
  change(action, goesOn ? steps.pop() : undefined);
  typed = { id, time: performance.now(), steps: steps.length };
}
$("live").addEventListener("keydown", event => {
  if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.target === $("zone-name")) return;
  event.preventDefault();
  undo();
});

// The panel.
function undo() {
  if (!steps.length) return;
  draft = JSON.parse(steps.pop());
  chosen = Math.max(0, Math.min(chosen, draft.length - 1));
  say($("saved"), isDirty() ? t("zones.not_saved_yet") : t("zones.undone"));
  draw();
}
$("add").addEventListener("click", () => {
  const shift = 0.03 * (draft.length % 5), corners = [[0.25, 0.2], [0.75, 0.2], [0.75, 0.8], [0.25, 0.8]];
  change(() => draft.push({ name: "", corners: corners.map(([x, y]) => corner(x + shift, y + shift)) }));
  choose(draft.length - 1);
});
$("remove").addEventListener("click", removeZone);
$("add-corner").addEventListener("click", () => change(() => addCorner(selected ?? zone().corners.length - 1)));
$("remove-corner").addEventListener("click", () => removeCorner(selected));
$("zone").addEventListener("change", () => choose(Number($("zone").value)));
$("zone-name").addEventListener("input", () => burst("name", () => { zone().name = $("zone-name").value.trim(); }));
$("undo").addEventListener("click", undo);
$("discard").addEventListener("click", () => { start(); say($("saved"), t("zones.undone")); });
$("theirs").addEventListener("click", () => { start(); say($("saved"), t("zones.took_theirs")); });
$("mine").addEventListener("click", () => {
  base = now.settings_version;
  saved = JSON.stringify(now.zones);
  $("conflict").hidden = true;
  say($("saved"), t("zones.not_saved_yet"));
  draw();
});
$("save").addEventListener("click", () => inTurn(async () => {
  try {
    take("now", await send("api/settings", { settings_version: base, detect: { zones: plain() } }));
    say($("saved"), t("zones.saved"));
  } catch (error) {
    say($("saved"), error.details?.now ? t("zones.conflict_short") : t("zones.not_saved", { reason: error.message }));
    if (error.details?.now) take("now", error.details.now);
  }
}));
$("editing").addEventListener("toggle", draw);
new ResizeObserver(draw).observe(stage); // which edges have room for a handle
whenDrawn(draw);
