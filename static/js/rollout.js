// The page about a rollout, live: what is decided, asked for or looked at fetches the page's parts
// anew, once a second at most; a new sample does so as well, since time passes and captures end.
// What somebody is typing into stays as it is, and so does what was opened or replayed.

import { subscribe } from "../live.js";
import { placeOf, show } from "./charts.js";
import "./routing.js";

const LEAST_MS = 1_000;
const main = document.getElementById("main");
const page = document.querySelector("[data-rollout]");
const KINDS = new Set(["rollout", "sample"]);
/** what each part was when it was last put in */
const shown = new Map();
let asked = 0;
let isLoading = false;
let isWanted = false;
/** @type {number | undefined} */
let timer;

/** Whether somebody is answering a question, or has typed something that is not sent yet. */
function isBusy(part) {
  if (part.querySelector("dialog[open]")) return true;
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea, select")];
  return fields.some((each) => each === document.activeElement || each.value !== each.defaultValue);
}

/** Where the focus is within a part, so that it can be put back. */
function placeOfFocus(part) {
  const at = document.activeElement;
  if (!at || !part.contains(at)) return null;
  if (at.id) return `#${CSS.escape(at.id)}`;
  if (at.matches("a[href]")) return `a[href="${CSS.escape(at.getAttribute("href"))}"]`;
  const key = at.closest("[data-key], [data-replay]");
  if (!key) return null;
  const { key: gate, replay } = key.dataset;
  return gate ? `[data-key="${CSS.escape(gate)}"] > summary` : `[data-replay="${replay}"] button`;
}

/** What was opened, closed or answered stays so. */
function keep(old, fresh) {
  for (const gate of old.querySelectorAll("details[data-key]")) {
    const same = fresh.querySelector(`details[data-key="${CSS.escape(gate.dataset.key)}"]`);
    // a gate that breaks opens by itself; one that does so no longer closes, unless it was touched
    if (same && (gate.dataset.touched || gate.className === same.className)) {
      same.open = gate.open;
      if (gate.dataset.touched) same.dataset.touched = "yes";
    }
  }
  for (const slot of old.querySelectorAll("[data-keep]")) {
    const same = fresh.querySelector(`[data-keep="${CSS.escape(slot.dataset.keep)}"]`);
    if (same && slot.childElementCount) same.replaceChildren(...slot.childNodes);
  }
}

function put(part, html) {
  const read = new DOMParser().parseFromString(html, "text/html");
  const focus = placeOfFocus(part);
  keep(part, read.body);
  part.replaceChildren(...[...read.body.childNodes].map((node) => document.adoptNode(node)));
  if (focus) (part.querySelector(focus) ?? main).focus({ preventScroll: true });
}

function putAll(parts) {
  for (const [name, html] of Object.entries(parts)) {
    const part = page.querySelector(`[data-part="${CSS.escape(name)}"]`);
    if (!part || isBusy(part)) continue;
    // another token in each answer is no news
    const plain = html.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
    if (shown.get(name) !== plain) put(part, html);
    shown.set(name, plain);
  }
}

async function load() {
  timer = undefined;
  if (document.hidden || isLoading) return;
  isWanted = false;
  isLoading = true;
  asked = performance.now();
  try {
    const address = `${page.dataset.rollout}?look=${page.dataset.look}${pageOfDecisions()}`;
    const response = await fetch(address, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) return;
    const { look, charts, parts } = await response.json();
    putAll(parts);
    page.dataset.look = look;
    for (const [name, figure] of Object.entries(charts ?? {})) {
      const place = placeOf(name);
      if (place) await show(place, figure);
    }
  } catch {
    // the connection is gone; the snapshot after the next one asks again
  } finally {
    isLoading = false;
    if (isWanted) want();
  }
}

function pageOfDecisions() {
  const number = new URLSearchParams(location.search).get("page");
  return number ? `&page=${encodeURIComponent(number)}` : "";
}

function want() {
  isWanted = true;
  if (document.hidden || isLoading || timer !== undefined) return;
  timer = window.setTimeout(load, Math.max(0, asked + LEAST_MS - performance.now()));
}

/** Ask the question of a decision again, and put the answer beside it. */
async function replay(form) {
  const response = await fetch(form.action, {
    method: "POST",
    body: new FormData(form),
    headers: { "X-Part": "replayed" },
  });
  if (!response.ok || response.redirected) throw new Error(response.statusText);
  const read = new DOMParser().parseFromString(await response.text(), "text/html");
  // the part may have been put in anew meanwhile
  const slot = main.querySelector(`[data-keep="replay-${form.dataset.replay}"]`);
  slot.replaceChildren(...[...read.body.childNodes].map((node) => document.adoptNode(node)));
}

if (page) {
  subscribe("service", {
    onItems: (items) => {
      if (items.some(({ key }) => KINDS.has(key))) want();
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isWanted) want();
  });
  main.addEventListener(
    "close",
    ({ target }) => {
      // the button that asked may have been put in anew meanwhile
      if (document.activeElement === document.body) {
        main.querySelector(`[commandfor="${CSS.escape(target.id)}"]`)?.focus();
      }
      // what waited for a question to be answered
      want();
    },
    true,
  );
  main.addEventListener("click", ({ target }) => {
    const gate = target.closest?.("summary")?.parentElement;
    if (gate?.dataset.key) gate.dataset.touched = "yes";
  });
  main.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.replay) return;
    event.preventDefault();
    // without an answer the whole page says why
    replay(form).catch(() => form.submit());
  });
}
