// Checks images and shows what is found in them.
import { $, ask, count, element, label, percent, say, t } from "./common.js";

const LONGEST = 2000; // pixels that the device searches, so more would only take longer to send
const LIMIT = 20; // MiB
const POLL_MS = 1500;

/** Checks an image and lists it first; returns the number of faces, or NaN if the image cannot be checked. */
export async function check(blob, name) {
  const item = element("li"), title = element("h3", name), state = element("p", t("check.checking"));
  item.append(title, state);
  $("results").prepend(item);
  try {
    const small = await shrunk(blob), size = small.blob.size / 2 ** 20;
    if (size > LIMIT) throw new Error(t("check.error.too_large", { size: size.toFixed(1), limit: LIMIT }));
    const found = await upload(small.blob, state), picture = element("img");
    for (const face of found.faces) face.box = face.box.map(pixel => Math.round(pixel / small.scale));
    picture.src = found.picture;
    picture.alt = t("check.marked", { name, faces: count("faces", found.faces.length) });
    const save = element("a", t("check.download"), "button");
    save.href = found.picture;
    save.download = `${name.replace(/\.[^.]*$/, "")}-checked.jpg`;
    item.replaceChildren(title, picture, faces(found.faces), save);
    return found.faces.length;
  } catch (error) {
    const key = `check.error.${error.details?.code}`, text = t(key, error.details);
    item.replaceChildren(title, element("p", t("check.not_checked", { reason: text === key ? error.message : text }), "bad"));
    return NaN;
  }
}
// Makes a large image smaller, and turns it upright. The device gets what this browser cannot decode as it is.
async function shrunk(blob) {
  const whole = { blob, scale: 1 };
  try {
    const image = await createImageBitmap(blob), { width, height } = image;
    if (Math.max(width, height) <= LONGEST && /^image\/(jpeg|png|webp)$/.test(blob.type)) return whole;
    const smaller = await jpeg(image, width, height);
    image.close();
    return smaller.blob ? smaller : whole;
  } catch {
    return whole;
  }
}
/** Draws an image or a video with at most so many pixels on its longer side; returns the JPEG, and the scale. */
export async function jpeg(source, width, height, longest = LONGEST, quality = 0.92) {
  const canvas = element("canvas"), scale = Math.min(1, longest / Math.max(width, height));
  [canvas.width, canvas.height] = [width, height].map(side => Math.max(1, Math.round(side * scale)));
  const drawing = canvas.getContext("2d");
  drawing.imageSmoothingQuality = "high";
  drawing.drawImage(source, 0, 0, canvas.width, canvas.height);
  return { blob: await new Promise(done => canvas.toBlob(done, "image/jpeg", quality)), scale };
}
// Sends an image; meanwhile the state says how many images are checked before it.
async function upload(body, state) {
  const name = Math.random().toString(36).slice(2);
  const timer = setInterval(async () => {
    const { before } = await ask(`api/check/${name}`).catch(() => ({}));
    if (before !== null && before !== undefined) say(state, before ? count("check.before", before) : t("check.checking"));
  }, POLL_MS);
  try {
    return await ask(`api/check?name=${name}`, { method: "POST", body });
  } finally {
    clearInterval(timer);
  }
}
function faces(found) {
  if (!found.length) return element("p", t("check.no_face"));
  const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  for (const name of ["face", "result", "score", "position"]) head.append(element("th", t(`check.${name}`)));
  found.forEach((face, number) => {
    const row = body.insertRow(), [x0, y0, x1, y1] = face.box;
    row.append(element("td", number + 1), element("td", label(face.label), face.label),
      element("td", percent(face.score)), element("td", t("check.place", { width: x1 - x0, height: y1 - y0, x: x0, y: y0 })));
  });
  return table;
}
async function checkAll(files) {
  const counts = [];
  for (const file of files) {
    $("checking").textContent = t("check.done", { done: counts.length, all: files.length });
    counts.push(await check(file, file.name));
  }
  const good = counts.filter(faces => !isNaN(faces)), found = good.reduce((sum, faces) => sum + faces, 0);
  const bad = counts.length - good.length;
  $("checking").textContent = !counts.length ? ""
    : t(bad ? "check.sum_bad" : "check.sum", { good: good.length, faces: count("faces", found), bad });
}
$("files").addEventListener("change", async event => { await checkAll([...event.target.files]); event.target.value = ""; });
// Files may be dropped anywhere on the page: beside the area, a browser would leave the page and show the file.
for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, event => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if ($("check").hidden) event.dataTransfer.dropEffect = "none";
    else if (kind === "drop") checkAll([...event.dataTransfer.files]);
  });
