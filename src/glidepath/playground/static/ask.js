// The one door to Python: a server on this machine, or a worker where the page is plain files. Which of them, one meta tag says:
// <meta name="glidepath-home" content="server"> or "static". Every address is relative, so that the page works under any path.
//
//   ask("look", { text: "cosine(100)" })   the answer of glidepath.playground.answers, or throws Refused
//   ask("catalogue")                       the same without a body
//   file("export", { … })                  a Blob
//   start                                  a promise of start.json: { catalogue, shapes: [{ name, text, look }], budget, picture }
//   ready                                  a promise that is kept once Python answers; the server is always there
//   latest(work), newest(work)             so that an old answer never takes the place of a newer one

import { due } from "./dom.js";
import { refusal, t } from "./words.js";

const tag = (name) => document.querySelector(`meta[name="glidepath-${name}"]`)?.content ?? "";

export const home = tag("home") || "server";

/** What only a machine can answer: it trains, reads files of records, draws with matplotlib. */
export const machine = home === "server";

export class Refused extends Error {
  constructor(problems) {
    super(problems.map(refusal).join("\n"));
    this.problems = problems;
  }
}

const refused = (message) => new Refused([{ path: "", field: "", message }]);

// The server ------------------------------------------------------------------------------------------------------------

async function served(path, body) {
  const token = tag("token");
  const headers = { ...(body === undefined ? {} : { "content-type": "application/json" }), ...(token ? { "x-glidepath-token": token } : {}) };
  let response = null;
  try {
    response = await fetch(`api/${path}`, body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    throw refused(t("server.silent"));
  }
  if (response.ok) return response;
  let found = null;
  try { found = await response.json(); } catch { /* no JSON: the status must do */ }
  throw found?.problems ? new Refused(found.problems) : refused(String(found?.detail ?? t("server.status", { status: response.status })));
}

// The worker ------------------------------------------------------------------------------------------------------------

let worker = null;
const waiting = new Map();
let asked = 0;
let up = null;
let down = null;
const awake = new Promise((resolve, reject) => { up = resolve; down = reject; });
awake.catch(() => {}); // whoever asks hears of it

function wake() {
  try {
    worker = window.glidepathWorker ?? new Worker("static/worker.js", { type: "module" }); // boot.js may have started it already
  } catch (error) {
    down(refused(t("python.never", { why: error.message })));
    return;
  }
  worker.onmessage = ({ data }) => {
    if (data.ready) { up(data.ready); return; }
    if (data.failed) { down(refused(t("python.failed", { why: data.failed }))); return; }
    const one = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.problems) one?.reject(new Refused(data.problems)); else one?.resolve(data.answer);
  };
  worker.onerror = (event) => down(refused(t("python.failed", { why: event.message ?? "worker.js" })));
  worker.postMessage({ again: true }); // what it said before anybody listened
  awake.then(() => navigator.serviceWorker?.register("service.js")).catch(() => {});
}

const ELSEWHERE = /^(log|train|sweep|jobs|records|matter|range|forecast)\b/;

async function worked(path, body) {
  if (ELSEWHERE.test(path)) throw refused("page: this needs a machine, which trains and reads files: install glidepath-lr[play] and run glidepath open");
  await awake;
  return new Promise((resolve, reject) => {
    asked += 1;
    waiting.set(asked, { resolve, reject });
    worker.postMessage({ id: asked, path, body: body === undefined ? null : JSON.stringify(body) });
  });
}

if (!machine) wake();

// Both ------------------------------------------------------------------------------------------------------------------

/** What Python says, to `path`, of `body`. */
export async function ask(path, body) {
  due.count += 1;
  try {
    if (machine) return await (await served(path, body)).json();
    if (path === "catalogue") return (await start).catalogue;
    return JSON.parse(await worked(path, body));
  } finally {
    due.count -= 1;
  }
}

/** The file that Python makes of `body`. */
export async function file(path, body) {
  if (machine) return (await served(path, body)).blob();
  const { bytes, type } = await worked(path, body);
  return new Blob([bytes], { type });
}

/** The first answers, made when the page was: the catalogue, twelve shapes with their looks, the picture of the first curve. */
export const start = fetch("start.json").then((response) => response.json());

/** Kept once Python answers. */
export const ready = machine ? Promise.resolve("server") : awake;

/** Calls `work` with the newest request only; while one is under way, the newest waits and older ones are dropped. */
export function latest(work) {
  let busy = false;
  let next = null;
  async function run(request) {
    busy = true;
    try {
      await work(request);
    } finally {
      busy = false;
      if (next !== null) {
        const [request] = next;
        next = null;
        run(request);
      }
    }
  }
  return (request) => {
    if (busy) next = [request];
    else run(request);
  };
}

/** Makes an asynchronous function of which only the newest call ever answers: what an older one was to do then is not done. */
export function newest(work) {
  let calls = 0;
  return (...args) => {
    calls += 1;
    const mine = calls;
    return new Promise((resolve, reject) => {
      work(...args).then((answer) => { if (mine === calls) resolve(answer); }, (error) => { if (mine === calls) reject(error); });
    });
  };
}

/** Float64 numbers from base 64. */
export function numbers(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return new Float64Array(bytes.buffer);
}
