// The notice for the door: the sentences are the device's; what only people know is typed here, and stays here.
import { $, ask, element, tell } from "./common.js";

const TYPED = ["responsible", "contact", "purpose"];
/** Height of A4 without margins, and a little less; and sizes of letters. */
const SHEET_MM = 262, LARGEST_PT = 26, SMALLEST_PT = 7;
let notice;

function draw() {
  const days = $("store").validity.valid && $("store").value;
  const more = days ? [notice.store[days === "1" ? "one" : "other"].replace("{number}", days)] : [];
  $("notice").lang = notice.language;
  $("heading").textContent = notice.title;
  $("sentences").replaceChildren(...[...notice.sentences, ...more, notice.rights].map(text => element("p", text)));
  $("who").replaceChildren(...TYPED.flatMap(name => {
    const value = $(name).value.trim();
    return [element("dt", notice.labels[name]), element("dd", value, value ? "" : "line")];
  }));
  fit();
}
/** Makes the letters on paper as large as one page allows: the sheet has the width and the fonts of the page. */
function fit() {
  const sheet = $("notice"), most = SHEET_MM * 96 / 25.4;
  const fits = size => {
    sheet.style.setProperty("--letters", `${size}pt`);
    return sheet.scrollHeight <= most && sheet.scrollWidth <= sheet.clientWidth;
  };
  sheet.classList.add("sheet");
  let size = LARGEST_PT;
  while (size > SMALLEST_PT && !fits(size)) size -= .25;
  fits(size);
  sheet.classList.remove("sheet");
}
async function show(language) {
  try {
    notice = await ask(`api/notice${language ? `?lang=${encodeURIComponent(language)}` : ""}`);
    const options = Object.entries(notice.languages).map(([code, name]) => Object.assign(element("option", name), { value: code, lang: code }));
    $("lang").replaceChildren(...options);
    $("lang").value = notice.language;
    $("store").value ||= notice.store_days ?? "";
    $("seen").hidden = !notice.shows_faces;
    $("failed").hidden = true;
    draw();
  } catch (error) {
    tell($("failed"), "notice.failed", error);
    $("failed").hidden = false;
  }
}
const turn = () => show(new URLSearchParams(location.search).get("lang"));
addEventListener("popstate", turn);
$("lang").addEventListener("change", () => {
  history.pushState(null, "", `?lang=${$("lang").value}`);
  turn();
});
for (const name of [...TYPED, "store"]) $(name).addEventListener("input", () => notice && draw());
$("values").addEventListener("submit", event => event.preventDefault());
$("print").addEventListener("click", () => print());
turn();
