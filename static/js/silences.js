// When a silence begins is asked in the reader's own zone, and sent in UTC as the form says without
// this script.

const sent = document.querySelector("#begins");
const shown = document.createElement("input");

function localOf(utc) {
  const when = new Date(`${utc.trim().replace(" ", "T")}Z`);
  if (Number.isNaN(when.getTime())) return "";
  return new Date(when.getTime() - 60_000 * when.getTimezoneOffset()).toISOString().slice(0, 16);
}

function utcOf(local) {
  const when = new Date(local);
  return Number.isNaN(when.getTime()) ? "" : when.toISOString().slice(0, 16).replace("T", " ");
}

// what cannot be read stays as it was typed, beside what is wrong with it
if (sent && (sent.value === "" || localOf(sent.value) !== "")) {
  shown.type = "datetime-local";
  shown.value = localOf(sent.value);
  sent.type = "hidden";
  shown.id = sent.id;
  sent.removeAttribute("id");
  sent.after(shown);
  shown.addEventListener("input", () => {
    sent.value = utcOf(shown.value);
  });
  const note = document.querySelector("[data-begins-note]");
  note.textContent = note.dataset.textLocal;
}
