// Pages about the service, live: a new sample or health report fetches what the page shows of it,
// once in five seconds or as the page says at most, and never while nobody looks.  A new report is
// fetched at once: the strip tells of it, too; so is another number of firing alerts, of which the
// navigation tells.

import { subscribe } from "../live.js";
import { placeOf, show } from "./charts.js";

const page = document.querySelector("[data-service-address]");
const address = page?.dataset.serviceAddress;
const atMostEveryMs = 1000 * Number(page?.dataset.serviceSeconds ?? 5);
const kinds = new Set((page?.dataset.serviceKinds ?? "sample health").split(" "));
/** what each part was when it was last put in */
const parts = new Map();
// what came with the page counts: the clock of `performance` begins where it was asked for
let asked = 0;
let isLoading = false;
let isWanted = false;
let firing = NaN;
/** @type {number | undefined} */
let timer;

function replaceParts(fresh) {
  for (const [name, html] of Object.entries(fresh)) {
    const part = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
    if (!part || parts.get(name) === html) continue;
    // what somebody is at stays as it is until the next time
    if (part.contains(document.activeElement) || part.querySelector("details[open]")) continue;
    if (part.hasAttribute("data-busy")) continue;
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

function want(isAtOnce = false) {
  isWanted = true;
  if (document.hidden || isLoading || (timer !== undefined && !isAtOnce)) return;
  clearTimeout(timer);
  const wait = isAtOnce ? 0 : asked + atMostEveryMs - performance.now();
  timer = window.setTimeout(load, Math.max(0, wait));
}

/** @returns {boolean} whether more or fewer alerts fire than before, as far as `items` tell of them */
function isAnotherNumber(items) {
  const news = items.find(({ key }) => key === "alerts" && kinds.has(key));
  if (!news) return false;
  const before = firing;
  firing = news.figures.firing;
  return firing !== before;
}

if (address) {
  subscribe("service", {
    onItems: (items, kind) => {
      const heard = items.map(({ key }) => key).filter((key) => kinds.has(key));
      if (heard.length === 0) return;
      const isAtOnce = heard.includes("health") || isAnotherNumber(items);
      want(kind === "update" && isAtOnce);
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isWanted) want();
  });
}
