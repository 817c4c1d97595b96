"use strict";
const form = document.getElementById("form"), told = document.getElementById("told");
form.addEventListener("submit", async event => {
  event.preventDefault();
  told.textContent = "";
  try {
    const answer = await fetch("/login", { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (answer.ok) location.href = "/";
    else told.textContent = await answer.text();
  } catch {
    told.textContent = "The device does not answer. Try again.";
  }
});
