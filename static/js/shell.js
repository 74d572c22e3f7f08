// What every page has around it: toasts, the strip as it is now, and the sign that it is live.

import { subscribe } from "../live.js";
import { wakeToasts } from "./tell.js";

wakeToasts();

// --- the strip -----------------------------------------------------------------------------------

const strip = document.querySelector("[data-strip]");
const language = document.documentElement.lang || undefined;

const icon = document.querySelector("link[data-icon]");
let wordInTitle = strip?.querySelector("[data-strip-verdict] .chip").textContent ?? "";

/** Tabs in the background say it as well. */
function showInTab(tone, word) {
  const before = `${wordInTitle} · `;
  if (document.title.startsWith(before)) {
    document.title = `${word} · ${document.title.slice(before.length)}`;
  }
  wordInTitle = word;
  if (icon) icon.href = icon.dataset[tone] ?? icon.dataset.unknown;
}

/** @param {{tone: string, shape: string, word: string, sentence: string}} verdict */
function showVerdict({ tone, shape, word, sentence }) {
  const place = strip.querySelector("[data-strip-verdict]");
  place.title = sentence;
  document.getElementById("strip-why").textContent = sentence;
  const chip = place.querySelector(".chip");
  // what is the same is left alone, or it would be read out again
  if (chip.textContent === word) return;
  chip.className = `chip ${tone}`;
  chip.querySelector("use").setAttribute("href", `#i-${shape}`);
  chip.lastChild.textContent = word;
  showInTab(tone, word);
}

function showCount(name, number) {
  for (const place of document.querySelectorAll(`[data-count="service-${name}"]`)) {
    place.textContent = number.toLocaleString(language);
  }
}

/** @param {{tone: string, shape: string, word: string, sentence: string}} rollout */
function showRollout({ tone, shape, word, sentence }) {
  const badge = document.querySelector("[data-rollout-badge]");
  if (badge) {
    badge.hidden = !word;
    badge.className = `badge ${tone}`;
    badge.querySelector("use").setAttribute("href", `#i-${shape}`);
    badge.lastElementChild.textContent = word;
  }
  const place = document.querySelector("[data-rollout-sentence]");
  if (!place) return;
  place.hidden = !sentence;
  place.textContent = sentence;
}

if (strip) {
  subscribe("service", {
    onItems: (items) => {
      const rollout = items.find(({ key }) => key === "rollout")?.figures;
      if (rollout) showRollout(rollout);
      const said = items.find(({ key }) => key === "strip")?.figures;
      if (!said) return;
      showVerdict(said);
      showCount("running", said.running);
      showCount("waiting", said.waiting);
    },
  });
}

// --- the sign ------------------------------------------------------------------------------------

const sign = document.querySelector("[data-live]");
const texts = {
  live: sign?.dataset.textLive,
  reconnecting: sign?.dataset.textReconnecting,
  "signed-out": sign?.dataset.textSignedOut,
};
// a service that is started anew is back sooner
const LOST_AFTER_MS = 4_000;
/** @type {number | undefined} */
let lostTimer;

/** Say above the page that nothing reaches it, and since when; or no longer. */
function showLost(status) {
  clearTimeout(lostTimer);
  const since = new Date();
  const show = () => {
    for (const place of document.querySelectorAll("[data-lost]")) {
      place.hidden = place.dataset.lost !== status;
      const at = place.querySelector("[data-lost-at]");
      if (at) at.textContent = since.toLocaleTimeString(language, { hourCycle: "h23" });
    }
  };
  if (status === "reconnecting") lostTimer = window.setTimeout(show, LOST_AFTER_MS);
  else show();
}

document.addEventListener("live-status", ({ detail }) => {
  showLost(detail);
  if (!sign) return;
  sign.hidden = false;
  sign.textContent = texts[detail] ?? "";
  sign.classList.toggle("off", detail !== "live");
  // nobody knows how it is now; the snapshot after the next connection says it again
  if (strip && detail !== "live") {
    const { textLost: word, textLostWhy: sentence } = strip.dataset;
    showVerdict({ tone: "unknown", shape: "unknown", word, sentence });
  }
});
