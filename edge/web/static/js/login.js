// Logs in.
import { $, t } from "./common.js";
import "./language.js";

const form = $("form"), told = $("told");

/** Goes to the part from which the login was asked for; the other pages of this browser, which wait here, do so too. */
function back() {
  try {
    localStorage["maskwatch.login"] = Date.now();
  } catch { /* a browser that keeps nothing */ }
  location.href = `.${location.hash}`;
}
addEventListener("storage", event => { if (event.key === "maskwatch.login") location.href = `.${location.hash}`; });
try { // another page may have logged in while this one was being loaded
  if (localStorage["maskwatch.login"] > performance.timeOrigin) location.href = `.${location.hash}`;
} catch { /* a browser that keeps nothing */ }
form.addEventListener("submit", async event => {
  event.preventDefault();
  told.textContent = "";
  try {
    const answer = await fetch("login", { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.ok) back();
    else if (answer.status === 401) told.textContent = t("login.wrong");
    else if (answer.status === 429) told.textContent = t("login.wait", { seconds: answer.headers.get("Retry-After") });
    else told.textContent = await answer.text();
  } catch {
    told.textContent = t("login.no_answer");
  }
});
