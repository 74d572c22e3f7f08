// The list of captures, live: states and percents in place, rows that come, change and go,
// the selection that is downloaded as one archive, and actions that leave the page as it is.

import { refresh, subscribe } from "../live.js";
import "./dialogs.js";
import { duration } from "./quantities.js";
import { clearNotice, notice, toast } from "./tell.js";

const TOPIC = "captures";
// many jobs may change at once; the numbers follow this much later
const COUNTS_AFTER_MS = 700;

const list = document.querySelector("[data-list]");
const rows = list.querySelector("[data-rows]");

/** @param {string} id */
function rowOf(id) {
  return rows.querySelector(`tr[data-capture="${CSS.escape(id)}"]`);
}

function shownRows() {
  return [...rows.querySelectorAll("tr[data-capture]")];
}

// --- rows that come, change and go ---------------------------------------------------------------

/** @type {Map<string, Promise<void>>} */
const fetching = new Map();

async function fetched(id) {
  const address = new URL(`${encodeURIComponent(id)}/row/`, new URL(".", location.href));
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  if (response.status === 404) return null;
  if (!response.ok || response.redirected) throw new Error(`row: ${response.status}`);
  const holder = document.createElement("template");
  holder.innerHTML = await response.text();
  return holder.content.querySelector("tr");
}

/** Fetch a row anew and put it where it belongs; later calls wait for the running one. */
function renew(id) {
  const before = fetching.get(id) ?? Promise.resolve();
  const now = before
    .then(() => fetched(id))
    .then((fresh) => (fresh ? put(fresh) : remove(id)))
    .catch(() => {}) // the next snapshot asks again
    .finally(() => {
      if (fetching.get(id) === now) fetching.delete(id);
    });
  fetching.set(id, now);
  return now;
}

function put(fresh) {
  const old = rowOf(fresh.dataset.capture);
  if (old) swap(old, fresh);
  else insert(fresh);
  began.delete(fresh.dataset.capture);
  showEmptiness();
  showSelection();
}

function swap(old, fresh) {
  fresh.querySelector('input[name="ids"]').checked = old.querySelector('input[name="ids"]').checked;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(fresh);
  if (!focused) return;
  const cell = focused.closest("td, th")?.cellIndex ?? 1;
  const control = 'a[href], button:not(:disabled), input:not([type="hidden"])';
  const next = fresh.cells[cell]?.querySelector(control) ?? fresh.querySelector("th a");
  next.focus();
}

/** Put a row before the first one that was uploaded earlier. */
function insert(fresh) {
  if (list.dataset.newest !== "yes") return;
  const uploaded = Number(fresh.dataset.uploaded);
  const later = shownRows().find((row) => Number(row.dataset.uploaded) < uploaded);
  if (later) later.before(fresh);
  else if (shownRows().length === 0) rows.append(fresh);
  else elsewhere.add(fresh.dataset.capture);
}

function remove(id) {
  const row = rowOf(id);
  if (!row) return;
  const hadFocus = row.contains(document.activeElement);
  const neighbour = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  if (hadFocus) (neighbour?.querySelector("th a") ?? document.getElementById("main")).focus();
  showEmptiness();
  showSelection();
}

function showEmptiness() {
  const isEmpty = shownRows().length === 0;
  list.querySelector("[data-empty]").hidden = !isEmpty;
  list.querySelector("[data-table]").hidden = isEmpty;
}

// --- the feed ------------------------------------------------------------------------------------

// captures with news that are not of this page: older ones
/** @type {Set<string>} */
const elsewhere = new Set();
// rows may have come or changed that no update told of: there was a break
let missed = false;

/** Show one item; tells whether the numbers of the page may have changed. */
function show(item) {
  const row = rowOf(item.capture);
  if (item.deleted) {
    remove(item.capture);
    return true;
  }
  if (row && isSame(row, item)) {
    if (item.state === "running") showPercent(row, item);
    return false;
  }
  if (row) renew(item.capture);
  else if (list.dataset.newest === "yes" && !elsewhere.has(item.capture)) renew(item.capture);
  else if (item.state === "running" && item.percent > 0) return false;
  return true;
}

/** Tell whether a row shows the state of an item, and whether its result may be taken away. */
function isSame(row, item) {
  return row.dataset.state === item.state && (row.dataset.held === "yes") === item.held;
}

function isUnknown(id) {
  return !rowOf(id) && !elsewhere.has(id) && !fetching.has(id);
}

function showPercent(row, item) {
  const chip = row.querySelector(".state .chip");
  if (chip) chip.lastChild.textContent = `${item.label} ${item.percent} %`;
}

subscribe(TOPIC, {
  showing: () => shownRows().map((row) => row.dataset.capture),
  onItems: (items, kind) => {
    if (kind === "snapshot") {
      const unknown = items.filter(({ capture }) => isUnknown(capture));
      for (const { capture } of unknown) elsewhere.add(capture);
      // older captures are unknown, and those that came after the page was made
      if (missed || (list.dataset.newest === "yes" && unknown.length > 0)) renewAll();
      missed = false;
    }
    const told = kind === "update" ? items : items.filter((item) => rowOf(item.capture));
    if (told.map(show).some(Boolean)) countSoon();
  },
});

document.addEventListener("live-status", ({ detail }) => {
  if (detail === "reconnecting") missed = true;
});

/** Take the rows of this page that came or changed while nothing was heard. */
async function renewAll() {
  try {
    const response = await fetch(location.href);
    if (!response.ok || response.redirected) throw new Error(`page: ${response.status}`);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const row of fresh.querySelectorAll("[data-rows] tr[data-capture]")) {
      const id = row.dataset.capture;
      const { state, held } = rowOf(id)?.dataset ?? {};
      if (state === row.dataset.state && held === row.dataset.held) continue;
      elsewhere.delete(id);
      put(document.adoptNode(row));
    }
  } catch {
    missed = true; // the next snapshot asks again
  }
  countSoon();
}

// a capture that this page has just uploaded
document.addEventListener("capture-uploaded", async ({ detail }) => {
  elsewhere.delete(detail.capture);
  await renew(detail.capture);
  refresh(TOPIC);
  countSoon();
});

// --- numbers -------------------------------------------------------------------------------------

let counting;
function countSoon() {
  clearTimeout(counting);
  counting = setTimeout(count, COUNTS_AFTER_MS);
}

async function count() {
  const address = new URL(location.href);
  address.searchParams.set("part", "counts");
  try {
    const response = await fetch(address);
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const element of document.querySelectorAll("[data-count]")) {
      const found = fresh.querySelector(`[data-count="${CSS.escape(element.dataset.count)}"]`);
      if (found) element.textContent = found.textContent;
    }
  } catch {
    // the next change asks again
  }
}

// the seconds come from the service and are counted on here: the two clocks may differ
/** @type {Map<string, {seconds: number, at: number}>} */
const began = new Map();
function tick() {
  for (const element of rows.querySelectorAll("[data-running-seconds]")) {
    const id = element.closest("tr").dataset.capture;
    const start = began.get(id) ?? {
      seconds: Number(element.dataset.runningSeconds),
      at: performance.now(),
    };
    began.set(id, start);
    element.textContent = duration(start.seconds + (performance.now() - start.at) / 1000);
  }
}
tick();
setInterval(tick, 1000);

// --- selection -----------------------------------------------------------------------------------

const all = list.querySelector("[data-all]");
const acts = [...list.querySelectorAll("[data-many]")];
const asked = document.querySelector("[data-selected]");

function boxes() {
  return [...rows.querySelectorAll('input[name="ids"]')];
}

/** Each button says of how many of the selected captures it can be done. */
function showSelection() {
  const chosen = boxes().filter((box) => box.checked);
  all.checked = chosen.length > 0 && chosen.length === boxes().length;
  all.indeterminate = chosen.length > 0 && !all.checked;
  for (const button of acts) {
    const can = chosen.filter((box) => box.dataset.can.split(" ").includes(button.dataset.many));
    button.disabled = can.length === 0;
    button.textContent = button.dataset.text + (can.length ? ` (${can.length.toLocaleString()})` : "");
  }
  const names = chosen.map((box) => box.closest("tr").querySelector("th a").textContent);
  if (asked) asked.textContent = names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
}

all.hidden = false;
all.addEventListener("change", () => {
  for (const box of boxes()) box.checked = all.checked;
  showSelection();
});
rows.addEventListener("change", showSelection);
// the browser restores ticked boxes after the module has run
window.addEventListener("pageshow", showSelection);
showSelection();

// --- actions -------------------------------------------------------------------------------------

const dialog = document.getElementById("delete");

async function act(form) {
  const body = new FormData(form);
  const row = rowOf(form.dataset.capture ?? form.closest("tr")?.dataset.capture ?? "");
  clearNotice();
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
    });
    const answer = await response.json().catch(() => null);
    if (!answer) notice(list.dataset.textFailed);
    else if (answer.ok) toast(answer.message);
    else notice(answer.message);
  } catch {
    notice(list.dataset.textLost);
  }
  if (row) await renew(row.dataset.capture);
  countSoon();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !("act" in form.dataset)) return;
  event.preventDefault();
  if (dialog?.contains(form)) dialog.close();
  const button = form.querySelector("button[type=submit]");
  // not disabled, or the focus would be lost before the row is swapped
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  act(form).finally(() => button.removeAttribute("aria-disabled"));
});

rows.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("[data-delete]") : null;
  if (!link || !dialog || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const form = dialog.querySelector("form");
  form.action = link.dataset.delete;
  form.dataset.capture = link.closest("tr").dataset.capture;
  dialog.querySelector("[data-name]").textContent = link.dataset.name;
  dialog.showModal();
});
dialog?.querySelector("[data-keep]").addEventListener("click", () => dialog.close());
