// Training logs, dropped anywhere on the page: what they were read as, the schedule behind their rates, what went wrong in the run.

import { h } from "./dom.js";
import { ask } from "./ask.js";
import { refusal, t } from "./words.js";

const MAX_FILE = 2000000;
const carries = (event) => event.dataTransfer?.types.includes("Files");

/** Listens for files; `draw(text)` puts a schedule on the page. */
export function takeLogs(draw) {
  const told = h("div", {});
  const box = h("dialog", { id: "logbox" }, told, h("form", { method: "dialog" }, h("button", {}, t("close"))));
  document.body.append(box);

  const finding = (one) => h("li", {}, h("strong", {}, `${one.name} (${Math.round(100 * one.confidence)} %)`), ` ${one.says} ${one.remedy}`, one.paste ? h("pre", {}, one.paste) : null, one.apart ? h("p", { class: "hint" }, one.apart) : null);

  async function take(files) {
    const show = (...nodes) => { told.replaceChildren(h("h2", {}, files.map((file) => file.name).join(", ")), ...nodes); if (!box.open) box.showModal(); };
    if (files.reduce((size, file) => size + file.size, 0) > MAX_FILE) { show(h("p", { class: "problem" }, t("log.large"))); return; }
    try {
      const found = await ask("log", { files: await Promise.all(files.map(async (file) => ({ name: file.name, text: await file.text() }))) });
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
    take([...event.dataTransfer.files]);
  });
}
