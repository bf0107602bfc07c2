// Forecasts: logs are dropped, laws are fitted by the server, and the loss follows the sliders with its band.

import { $, whole } from "./dom.js";
import { ask as question, latest } from "./ask.js";
import { numberOf } from "./fields.js";
import { preferred, refusal, speak, t, translate } from "./words.js";

const MOST = 2900000; // of all files together: the server takes no more
const NS = "http://www.w3.org/2000/svg";
const BOX = { left: 56, right: 850, top: 12, bottom: 348 };
let laws = null;
let runs = [];

const problems = (error) => (error.problems ?? []).map(refusal).join("  ·  ") || t("forecast.machine");

let taken = 0;

async function take(files) {
  const mine = ++taken;
  const list = [...files];
  if (!list.length) return;
  $("problem").textContent = "";
  if (list.reduce((sum, file) => sum + file.size, 0) > MOST) {
    $("problem").textContent = t("forecast.large");
    return;
  }
  $("logs").textContent = t("forecast.fitting");
  const base = $("base").value.trim();
  try {
    const sent = await Promise.all(list.map(async (file) => ({ name: file.name, text: await file.text() })));
    const found = await question("forecast/laws", { files: sent, plan: $("plan").value, base: base === "" ? null : numberOf(base) || base });
    if (mine !== taken) return;
    ({ laws, runs } = found);
    const seen = laws.backtests.length ? t("forecast.refits", { n: laws.backtests.length }) : t("forecast.norefits");
    $("logs").textContent = t("forecast.read", { runs: runs.map((run) => run.name).join(", "), metric: laws.metric.replace("_", " "), peak: laws.peak, seen });
    $("stage").hidden = false;
    compose();
  } catch (error) {
    if (mine !== taken) return;
    laws = null;
    $("stage").hidden = true;
    $("logs").textContent = "";
    $("problem").textContent = problems(error);
  }
}

/** The schedule that the sliders mean. */
function compose() {
  const total = Math.round(laws.updates * 2 ** ((Number($("length").value) - 500) / 250)); // a quarter of the logs to four times
  const rise = Math.min(laws.warmup, Math.floor(total / 4));
  const fall = Math.max(1, Math.min(total - rise, Math.round((total * Number($("share").value)) / 100)));
  const hold = total - rise - fall;
  const shape = $("shape").value === "polynomial" ? `polynomial(${fall}, 2)` : `${$("shape").value}(${fall})`;
  $("length-said").textContent = t("updates", { n: whole(total) });
  $("share-said").textContent = t("updates", { n: whole(fall) });
  $("text").value = [rise ? `warmup(${rise})` : "", hold ? `hold(${hold})` : "", shape].filter(Boolean).join(" >> ");
  ask();
}

const asked = latest((text) => question("forecast/curve", { laws, text }).then(draw, refuse));
const ask = () => { if (laws) asked($("text").value); };

function refuse(error) {
  $("end").textContent = "";
  $("problem").textContent = problems(error);
}

function node(tag, props, text) {
  const made = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(props)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  $("losses").append(made);
}

function draw(found) {
  $("problem").textContent = "";
  const half = (found.to - found.from) / 2;
  $("end").textContent = t("forecast.end", { final: found.final.toFixed(4), half: half.toFixed(4), times: found.horizon.toFixed(2) });
  const last = Math.max(found.steps.at(-1), ...runs.map((run) => run.steps.at(-1)));
  const seen = [...runs.flatMap((run) => run.losses), ...found.loss].sort((a, b) => a - b);
  const low = Math.min(found.low.at(-1), seen[0]), high = seen[Math.floor(0.97 * (seen.length - 1))];
  const pad = 0.05 * (high - low) || 1;
  const x = (step) => BOX.left + ((BOX.right - BOX.left) * step) / last;
  const y = (loss) => Math.max(BOX.top - 40, BOX.bottom - ((BOX.bottom - BOX.top) * (loss - low + pad)) / (high - low + 2 * pad));
  const path = (steps, values) => steps.map((step, i) => `${i ? "L" : "M"}${x(step).toFixed(1)} ${y(values[i]).toFixed(1)}`).join("");
  $("losses").replaceChildren();
  node("clipPath", { id: "inside" });
  const clip = document.createElementNS(NS, "rect");
  for (const [key, value] of Object.entries({ x: BOX.left, y: BOX.top, width: BOX.right - BOX.left, height: BOX.bottom - BOX.top })) clip.setAttribute(key, value);
  $("losses").lastChild.append(clip);
  for (let k = 0; k <= 4; k++) {
    const value = low + ((high - low) * k) / 4;
    node("line", { x1: BOX.left, x2: BOX.right, y1: y(value), y2: y(value), stroke: "var(--line)" });
    node("text", { x: BOX.left - 6, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(3));
    node("text", { x: x((last * k) / 4), y: BOX.bottom + 20, "text-anchor": k === 4 ? "end" : k ? "middle" : "start" }, whole((last * k) / 4));
  }
  const inside = { "clip-path": "url(#inside)", fill: "none" };
  for (const run of runs) node("path", { ...inside, d: path(run.steps, run.losses), stroke: "var(--quiet)", opacity: 0.6 });
  const back = path([...found.steps].reverse(), [...found.low].reverse()).replace("M", "L");
  node("path", { ...inside, id: "band", d: `${path(found.steps, found.high)}${back}Z`, fill: "var(--accent)", opacity: 0.16 });
  node("path", { ...inside, id: "forecast", d: path(found.steps, found.loss), stroke: "var(--accent)", "stroke-width": 2.2 });
}

$("files").addEventListener("change", () => take($("files").files));
const drop = $("drop");
for (const kind of ["dragover", "dragenter"]) document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
document.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files); });
for (const id of ["length", "share", "shape"]) $(id).addEventListener("input", () => laws && compose());
$("text").addEventListener("input", ask);
document.documentElement.dataset.theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
speak(preferred());
translate();
