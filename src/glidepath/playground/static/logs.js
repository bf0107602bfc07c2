// Training logs, dropped anywhere on the page: what they were read as, the schedule behind their rates, what went wrong in the run.

import { h } from "./dom.js";
import { ask, machine } from "./ask.js";
import { refusal, t } from "./words.js";

const MAX_FILE = 2000000;
const MAY_BE = /\.(csv|tsv|json|jsonl|ndjson|log|txt|ya?ml)$|tfevents/i;
const carries = (event) => event.dataTransfer?.types.includes("Files");

/** The files that were dropped, with their paths: of a folder those that may be logs. */
async function dropped(entries, files) {
  const found = [];
  async function walk(entry, path) {
    if (entry.isFile) {
      if (!path || MAY_BE.test(entry.name)) found.push({ name: path + entry.name, file: await new Promise((done, failed) => entry.file(done, failed)) });
      return;
    }
    const reader = entry.createReader();
    for (let some = null; found.length < 16 && some?.length !== 0;) {
      some = await new Promise((done, failed) => reader.readEntries(done, failed));
      for (const one of some) await walk(one, `${path}${entry.name}/`);
    }
  }
  for (const entry of entries) await walk(entry, "");
  return found.length || entries.length ? found : files.map((file) => ({ name: file.name, file }));
}

/** A file as the server takes it: text, or what is no text in base 64. */
async function sent({ name, file }) {
  if (!/tfevents/.test(name)) return { name, text: await file.text() };
  return { name, data: btoa(Array.from(new Uint8Array(await file.arrayBuffer()), (byte) => String.fromCharCode(byte)).join("")) };
}

/** Listens for files; `draw(text)` puts a schedule on the page. */
export function takeLogs(draw) {
  const told = h("div", {});
  const box = h("dialog", { id: "logbox" }, told, h("form", { method: "dialog" }, h("button", {}, t("close"))));
  document.body.append(box);

  const finding = (one) => h("li", {}, h("strong", {}, `${one.name} (${Math.round(100 * one.confidence)} %)`), ` ${one.says} ${one.remedy}`, one.paste ? h("pre", {}, one.paste) : null, one.apart ? h("p", { class: "hint" }, one.apart) : null);

  async function take(files) {
    const show = (...nodes) => { told.replaceChildren(h("h2", {}, files.map(({ name }) => name).join(", ")), ...nodes); if (!box.open) box.showModal(); };
    const names = files.map(({ name }) => (/^[\w./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`)).join(" ");
    if (!machine) { show(h("p", { class: "problem", role: "alert" }, t("log.unread")), h("pre", {}, `glidepath advise ${names}\nglidepath fit ${names}`)); return; }
    if (files.reduce((size, { file }) => size + file.size, 0) > MAX_FILE) { show(h("p", { class: "problem" }, t("log.large"))); return; }
    try {
      const found = await ask("log", { files: await Promise.all(files.slice(0, 16).map(sent)) });
      const { schedule } = found;
      show(
        h("ul", {}, found.read.map((line) => h("li", {}, line))),
        schedule ? h("p", {}, h("code", {}, schedule.text), " ", h("button", { onclick: () => { box.close(); draw(schedule.text); } }, t("log.draw"))) : null,
        h("ul", { class: "hint" }, found.notes.map((line) => h("li", {}, line))),
        h("ul", {}, found.findings.map(finding)),
        ...found.said.map((line) => h("p", {}, line)));
    } catch (error) {
      show(h("p", { class: "problem", role: "alert" }, (error.problems ?? []).map(refusal).join("\n") || String(error.message)));
    }
  }

  document.addEventListener("dragover", (event) => { if (carries(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (event.defaultPrevented || !carries(event)) return; // the range test takes its own
    event.preventDefault();
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    dropped(entries, [...event.dataTransfer.files]).then(take);
  });
}
