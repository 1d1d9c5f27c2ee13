// What the worker of the query page needs of the packages, as one script without imports. DuckDB-Wasm has Parquet only as an
// extension that it would fetch from another machine, so parquet-wasm reads the files and hands them over as Arrow.
export { BROWSER_RUNTIME, VoidLogger, createDuckDB } from "./node_modules/@duckdb/duckdb-wasm/dist/duckdb-browser-blocking.mjs";
export { default as startParquet, readParquet } from "parquet-wasm/esm";
