import { $, send, t } from "./common.js";
import { listen, now, take } from "./events.js";

// Draws zones and the smallest face over the live image. A corner is dragged, or moved with the arrow keys.
// Coordinates of zones are 0..1 of the image's width and height, as in the configuration.
const Drawing = (() => {
  const svg = document.getElementById("drawing"), NS = "http://www.w3.org/2000/svg";
  let zones = [], face = 48, size = [640, 480], shown = false, changed = () => {};

  const make = (name, attributes) => {
    const element = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return svg.appendChild(element);
  };
  const within = value => Math.min(1, Math.max(0, value));

  function movable(corner, move) {
    corner.addEventListener("pointerdown", event => {
      corner.setPointerCapture(event.pointerId);
      corner.focus();
      event.preventDefault();
    });
    corner.addEventListener("pointermove", event => {
      if (!corner.hasPointerCapture(event.pointerId)) return;
      const box = svg.getBoundingClientRect();
      move(within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height));
    });
    corner.addEventListener("pointerup", () => draw());
    corner.addEventListener("keydown", event => {
      const step = event.shiftKey ? 0.05 : 0.01;
      const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (!by) return;
      event.preventDefault();
      const id = corner.id;
      move(within(Number(corner.dataset.x) + by[0]), within(Number(corner.dataset.y) + by[1]));
      draw();
      document.getElementById(id)?.focus();
    });
  }

  function corner(id, label, x, y, extra, move) {
    const circle = make("circle", {
      id, class: `corner ${extra}`, cx: x * size[0], cy: y * size[1], r: size[0] / 55, tabindex: 0, role: "button",
      "aria-label": label,
    });
    circle.dataset.x = x;
    circle.dataset.y = y;
    movable(circle, (newX, newY) => {
      circle.dataset.x = newX;
      circle.dataset.y = newY;
      circle.setAttribute("cx", newX * size[0]);
      circle.setAttribute("cy", newY * size[1]);
      move(newX, newY);
    });
  }

  const points = zone => zone.map(([x, y]) => `${x * size[0]},${y * size[1]}`).join(" ");

  function draw() {
    svg.replaceChildren();
    svg.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
    zones.forEach((zone, number) => {
      const shape = make("polygon", { class: "zone", points: points(zone) });
      if (!shown) return;
      zone.forEach(([x, y], which) =>
        corner(`zone-${number}-${which}`, t("zones.corner", { zone: number + 1, corner: which + 1, corners: zone.length }), x, y, "", (a, b) => {
          zone[which] = [Math.round(a * 1000) / 1000, Math.round(b * 1000) / 1000];
          shape.setAttribute("points", points(zone));
          changed();
        }));
    });
    if (!shown) return;
    const x = (size[0] - face) / 2, y = (size[1] - face) / 2;
    const square = make("rect", { class: "face", x, y, width: face, height: face });
    const label = make("text", { class: "label", x, y: y - size[1] / 60, "font-size": size[1] / 24 });
    label.textContent = t("zones.smallest_label");
    corner("smallest-corner", t("zones.smallest_corner"), (x + face) / size[0], (y + face) / size[1], "size",
      (newX, newY) => {
        face = Math.min(300, Math.max(24, Math.round(2 * Math.max(newX * size[0] - size[0] / 2, newY * size[1] - size[1] / 2))));
        square.setAttribute("x", (size[0] - face) / 2);
        square.setAttribute("y", (size[1] - face) / 2);
        square.setAttribute("width", face);
        square.setAttribute("height", face);
        changed();
      });
  }

  return {
    get zones() { return zones; },
    get face() { return face; },
    set(newZones, newFace, newSize) {
      zones = newZones.map(zone => zone.map(point => [...point]));
      face = newFace;
      size = newSize ?? size;
      draw();
    },
    setFace(value) { face = value; draw(); changed(); },
    add() {
      const shift = 0.03 * (zones.length % 5);
      zones.push([[0.25, 0.2], [0.75, 0.2], [0.75, 0.8], [0.25, 0.8]].map(([x, y]) => [x + shift, y + shift]));
      draw();
      changed();
    },
    remove() { zones.pop(); draw(); changed(); },
    show(yes) { shown = yes; draw(); },
    onchange(listener) { changed = listener; },
  };
})();

function showSettings() {
  Drawing.set(now.zones, now.min_face, now.frame_size);
  showDrawing();
}
function showDrawing() {
  $("smallest").value = Drawing.face;
  $("smallest-note").textContent = t("zones.pixels", { pixels: Drawing.face });
  $("remove").disabled = !Drawing.zones.length;
}
listen("now", () => { if (!$("editing").open) showSettings(); });
Drawing.onchange(() => { $("saved").textContent = t("zones.not_saved_yet"); showDrawing(); });
$("editing").addEventListener("toggle", () => Drawing.show($("editing").open));
$("smallest").addEventListener("input", () => Drawing.setFace(Number($("smallest").value)));
$("add").addEventListener("click", () => Drawing.add());
$("remove").addEventListener("click", () => Drawing.remove());
$("undo").addEventListener("click", () => { showSettings(); $("saved").textContent = t("zones.undone"); });
$("save").addEventListener("click", async () => {
  try {
    take("now", await send("api/settings", { detect: { zones: Drawing.zones, min_face: Drawing.face } }));
    showSettings();
    $("saved").textContent = t("zones.saved");
  } catch (error) {
    $("saved").textContent = t("zones.not_saved", { reason: error.message });
  }
});
