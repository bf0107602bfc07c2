// Python in the browser: answers what the server answers, from the same module. Everything it reads lies beside the page.

import { loadPyodide } from "../python/pyodide.mjs";

const KEY = "{{key}}"; // of this build
const LOCK = "{{lock}}";
const HERE = new URL("../python/", import.meta.url).href;

/** A file that was packed when the page was built, under a name that no host unpacks. */
async function unpacked(name, type = "application/octet-stream") {
  const response = await fetch(HERE + name);
  if (!response.ok) throw new Error(`${name}: the host answered ${response.status}`);
  return new Response(response.body.pipeThrough(new DecompressionStream("gzip")), { headers: { "content-type": type } });
}

const wasm = unpacked("pyodide.bin", "application/wasm");
const library = unpacked("stdlib.bin");
const ours = unpacked("glidepath.bin").then((response) => response.arrayBuffer());
import("../python/pyodide.asm.mjs"); // read now, run when it is asked for

// Pyodide asks for files by their own names; these come from the packed ones.
const given = { "pyodide.asm.wasm": wasm, stdlib: library };
const plainly = self.fetch.bind(self);
self.fetch = (what, options) => {
  const url = String(what?.url ?? what);
  return (url.startsWith(HERE) && given[url.slice(HERE.length)]) || plainly(what, options);
};

let python = null;
let answer = null;

async function start() {
  python = await loadPyodide({ indexURL: HERE, stdLibURL: `${HERE}stdlib`, lockFileContents: LOCK, stdin: () => null });
  python.FS.writeFile("/glidepath.zip", new Uint8Array(await ours));
  python.runPython("import sys; sys.path.insert(0, '/glidepath.zip')");
  answer = python.pyimport("glidepath.playground.answers").answer;
}

// What makes formulas to be read is large and wanted late.
let formulas = null;
function late() {
  formulas ??= unpacked("late.bin").then((response) => response.json()).then((files) => {
    for (const [path, content] of Object.entries(files)) {
      const place = `/late/${path}`;
      python.FS.mkdirTree(place.slice(0, place.lastIndexOf("/")));
      python.FS.writeFile(place, Uint8Array.from(atob(content), (character) => character.charCodeAt(0)));
    }
    python.runPython("import sys; sys.path.append('/late')");
  }).catch((error) => { formulas = null; throw error; });
  return formulas;
}

// Pyodide waits for ever for what cannot be read: this ends the wait.
const lost = new Promise((resolve, reject) => {
  for (const part of [wasm, library, ours]) part.catch(reject);
  const { instantiateStreaming } = WebAssembly;
  WebAssembly.instantiateStreaming = (...given) => instantiateStreaming(...given).catch((error) => { reject(error); throw error; });
});
self.addEventListener("unhandledrejection", (event) => event.preventDefault()); // it leaves some behind; `lost` tells of them
const started = Promise.race([start(), lost]);
const report = () => started.then(() => self.postMessage({ ready: KEY }), (error) => self.postMessage({ failed: String(error?.message ?? error).slice(-400) }));
report();

async function told({ id, path, body }) {
  await started;
  if (path === "details") await late();
  const made = answer(path, body ?? "");
  const { status, media: type } = made;
  const raw = made.body;
  try {
    if (type === "application/json") {
      const text = raw.decode();
      if (status === 200) self.postMessage({ id, answer: text });
      else self.postMessage({ id, problems: JSON.parse(text).problems });
      return;
    }
    const buffer = raw.getBuffer();
    const bytes = buffer.data.slice();
    buffer.release();
    self.postMessage({ id, answer: { bytes, type } }, [bytes.buffer]);
  } finally {
    raw.destroy();
    made.destroy();
  }
}

self.onmessage = ({ data }) => {
  if (data.again) { report(); return; }
  told(data).catch((error) => self.postMessage({ id: data.id, problems: [{ path: "", field: "", message: `Python: ${String(error?.message ?? error).slice(-400)}` }] }));
};
