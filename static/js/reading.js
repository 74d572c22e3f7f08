// A page that looks into a capture is there at once; what takes seconds to read is asked for here.

const place = document.querySelector("[data-reading]");

async function read() {
  try {
    const response = await fetch(place.dataset.reading, { headers: { Accept: "text/html" } });
    const text = await response.text();
    const found = new DOMParser().parseFromString(text, "text/html").querySelector("[data-look]");
    if (found) put(document.adoptNode(found));
    // signed out, the role or the capture is gone: the page itself says so
    else if (response.redirected || [403, 404].includes(response.status)) location.reload();
    else sayNothingCame();
  } catch {
    sayNothingCame();
  }
}

function sayNothingCame() {
  place.querySelector("[role=status]").hidden = true;
  place.querySelector("[data-unread]").hidden = false;
}

/** Put in what was found; what somebody has begun to type stays, and the place of the keyboard. */
function put(found) {
  const section = place.closest("[data-look]");
  const [typed, field] = [section, found].map((each) => each.querySelector("[name=packet]"));
  const isTyping = typed === document.activeElement;
  if (field) field.value = typed.value;
  section.replaceWith(found);
  if (isTyping) field?.focus();
}

read();
