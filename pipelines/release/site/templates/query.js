// The page query.html: hands a query to its worker, and shows the answer. Texts enter the page as texts only.
"use strict";

const MOST_SHOWN = 1000;
const NUMBERS = /^(U?(BIG|HUGE|SMALL|TINY)?INT(EGER)?|DOUBLE|FLOAT|DECIMAL.*)$/;
const RUN_AS_FORMULA = /^[=+\-@\t\r\n']/; // as in the CSV files of the site

const part = (id) => document.getElementById(id);
const [sql, run, stop, state, fault, answer, download] = ["sql", "run", "stop", "state", "error", "answer", "download"].map(part);
const tables = [...document.querySelectorAll("[data-table]")].map((table) => table.dataset.table);
let worker, asked;

function element(name, text, properties = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  return Object.assign(made, properties);
}

function begin() {
  worker = new Worker("query_worker.js");
  worker.onmessage = ({ data }) => ({ ready, answer: show, error: refuse })[data.kind](data);
  worker.onerror = (event) => refuse({ text: event.message || "The engine could not be started: is the site whole?" });
  say("The engine is being loaded (some 40 MB) ...");
  worker.postMessage({ tables });
}

const say = (text) => (state.textContent = text);

function rest() {
  run.disabled = false;
  stop.disabled = true;
  answer.removeAttribute("aria-busy");
}

function ready({ version }) {
  rest();
  say(`DuckDB ${version} is ready, with ${tables.length} tables.`);
}

function ask() {
  if (run.disabled) return;
  run.disabled = true;
  stop.disabled = false;
  fault.hidden = true;
  answer.setAttribute("aria-busy", "true");
  say("The query runs ...");
  asked = performance.now();
  worker.postMessage({ sql: sql.value });
}

function end() {
  worker.terminate();
  run.disabled = stop.disabled = true;
  begin();
}

function refuse({ text }) {
  rest();
  clear();
  fault.textContent = text;
  fault.hidden = false;
  say("No answer.");
}

function clear() {
  answer.replaceChildren();
  answer.hidden = download.hidden = true;
  if (download.href) URL.revokeObjectURL(download.href);
}

function show({ columns, rows, more }) {
  rest();
  clear();
  const seconds = ((performance.now() - asked) / 1000).toFixed(2);
  const n = rows.length.toLocaleString("en");
  const cut = rows.length > MOST_SHOWN ? `; the first ${MOST_SHOWN.toLocaleString("en")} are shown` : "";
  const rest_of = more ? " and more, which are left out" : "";
  say(columns.length ? `${n} ${rows.length === 1 ? "row" : "rows"}${rest_of} in ${seconds} s${cut}.` : "Done; it has no answer.");
  if (!columns.length) return;
  answer.append(table(columns, rows.slice(0, MOST_SHOWN)));
  download.href = URL.createObjectURL(new Blob(["\ufeff", csv(columns, rows)], { type: "text/csv" }));
  download.download = "answer.csv";
  answer.hidden = download.hidden = false;
}

function table(columns, rows) {
  const made = document.createElement("table");
  const sides = columns.map(({ type }) => (NUMBERS.test(type) ? "gt_right" : "gt_left"));
  const heading = made.createTHead().insertRow();
  columns.forEach(({ name, type }, i) => heading.append(element("th", name, { scope: "col", title: type, className: sides[i] })));
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((cell, i) => line.append(element("td", cell ?? "NULL", { className: cell === null ? `${sides[i]} soft` : sides[i] })));
  }
  return made;
}

/** As the CSV files of the site: NULL is an empty field, an empty text "", and no text is a formula. */
function csv(columns, rows) {
  const isText = columns.map(({ type }) => !NUMBERS.test(type));
  const field = (text) => (text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const harmless = (text) => field(RUN_AS_FORMULA.test(text) ? `'${text}` : text);
  const lines = rows.map((row) => row.map((cell, i) => (cell === null ? "" : isText[i] ? harmless(cell) : field(cell))).join(","));
  return [columns.map(({ name }) => harmless(name)).join(","), ...lines, ""].join("\n");
}

if (location.protocol.startsWith("http")) {
  run.addEventListener("click", ask);
  stop.addEventListener("click", end);
  sql.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      ask();
    }
  });
  begin();
}
