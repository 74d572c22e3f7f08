// Telling what came of something: a toast where it worked, a notice above the page where not.

const SHOWN_MS = 8_000;

/** Let a toast go by itself, but not while somebody is at it. */
function fade(toast) {
  const timer = setInterval(() => {
    if (toast.matches(":hover, :focus-within")) return;
    clearInterval(timer);
    toast.remove();
  }, SHOWN_MS);
}

/** Make the toasts that came with the page closable. */
export function wakeToasts() {
  const region = document.querySelector("[data-toasts]");
  if (!region) return;
  region.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("[data-close]")) {
      target.closest(".toast").remove();
    }
  });
  for (const toast of region.querySelectorAll(".toast")) {
    toast.querySelector("[data-close]").hidden = false;
    fade(toast);
  }
}

function made(id, text) {
  const element = document.getElementById(id).content.firstElementChild.cloneNode(true);
  element.querySelector("[data-text]").textContent = text;
  return element;
}

/** It worked, and that is all. */
export function toast(text) {
  const element = made("toast", text);
  document.querySelector("[data-toasts]").append(element);
  fade(element);
}

/** It did not work; stays until the page is left or the next thing works. */
export function notice(text) {
  clearNotice();
  const element = made("notice", text);
  element.dataset.fromScript = "";
  document.getElementById("main").prepend(element);
  element.scrollIntoView({ block: "nearest" });
}

/** Take away what `notice` said. */
export function clearNotice() {
  for (const element of document.querySelectorAll("[data-from-script]")) element.remove();
}
