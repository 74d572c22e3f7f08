// Pages about the service, live: a new sample or health report fetches what the page shows of it,
// once in five seconds at most, and never while nobody looks.

import { subscribe } from "../live.js";
import { placeOf, show } from "./charts.js";

const AT_MOST_EVERY_MS = 5_000;
const page = document.querySelector("[data-service-address]");
const address = page?.dataset.serviceAddress;
const kinds = new Set((page?.dataset.serviceKinds ?? "sample health").split(" "));
/** what each part was when it was last put in */
const parts = new Map();
let asked = -Infinity;
let isLoading = false;
let isWanted = false;
/** @type {number | undefined} */
let timer;

function replaceParts(fresh) {
  for (const [name, html] of Object.entries(fresh)) {
    const part = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
    if (!part || parts.get(name) === html) continue;
    // what somebody is at stays as it is until the next time
    if (part.contains(document.activeElement) || part.querySelector("details[open]")) continue;
    parts.set(name, html);
    const read = new DOMParser().parseFromString(html, "text/html");
    part.replaceChildren(...[...read.body.childNodes].map((node) => document.adoptNode(node)));
  }
}

async function load() {
  timer = undefined;
  if (document.hidden || isLoading) return;
  isWanted = false;
  isLoading = true;
  asked = performance.now();
  try {
    const response = await fetch(address, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) return;
    const { charts, parts: fresh } = await response.json();
    for (const [name, figure] of Object.entries(charts ?? {})) {
      const place = placeOf(name);
      if (place) await show(place, figure);
    }
    replaceParts(fresh ?? {});
  } catch {
    // the connection is gone; the snapshot after the next one asks again
  } finally {
    isLoading = false;
    if (isWanted) want();
  }
}

function want() {
  isWanted = true;
  if (document.hidden || isLoading || timer !== undefined) return;
  timer = window.setTimeout(load, Math.max(0, asked + AT_MOST_EVERY_MS - performance.now()));
}

if (address) {
  subscribe("service", {
    onItems: (items) => {
      if (items.some((item) => kinds.has(item.key))) want();
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isWanted) want();
  });
}
