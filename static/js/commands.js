// Buttons that open and close dialogs, for browsers that do not know command and commandfor yet.

function ask(event) {
  const button = event.target.closest?.("button[commandfor]");
  const dialog = button && document.getElementById(button.getAttribute("commandfor"));
  if (!dialog) return;
  if (button.getAttribute("command") === "show-modal") dialog.showModal();
  else dialog.close();
}

/** @param {HTMLElement} root */
export function wakeCommands(root) {
  if (!("commandForElement" in HTMLButtonElement.prototype)) root.addEventListener("click", ask);
}
