// Times in the reader's own zone.  The exact UTC stays in the title, where the server put it.

const language = document.documentElement.lang || undefined;
const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const today = new Intl.DateTimeFormat(language, { ...clock, second: "2-digit" });
const thisYear = new Intl.DateTimeFormat(language, { ...clock, day: "numeric", month: "short" });
const longAgo = new Intl.DateTimeFormat(language, {
  ...clock,
  day: "numeric",
  month: "short",
  year: "numeric",
});

/** Return how `when` is written at `now`: the day only where it is not today. */
export function localText(when, now = new Date()) {
  if (when.toDateString() === now.toDateString()) return today.format(when);
  return (when.getFullYear() === now.getFullYear() ? thisYear : longAgo).format(when);
}

/** @param {ParentNode} root */
function localize(root) {
  for (const element of root.querySelectorAll("time[datetime]:not([data-localized])")) {
    const when = new Date(element.dateTime);
    if (Number.isNaN(when.getTime())) continue;
    element.dataset.localized = "";
    element.textContent = localText(when);
  }
}

localize(document);
// parts of a page that are fetched later hold times as well
new MutationObserver((changes) => {
  if (changes.some((change) => change.addedNodes.length > 0)) localize(document);
}).observe(document.body, { childList: true, subtree: true });
