// The theme switch and nothing else: auto follows the system, light and dark override it.
// A plain script in the head, because a module would run after the first paint.
(() => {
  const KEY = "pktmask-theme";
  const root = document.documentElement;

  function apply(choice) {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
  }

  function stored() {
    try {
      return localStorage.getItem(KEY) ?? "auto";
    } catch {
      return "auto"; // the browser keeps nothing for this site
    }
  }

  function keep(choice) {
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // it holds until the page is left
    }
  }

  function show(choice) {
    apply(choice);
    for (const input of document.querySelectorAll('input[name="theme"]')) {
      input.checked = input.value === choice;
    }
  }

  apply(stored());
  document.addEventListener("DOMContentLoaded", () => show(stored()));
  document.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.name !== "theme") return;
    keep(target.value);
    show(target.value);
  });
  // another tab changed it
  window.addEventListener("storage", ({ key }) => {
    if (key === KEY) show(stored());
  });
})();
