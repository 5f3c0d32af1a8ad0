// Enriches the page: views of what Python computed. No statistic is computed here; numbers come from #data.
"use strict";
(() => {
const D = JSON.parse(document.getElementById("data").textContent);
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const root = document.documentElement;

// ---------------------------------------------------------------- words and numbers
const MINUS = "\u2212";
const COSTS = ["parameters", "flops_per_megapixel", "ms_per_megapixel", "training_seconds"];
const COST_WORDS = ["parameters", "FLOPs per megapixel of output", "milliseconds per megapixel of output", "seconds of training"];
const COST_SHORT = ["parameters", "FLOPs", "ms per MP", "training"];
const TIMES = new Set([2, 3]);
const VERDICTS = {
  b: ["▲", "better"], w: ["▼", "worse"], e: ["=", "equivalent"], u: ["?", "unresolved"], "-": ["–", "no verdict"], "=": ["", "reference"],
};
const UNITS = [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e3, " k"], [1, ""]];

const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const cut = (text, length) => {
  const all = [...text];
  return all.length <= length ? text : all.slice(0, length - 1).join("").trimEnd() + "…";
};
function number(value, digits) {
  const text = value.toFixed(digits);
  return text.startsWith("-") ? (Number(text) ? MINUS + text.slice(1) : text.slice(1)) : text;
}
const signed = (value, digits) => (Number(value.toFixed(digits)) > 0 ? "+" : "") + number(value, digits);
function short(value) {
  const [size, unit] = UNITS.find(([s]) => Math.abs(value) >= 0.9995 * s) || UNITS[4];
  const scaled = value / size, big = Math.abs(scaled);
  return number(scaled, big >= 99.95 || (!unit && Number.isInteger(scaled)) ? 0 : big >= 9.995 ? 1 : 2) + unit;
}
function duration(seconds) {
  const s = Math.round(seconds), m = Math.round(seconds / 60), two = (n) => String(n).padStart(2, "0");
  return s < 60 ? `${s}s` : s < 3600 ? `${Math.floor(s / 60)}m ${two(s % 60)}s` : `${Math.floor(m / 60)}h ${two(m % 60)}m`;
}
// The ends of a scale in words that differ: with more digits where they need them, one where they are equal.
function apart(low, high, digits, print) {
  for (let more = digits; low !== high && more < digits + 7; more++) {
    if (print(low, more) !== print(high, more)) return [print(low, more), print(high, more)];
  }
  return [print(low, digits)];
}
const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
const unitOf = (metric) => (metric.unit ? `\u00a0${metric.unit}` : "");

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

function rankBar([low, high], rows) {
  const start = Math.min(((low - 1) / rows) * 56 + 2.5, 53.5), end = Math.max((high / rows) * 56 - 2.5, 2.5);
  return `<svg class="rankbar" viewBox="0 0 56 5" aria-hidden="true"><path d="M0 2.5h56"/><path d="M${start.toFixed(1)} 2.5h${Math.max(end - start, 0.1).toFixed(1)}"/></svg>`;
}

// ---------------------------------------------------------------- the tables as they stand
const boards = D.tables.map((table, i) => {
  const section = $(`#t${i}`);
  table.i = i;
  table.section = section;
  table.lead = Math.max(0, table.metrics.findIndex((metric) => metric.primary));
  table.rows.forEach((row, r) => {
    row.r = r;
    row.line = $(`#t${i}r${r}`);
    const head = $("th.lab", row.line);
    row.label = head.firstElementChild.textContent;
    row.numbers = $$("td.n", row.line).slice(0, table.metrics.length);
    row.printed = row.numbers.map((cell) => cell.innerHTML);
    row.strip = $("td.strip", row.line);
    if (row.rank && !$(".rankbar", row.line)) row.line.firstElementChild.insertAdjacentHTML("beforeend", rankBar(row.rank, table.rows.length));
    row.text = head.textContent.toLowerCase();
    const name = element("button", { type: "button", class: "name" });
    name.append(...head.firstElementChild.childNodes);
    head.firstElementChild.replaceWith(name);
    head.prepend(element("input", { type: "checkbox", class: "cb", "aria-label": `Compare ${row.label}` }));
  });
  table.metrics.forEach((metric, m) => {
    metric.measured = table.rows.some((row) => row.scores[m]);
    if (!metric.measured) metric.why = `No row has ${metric.shown}: ${reasonOf(table.rows[0]?.numbers[m]).replace(`${metric.name}: `, "")}`;
  });
  table.of = $(".legend .of", section);
  table.ofMean = table.of.textContent;
  const wide = table.metrics.length + 3 + COSTS.length;
  table.none = element("tbody", { class: "nomatch", hidden: true }, element("tr", {}, element("td", { colspan: wide },
    element("span", {}, "No row matches. ", element("button", { type: "button", class: "all", onclick: showAll }, "Show all")))));
  $("thead", section).after(table.none);
  table.order = $$("tr[id]", section).map((line) => Number(line.id.split("r")[1]));
  for (const head of $$("thead th[data-k]", section)) {
    const button = element("button", { type: "button" });
    button.append(...head.childNodes);
    head.append(button);
  }
  for (const chosen of $$("details.crops, details.protocol", section)) chosen.open = false;
  table.sources = $$(".sheet", section).map((sheet) =>
    Object.fromEntries($$("figure", sheet).map((figure) => [figure.dataset.k, $("img", figure).src])));
  return table;
});
function reasonOf(cell) {
  const note = cell && $("a.fn", cell);
  return note ? document.getElementById(note.getAttribute("href").slice(1))?.textContent ?? "" : "";
}
if (!boards.length) { themeButton(); keysDialog(); return; }
// The first table that ranks anything; else the first.
const opening = boards.find((table) => table.rows.some((row) => row.rank)) ?? boards[0];
const byId = new Map(boards.map((table) => [table.id, table]));

function unpacked(packed, size, middle) {
  const bytes = atob(packed), values = [];
  for (let i = 0; i < bytes.length; i += 3) {
    const step = (bytes.charCodeAt(i) | (bytes.charCodeAt(i + 1) << 8) | (bytes.charCodeAt(i + 2) << 16)) << 8 >> 8;
    values.push(step === -8388608 ? null : middle + step / size);
  }
  return values;
}
function imagesOf(table, m, r) {
  const per = table.per[table.metrics[m].name];
  return per && r in per.rows ? unpacked(per.rows[r], per.size, per.middle) : null;
}
const mean = (row, m) => (row.scores[m] ? row.scores[m][0] : null);

// Row a minus row b: the difference, half of its interval, and the verdict of a against b, as Python found them.
function against(table, m, a, b) {
  if (a === b) return mean(table.rows[a], m) == null ? null : { d: 0, h: null, v: "=" };
  const one = mean(table.rows[a], m), other = mean(table.rows[b], m);
  if (one == null || other == null) return null;
  const pairs = table.pairs[table.metrics[m].name];
  if (pairs && !pairs.at) pairs.at = new Map(pairs.rows.map((r, place) => [r, place]));
  const i = pairs?.at.get(a), j = pairs?.at.get(b);
  if (i === undefined || j === undefined) return { d: one - other, h: null, v: "-", absent: true };
  const [low, high, n] = [Math.min(i, j), Math.max(i, j), pairs.rows.length];
  const k = low * n - (low * (low + 1)) / 2 + high - low - 1;
  const verdict = pairs.v[k], turned = { b: "w", w: "b" };
  const d = pairs.d[k] ?? Math.abs(one - other) * Math.sign(i < j ? one - other : other - one);
  return { d: i < j ? d : -d, h: pairs.h[k], v: i < j ? verdict : turned[verdict] || verdict };
}

// ---------------------------------------------------------------- state, which lives in the address
const KINDS = ["method", "weights", "fixed", "unranked"];
let state = {};
function initial() {
  return { table: opening, metric: null, ref: undefined, sel: null, sort: null, q: "", show: null, cost: null, machine: null };
}
function fromHash() {
  const given = new URLSearchParams(location.hash.includes("=") ? location.hash.slice(1) : "");
  const s = initial();
  const table = byId.get(given.get("table")) || boards[Number(/^#t(\d+)/.exec(location.hash)?.[1] ?? opening.i)] || opening;
  const place = (id) => table.rows.findIndex((row) => row.id === id);
  s.table = table;
  const metric = table.metrics.findIndex((one) => one.name === given.get("metric"));
  s.metric = table.metrics[metric]?.measured ? metric : table.lead;
  s.ref = given.has("ref") && place(given.get("ref")) >= 0 ? place(given.get("ref")) : null;
  s.sel = (given.get("sel") || "").split(",").map((id) => place(decoded(id))).filter((r) => r >= 0).slice(0, 2);
  s.sort = given.get("sort") && known(table, given.get("sort")) ? given.get("sort") : null;
  s.q = given.get("q") || "";
  s.show = new Set(given.has("show") ? given.get("show").split(",") : KINDS);
  s.cost = COSTS.includes(given.get("cost")) ? COSTS.indexOf(given.get("cost")) : null;
  s.machine = table.machines.includes(given.get("machine")) ? given.get("machine") : null;
  return s;
}
function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}
const known = (table, sort) => {
  const key = sort.replace(/!$/, "");
  return ["rank", "label", ...COSTS, ...table.metrics.map((metric) => metric.name)].includes(key);
};
function toHash() {
  const { table } = state, said = [["table", table.id]];
  if (state.metric !== table.lead) said.push(["metric", table.metrics[state.metric].name]);
  if (state.ref != null) said.push(["ref", table.rows[state.ref].id]);
  if (state.sel.length) said.push(["sel", state.sel.map((r) => encodeURIComponent(table.rows[r].id)).join(",")]);
  if (state.sort) said.push(["sort", state.sort]);
  if (state.q) said.push(["q", state.q]);
  if (state.show.size < KINDS.length) said.push(["show", [...state.show].join(",")]);
  if (state.cost != null) said.push(["cost", COSTS[state.cost]]);
  if (state.machine) said.push(["machine", state.machine]);
  return "#" + new URLSearchParams(said).toString().replaceAll("%2C", ",");
}
function change(changes, quietly = false) {
  Object.assign(state, changes);
  const hash = toHash();
  if (hash !== location.hash) history[quietly ? "replaceState" : "pushState"](null, "", hash);
  apply();
}
addEventListener("popstate", () => { state = fromHash(); apply(); });

// ---------------------------------------------------------------- drawing the view
const controls = $("#controls"), compare = $("#compare"), live = $("#live");
let shown = {}; // what is drawn now: a part is drawn again only where it changed

function apply() {
  const { table } = state, fresh = shown.table !== table;
  if (fresh) enter(table);
  const marks = [state.metric, state.ref].join();
  if (fresh || shown.marks !== marks) { numbers(table); heads(table); }
  rows(table);
  const chart = [marks, state.cost, state.machine, state.sel.join()].join("|");
  if (fresh || shown.chart !== chart) charts(table);
  const pair = [state.metric, sides(table).join()].join("|");
  if (fresh || shown.pair !== pair) comparison(table);
  fields(table);
  shown = { table, marks, chart, pair };
}

function enter(table) {
  for (const board of boards) board.section.hidden = board !== table;
  for (const link of $$(".tabs a")) {
    if (Number(link.dataset.i) === table.i) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  $(`#t${table.i}-controls`).append(controls);
  $(`#t${table.i}-compare`).append(compare);
  const box = $("#metrics div");
  box.replaceChildren(...table.metrics.map((metric, m) => element("label", { title: metric.why },
    element("input", { type: "radio", name: "metric", value: m, disabled: !metric.measured, title: metric.why }), element("span", {}, metric.shown))));
  const lead = table.metrics[table.lead];
  $("#by").textContent = lead ? `(${table.rows.some((row) => row.rank) ? "rank and headline" : "headline"} always by ${lead.shown})` : "";
  const known = table.order.filter((r) => r !== table.ref).map((r) => [r, table.rows[r].label]);
  const baseline = table.ref == null ? [] : [[table.ref, `${table.rows[table.ref].label} (baseline)`]];
  options($("#reference"), [["", "none"], ...baseline, ...known]);
  for (const side of ["a", "b"]) options($(`#side-${side}`), table.order.map((r) => [r, table.rows[r].label]));
}
function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => element("option", { value }, cut(text, 60))));
}

function fields(table) {
  for (const radio of $$("#metrics input")) radio.checked = Number(radio.value) === state.metric;
  $("#reference").value = state.ref == null ? "" : state.ref;
  $("#reset").hidden = state.ref == null;
  const search = $("#search");
  if (search.value !== state.q) search.value = state.q;
  for (const box of $$("input[name=claim]", controls)) box.checked = state.show.has(box.value);
  $("#unranked").checked = state.show.has("unranked");
  for (const row of table.rows) {
    const place = state.sel.indexOf(row.r);
    $(".cb", row.line).checked = place >= 0;
    row.line.classList.toggle("a", place === 0);
    row.line.classList.toggle("b", place === 1);
    row.line.classList.toggle("ref", row.r === state.ref);
  }
  tray(table);
}

function verdictMark({ v }) {
  const [glyph, word] = VERDICTS[v];
  return `<span class="v ${{ b: "better", w: "worse", e: "even", u: "open" }[v] || "none"}">` +
    `<i aria-hidden="true">${glyph}</i> ${word}</span>`;
}

function numbers(table) {
  table.section.classList.toggle("relative", state.ref != null);
  table.of.textContent = state.ref == null ? table.ofMean : `a row’s difference from ${cut(table.rows[state.ref].label, 60)}`;
  for (const row of table.rows) {
    row.numbers.forEach((cell, m) => {
      const metric = table.metrics[m], found = state.ref == null ? null : against(table, m, row.r, state.ref);
      cell.classList.toggle("chosen", m === state.metric);
      if (!found || found.v === "=") { cell.innerHTML = row.printed[m]; return; }
      const half = found.h == null ? "" : ` <small>±${number(found.h, metric.digits)}</small>`;
      cell.innerHTML = `<span class="d">${signed(found.d, metric.digits)}${half}</span>${verdictMark(found)}`;
    });
  }
  strips(table);
}

// The strip of each row: its mean and interval, or its difference from the reference beside the margin.
function strips(table) {
  const m = state.metric, metric = table.metrics[m];
  const parts = table.rows.map((row) => {
    if (state.ref == null) return row.scores[m] && { x: row.scores[m][0], low: row.scores[m][1], high: row.scores[m][2], seeds: row.scores[m].slice(3) };
    const found = against(table, m, row.r, state.ref);
    return found && { x: found.d, low: found.h == null ? null : found.d - found.h, high: found.h == null ? null : found.d + found.h, seeds: [], v: found.v };
  });
  const values = parts.flatMap((part) => (part ? [part.x, part.low, part.high, ...part.seeds] : [])).filter((v) => v != null);
  if (state.ref != null && values.length) values.push(0);
  const low = Math.min(...values), high = Math.max(...values);
  const at = (v) => (6 + ((v - low) / (high - low || 1)) * 108).toFixed(1);
  table.rows.forEach((row, r) => {
    const part = parts[r];
    if (!part) { row.strip.replaceChildren(); return; }
    const kind = { b: "better", w: "worse", e: "even" }[part.v] || "";
    const margin = state.ref != null && metric.margin ? `<rect class="margin" x="${at(-metric.margin)}" width="${(at(metric.margin) - at(-metric.margin)).toFixed(1)}" y="0" height="14"/>` : "";
    const zero = state.ref != null ? `<path class="zero" d="M${at(0)} 0v14"/>` : "";
    const seeds = part.seeds.length > 1 ? part.seeds.map((s) => `<path class="seed" d="M${at(s)} 12v5"/>`).join("") : "";
    const whisker = part.low == null ? "" : `<path d="M${at(part.low)} 7H${at(part.high)}"/>`;
    row.strip.innerHTML = `<svg viewBox="0 0 120 18" aria-hidden="true"${kind && ` class="${kind}"`}>${margin}${zero}${seeds}${whisker}<circle cx="${at(part.x)}" cy="7" r="3.5"/></svg>`;
  });
  const words = state.ref == null ? `${metric.shown} interval` : `${metric.shown}, difference`;
  const print = state.ref == null ? number : signed;
  const head = $("th.strip", table.section);
  $(".t", head).textContent = words;
  let ends = $(".ends", head);
  if (!ends) head.append(ends = element("span", { class: "ends" }));
  ends.replaceChildren(...(values.length ? apart(low, high, metric.digits, print) : []).map((words) => element("span", {}, words)));
}

function heads(table) {
  for (const head of $$("thead th[data-k]", table.section)) {
    head.classList.toggle("chosen", head.dataset.k === table.metrics[state.metric].name);
  }
}

// ---------------------------------------------------------------- rows: order and filters, which never change a rank
function sortOf(table) {
  const sort = state.sort || "rank", key = sort.replace(/!$/, ""), turned = sort.endsWith("!");
  const m = table.metrics.findIndex((metric) => metric.name === key), c = COSTS.indexOf(key);
  const falling = (m >= 0 && table.metrics[m].higher) !== turned;
  const value = m >= 0 ? (row) => mean(row, m) : c >= 0 ? (row) => row.cost[c] : key === "label" ? (row) => row.label : null;
  return { key, m, c, falling, value };
}
function ordered(table, list) {
  const place = new Map(table.order.map((r, i) => [r, i]));
  const { value, falling } = sortOf(table);
  const compareTo = (a, b) => {
    if (!value) return (falling ? -1 : 1) * (place.get(a.r) - place.get(b.r));
    const [x, y] = [value(a), value(b)];
    if (x == null || y == null) return (x == null) - (y == null) || place.get(a.r) - place.get(b.r);
    const less = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
    return (falling ? -less : less) || place.get(a.r) - place.get(b.r);
  };
  return list.sort(compareTo);
}
function rows(table) {
  const sort = sortOf(table), query = state.q.trim().toLowerCase();
  const focused = document.activeElement;
  let count = 0;
  for (const name of ["ranked", "unranked"]) {
    const body = $(`tbody.${name}`, table.section);
    if (!body) continue;
    const mine = ordered(table, table.rows.filter((row) => (row.rank == null) === (name === "unranked")));
    const groups = TIMES.has(sort.c) && name === "ranked" && table.machines.length ? byMachine(table, mine) : [[null, mine]];
    const lines = [...body.children].filter((line) => !line.id && !line.matches(".machine"));
    for (const [words, list] of groups) {
      const seen = list.filter((row) => {
        const fits = state.show.has(row.claim) && (!query || row.text.includes(query)) && (row.rank != null || state.show.has("unranked"));
        row.line.hidden = !fits;
        return fits;
      });
      count += seen.length;
      if (words != null && seen.length) {
        const wide = table.metrics.length + 3 + COSTS.length;
        lines.push(element("tr", { class: "divider machine" }, element("th", { colspan: wide, scope: "colgroup" }, element("span", {}, words))));
      }
      lines.push(...list.map((row) => row.line));
    }
    // Rows that stand where they should are not moved: moving takes the focus.
    if (lines.length !== body.children.length || lines.some((line, i) => line !== body.children[i])) body.replaceChildren(...lines);
    body.classList.toggle("empty", !mine.some((row) => !row.line.hidden));
  }
  table.none.hidden = count > 0;
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  for (const quoted of $$("tbody.quoted", table.section)) quoted.hidden = !state.show.has("unranked") || !!query;
  for (const head of $$("thead th[data-k]", table.section)) {
    if (head.dataset.k === sort.key) head.setAttribute("aria-sort", sort.falling ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  const name = sort.m >= 0 ? table.metrics[sort.m].shown : sort.c >= 0 ? COST_SHORT[sort.c] : sort.key === "label" ? "name" : "rank";
  const grouped = TIMES.has(sort.c) ? ", within each machine" : "";
  const relative = state.ref == null ? "" : `; differences from ${cut(table.rows[state.ref].label, 40)}`;
  const words = `${count} of ${table.rows.length} shown, sorted by ${name}${grouped}${relative}`;
  if (live.textContent !== words) live.textContent = words;
}
function showAll() {
  change({ q: "", show: new Set(KINDS) });
  $("#search").focus({ preventScroll: true });
}
function byMachine(table, list) {
  const groups = new Map();
  for (const row of list) {
    const words = row.machine < 0 ? "Machine unknown" : `On ${table.machines[row.machine]}`;
    if (!groups.has(words)) groups.set(words, []);
    groups.get(words).push(row);
  }
  return [...groups].sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

// ---------------------------------------------------------------- planes: as charts.py draws them
const H = 380, L = 62, R = 18, T = 30, B = 52, GAP = 46;
const narrow = matchMedia("(max-width: 40rem)");
const wide = () => (narrow.matches ? 350 : 560);
narrow.addEventListener("change", () => { shown.chart = shown.pair = null; apply(); });
function stepOf(low, high) {
  const rough = (high - low) / 5, size = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((s) => s * size).find((s) => s >= rough * 0.999);
}
function scale(axis, values, start, end) {
  const bent = (v) => (axis.log ? Math.log10(v) : v);
  const broken = axis.log && values.includes(0); // nought has no logarithm: it stands beyond a break of the axis
  const ends = values.filter((v) => v || !axis.log).map(bent);
  let low = Math.min(...ends), high = Math.max(...ends);
  const room = 0.08 * (high - low) || (axis.log ? 0.3 : Math.abs(high) * 0.02 || 1);
  low -= room; high += room;
  if (axis.turned) [start, end] = [end, start];
  const gap = GAP * Math.sign(end - start);
  if (broken) start += gap;
  const to = (v) => (broken && !v ? start - gap / 2 : start + ((bent(v) - low) / (high - low)) * (end - start));
  const ticks = broken ? [0] : [];
  if (axis.log) {
    for (let e = Math.floor(low); e <= Math.ceil(high); e++) {
      for (const s of high - low < 0.7 ? [1, 1.5, 2, 3, 4, 5, 7] : high - low < 2.2 ? [1, 2, 5] : [1]) {
        if (low <= Math.log10(s * 10 ** e) && Math.log10(s * 10 ** e) <= high) ticks.push(s * 10 ** e);
      }
    }
  } else {
    const step = stepOf(low, high);
    for (let i = Math.ceil(low / step); i <= Math.floor(high / step); i++) ticks.push(i * step);
  }
  // As many digits as tell a tick from its neighbours.
  const digits = axis.digits == null ? null : Math.max(0, -Math.floor(Math.log10(stepOf(low, high)) + 1e-9));
  const prefixed = (v) => (v > 0 && v < 0.1 ? number(v, 1 - Math.floor(Math.log10(v))) : short(v).replace(/\.0+(?= |$)/, ""));
  return { to, ticks, broken, start, words: (v) => (digits == null ? prefixed(v) : number(v, digits)) };
}
function frontOf(x, y, points) {
  const gain = (axis, v) => (axis.higher ? v : -v);
  const found = points.map((p, i) => [gain(x, p.x[1]), gain(y, p.y[1]), i]);
  found.sort((a, b) => b[0] - a[0] || b[1] - a[1] || a[2] - b[2]);
  let best = -Infinity;
  const ahead = [];
  for (const [, height, i] of found) if (height > best) { ahead.unshift(i); best = height; }
  return ahead;
}
function shape(claim, x, y) {
  if (claim === "method") return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="5"/>`;
  if (claim === "weights") return `<path d="M${x.toFixed(1)} ${(y - 6.5).toFixed(1)}l6.5 6.5l-6.5 6.5l-6.5 -6.5z"/>`;
  return `<path d="M${(x - 4.5).toFixed(1)} ${(y - 4.5).toFixed(1)}h9v9h-9z"/>`;
}
function plane(title, x, y, points, name) {
  const W = wide();
  const sx = scale(x, points.flatMap((p) => p.x), L, W - R), sy = scale(y, points.flatMap((p) => p.y), H - B, T);
  const right = W - R, bottom = H - B, ahead = frontOf(x, y, points), out = [];
  let end = -Infinity;
  for (const v of sx.ticks) {
    const at = sx.to(v), words = sx.words(v), half = 3.2 * [...words].length;
    out.push(`<path class="grid" d="M${at.toFixed(1)} ${T}V${bottom}"/>`);
    if (at - half < end + 8) continue;
    end = at + half;
    out.push(`<text class="tick" x="${at.toFixed(1)}" y="${bottom + 17}" text-anchor="middle">${words}</text>`);
  }
  if (sx.broken) {
    const at = sx.start, p = (v) => v.toFixed(1);
    out.push(`<path class="break" d="M${L} ${bottom}H${p(at - 2)}M${p(at + 2)} ${bottom}H${right}M${p(at - 4)} ${bottom + 5}l4 -10M${p(at)} ${bottom + 5}l4 -10"/>`);
  }
  for (const v of sy.ticks) {
    const at = sy.to(v);
    out.push(`<path class="grid" d="M${L} ${at.toFixed(1)}H${right}"/><text class="tick" x="${L - 8}" y="${(at + 4).toFixed(1)}" text-anchor="end">${sy.words(v)}</text>`);
  }
  const rightwards = x.higher !== x.turned;
  out.push(`<text class="axis" x="${L}" y="${H - 10}">${escaped(x.title)}</text>`,
    `<text class="axis better" x="${right}" y="${H - 10}" text-anchor="end">${rightwards ? "better →" : "← better"}</text>`,
    `<text class="axis" x="${L - 54}" y="16">${escaped(y.title)} <tspan class="better">↑ better</tspan></text>`);
  const places = ahead.map((i) => [sx.to(points[i].x[1]), sy.to(points[i].y[1])]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (places.length > 1) {
    let path = `M${places[0][0].toFixed(1)} ${places[0][1].toFixed(1)}`;
    for (const [across, down] of places.slice(1)) {
      path += rightwards ? `V${down.toFixed(1)}H${across.toFixed(1)}` : `H${across.toFixed(1)}V${down.toFixed(1)}`;
    }
    out.push(`<path class="front" d="${path}"/>`);
  }
  const said = (axis, v) => `${axis.title} ${axis.digits == null ? short(v) : number(v, axis.digits)}`;
  const centres = points.map((p) => [sx.to(p.x[1]), sy.to(p.y[1])]);
  points.forEach((p, i) => {
    const [across, down] = centres[i];
    let cross = "";
    if (p.x[0] !== p.x[2]) cross += `M${Math.min(sx.to(p.x[0]), sx.to(p.x[2])).toFixed(1)} ${down.toFixed(1)}H${Math.max(sx.to(p.x[0]), sx.to(p.x[2])).toFixed(1)}`;
    if (p.y[0] !== p.y[2]) cross += `M${across.toFixed(1)} ${Math.min(sy.to(p.y[0]), sy.to(p.y[2])).toFixed(1)}V${Math.max(sy.to(p.y[0]), sy.to(p.y[2])).toFixed(1)}`;
    const claim = ["method", "weights"].includes(p.claim) ? p.claim : "fixed";
    out.push(`<g class="pt ${claim}" data-r="${p.row}"><title>${escaped(`${cut(p.label, 60)}: ${said(x, p.x[1])}, ${said(y, p.y[1])}`)}</title>` +
      (cross ? `<path class="error" d="${cross}"/>` : "") + `${shape(claim, across, down)}</g>`);
  });
  const taken = centres.map(([a, d]) => [a - 6, d - 6, a + 6, d + 6]);
  const order = [...[...ahead].reverse(), ...[...points.keys()].filter((i) => !ahead.includes(i))].slice(0, 40);
  for (const i of order) {
    const label = cut(points[i].label, 22), wide = 6.6 * [...label].length, [across, down] = centres[i];
    for (const [left, base, anchor] of [[across + 8, down - 7, "start"], [across + 8, down + 15, "start"], [across - 8, down - 7, "end"], [across - 8, down + 15, "end"]]) {
      const begin = left - (anchor === "end" ? wide : 0);
      const area = [begin, base - 10, begin + wide, base + 3];
      if (area[0] < L || area[2] > W - 4 || area[1] < T - 6 || area[3] > bottom) continue;
      if (taken.some((o) => area[0] < o[2] && o[0] < area[2] && area[1] < o[3] && o[1] < area[3])) continue;
      taken.push(area);
      out.push(`<text class="name" data-r="${points[i].row}" x="${left.toFixed(1)}" y="${base.toFixed(1)}" text-anchor="${anchor}">${escaped(label)}</text>`);
      break;
    }
  }
  const leaders = ahead.slice(0, 12).map((i) => cut(points[i].label, 40)).join(", ");
  const words = `${points.length} rows. On the Pareto front: ${leaders}. The numbers are in the table above.`;
  return `<svg class="plane" viewBox="0 0 ${W} ${H}" role="img" aria-labelledby="${name}-title ${name}-desc">` +
    `<title id="${name}-title">${escaped(title)}</title><desc id="${name}-desc">${escaped(words)}</desc>${out.join("")}</svg>`;
}

const axisOf = (metric) => ({
  title: metric.shown + (metric.unit ? ` (${metric.unit})` : ""), higher: metric.higher, digits: metric.digits, log: false, turned: !metric.higher,
});
function triple(row, m) {
  const s = row.scores[m];
  return s && (s[1] != null && s[2] != null ? [s[1], s[0], s[2]] : [s[0], s[0], s[0]]);
}
// What is drawn, and which rows have not both quantities.
function points(table, x, y) {
  const rows = table.order.map((r) => table.rows[r]), both = (row) => x(row) && y(row);
  return {
    points: rows.filter(both).map((row) => ({ row: row.r, label: row.label, claim: row.claim, x: x(row), y: y(row) })),
    missing: rows.filter((row) => !both(row)).map((row) => row.label),
  };
}
const NAMED = 6; // rows that are not drawn, and said by name
function missingWords(labels, words) {
  const shown = labels.slice(0, NAMED).map((label) => cut(label, 40));
  if (labels.length > NAMED) shown.push(`${(labels.length - NAMED).toLocaleString("en")} more`);
  return labels.length ? `Not drawn, without both numbers${words}: ${shown.join(", ")}.` : "";
}
const measured = (table, m) => table.rows.filter((row) => row.scores[m]).length > 1;

function charts(table) {
  const figures = $$("figure.chart", table.section);
  for (const figure of figures) {
    const spec = figure.dataset.kind === "plane" ? qualitySpec(table) : costSpec(table, figure);
    if (!spec) continue;
    $("h3", figure).textContent = spec.title;
    const drawn = $(".drawn", figure);
    $("figcaption", figure).hidden = spec.points.length < 2;
    $(".missing", figure).textContent = missingWords(spec.missing, spec.of ?? "");
    if (spec.points.length < 2) drawn.replaceChildren(element("p", { class: "nothing" }, "Too few rows have both numbers."));
    else drawn.innerHTML = plane(spec.title, spec.x, spec.y, spec.points, `t${table.i}-${figure.dataset.kind}`);
    for (const row of [...state.sel, state.ref]) if (row != null) for (const mark of $$(`[data-r="${row}"]`, drawn)) mark.classList.add("picked");
  }
}
function qualitySpec(table) {
  const chosenOr = (kind) => [state.metric, ...kind].find((m) => kind.includes(m) && measured(table, m));
  const x = chosenOr(table.distortion), y = chosenOr(table.perception);
  if (x === undefined || y === undefined) return null;
  return {
    title: `${table.metrics[y].shown} against ${table.metrics[x].shown}`, x: axisOf(table.metrics[x]), y: axisOf(table.metrics[y]),
    ...points(table, (row) => triple(row, x), (row) => triple(row, y)),
  };
}
function costSpec(table, figure) {
  const has = (row, c) => row.cost[c] != null && row.cost[c] >= 0;
  const on = (c, machine) => (row) => has(row, c) && (!machine || !TIMES.has(c) || (row.machine >= 0 ? table.machines[row.machine] : "") === machine) && [row.cost[c], row.cost[c], row.cost[c]];
  const y = (row) => triple(row, state.metric);
  const usable = COSTS.map((_, c) => c).filter((c) => {
    const found = points(table, on(c), y).points;
    return found.length > 1 && found.some((point) => point.x[1]);
  });
  const pick = $(".pick", figure);
  pick.replaceChildren();
  if (!usable.length) return { title: "Quality against cost", points: [], missing: [] };
  const c = usable.includes(state.cost) ? state.cost : usable[0];
  const machines = table.machines.filter((name) => table.rows.some((row) => has(row, c) && row.machine >= 0 && table.machines[row.machine] === name));
  const machine = TIMES.has(c) ? (machines.includes(state.machine) ? state.machine : machines[0] || "") : "";
  const select = element("select", { "aria-label": "Cost", onchange: (e) => again(e, { cost: Number(e.target.value) }) });
  options(select, usable.map((one) => [one, COST_SHORT[one]]));
  select.value = c;
  pick.append(select);
  if (TIMES.has(c) && machines.length > 1) {
    const which = element("select", { "aria-label": "Machine", onchange: (e) => again(e, { machine: e.target.value }) });
    options(which, machines.map((name) => [name, name]));
    which.value = machine;
    pick.append(which);
  } else if (TIMES.has(c) && machine) pick.append(element("small", {}, machine));
  const words = COST_WORDS[c], metric = table.metrics[state.metric];
  return {
    title: `${metric.shown} against ${words}`, ...points(table, on(c, machine), y), y: axisOf(metric), of: machine ? " from this machine" : "",
    x: { title: words[0].toUpperCase() + words.slice(1), higher: false, digits: null, log: true, turned: false },
  };
}
// A select that draws itself anew keeps the focus.
function again(event, changes) {
  const label = event.target.getAttribute("aria-label");
  change(changes);
  $(`select[aria-label="${label}"]`, state.table.section)?.focus();
}

function highlight(r) {
  if (highlight.now === r) return;
  highlight.now = r;
  for (const mark of $$(".lit")) mark.classList.remove("lit");
  state.table.section.classList.toggle("lighting", r != null);
  if (r == null) return;
  state.table.rows[r].line.classList.add("lit");
  for (const mark of $$(`.chart [data-r="${r}"]`, state.table.section)) mark.classList.add("lit");
}
const rowOf = (node) => {
  const line = node?.closest?.("tr[id], .chart [data-r]");
  return line ? Number(line.dataset.r ?? line.id.split("r")[1]) : null;
};
for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, (e) => highlight(rowOf(e.target)));

// ---------------------------------------------------------------- two rows
function sides(table) {
  const [first] = table.order, a = state.sel[0] ?? first;
  const rival = [state.sel[1], state.ref, table.ref, ...table.order].find((r) => r != null && r !== a);
  return [a, rival ?? a];
}
function comparison(table) {
  const [a, b] = sides(table), m = state.metric, metric = table.metrics[m];
  $("#side-a").value = a;
  $("#side-b").value = b;
  const [one, other] = [table.rows[a], table.rows[b]];
  const verdict = $("#verdict"), box = $("#differences");
  if (a === b) {
    verdict.textContent = "There is only one row in this table.";
    box.replaceChildren();
    slider(table, a, b);
    return;
  }
  const found = against(table, m, a, b);
  const left = imagesOf(table, m, a), right = imagesOf(table, m, b);
  const differences = left && right ? left.map((v, i) => [v == null || right[i] == null ? null : v - right[i], i]).filter(([d]) => d != null) : null;
  verdict.innerHTML = found ? sentence(one, other, metric, found, differences) : escaped(`${(mean(one, m) == null ? one : other).label} has no ${metric.shown}: there is nothing to compare.`);
  if (!differences || !differences.length) {
    const who = [!left && one.label, !right && other.label].filter(Boolean).join(" and ");
    box.replaceChildren(element("p", { class: "nothing" }, `${metric.shown} of single images is not on this page for ${who || "these rows"}.`));
  } else box.replaceChildren(...differenceStrip(table, metric, one, other, left, right, differences));
  slider(table, a, b);
}
function sentence(one, other, metric, { d, h, v, absent }, differences) {
  const unit = unitOf(metric), name = (row, side) => `<b class="side ${side}">${escaped(cut(row.label, 60))}</b>`;
  const size = `${number(Math.abs(d), metric.digits)}${unit}`;
  const says = {
    b: ["is better than", `by ${size}`], w: ["is worse than", `by ${size}`], e: ["is equivalent to", `within ${metric.margin}${unit}: difference ${signed(d, metric.digits)}${unit}`],
    u: ["cannot be told from", `difference ${signed(d, metric.digits)}${unit}`], "-": ["against", `difference ${signed(d, metric.digits)}${unit}`],
  }[v];
  const interval = h == null ? (absent ? " (the interval of this pair is not on this page)" : "") : ` (95\u00a0% interval ${signed(d - h, metric.digits)} to ${signed(d + h, metric.digits)})`;
  let text = `${verdictMark({ v })} ${name(one, "a")} ${says[0]} ${name(other, "b")} in ${escaped(metric.shown)}, ${says[1]}${interval}.`;
  if (differences?.length) {
    const sign = (x) => Math.sign(Number(x.toFixed(metric.digits))) * (metric.higher ? 1 : -1);
    const wins = differences.filter(([x]) => sign(x) > 0).length, ties = differences.filter(([x]) => !sign(x)).length;
    text += ` Of ${plural(differences.length, "image")} A wins ${wins}, ties ${ties}, loses ${differences.length - wins - ties}.`;
  }
  return text;
}
function differenceStrip(table, metric, one, other, left, right, differences) {
  const sorted = [...differences].sort((x, y) => y[0] - x[0]), n = sorted.length, tall = 240, top = 26, bottom = 30, edge = 46, W = wide();
  const most = Math.max(0, ...sorted.map(([d]) => d)), least = Math.min(0, ...sorted.map(([d]) => d)), span = most - least || 1;
  const at = (d) => top + ((most - d) / span) * (tall - top - bottom), step = (W - edge - 6) / n;
  const out = [`<rect class="margin" x="${edge}" width="${W - edge}" y="${at(Math.min(most, metric.margin || 0)).toFixed(1)}" height="${Math.max(0, at(Math.max(least, -(metric.margin || 0))) - at(Math.min(most, metric.margin || 0))).toFixed(1)}"/>`];
  const unit = unitOf(metric);
  sorted.forEach(([d, i], place) => {
    const x = edge + 4 + place * step, good = d === 0 ? "even" : (d > 0) === metric.higher ? "better" : "worse";
    out.push(`<rect class="${good}" x="${x.toFixed(1)}" width="${Math.max(1, step - Math.min(3, step * 0.25)).toFixed(1)}" y="${Math.min(at(d), at(0)).toFixed(1)}" height="${Math.max(1, Math.abs(at(d) - at(0))).toFixed(1)}"><title>${escaped(`${table.images[i]}: ${signed(d, metric.digits)}${unit}`)}</title></rect>`);
  });
  out.push(`<path class="zero" d="M${edge} ${at(0).toFixed(1)}H${W}"/>`);
  const told = new Set();
  for (const v of [0, most, least].filter((v) => v === 0 || Math.abs(at(v) - at(0)) >= 12)) {
    if (told.has(signed(v, metric.digits))) continue;
    told.add(signed(v, metric.digits));
    out.push(`<text class="tick" x="${edge - 6}" y="${(at(v) + 4).toFixed(1)}" text-anchor="end">${signed(v, metric.digits)}</text>`);
  }
  const [first, last] = [sorted[0], sorted[n - 1]];
  out.push(`<text class="axis" x="0" y="13">A − B${metric.unit ? ` (${escaped(metric.unit)})` : ""}, ${metric.higher ? "up" : "down"} is better for A</text>`,
    `<text class="tick" x="${edge + 4}" y="${tall - 8}">${escaped(cut(table.images[first[1]], 26))}</text>`);
  if (n > 1) out.push(`<text class="tick" x="${W}" y="${tall - 8}" text-anchor="end">${escaped(cut(table.images[last[1]], 26))}</text>`);
  const box = element("div", { class: "drawn" });
  const words = `Largest: ${table.images[first[1]]}, ${signed(first[0], metric.digits)}${unit}. Smallest: ${table.images[last[1]]}, ${signed(last[0], metric.digits)}${unit}. All numbers follow in a table.`;
  box.innerHTML = `<svg class="bars" viewBox="0 0 ${W} ${tall}" role="img" aria-labelledby="bars-title bars-desc"><title id="bars-title">${escaped(`${metric.shown}: ${one.label} minus ${other.label}, image by image, sorted`)}</title><desc id="bars-desc">${escaped(words)}</desc>${out.join("")}</svg>`;
  const line = (cells, head) => element("tr", {}, ...cells.map((text, i) => element(head ? "th" : i ? "td" : "th", { scope: head ? "col" : i ? null : "row" }, text)));
  const details = element("details", { class: "numbers" }, element("summary", {}, "The numbers"));
  details.addEventListener("toggle", () => {
    if (details.childElementCount > 1) return;
    const grid = element("table", {}, element("caption", {}, `${metric.shown} of each image`), element("thead", {}, line(["Image", "A", "B", "A − B"], true)),
      element("tbody", {}, ...sorted.map(([d, i]) => line([table.images[i], number(left[i], metric.digits), number(right[i], metric.digits), signed(d, metric.digits)]))));
    details.append(element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Numbers of each image" }, grid));
  });
  return [element("h4", {}, "Differences, sorted"), box, details];
}

// ---------------------------------------------------------------- before and after
const view = { pair: "", crop: 0, left: null, right: null, cut: 50, zoom: 4, x: 50, y: 50 };
function slider(table, a, b) {
  const box = $("#slider");
  const usable = table.crops.map((_, c) => c).filter((c) => Object.keys(table.sources[c] || {}).length > 1);
  if (!usable.length) {
    box.replaceChildren(element("p", { class: "nothing" }, "No crops lie beside these results: there is nothing to slide over."));
    return;
  }
  if (!usable.includes(view.crop)) view.crop = usable[0];
  const sources = table.sources[view.crop], pair = [table.i, a, b].join();
  if (view.pair !== pair) Object.assign(view, { pair, left: null, right: null });
  const names = new Map([["a", ["A", table.rows[a].label, a]], ["b", ["B", table.rows[b].label, b]], ["lq", ["", "input", "lq"]], ["gt", ["", "ground truth", "gt"]]]);
  if (a === b) names.delete("b");
  const there = [...names.keys()].filter((key) => names.get(key)[2] in sources);
  const missing = ["a", "b"].filter((key) => names.has(key) && !there.includes(key)).map((key) => names.get(key)[1]);
  const note = missing.length ? element("p", { class: "nothing" }, `No crop of this image is on this page for ${missing.join(" and ")}.`) : null;
  if (there.length < 2) { box.replaceChildren(...[note].filter(Boolean)); return; }
  const word = (key) => (names.get(key)[0] ? `${names.get(key)[0]}: ${names.get(key)[1]}` : names.get(key)[1]);
  if (!there.includes(view.left)) view.left = ["a", "lq"].find((key) => there.includes(key) && key !== view.right) ?? there.find((key) => key !== view.right);
  if (!there.includes(view.right) || view.right === view.left) view.right = ["b", "gt", "lq", "a"].find((key) => there.includes(key) && key !== view.left);
  const chooser = (label, key, pairs) => {
    const select = element("select", { onchange: (e) => { view[key] = key === "crop" ? Number(e.target.value) : e.target.value; slider(table, ...sides(table)); $(`#slider [data-f="${key}"]`)?.focus(); }, "data-f": key });
    options(select, pairs);
    select.value = view[key];
    return element("label", { class: "field" }, label, select);
  };
  const picture = (key, kind) => element("img", { src: sources[names.get(key)[2]], alt: `${table.crops[view.crop]}: ${word(key)}`, class: kind, draggable: "false" });
  const range = (label, key, min, max, step) => element("label", { class: "range" }, element("span", {}, label),
    element("input", { type: "range", min, max, step, value: view[key], oninput: (e) => { view[key] = Number(e.target.value); place(); } }));
  const divider = element("input", { type: "range", id: "cut", min: 0, max: 100, step: 1, value: view.cut, "aria-label": `Divider between ${word(view.left)} and ${word(view.right)}`,
    oninput: (e) => { view.cut = Number(e.target.value); place(); } });
  const stage = element("div", { class: "stage", id: "stage" }, picture(view.left, "under"), picture(view.right, "over"), element("span", { class: "bar", "aria-hidden": "true" }), divider,
    element("span", { class: "tag l", "aria-hidden": "true" }, cut(word(view.left), 24)), element("span", { class: "tag r", "aria-hidden": "true" }, cut(word(view.right), 24)));
  divider.addEventListener("pointermove", (e) => {
    if (!(e.buttons & 1)) return; // only while the divider is dragged
    const area = stage.getBoundingClientRect();
    view.x = Math.round(100 * (e.clientX - area.left) / area.width);
    view.y = Math.round(100 * (e.clientY - area.top) / area.height);
    place();
  });
  const loupe = element("div", { class: "loupe" }, ...there.map((key) => element("figure", {}, element("div", { class: "tile" }, picture(key)), element("figcaption", {}, cut(word(key), 28)))));
  const place = () => {
    stage.style.setProperty("--cut", `${view.cut}%`);
    for (const tile of $$(".tile", loupe)) {
      const shift = (share) => -Math.min(Math.max(share * view.zoom - 50, 0), 100 * (view.zoom - 1));
      tile.firstChild.style.width = `${100 * view.zoom}%`;
      tile.firstChild.style.left = `${shift(view.x)}%`;
      tile.firstChild.style.top = `${shift(view.y)}%`;
    }
    for (const [i, key] of ["zoom", "x", "y"].entries()) $$(".range input", box)[i].value = view[key];
  };
  box.replaceChildren(...[element("h4", {}, "Before and after"),
    element("div", { class: "choose" }, usable.length > 1 ? chooser("Image", "crop", usable.map((c) => [c, table.crops[c]])) : null, chooser("Left", "left", there.map((key) => [key, word(key)])), chooser("Right", "right", there.map((key) => [key, word(key)]))),
    stage, loupe, element("div", { class: "ranges" }, range("Zoom of the details", "zoom", 2, 16, 1), range("Across: where the details are, left to right", "x", 0, 100, 1), range("Down: where they are, top to bottom", "y", 0, 100, 1)), note].filter(Boolean));
  place();
}

// ---------------------------------------------------------------- choosing rows, and what is behind one
function choose(r) {
  const sel = state.sel.includes(r) ? state.sel.filter((one) => one !== r) : [...state.sel, r].slice(-2);
  change({ sel });
}
function tray(table) {
  const box = $("#tray");
  box.hidden = !state.sel.length;
  if (box.hidden) return;
  const words = state.sel.map((r, i) => element("b", { class: `side ${"ab"[i]}` }, cut(table.rows[r].label, 24)));
  const hint = state.sel.length < 2 ? element("span", {}, "choose a second row") : element("button", { type: "button", class: "go", onclick: () => { compare.scrollIntoView({ block: "start" }); $("#side-a").focus({ preventScroll: true }); } }, "Compare");
  box.replaceChildren(element("span", { class: "who" }, ...words.flatMap((word, i) => (i ? [" and ", word] : [word]))), hint,
    element("button", { type: "button", class: "icon", "aria-label": "Choose none", onclick: () => change({ sel: [] }) }, "✕"));
}

function detail(table, r) {
  const row = table.rows[r], dialog = $("#detail"), box = $("#detail > div");
  $("#detail-name").textContent = row.label;
  const why = $(".why", row.line)?.textContent;
  const head = element("p", { class: "sub" }, $(".claim", row.line).textContent + (row.seeds.length ? `: ${row.seeds.join(", ")}` : "") + (row.rank ? ` · rank ${row.rank[0] === row.rank[1] ? row.rank[0] : row.rank.join("–")}` : " · not ranked") + (why ? `: ${why}` : ""));
  const close = (then) => () => { dialog.close(); then(); };
  const acts = element("p", { class: "acts" }, element("button", { type: "button", class: "quiet", onclick: close(() => change({ ref: state.ref === r ? null : r })) }, state.ref === r ? "No reference" : "Make it the reference"),
    element("button", { type: "button", class: "quiet", onclick: close(() => choose(r)) }, state.sel.includes(r) ? "Remove from comparison" : "Compare"));
  box.replaceChildren(head, acts, ...seedDots(table, row), ...facts("At a glance", [["measured on", table.machines[row.machine]], ["parameters", row.cost[0] == null ? null : short(row.cost[0])], ["FLOPs per MP", row.cost[1] == null ? null : short(row.cost[1])],
    ["ms per MP", row.cost[2] == null ? null : short(row.cost[2])], ["peak memory", row.peak == null ? null : `${short(row.peak)}B`], ["training", row.cost[3] == null ? null : duration(row.cost[3])]]),
  ...command("Make it again", row.make), ...command("Check it", row.verify ?? `gan-bench verify ${row.file}`), ...provenance(row));
  dialog.showModal();
  $("#detail-name").focus();
}
function seedDots(table, row) {
  const lines = table.metrics.flatMap((metric, m) => {
    const score = row.scores[m], seeds = score?.slice(3) || [];
    if (seeds.length < 2) return [];
    const low = Math.min(...seeds, score[0]), high = Math.max(...seeds, score[0]), at = (v) => (10 + ((v - low) / (high - low || 1)) * 140).toFixed(1);
    const line = element("div");
    const words = `${metric.shown}: ${seeds.map((s) => number(s, metric.digits)).join(", ")}; mean ${number(score[0], metric.digits)}`;
    line.innerHTML = `<svg class="dots" viewBox="0 0 160 22" aria-hidden="true"><path class="mean" d="M${at(score[0])} 2v18"/>${seeds.map((s) => `<circle cx="${at(s)}" cy="11" r="4"/>`).join("")}</svg>`;
    line.append(element("span", {}, words));
    return [line];
  });
  return lines.length ? [element("h3", {}, "Seeds"), ...lines] : [];
}
function facts(title, pairs) {
  const known = pairs.filter(([, value]) => value != null && value !== "");
  return known.length ? [element("h3", {}, title), element("dl", {}, ...known.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value)))))] : [];
}
function command(title, text) {
  if (!text) return [];
  const button = element("button", { type: "button", class: "quiet", "aria-label": `Copy: ${title}` }, "Copy");
  button.addEventListener("click", () => copied(button, text));
  return [element("h3", {}, title), element("div", { class: "command" }, element("pre", { tabindex: 0, role: "region", "aria-label": title }, element("code", {}, text)), button)];
}
function provenance(row) {
  if (!row.facts) return [element("p", { class: "nothing" }, `Its provenance did not fit into this page: gan-bench show ${row.file}`)];
  const [place, ...values] = row.facts;
  let next = 0;
  return D.shapes[place].flatMap(([group, names]) => facts(group, names.map((name) => {
    const value = values[next++];
    return [name, typeof value === "number" ? D.pool[value] : value];
  })));
}
async function copied(button, text) {
  const before = button.textContent;
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch { done = fallbackCopy(text, button.closest("dialog") || document.body); }
  button.textContent = done ? "Copied" : "Not copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}
function fallbackCopy(text, place) {
  const area = element("textarea", { readonly: true, class: "vh", "aria-label": "copied text" });
  area.value = text;
  place.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

// ---------------------------------------------------------------- events
function themeButton() {
  const button = $("#theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const show = () => button.setAttribute("aria-pressed", isDark());
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("gan-bench-theme", root.dataset.theme); } catch { /* a page without storage forgets it */ }
    show();
  });
  dark.addEventListener("change", show);
  show();
}
function keysDialog() {
  $("#help").addEventListener("click", () => $("#keys").showModal());
  for (const dialog of $$("dialog")) {
    $(".close", dialog).addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });
  }
}
themeButton();
keysDialog();

document.addEventListener("click", (event) => {
  const { target } = event, table = state.table;
  const tab = target.closest(".tabs a, .heat a[href^='#t']");
  if (tab) {
    event.preventDefault();
    const next = boards[Number(tab.getAttribute("href").slice(2))];
    if (next !== table) { state = { ...fromHash(), table: next, metric: next.lead, ref: null, sel: [], sort: null, machine: null }; change({}); }
    if (!tab.closest(".tabs")) toTable(next);
    return;
  }
  const note = target.closest("a.fn");
  if (note) {
    event.preventDefault();
    const item = document.getElementById(note.getAttribute("href").slice(1));
    item?.scrollIntoView({ block: "center" });
    item?.focus({ preventScroll: true });
    return;
  }
  const head = target.closest("thead th[data-k] button");
  if (head && table.section.contains(head)) {
    const key = head.parentNode.dataset.k, now = state.sort || "rank";
    const sort = now === key ? `${key}!` : key;
    change({ sort: sort === "rank" ? null : sort });
    return;
  }
  if (target.closest("button.name")) detail(table, rowOf(target));
  else if (target.matches(".cb")) choose(rowOf(target));
  else if (target.closest(".chart .pt")) detail(table, rowOf(target));
});

// From far below the table it is brought into sight, and the keyboard goes on there.
function toTable(table) {
  const box = $(".scroll", table.section), still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  box.focus({ preventScroll: true });
  box.scrollIntoView({ block: "start", behavior: still ? "instant" : "smooth" });
}

controls.addEventListener("change", ({ target }) => {
  if (target.name === "metric") {
    const m = Number(target.value), { table } = state;
    change({ metric: m, sort: m === table.lead ? null : table.metrics[m].name });
  } else if (target.id === "reference") change({ ref: target.value === "" ? null : Number(target.value) });
  else if (target.type === "checkbox") {
    const show = new Set(state.show), name = target.id || target.value;
    if (target.checked) show.add(name); else show.delete(name);
    change({ show });
  }
});
$("#search").addEventListener("input", (event) => change({ q: event.target.value }, true));
$("#reset").addEventListener("click", () => { change({ ref: null }); $("#reference").focus(); });
$("#copy").addEventListener("click", (event) => {
  history.replaceState(null, "", toHash());
  copied(event.target, location.href);
});
for (const side of ["a", "b"]) {
  $(`#side-${side}`).addEventListener("change", (event) => {
    const now = sides(state.table), r = Number(event.target.value);
    now["ab".indexOf(side)] = r;
    if (now[0] === now[1]) now["ba".indexOf(side)] = sides(state.table)["ab".indexOf(side)];
    change({ sel: now });
  });
}
$("#swap").addEventListener("click", () => change({ sel: sides(state.table).reverse() }));

let hovered = null;
document.addEventListener("mouseover", (event) => { hovered = rowOf(event.target); });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  const typing = event.target.matches("input:not([type=checkbox]):not([type=radio]), select, textarea");
  const r = rowOf(document.activeElement) ?? hovered;
  if (event.key === "Escape") hideTip();
  if (typing) {
    if (event.key === "Escape" && event.target.id === "search") change({ q: "" }, true);
    return;
  }
  if (event.key === "/") { event.preventDefault(); $("#search").focus(); }
  else if (event.key === "?") $("#keys").showModal();
  else if (event.key === "r" && r != null) change({ ref: state.ref === r ? null : r });
  else if (event.key === "c" && r != null) choose(r);
  else if (["ArrowDown", "ArrowUp"].includes(event.key) && document.activeElement.closest("tr[id]")) step(event);
});
function step(event) {
  const lines = $$("tr[id]", state.table.section).filter((line) => !line.hidden && line.offsetParent);
  const line = document.activeElement.closest("tr[id]"), next = lines[lines.indexOf(line) + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  const kind = document.activeElement.matches(".cb") ? ".cb" : ".name";
  $(kind, next).focus();
}

// The reason of what is missing, beside it: a note under the table says the same.
const tip = $("#tip");
function hideTip() { tip.hidden = true; }
function showTip(event) {
  const note = event.target.closest?.("a.fn");
  if (!note) { hideTip(); return; }
  const text = document.getElementById(note.getAttribute("href").slice(1))?.textContent;
  if (!text) return;
  tip.textContent = text;
  tip.hidden = false;
  const at = note.getBoundingClientRect(), size = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(8, Math.min(at.left + at.width / 2 - size.width / 2, innerWidth - size.width - 8))}px`;
  tip.style.top = `${at.top - size.height - 8 > 0 ? at.top - size.height - 8 : at.bottom + 8}px`;
}
for (const kind of ["mouseover", "focusin"]) document.addEventListener(kind, showTip);
addEventListener("scroll", hideTip, true);

state = fromHash();
apply();
if (/^#t\d/.test(location.hash)) state.table.section.scrollIntoView();
})();
