// The page of suspects: what is ticked, and the page anew while second runs go on.

import "./renewing.js";
import "./routing.js";

const root = document.querySelector("[data-renew]");

function boxes() {
  return [...root.querySelectorAll('tbody input[name="ids"]')];
}

function showSelection() {
  const all = root.querySelector("[data-all]");
  const button = root.querySelector("[data-chosen]");
  if (!button) return;
  const chosen = boxes().filter((box) => box.checked).length;
  button.disabled = chosen === 0;
  button.textContent = button.dataset.text + (chosen ? ` (${chosen.toLocaleString()})` : "");
  if (!all) return;
  all.hidden = boxes().length === 0;
  all.checked = chosen > 0 && chosen === boxes().length;
  all.indeterminate = chosen > 0 && !all.checked;
}

root.addEventListener("change", ({ target }) => {
  if (target.matches("[data-all]")) for (const box of boxes()) box.checked = target.checked;
  showSelection();
});
// a row's own button runs this one, whatever is ticked
root.addEventListener("click", ({ target }) => {
  if (target.closest("[data-one]")) for (const box of boxes()) box.checked = false;
});
root.addEventListener("renewed", showSelection);
// the browser restores ticked boxes after the module has run
window.addEventListener("pageshow", showSelection);
showSelection();
