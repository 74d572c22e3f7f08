// Parts of a page that are put in anew while something goes on in the background: data-renew says
// how much does.  Nothing is put in while somebody is in the middle of it.

const AGAIN_MS = 3_000;
const root = document.querySelector("[data-renew]");

function isBusy() {
  const chosen = "dialog[open], input[type=checkbox]:checked";
  return root.contains(document.activeElement) || root.querySelector(chosen) !== null;
}

async function renew() {
  try {
    if (!isBusy()) {
      const response = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!response.ok || response.redirected) return;
      const text = await response.text();
      const found = new DOMParser().parseFromString(text, "text/html").querySelector("[data-renew]");
      // somebody may have begun something while the answer came
      if (!isBusy()) put(found);
    }
  } catch {
    // the connection is gone; it is tried again
  }
  wait();
}

function put(found) {
  root.dataset.renew = found.dataset.renew;
  for (const part of root.querySelectorAll("[data-part]")) {
    const fresh = found.querySelector(`[data-part="${part.dataset.part}"]`);
    if (fresh) part.replaceWith(fresh);
  }
  root.dispatchEvent(new CustomEvent("renewed"));
}

function wait() {
  if (Number(root.dataset.renew) > 0) setTimeout(renew, AGAIN_MS);
}
wait();
