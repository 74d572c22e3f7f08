// The tour: one step at a time, and an outline around what it is about.  Without scripts all steps
// stand in a list.

const tour = document.querySelector("[data-tour]");
const steps = [...tour.querySelectorAll("[data-tour-step]")];
const count = tour.querySelector("[data-tour-count]");
const back = tour.querySelector("[data-tour-back]");
const next = tour.querySelector("[data-tour-next]");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
let at = 0;

function show(focus) {
  for (const [n, step] of steps.entries()) step.classList.toggle("here", n === at);
  count.textContent = count.dataset.text.replace("{step}", at + 1).replace("{steps}", steps.length);
  back.disabled = at === 0;
  next.disabled = at === steps.length - 1;
  for (const old of document.querySelectorAll(".toured")) old.classList.remove("toured");
  const place = document.querySelector(steps[at].dataset.tourStep);
  place?.classList.add("toured");
  if (!focus) return;
  place?.scrollIntoView({ block: "nearest", behavior: calm.matches ? "instant" : "smooth" });
  steps[at].querySelector("h3").focus({ preventScroll: true });
}

function go(by) {
  at = Math.min(steps.length - 1, Math.max(0, at + by));
  show(true);
}

back.addEventListener("click", () => go(-1));
next.addEventListener("click", () => go(1));
tour.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tour.querySelector("[data-tour-end]").click();
  else if (event.key === "ArrowRight") go(1);
  else if (event.key === "ArrowLeft") go(-1);
});
show(false);
