// Logs in.
import { $, t } from "./common.js";

const form = $("form"), told = $("told");
form.addEventListener("submit", async event => {
  event.preventDefault();
  told.textContent = "";
  try {
    const answer = await fetch("login", { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.ok) location.href = ".";
    else told.textContent = await answer.text();
  } catch {
    told.textContent = t("login.no_answer");
  }
});
