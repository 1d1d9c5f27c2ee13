// Answers the queries of query.html: DuckDB and what reads Parquet, started once. No file is read but those of the site, and
// after the start nothing is asked for at all.
"use strict";

importScripts("engine/engine.js");

const MOST_ROWS = 100000; // of an answer; a site has thousands
let connection;

async function bytesOf(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path} could not be read (${answer.status}): is the site whole?`);
  return new Uint8Array(await answer.arrayBuffer());
}

async function start(tables) {
  if (typeof WebAssembly !== "object" || !("Exception" in WebAssembly)) {
    throw new Error("This browser is too old to answer SQL: it needs WebAssembly with exceptions, which all have had since 2022.");
  }
  const [database, parquet] = await Promise.all([bytesOf("engine/duckdb-eh.wasm"), bytesOf("engine/parquet.wasm")]);
  const { BROWSER_RUNTIME, VoidLogger, createDuckDB, readParquet, startParquet } = QueryEngine;
  const address = URL.createObjectURL(new Blob([database], { type: "application/wasm" }));
  const bundle = { mainModule: address, mainWorker: null };
  const duckdb = await createDuckDB({ mvp: bundle, eh: bundle }, new VoidLogger(), BROWSER_RUNTIME);
  await Promise.all([duckdb.instantiate(() => undefined), startParquet({ module_or_path: parquet })]);
  URL.revokeObjectURL(address);
  connection = duckdb.connect();
  connection.query("create schema report");
  for (const name of tables) {
    const rows = readParquet(await bytesOf(`data/parquet/${encodeURIComponent(name)}.parquet`)).intoIPCStream();
    connection.insertArrowFromIPCStream(rows, { name, schema: "report", create: true });
  }
  connection.query("set search_path = 'main,report'");
  connection.query("set enable_external_access = false");
  connection.query("set lock_configuration = true");
  const refuse = () => {
    throw new Error("nothing is fetched");
  };
  Object.assign(self, { fetch: refuse, XMLHttpRequest: refuse, WebSocket: refuse, EventSource: refuse, importScripts: refuse });
  return connection.query("select version() as version").get(0).version;
}

const BEFORE = "describe (\n"; // on a line of its own, so that a fault keeps its place in its line

/** The answer in DuckDB's own words: column names and types, and every cell as text, or null. */
function ask(sql) {
  const query = sql.trim().replace(/;+$/, "");
  if (!query) throw new Error("There is no query: write one.");
  try {
    const described = connection.query(`${BEFORE}${query}\n)`);
    const columns = described.toArray().map(({ column_name, column_type }) => ({ name: column_name, type: column_type }));
    return { columns, ...cells(connection.query(`select columns(*)::varchar from (\n${query}\n) limit ${MOST_ROWS + 1}`)) };
  } catch (error) {
    if (!/^Parser Error/.test(error.message)) throw new Error(asTyped(error.message));
  }
  return statement(query);
}

/** What is no single select: what DuckDB says of it, or its fault. */
function statement(query) {
  const answer = connection.query(query);
  const columns = answer.schema.fields.map(({ name, type }) => ({ name, type: /^(Int|Uint|Float)/.test(type) ? "DOUBLE" : "VARCHAR" }));
  return { columns, ...cells(answer) };
}

function cells(answer) {
  const values = answer.schema.fields.map((_, position) => answer.getChildAt(position));
  const text = (value) => (value === null ? null : String(value));
  const rows = Array.from({ length: Math.min(answer.numRows, MOST_ROWS) }, (_, row) => values.map((column) => text(column.get(row))));
  return { rows, more: answer.numRows > MOST_ROWS };
}

/** A fault with the lines of the query as it was typed. */
const asTyped = (text) => text.replace(/^LINE (\d+):/gm, (_, line) => `LINE ${line - 1}:`);

/** A fault without what DuckDB-Wasm says twice. */
const once = (text) => [...new Set(text.trim().split("\n\n"))].join("\n\n");

self.onmessage = async ({ data }) => {
  try {
    if (data.tables) self.postMessage({ kind: "ready", version: await start(data.tables) });
    else self.postMessage({ kind: "answer", ...ask(data.sql) });
  } catch (error) {
    self.postMessage({ kind: "error", text: once(String(error.message || error)) });
  }
};
