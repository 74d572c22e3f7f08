// The live feed: one WebSocket for all topics of a page, opened when something is subscribed.
// A connection that breaks is opened again, and what was subscribed is subscribed again: the
// server answers with a snapshot, which holds what was missed.

/**
 * @typedef {object} Item  What is said of one capture; see monitoring/live/items.py.
 * @property {string} capture
 * @property {string | null} job
 * @property {"waiting" | "running" | "done" | "failed" | "refused" | "cancelled"} state
 * @property {string} label
 * @property {number} percent  0 to 100
 * @property {string} stage
 * @property {string} stage_label
 * @property {boolean} held  the result is in quarantine
 * @property {boolean} deleted
 *
 * @typedef {object} Subscriber
 * @property {() => string[]} [showing]  ids of the captures on the page, asked at each connection
 * @property {(items: Item[], kind: "snapshot" | "update") => void} onItems
 * @property {() => void} [onRefused]
 */

const SIGNED_OUT = 4401;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
const MAX_SHOWING = 200;
// a connection that lives so long was a good one; the waits begin anew after it
const SETTLED_MS = 5_000;

/** @type {Map<string, Set<Subscriber>>} */
const topics = new Map();
/** @type {WebSocket | null} */
let socket = null;
/** @type {number | undefined} */
let timer;
let wait = FIRST_WAIT_MS;
let openedAt = 0;
let signedOut = false;
let status = "";

/** @param {"live" | "reconnecting" | "signed-out"} detail */
function report(detail) {
  if (detail === status) return;
  status = detail;
  document.dispatchEvent(new CustomEvent("live-status", { detail }));
}

/** @param {object} message */
function say(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** @param {string} topic */
function ask(topic) {
  const shown = [...(topics.get(topic) ?? [])].flatMap((each) => each.showing?.() ?? []);
  say({ subscribe: topic, showing: [...new Set(shown)].slice(0, MAX_SHOWING) });
}

function open() {
  clearTimeout(timer);
  if (socket !== null || signedOut || topics.size === 0) return;
  const address = new URL("/live/", window.location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const opened = new WebSocket(address);
  socket = opened;
  opened.addEventListener("open", () => {
    openedAt = performance.now();
    for (const topic of topics.keys()) ask(topic);
  });
  opened.addEventListener("message", (event) => hear(JSON.parse(event.data)));
  opened.addEventListener("close", (event) => closed(opened, event.code));
}

/** @param {{topic: string, kind: "snapshot" | "update" | "refused", items?: Item[]}} message */
function hear({ topic, kind, items = [] }) {
  // the first answer, not the handshake, shows that the service accepted the connection
  report("live");
  for (const each of [...(topics.get(topic) ?? [])]) {
    try {
      if (kind === "refused") each.onRefused?.();
      else each.onItems(items, kind);
    } catch (error) {
      reportError(error); // one part of a page must not keep the news from another
    }
  }
}

/** @param {WebSocket} which @param {number} code */
function closed(which, code) {
  if (which !== socket) return;
  socket = null;
  if (code === SIGNED_OUT) {
    signedOut = true; // the page has to be loaded again to sign in
    report("signed-out");
    return;
  }
  if (topics.size === 0) return;
  report("reconnecting");
  if (openedAt > 0 && performance.now() - openedAt > SETTLED_MS) wait = FIRST_WAIT_MS;
  openedAt = 0;
  // spread, so that the pages of a restarted service do not all come at once
  timer = window.setTimeout(open, wait * (0.5 + Math.random() / 2));
  wait = Math.min(wait * 2, LONGEST_WAIT_MS);
}

function hurry() {
  if (document.visibilityState === "visible") open();
}
window.addEventListener("online", () => {
  // over another network now: the old connection may be dead without knowing
  socket?.close();
  socket = null;
  hurry();
});
document.addEventListener("visibilitychange", hurry);
// a page that comes back from the browser's cache had its connection closed
window.addEventListener("pageshow", hurry);

/**
 * Hear of `topic` ("captures", "capture:<uuid>" or "service") until the returned function is called.
 * @param {string} topic
 * @param {Subscriber} subscriber
 * @returns {() => void}
 */
export function subscribe(topic, subscriber) {
  const subscribers = topics.get(topic) ?? new Set();
  topics.set(topic, subscribers.add(subscriber));
  open();
  ask(topic);
  return () => {
    if (!subscribers.delete(subscriber) || subscribers.size > 0) return;
    topics.delete(topic);
    say({ unsubscribe: topic });
    if (topics.size > 0) return;
    clearTimeout(timer);
    socket?.close();
    socket = null;
  };
}

/**
 * Ask for a snapshot of `topic`: after the page began to show other captures.
 * @param {string} topic
 */
export function refresh(topic) {
  if (topics.has(topic)) ask(topic);
}
