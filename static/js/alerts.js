// The page of alerts: what is ticked; while something is, the list stays as it is.

const root = document.querySelector("[data-alerts]");

function showSelection() {
  const part = root.querySelector('[data-part="alert_list"]');
  const boxes = [...part.querySelectorAll('input[name="keys"]')];
  const chosen = boxes.filter((box) => box.checked).length;
  part.toggleAttribute("data-busy", chosen > 0);
  const button = part.querySelector("[data-chosen]");
  if (!button) return;
  button.disabled = chosen === 0;
  button.textContent = button.dataset.text + (chosen ? ` (${chosen.toLocaleString()})` : "");
}

root.addEventListener("change", showSelection);
window.addEventListener("pageshow", showSelection);
new MutationObserver(showSelection).observe(root.querySelector('[data-part="alert_list"]'), {
  childList: true,
});
