// The page about routing: dialogs, and forms that are sent once however often they are pressed.

import "./dialogs.js";

const main = document.getElementById("main");

// the answer to a form in a dialog shows that dialog, over the page as before
for (const dialog of main.querySelectorAll("dialog[open]")) {
  dialog.close();
  dialog.showModal();
}
main.querySelector("#refused")?.focus();

// whoever pressed the button of another page has asked already; once
const asked = location.hash === "#ask-rollback" && document.getElementById("rollback");
if (asked && !asked.open) {
  history.replaceState(null, "", location.pathname);
  asked.showModal();
}

main.addEventListener("submit", (event) => {
  const button = event.target.querySelector("[data-once]");
  if (!button) return;
  if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
  button.setAttribute("aria-disabled", "true");
});
// a page that comes back from the browser's cache may send again
window.addEventListener("pageshow", () => {
  for (const button of main.querySelectorAll("[data-once]")) button.removeAttribute("aria-disabled");
});
