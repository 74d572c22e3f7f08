// The queue of uploads: two at a time, one file a request, each with its progress and its answer.
// Without this module the form sends all files at once.

import { filled, part, rate, size, whole as seconds } from "./quantities.js";

const AT_ONCE = 2;
// the rate is that of the last seconds
const WINDOW_MS = 4_000;
const SUMMARY_EVERY_MS = 500;
const SIGN_IN = /\/sign-in\//;

const panel = document.querySelector("[data-upload]");
const texts = panel.dataset;
const form = panel.querySelector("form");
const chooser = form.querySelector('input[type="file"]');
const drop = panel.querySelector(".drop");
const list = panel.querySelector("[data-uploads]");
const summary = panel.querySelector("[data-summary]");
const said = panel.querySelector("[data-said]");

/**
 * @typedef {"queued" | "sending" | "accepted" | "refused" | "lost"} Phase
 * @typedef {object} Upload
 * @property {File} file
 * @property {HTMLLIElement} entry
 * @property {Phase} phase
 * @property {number} sent  bytes
 * @property {XMLHttpRequest | null} request
 */

/** @type {Upload[]} */
let uploads = [];

function say(text) {
  said.textContent = text;
}

function piece(name) {
  return panel.querySelector(`template[${name}]`).content.firstElementChild.cloneNode(true);
}

// --- one entry -----------------------------------------------------------------------------------

function makeEntry(file) {
  const entry = piece("data-entry");
  entry.querySelector("[data-name]").textContent = file.name;
  return entry;
}

function button(kind, label, upload, onClick) {
  const made = piece(`data-entry-${kind}`);
  made.setAttribute("aria-label", filled(label, { name: upload.file.name }));
  if (onClick) made.addEventListener("click", onClick);
  return made;
}

/** Put `buttons` in place of those that were there, and keep the focus with the entry. */
function offer(upload, ...buttons) {
  const place = upload.entry.querySelector("[data-acts]");
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(...buttons);
  if (hadFocus) buttons[0]?.focus();
}

function showFact(upload, text, look = "") {
  const fact = document.createElement("span");
  fact.className = look;
  fact.textContent = text;
  upload.entry.querySelector("[data-fact]").replaceChildren(fact);
}

function showVerdict(upload, look, word) {
  const chip = piece(`data-entry-chip="${look}"`);
  chip.append(word);
  upload.entry.querySelector("[data-fact]").replaceChildren(chip);
}

function showProgress(upload) {
  const { file, sent, entry } = upload;
  const percent = file.size ? Math.floor((100 * sent) / file.size) : 100;
  const bar = entry.querySelector("progress");
  bar.value = percent;
  const name = file.name;
  bar.setAttribute("aria-label", filled(texts.textProgress, { name, percent }));
  if (sent >= file.size) showFact(upload, texts.textStoring);
  else showFact(upload, filled(texts.textBytes, part(sent, file.size)), "n");
}

function explain(upload, text, tone) {
  const line = upload.entry.querySelector("p");
  line.hidden = !text;
  line.className = tone;
  line.textContent = text;
}

function removeButton(upload) {
  return button("remove", texts.textRemove, upload, () => remove(upload));
}

function remove(upload) {
  const next = upload.entry.nextElementSibling ?? upload.entry.previousElementSibling;
  upload.entry.remove();
  uploads = uploads.filter((each) => each !== upload);
  (next?.querySelector("button, a") ?? chooser).focus();
  advance();
}

// --- what becomes of a file ----------------------------------------------------------------------

function accepted(upload, { url, capture, duplicate, note }) {
  upload.phase = "accepted";
  const bar = upload.entry.querySelector("progress");
  bar.value = 100;
  bar.classList.add("ok");
  showVerdict(upload, "ok", duplicate ? texts.textKnown : texts.textAccepted);
  explain(upload, note ?? "", "told");
  const open = button("open", texts.textOpen, upload);
  open.href = url;
  offer(upload, open);
  say(filled(texts.textSaidAccepted, { name: upload.file.name }));
  document.dispatchEvent(new CustomEvent("capture-uploaded", { detail: { capture } }));
}

function refused(upload, reason, { phase = "refused", retry = false } = {}) {
  upload.phase = phase;
  upload.sent = 0;
  upload.entry.querySelector("progress").hidden = true;
  if (phase === "lost") showVerdict(upload, "fail", texts.textLost);
  else showVerdict(upload, "unknown", texts.textRefused);
  explain(upload, reason, "bad");
  const again = button("retry", texts.textRetry, upload, () => queue(upload));
  offer(upload, ...(retry ? [again] : []), removeButton(upload));
  say(filled(texts.textSaidRefused, { name: upload.file.name, reason }));
}

function lost(upload, reason) {
  refused(upload, reason, { phase: "lost", retry: true });
}

function queue(upload) {
  upload.phase = "queued";
  upload.sent = 0;
  const bar = upload.entry.querySelector("progress");
  bar.hidden = false;
  bar.value = 0;
  const { name } = upload.file;
  bar.setAttribute("aria-label", filled(texts.textProgress, { name, percent: 0 }));
  explain(upload, "", "");
  showFact(upload, texts.textQueued);
  offer(upload, button("cancel", texts.textCancel, upload, () => cancel(upload)));
  advance();
}

function cancel(upload) {
  say(filled(texts.textSaidCancelled, { name: upload.file.name }));
  upload.phase = "refused"; // whatever the request still says is not shown
  upload.request?.abort();
  remove(upload);
}

/** Why a file need not be sent at all; the service checks the same. */
function courtesy(file, isFolder) {
  if (isFolder) return texts.textReasonFolder;
  if (file.size === 0) return texts.textReasonEmpty;
  if (file.size > Number(texts.maxBytes)) {
    return filled(texts.textReasonLarge, { size: size(file.size) });
  }
  return "";
}

// --- sending -------------------------------------------------------------------------------------

function send(upload) {
  const request = new XMLHttpRequest();
  upload.request = request;
  upload.phase = "sending";
  const body = new FormData(form);
  body.delete("files");
  body.append("files", upload.file, upload.file.name);
  request.upload.addEventListener("progress", (event) => {
    // the form around the file counts as well; what is shown is the file's part
    const whole = upload.file.size;
    upload.sent = Math.min(whole, Math.round((event.loaded / event.total) * whole));
    showProgress(upload);
  });
  request.addEventListener("load", () => answered(upload, request));
  for (const kind of ["error", "timeout"]) {
    request.addEventListener(kind, () => lost(upload, texts.textReasonLost));
  }
  request.addEventListener("loadend", () => {
    upload.request = null;
    advance();
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(body);
  showProgress(upload);
}

function answered(upload, request) {
  let answer = null;
  try {
    answer = JSON.parse(request.responseText);
  } catch {
    // a page instead: signed out, or an error on the way
  }
  if (answer?.accepted?.length) accepted(upload, answer.accepted[0]);
  else if (answer?.refused?.length) {
    const retry = request.status !== 422 && request.status !== 413;
    refused(upload, answer.refused.map(({ reason }) => reason).join(" "), { retry });
  } else if (SIGN_IN.test(request.responseURL)) lost(upload, texts.textReasonSignedOut);
  else lost(upload, filled(texts.textReasonUnknown, { status: request.status }));
}

/** Send what may be sent now, and say how it stands. */
function advance() {
  const sending = uploads.filter(({ phase }) => phase === "sending").length;
  const next = uploads.filter(({ phase }) => phase === "queued").slice(0, AT_ONCE - sending);
  for (const upload of next) send(upload);
  summarize();
}

// --- the summary ---------------------------------------------------------------------------------

/** @type {{at: number, bytes: number}[]} */
let samples = [];

function open() {
  return uploads.filter(({ phase }) => phase === "sending" || phase === "queued");
}

function speed(bytes) {
  const now = performance.now();
  const last = samples.at(-1);
  if (last && bytes < last.bytes) samples = []; // one was taken out
  samples.push({ at: now, bytes });
  samples = samples.filter(({ at }) => now - at <= WINDOW_MS);
  const [first] = samples;
  return now > first.at ? (1000 * (bytes - first.bytes)) / (now - first.at) : 0;
}

function summarize() {
  const waiting = open();
  if (waiting.length === 0) {
    samples = [];
    const kept = uploads.filter(({ phase }) => phase === "accepted").length;
    const bad = uploads.length - kept;
    if (uploads.length === 0) summary.textContent = "";
    else summary.textContent = filled(bad ? texts.textEnded : texts.textAllKept, { kept, bad });
    return;
  }
  const whichCount = uploads.filter(({ phase }) => phase !== "refused" && phase !== "lost");
  const done = whichCount.reduce(
    (sum, { phase, file, sent }) => sum + (phase === "accepted" ? file.size : sent),
    0,
  );
  const bytesPerSecond = speed(done);
  const left = waiting.reduce((sum, { file, sent }) => sum + file.size - sent, 0);
  const busy = waiting.filter(({ phase }) => phase === "sending").length;
  const isKnown = bytesPerSecond > 0;
  summary.textContent = filled(texts.textBusy, {
    busy,
    all: uploads.length,
    rate: rate(Math.max(0, bytesPerSecond)),
    left: isKnown
      ? filled(texts.textLeft, { time: seconds(Math.ceil(left / bytesPerSecond)) })
      : texts.textMeasuring,
  });
}
setInterval(() => {
  if (open().length > 0) summarize();
}, SUMMARY_EVERY_MS);

// --- files that come -----------------------------------------------------------------------------

/** @param {{file: File, isFolder: boolean}[]} found */
function take(found) {
  if (found.length === 0) return;
  // what has ended makes room; what was refused stays until somebody has read it
  const ended = open().length === 0;
  for (const upload of uploads.filter(({ phase }) => ended && phase === "accepted")) {
    upload.entry.remove();
    uploads = uploads.filter((each) => each !== upload);
  }
  say(filled(texts.textSaidStarted, { count: found.length }));
  for (const { file, isFolder } of found) {
    const upload = { file, entry: makeEntry(file), phase: "queued", sent: 0, request: null };
    uploads.push(upload);
    list.append(upload.entry);
    const reason = courtesy(file, isFolder);
    if (reason) refused(upload, reason);
    else queue(upload);
  }
  summarize();
}

function takeChosen() {
  take([...chooser.files].map((file) => ({ file, isFolder: false })));
  chooser.value = "";
}
chooser.addEventListener("change", takeChosen);
// what somebody chose before this module was there: nobody heard of that
takeChosen();

function holdsFiles(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

// anywhere on the page, so that a near miss does not make the browser leave it
let inside = 0;
document.addEventListener("dragenter", (event) => {
  if (!holdsFiles(event)) return;
  inside += 1;
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!holdsFiles(event)) return;
  inside = Math.max(0, inside - 1);
  if (inside === 0) drop.classList.remove("over");
});
document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
});
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  inside = 0;
  drop.classList.remove("over");
  const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
  take(
    items
      .map((item) => ({
        file: item.getAsFile(),
        isFolder: item.webkitGetAsEntry?.()?.isDirectory ?? false,
      }))
      .filter(({ file }) => file !== null),
  );
});

form.addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("beforeunload", (event) => {
  if (open().length > 0) event.preventDefault();
});
