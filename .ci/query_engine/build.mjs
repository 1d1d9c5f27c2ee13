// Writes the engine into the folder that is named: the script, the two WebAssembly modules, their licences, and what was written.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const folder = process.argv[2];
const packages = {
  "@duckdb/duckdb-wasm": { copied: { "dist/duckdb-eh.wasm": "duckdb-eh.wasm" }, licences: [] },
  "parquet-wasm": { copied: { "esm/parquet_wasm_bg.wasm": "parquet.wasm" }, licences: ["LICENSE_MIT", "LICENSE_APACHE"] },
  "apache-arrow": { copied: {}, licences: ["LICENSE.txt", "NOTICE.txt"] },
  flatbuffers: { copied: {}, licences: ["LICENSE"] },
  tslib: { copied: {}, licences: ["LICENSE.txt"] },
};

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: ["engine.mjs"],
  outfile: join(folder, "engine.js"),
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "QueryEngine",
  platform: "browser",
  target: "es2020",
  legalComments: "inline",
  define: { "import.meta.url": '""' }, // where a module would be looked for that is handed over instead
  logLevel: "error",
});

const versions = {};
const licences = [];
for (const [name, { copied, licences: texts }] of Object.entries(packages)) {
  const from = join("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  versions[name] = version;
  licences.push(`${name} ${version}: ${license}`, ...texts.map((text) => readFileSync(join(from, text), "utf8").trim()));
  for (const [file, as] of Object.entries(copied)) copyFileSync(join(from, file), join(folder, as));
}
writeFileSync(join(folder, "LICENCES.txt"), licences.join("\n\n") + "\n");

const names = ["LICENCES.txt", "duckdb-eh.wasm", "engine.js", "parquet.wasm"];
const hash = (name) => createHash("sha256").update(readFileSync(join(folder, name))).digest("hex");
const files = Object.fromEntries(names.map((name) => [name, hash(name)]));
writeFileSync(join(folder, "engine.json"), JSON.stringify({ versions, files }, null, 2) + "\n");
