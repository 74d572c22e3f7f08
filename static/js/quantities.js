// Numbers as people read them, the same way as trimming/quantities.py writes them.

const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB"];
const language = document.documentElement.lang || undefined;

function figures(value, digits) {
  return value.toLocaleString(language, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function place(bytes) {
  let unit = 0;
  let scale = 1;
  while (unit < SIZE_UNITS.length - 1 && bytes / scale >= 999.5) {
    scale *= 1000;
    unit += 1;
  }
  return { unit, scale };
}

function inUnit(bytes, { unit, scale }) {
  const value = bytes / scale;
  return figures(value, unit === 0 || value >= 99.95 ? 0 : 1);
}

/** Return a number of bytes, as in "9.8 MB". */
export function size(bytes) {
  const at = place(bytes);
  return `${inUnit(bytes, at)} ${SIZE_UNITS[at.unit]}`;
}

/** Return both parts of "41.2 of 53.0 MB" in the unit of the whole. */
export function part(done, all) {
  const at = place(all);
  return { done: inUnit(done, at), all: `${inUnit(all, at)} ${SIZE_UNITS[at.unit]}` };
}

/** Return a rate, as in "4.1 MB/s". */
export function rate(bytesPerSecond) {
  return `${size(bytesPerSecond)}/s`;
}

/** Return a time span in seconds, as in "0.41 s", "18.4 s" or "8 min 41 s". */
export function duration(seconds) {
  if (seconds < 0.00995) return `${figures(1000 * seconds, 1)} ms`;
  if (seconds < 0.995) return `${figures(seconds, 2)} s`;
  if (seconds < 59.95) return `${figures(seconds, 1)} s`;
  return whole(seconds);
}

/** Return a time span in whole seconds, as in "10 s" or "2 h 5 min". */
export function whole(seconds) {
  const rounded = Math.round(seconds);
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${figures(Math.floor(minutes / 60), 0)} h ${minutes % 60} min`;
}

/** Return `text` with each `{name}` replaced by its value. */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (found, name) => values[name] ?? found);
}
