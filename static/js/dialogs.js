// For browsers that do not know command and commandfor yet: buttons that open and close a dialog.

function ask(event) {
  const button = event.target instanceof Element && event.target.closest("button[commandfor]");
  const dialog = button && document.getElementById(button.getAttribute("commandfor"));
  if (!dialog) return;
  if (button.getAttribute("command") === "show-modal") dialog.showModal();
  else dialog.close();
}

if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", ask);
}
