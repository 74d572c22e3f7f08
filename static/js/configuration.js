// The page Configuration follows a new version until every process goes by it.

const EVERY_MS = 1_000;
const place = document.querySelector("[data-processes]");

/** Ask how far the version has spread, and show what is new; open details stay open. */
async function look() {
  try {
    const response = await fetch(place.dataset.processes, { headers: { Accept: "text/html" } });
    // signed out, or the role is gone: the next page says so
    if (!response.ok || response.redirected) return;
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    show(fresh.querySelector("[data-settled]"));
  } catch {
    // the connection is gone; it may come back
  }
  lookSoon();
}

function show(fresh) {
  const old = place.querySelector("[data-settled]");
  old.dataset.settled = fresh.dataset.settled;
  for (const part of old.querySelectorAll("[data-part]")) {
    const same = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    // what is the same is left alone, or it would be read out again
    if (same && same.textContent.trim() !== part.textContent.trim()) {
      part.replaceChildren(...[...same.childNodes].map((node) => document.adoptNode(node)));
    }
  }
}

function lookSoon() {
  if (place.querySelector("[data-settled]").dataset.settled === "no") setTimeout(look, EVERY_MS);
}

lookSoon();
