// What only the page's own Python can do for the build: find which modules it needs, and compile them. Run by docs/page.py.
//   node page.mjs <folder of Pyodide> <folder of sources> <orders.json> <folder for what is made>

import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [pyodide, sources, orders, out] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(join(pyodide, "pyodide.mjs")));
const python = await loadPyodide({ indexURL: `${pyodide}/` });
const { FS } = python;

function copied(from, to) {
  FS.mkdirTree(to);
  for (const name of readdirSync(from).sort()) {
    const place = join(from, name);
    if (statSync(place).isDirectory()) copied(place, `${to}/${name}`);
    else FS.writeFile(`${to}/${name}`, readFileSync(place));
  }
}

copied(sources, "/sources");
FS.writeFile("/orders.json", readFileSync(orders));
FS.mkdirTree("/out");
try {
  python.runPython(readFileSync(new URL("page_in.py", import.meta.url), "utf8"));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
for (const name of FS.readdir("/out").filter((name) => !name.startsWith("."))) writeFileSync(join(out, name), FS.readFile(`/out/${name}`));
