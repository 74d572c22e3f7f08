// What every page has around it: toasts, and the sign that its numbers are live.

import { wakeToasts } from "./tell.js";

wakeToasts();

const sign = document.querySelector("[data-live]");
const texts = {
  live: sign?.dataset.textLive,
  reconnecting: sign?.dataset.textReconnecting,
  "signed-out": sign?.dataset.textSignedOut,
};
document.addEventListener("live-status", ({ detail }) => {
  if (!sign) return;
  sign.hidden = false;
  sign.textContent = texts[detail] ?? "";
  sign.classList.toggle("off", detail !== "live");
});
