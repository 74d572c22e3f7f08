// Keys that lead somewhere: g and a letter to a page, / to the search, ? to the list of them.  They do
// nothing while somebody types, answers a question, or holds another key, and can be switched off.

import "./dialogs.js";

const KEY = "pktmask-shortcuts";
const FORGOTTEN_MS = 1_500;
const TYPED_INTO =
  "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button])";
const dialog = document.getElementById("shortcuts");
const list = dialog.querySelector("[data-shortcuts]");
const choice = dialog.querySelector("[data-shortcuts-on]");
const pages = new Map(
  [...document.querySelectorAll("a[data-shortcut]")].map((link) => [link.dataset.shortcut, link]),
);
let leader = -Infinity;

function isOn() {
  try {
    return localStorage.getItem(KEY) !== "off";
  } catch {
    return true; // the browser keeps nothing for this site
  }
}

function keep(on) {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch {
    // it holds until the page is left
  }
}

let on = isOn();
choice.checked = on;
choice.addEventListener("change", () => {
  on = choice.checked;
  keep(on);
});

/** What the page lists: the entries of the navigation that this person has. */
function fill() {
  const template = list.querySelector("template");
  for (const [key, link] of pages) {
    const pair = template.content.cloneNode(true);
    pair.querySelector("kbd + kbd").textContent = key;
    pair.querySelector("dd").textContent = link.firstChild.textContent.trim();
    list.insertBefore(pair, template);
  }
}
fill();

/** @returns {boolean} whether the key did something */
function press(key, at) {
  const isSecond = at - leader < FORGOTTEN_MS;
  leader = -Infinity;
  if (isSecond && pages.has(key)) {
    pages.get(key).click();
    return true;
  }
  if (key === "g") {
    leader = at;
    return true;
  }
  if (key === "?") {
    dialog.showModal();
    return true;
  }
  const search = key === "/" && document.querySelector("main input[type=search]");
  search?.focus?.();
  return Boolean(search);
}

document.addEventListener("keydown", (event) => {
  if (!on || event.repeat || event.isComposing || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.(TYPED_INTO) || document.querySelector("dialog:modal")) return;
  if (press(event.key, event.timeStamp)) event.preventDefault();
});
