// Charts: draws the figures of monitoring/figures.py with Plotly, in the colours of the theme, and
// writes the table behind each of them.  A figure stands in a JSON block that its place names.

const LEAST_WIDTH = 60;
/** @type {Promise<object>} the look of charts, the same in the whole console */
const looks = (async () => {
  const address = document.querySelector("[data-chart-look]")?.dataset.chartLook;
  return address ? (await fetch(address)).json() : { light: {}, dark: {}, roles: {} };
})();
const language = document.documentElement.lang || undefined;
const figures = new Map(); // place to figure

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen === "dark";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Plotly knows no time zones: it is given the reader's own time as text. */
function local(ms) {
  const at = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** A figure without a start tells of seconds since something began. */
function isSince(figure) {
  return figure.start == null;
}

function stepsOf(figure) {
  if (isSince(figure)) return Array.from({ length: figure.size }, (_, n) => n * figure.step);
  const first = Date.parse(figure.start);
  return Array.from({ length: figure.size }, (_, n) => first + n * figure.step * 1000);
}

/** A value between two gaps would not be seen as a line: it gets a dot. */
function dots(values, size) {
  const alone = (n) => values[n] != null && values[n - 1] == null && values[n + 1] == null;
  return values.map((_, n) => (alone(n) ? size : 0));
}

/** The outline of a band, each stretch between gaps on its own. */
function outline(times, low, high) {
  const x = [];
  const y = [];
  let from = 0;
  for (let n = 0; n <= high.length; n += 1) {
    if (n < high.length && high[n] != null && low[n] != null) continue;
    if (n - from > 1) {
      const span = [...Array(n - from).keys()].map((each) => each + from);
      if (x.length) x.push(null), y.push(null);
      for (const each of span) x.push(times[each]), y.push(high[each]);
      for (const each of span.reverse()) x.push(times[each]), y.push(low[each]);
    }
    from = n + 1;
  }
  return { x, y };
}

/** Lines of one colour differ by their dashes; the keys above them do, too (rollout.css). */
const DASHES = {
  "process-1": "solid",
  "process-2": "dash",
  "process-3": "dot",
  "process-4": "dashdot",
  "process-5": "longdash",
};

function styleOf(role, roles, template) {
  const neutral = template.layout?.font?.color;
  const quiet = template.layout?.xaxis?.color;
  if (DASHES[role]) return { color: neutral, width: 1.5, dash: DASHES[role] };
  if (role === "before") return { color: quiet, width: 1.5, dash: "dash" };
  if (role.startsWith("before-")) {
    return { color: roles[role.slice(7)]?.color ?? quiet, width: 1, dash: "dot" };
  }
  const own = roles[role];
  return own ? { color: own.color, width: own.width, dash: own.dash } : { color: neutral, width: 1.5 };
}

function tracesOf(figure, roles, template) {
  const times = isSince(figure) ? stepsOf(figure) : stepsOf(figure).map(local);
  const traces = [];
  for (const line of figure.lines) {
    const style = styleOf(line.role, roles, template);
    const unit = figure.unit ? ` ${figure.unit}` : "";
    const drawn = (values, name) => ({
      type: "scatter",
      mode: "lines+markers",
      x: times,
      y: values,
      name,
      // counts of steps: each holds until the next one begins
      line: isSince(figure) ? { ...style, shape: "hv" } : style,
      marker: { color: style.color, size: dots(values, 5), symbol: roles[line.role]?.symbol },
      hovertemplate: `%{y:,.3~r}${unit}`,
    });
    if (line.low) {
      const shape = outline(times, line.low, line.high ?? line.values);
      traces.push({
        ...shape,
        type: "scatter",
        mode: "none",
        fill: "toself",
        fillcolor: style.color,
        opacity: roles[line.role]?.band_opacity ?? 0.14,
        hoverinfo: "skip",
        showlegend: false,
      });
      // a band around its line, or from the median to p95
      if (line.high) traces.push(drawn(line.values, line.name));
      else traces.push(drawn(line.low, `${line.name} p50`), drawn(line.values, `${line.name} p95`));
    } else {
      traces.push(drawn(line.values, line.name));
    }
  }
  return traces;
}

function acrossAt(level, figure, roles, ground) {
  const role = roles[level.role] ?? {};
  const y = figure.is_log ? Math.log10(level.value) : level.value;
  return {
    shape: {
      type: "line",
      xref: "paper",
      x0: 0,
      x1: 1,
      y0: level.value,
      y1: level.value,
      line: { color: role.color, width: role.width ?? 1.5, dash: role.dash ?? "dash" },
    },
    note: {
      // on the left, where the newest marks are not
      xref: "paper",
      x: 0,
      xanchor: "left",
      y,
      yanchor: "bottom",
      text: `<b>${escaped(level.label)}</b>`,
      showarrow: false,
      bgcolor: ground,
      yshift: 2,
      borderpad: 1,
      font: { size: 12, color: role.color },
    },
  };
}

/** Text of people goes into Plotly's small markup: it must stay text. */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Marks within the figure; of labels that would overlap only the newest is written. */
function downAt(figure, roles, width) {
  const steps = stepsOf(figure);
  const [first, last] = [steps[0], steps[0] + figure.size * figure.step * 1000];
  const role = roles.mark ?? {};
  const shapes = [];
  const notes = [];
  let free = Infinity;
  for (const mark of [...figure.marks].reverse()) {
    const at = Date.parse(mark.at);
    if (!(at >= first && at <= last)) continue;
    shapes.push({
      type: "line",
      yref: "paper",
      y0: 0,
      y1: 1,
      x0: local(at),
      x1: local(at),
      line: { color: role.color, width: role.width ?? 1, dash: role.dash ?? "dot" },
    });
    const place = ((at - first) / (last - first)) * width;
    const wide = 7 * mark.label.length;
    const anchor = place < wide / 2 ? "left" : place > width - wide / 2 ? "right" : "center";
    const right = place + { left: wide, right: 0, center: wide / 2 }[anchor];
    if (right > free) continue;
    free = right - wide - 8;
    notes.push({
      x: local(at),
      xanchor: anchor,
      yref: "paper",
      y: 1,
      yanchor: "bottom",
      text: escaped(mark.label),
      showarrow: false,
      font: { size: 12, color: role.color },
    });
  }
  return { shapes, notes };
}

function secondsAxis(figure) {
  return {
    type: "linear",
    range: [0, figure.size * figure.step],
    ticksuffix: " s",
    tickformat: ",~r",
    hoverformat: ",.6~f",
  };
}

function timeAxis(figure) {
  const first = stepsOf(figure)[0];
  return {
    type: "date",
    range: [local(first), local(first + figure.size * figure.step * 1000)],
    hoverformat: figure.step < 86400 ? "%d %b %H:%M:%S" : "%d %b",
    tickformatstops: [
      { dtickrange: [null, 60000], value: "%H:%M:%S" },
      { dtickrange: [60000, 86400000], value: "%H:%M\n%d %b" },
      { dtickrange: [86400000, null], value: "%d %b" },
    ],
  };
}

function layoutOf(figure, roles, template, width, ground) {
  const across = figure.levels.map((level) => acrossAt(level, figure, roles, ground));
  const down = downAt(figure, roles, width);
  const known = figure.lines.flatMap((line) => [...line.values, ...(line.low ?? [])]);
  const values = known.filter((value) => value != null && (value > 0 || !figure.is_log));
  values.push(...figure.levels.map((level) => level.value));
  const yaxis = figure.is_log
    ? { type: "log", dtick: 1, tickformat: ",~r", rangemode: "normal", ...logRange(values) }
    : { tickformat: ",~r", range: [0, figure.top ?? (Math.max(0, ...values) || 1) * 1.12] };
  return {
    template,
    xaxis: { nticks: width < 420 ? 4 : 6, ...(isSince(figure) ? secondsAxis(figure) : timeAxis(figure)) },
    yaxis: { ...yaxis, ticklabelstandoff: 6 },
    margin: { t: down.notes.length || figure.levels.length ? 24 : 12, r: 12, b: 36, l: 48 },
    shapes: [...across.map((each) => each.shape), ...down.shapes],
    annotations: [...across.map((each) => each.note), ...down.notes],
    uirevision: "kept",
  };
}

function logRange(values) {
  if (values.length === 0) return { range: [-2, 3] };
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)) + 0.2);
  return { range: [low, Math.max(high, low + 1)] };
}

async function draw(place, figure) {
  const all = await looks;
  const theme = isDark() ? "dark" : "light";
  const [template, roles] = [all[theme], all.roles[theme] ?? {}];
  const width = Math.max(LEAST_WIDTH, place.clientWidth - 64);
  // words on a chart stand on the panel's own colour, so that lines do not run through them
  const ground = getComputedStyle(place.closest(".panel") ?? document.body).backgroundColor;
  await window.Plotly.react(
    place,
    tracesOf(figure, roles, template),
    layoutOf(figure, roles, template, width, ground),
    { displayModeBar: false, responsive: true, doubleClick: "reset" },
  );
}

function cell(kind, text, scope) {
  const element = document.createElement(kind);
  if (scope) element.scope = scope;
  if (kind === "td" || scope === "col") element.className = "num";
  element.textContent = text;
  return element;
}

function columnsOf(figure) {
  const unit = figure.unit ? `, ${figure.unit}` : "";
  return figure.lines.flatMap((line) =>
    line.high
      ? [
          { name: `${line.name}${unit}`, values: line.values },
          { name: `${line.name} ≥${unit}`, values: line.low },
          { name: `${line.name} ≤${unit}`, values: line.high },
        ]
    : line.low
      ? [
          { name: `${line.name} p50${unit}`, values: line.low },
          { name: `${line.name} p95${unit}`, values: line.values },
        ]
      : [{ name: `${line.name}${unit}`, values: line.values }],
  );
}

/** Write the figure as a table, newest first, or from its beginning on; a step without a value has an empty cell. */
function tabulate(table, figure) {
  const columns = columnsOf(figure);
  const head = document.createElement("tr");
  const time = cell("th", table.dataset.timeLabel ?? "", "col");
  time.className = "";
  head.append(time, ...columns.map((column) => cell("th", column.name, "col")));
  const format = new Intl.DateTimeFormat(language, {
    ...{ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    ...(figure.step < 60 ? { second: "2-digit" } : {}),
  });
  const written = isSince(figure) ? (at) => `${Number(at.toPrecision(9))} s` : (at) => format.format(at);
  const rows = stepsOf(figure).map((at, n) => {
    const row = document.createElement("tr");
    row.append(cell("th", written(at), "row"));
    for (const { values } of columns) {
      const value = values[n];
      row.append(cell("td", value == null ? "" : value.toLocaleString(language)));
    }
    return row;
  });
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...(isSince(figure) ? rows : rows.reverse()));
}

function tableOf(place) {
  return place.closest("[data-chart-frame]")?.querySelector("details.data");
}

/** Lines may come and go: the key above them follows. */
function nameLines(keys, lines) {
  const template = keys.querySelector("template");
  const fresh = lines.map(({ name, role }) => {
    const key = template.content.firstElementChild.cloneNode(true);
    key.classList.add(role);
    key.lastElementChild.textContent = name;
    return key;
  });
  keys.replaceChildren(...fresh, template);
}

/** Without any value the axes alone would look as if all were 0. */
function hasValues(figure) {
  return figure.lines.some(({ values }) => values.some((value) => value != null));
}

/** Show another figure in a place. */
export function show(place, figure) {
  figures.set(place, figure);
  const keys = place.closest("[data-chart-frame]")?.querySelector("[data-keys]");
  if (keys) nameLines(keys, figure.lines);
  // the unit goes by the largest value
  const unit = place.closest("[data-chart-frame]")?.querySelector("[data-unit]");
  if (unit) unit.textContent = figure.unit;
  const empty = place.closest("[data-chart-frame]")?.querySelector("[data-chart-empty]");
  if (empty) empty.hidden = hasValues(figure);
  const details = tableOf(place);
  if (details?.open) tabulate(details.querySelector("table"), figure);
  return draw(place, figure);
}

/** Draw all charts of the page again. */
export function redraw() {
  for (const [place, figure] of figures) draw(place, figure);
}

/** @returns {Element | null} the place of the chart of that name */
export function placeOf(name) {
  return document.querySelector(`[data-chart="${CSS.escape(name)}"]`);
}

/** Draw the charts of the page whose figures it holds; those that are gone are forgotten. */
export function drawAll() {
  for (const place of figures.keys()) if (!place.isConnected) figures.delete(place);
  for (const place of document.querySelectorAll("[data-chart]")) {
    const block = document.getElementById(`figure-${place.dataset.chart}`);
    if (!block || figures.has(place)) continue;
    show(place, JSON.parse(block.textContent));
    tableOf(place)?.addEventListener("toggle", ({ target }) => {
      if (target.open) tabulate(target.querySelector("table"), figures.get(place));
    });
  }
}

drawAll();

new MutationObserver(redraw).observe(document.documentElement, {
  attributes: true,
  attributeFilter: ["data-theme"],
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
