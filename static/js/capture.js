// The page of one capture, live: progress as it comes, and the page anew when the state changes.

import { subscribe } from "../live.js";
import { drawAll } from "./charts.js";
import "./dialogs.js";

const main = document.getElementById("main");
let unsubscribe = () => {};
let wanted = false;
let loading = false;

function marker() {
  return main.querySelector("[data-capture-page]");
}

/** Show whole seconds as m:ss or h:mm:ss. */
function clock(seconds) {
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// the seconds come from the service and are counted on here: the two clocks may differ
let shownAt = performance.now();
function tick() {
  const element = main.querySelector("[data-elapsed]");
  if (!element) return;
  const passed = Math.floor((performance.now() - shownAt) / 1000);
  element.textContent = clock(Number(element.dataset.seconds) + passed);
}

function showProgress(item) {
  const bar = main.querySelector("[data-progress]");
  if (!bar) return;
  bar.value = item.percent;
  main.querySelector("[data-percent]").textContent = String(item.percent);
  main.querySelector("[data-stage]").textContent = item.stage_label;
}

/** Swap the page's content for a fresh one, unless a question is open; then it waits. */
async function renew() {
  wanted = true;
  if (loading || main.querySelector("dialog[open]")) return;
  loading = true;
  try {
    while (wanted) {
      wanted = false;
      const response = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!response.ok || response.redirected) {
        location.reload();
        return;
      }
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      swap(fresh.getElementById("main"));
    }
  } catch {
    // the connection is gone; the snapshot after the next connection asks again
  } finally {
    loading = false;
  }
}

function swap(fresh) {
  const focused = main.contains(document.activeElement) ? document.activeElement : null;
  const scroll = [window.scrollX, window.scrollY];
  main.replaceChildren(...[...fresh.childNodes].map((node) => document.adoptNode(node)));
  shownAt = performance.now();
  drawAll();
  window.scrollTo(...scroll);
  if (focused && focused !== main) {
    const same = focused.id && document.getElementById(focused.id);
    (same || main).focus({ preventScroll: true });
  }
}

function listen(items) {
  const { capture, state, held } = marker()?.dataset ?? {};
  for (const item of items) {
    if (item.capture !== capture) continue;
    if (item.deleted) location.assign(main.querySelector(".crumbs a")?.href ?? "/");
    else if (item.state !== state || item.held !== (held === "yes")) renew();
    else if (state === "running") showProgress(item);
  }
}

if (main && marker()) {
  unsubscribe = subscribe(`capture:${marker().dataset.capture}`, {
    showing: () => [marker().dataset.capture],
    onItems: listen,
    onRefused: () => unsubscribe(),
  });
  setInterval(tick, 1000);
  main.addEventListener("close", () => wanted && renew(), true);
}
