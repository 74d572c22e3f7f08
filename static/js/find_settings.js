// The page Configuration is long: a setting is found by its name or its explanation, and what differs
// from the default by a tick.  What was typed and not applied yet stays in sight.

const bar = document.querySelector("[data-find-settings]");
const text = bar.querySelector("[name=find]");
const onlyGiven = bar.querySelector("[name=given]");
const said = bar.querySelector("[data-found]");
const rows = [...document.querySelectorAll("table.settings tbody tr[data-layer]")];

function isTouched(row) {
  if (row.matches(".edited") || row.querySelector("[aria-invalid]")) return true;
  return [...row.querySelectorAll("input, select")].some((field) => {
    if (field instanceof HTMLSelectElement) {
      return [...field.options].some((each) => each.selected !== each.defaultSelected) &&
        [...field.options].some((each) => each.defaultSelected);
    }
    return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
  });
}

function find() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const name = row.querySelector("th").textContent.toLowerCase();
    const title = row.closest("section").querySelector("h2").textContent.toLowerCase();
    const isFound = words.every((word) => name.includes(word) || title.includes(word)) &&
      !(onlyGiven.checked && row.dataset.layer === "default");
    row.hidden = !isFound && !isTouched(row);
    if (isFound) count += 1;
  }
  for (const section of new Set(rows.map((row) => row.closest("section")))) {
    section.hidden = !section.querySelector("tbody tr:not([hidden])");
    document.querySelector(`.jump [href="#${section.querySelector("h2").id}"]`).hidden = section.hidden;
  }
  said.textContent = bar.dataset.textFound.replace("{found}", count).replace("{all}", rows.length);
}

bar.hidden = false;
bar.addEventListener("input", find);
// a form within a form there is none; the key must not apply a change
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter") event.preventDefault();
});
find();
