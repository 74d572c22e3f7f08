// The form that starts a rollout: choosing limits to begin with fills them in at once, and what
// differs from the configuration is marked.

import "./routing.js";

const form = document.querySelector("form[data-start]");
const texts = JSON.parse(document.getElementById("preset-texts").textContent);
const filled = form.querySelector("[data-filled]");

form.querySelector("[data-fill]").hidden = true;

function mark(row) {
  row.classList.toggle("edited", row.querySelector("input").value !== row.dataset.was);
}

form.addEventListener("input", ({ target }) => {
  const row = target.closest("[data-was]");
  if (row) mark(row);
});

form.addEventListener("change", ({ target }) => {
  if (target.name !== "preset") return;
  for (const [key, text] of Object.entries(texts[target.value])) {
    const input = document.getElementById(`l-${key}`);
    input.value = text;
    const row = input.closest("[data-was]");
    mark(row);
    if (row.classList.contains("edited")) row.closest("details").open = true;
  }
  for (const each of form.querySelectorAll("[data-edited]")) each.textContent = "";
  filled.textContent = filled.dataset.text;
});
