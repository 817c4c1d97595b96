// The visitor's choice of a language: a cookie, so that the device sends the page in it.
const chosen = document.getElementById("language");
chosen.addEventListener("change", () => {
  const path = new URL(".", location).pathname; // two doors behind one proxy keep a language each
  document.cookie = `maskwatch_language=${chosen.value}; path=${path}; max-age=31536000; samesite=lax`;
  location.reload();
});
