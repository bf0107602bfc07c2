// Controls made from the declarations of the schedules: nothing here knows any of them by name. Each is a sentence with its number in it, and
// a slider under the sentence.

import { h, marked, short, whole } from "./dom.js";
import { mark, plainly } from "./fields.js";
import { known, t, told } from "./words.js";
import { tint } from "./style.js";

let unique = 0;

/** A copy of a tree with the value at a path changed. Paths are those of the server: `parts.0.args.1.value`. */
export function changed(tree, path, value) {
  const copy = structuredClone(tree);
  if (path === "") return value;
  const keys = path.split(".");
  let at = copy;
  for (const key of keys.slice(0, -1)) at = at[key];
  at[keys[keys.length - 1]] = value;
  return copy;
}

export function at(tree, path) {
  return path === "" ? tree : path.split(".").reduce((node, key) => node?.[key], tree);
}

/** A copy of a tree in which an argument of the call at a path has a value. */
export function put(tree, path, name, value, order = []) {
  const call = at(tree, path);
  const prefix = path ? `${path}.` : "";
  const i = call.args.findIndex((arg) => arg.name === name);
  if (i >= 0) return changed(tree, `${prefix}args.${i}.value`, value);
  const args = [...call.args, { name, value }];
  args.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return changed(tree, `${prefix}args`, args);
}

/** What decides which controls there are: words, arguments and their kinds, but no numbers. */
export function structure(tree) {
  if (tree === null || typeof tree !== "object") return tree === null ? "null" : typeof tree;
  if (Array.isArray(tree)) return tree.length && typeof tree[0] === "object" ? `[${tree.map(structure).join()}]` : "[]";
  if (tree.t === "num") return "num";
  if (tree.t === "op") return `(${tree.op}${tree.parts.map(structure).join()})`;
  if (tree.t === "call") return `${tree.lib}.${tree.word}(${tree.args.filter((arg) => arg.value && typeof arg.value === "object" && !("raw" in arg.value)).map((arg) => `${arg.name}:${structure(arg.value)}`).join()})`;
  return "raw";
}

export const wordOf = (call) => (call.lib ? `${call.lib}.${call.word}` : call.word);

/** What an argument is called: in the reader's language for our own words, as in the code for a library's. */
export const labelOf = (name, lib) => (!lib && known(`arg.${name}`) ? t(`arg.${name}`) : lib ? name : capital(name.replaceAll("_", " ")));
const capital = (text) => (/^[a-z]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text);

const nice = (value) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 2.5, 5, 10].map((k) => k * power).find((k) => k >= value) ?? 10 * power;
};

/** How a slider's position becomes a value, and back. `bound` is what the schedule accepts, lowest and highest, where it was asked. */
function slider(spec, value, total, bound) {
  const within = (v) => (bound ? Math.min(Math.max(v, bound[0]), bound[1]) : v);
  if (spec.type === "length") {
    const high = Math.min(nice(Math.max((value ?? 0) * 1.6, total)), bound?.[1] ?? Infinity);
    const step = Math.max(1, 10 ** Math.floor(Math.log10(high / 400)));
    const least = Math.max(spec.min ?? 0, bound?.[0] ?? 0); // the slider itself begins at 0, or its places would all be one off
    return { min: step > 1 ? 0 : least, max: high, step, read: (p) => within(Math.max(least, p > high - step ? high : Math.round(p))), show: (v) => v, text: (v) => t("steps", { n: whole(v) }) };
  }
  if (spec.type === "integer") {
    const high = Math.min(Math.max(spec.high ?? 100, nice(value ?? 1)), bound?.[1] ?? Infinity);
    return { min: Math.max(spec.min ?? spec.low ?? 0, bound?.[0] ?? -Infinity), max: high, step: 1, read: (p) => within(Math.round(p)), show: (v) => v, text: (v) => `${v}` };
  }
  if (spec.log) {
    const low = spec.low, high = Math.min(Math.max(spec.high, (value ?? 0) * 2), bound?.[1] ?? Infinity);
    const span = Math.log(high / low);
    const read = (p) => within(spec.zero && p <= 0 ? 0 : p >= 1000 ? high : Number((low * Math.exp((span * Math.max(p, 1)) / 1000)).toPrecision(3)));
    const show = (v) => (v <= 0 ? 0 : Math.round((1000 * Math.log(v / low)) / span));
    return { min: spec.zero ? 0 : 1, max: 1000, step: 1, read, show, text: (v) => short(v, 3) };
  }
  const high = Math.min(Math.max(spec.high, value ?? 0), bound?.[1] ?? Infinity), low = Math.max(Math.min(spec.low, value ?? 0), bound?.[0] ?? -Infinity);
  const step = (high - low) / 1000 || 0.001;
  return { min: low, max: high, step: 10 ** Math.floor(Math.log10(step * 2)), read: (p) => within(Number(p.toPrecision(4))), show: (v) => v, text: (v) => short(v, 4) };
}

/**
 * The controls of one call: the most telling first, the rest behind a fold.
 *
 * @param context {catalogue, tree(), set(tree), total(), budget(), gestures, limits, light(field, path, on), fresh(word)}: what all controls share
 * @param call the call in the tree
 * @param path its place
 */
export function controlsOf(context, call, path) {
  const entry = context.catalogue.words[wordOf(call)];
  const specs = entry ? [...entry.args] : call.args.map((arg) => ({ name: arg.name, type: "auto", note: "" }));
  const own = specs.filter((spec) => spec.type === "length" && spec.name !== "steps").length;
  const weight = (spec) => (spec.name === "steps" && own ? 1 : spec.nullable ? 2 : ["choice", "curve", "flag", "text", "auto"].includes(spec.type) ? 3 : 0);
  const order = specs.map((spec, i) => [weight(spec), i, spec]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map((each) => each[2]);
  const colours = new Map(specs.map((spec, i) => [spec.name, i]));
  const rows = order.map((spec) => control(context, call, path, spec, colours.get(spec.name)));
  const shown = Math.max(order.filter((spec) => ["schedule", "schedules"].includes(spec.type)).length, 4);
  if (rows.length <= shown + 1 || path.includes("args")) return rows;
  const rest = rows.slice(shown);
  const fold = h("details", { class: "rest" }, h("summary", {}, t("controls.more", { names: order.slice(shown).map((spec) => labelOf(spec.name, call.lib)).join(", ") })), h("div", { class: "grid" }, rest));
  return [...rows.slice(0, shown), fold];
}

/** What an argument's note says beside its symbol, which stands in the sentence already; nothing where that is all. */
function noteOf(spec) {
  const said = told(spec, "note");
  const rest = spec.symbol && said.startsWith(spec.symbol) ? said.slice(spec.symbol.length).replace(/^[\s,:，：、]+/, "") : said;
  return ["in steps.", "以步计。"].includes(rest) ? "" : capital(rest);
}

function control(context, call, path, spec, place) {
  const prefix = path ? `${path}.` : "";
  const found = () => (at(context.tree(), path)?.args ?? []).findIndex((arg) => arg.name === spec.name);
  const set = (value) => context.set(put(context.tree(), path, spec.name, value, (context.catalogue.words[wordOf(call)]?.args ?? []).map((each) => each.name)));
  const current = () => {
    const i = found();
    return i >= 0 ? at(context.tree(), path).args[i].value : spec.default;
  };
  const id = `c${++unique}`;
  const error = h("p", { class: "error", id: `${id}e`, "aria-live": "polite" });
  const said = noteOf(spec);
  const note = said ? h("p", { class: "note", id: `${id}n` }, marked(said)) : null;
  const row = h("div", { class: "control" });
  const name = labelOf(spec.name, call.lib);
  const symbol = spec.symbol ? h("i", { class: "symbol", style: { color: tint(place) }, "aria-hidden": "true" }, spec.symbol) : null;
  const label = h("label", { for: id, class: call.lib ? "code" : null }, name);
  const colon = h("span", { class: "colon", "aria-hidden": "true" }, t("colon"));
  const described = { "aria-describedby": `${id}e${note ? ` ${id}n` : ""}` };
  const refresh = [];

  if (spec.type === "schedule" || spec.type === "schedules") {
    row.classList.add("wide");
    row.append(h("span", { class: "name" }, name), note ?? "", nestedOf(context, spec, prefix, found, current, set, name));
  } else if (spec.type === "flag") {
    const box = h("input", { id, type: "checkbox", onchange: () => set(box.checked), ...described });
    row.append(h("div", { class: "sentence" }, symbol, label, colon, box), note ?? "");
    refresh.push(() => { box.checked = Boolean(current()); });
  } else if (spec.type === "choice" || spec.type === "curve") {
    const options = spec.type === "curve" ? context.catalogue.curves : spec.choices;
    const select = h("select", { id, ...described, onchange: () => set(select.value) });
    row.append(h("div", { class: "sentence" }, symbol, label, colon, select), note ?? "");
    const title = (value) => (known(`curve.${value}`) ? t(`curve.${value}`) : value);
    refresh.push(() => {
      const value = String(current() ?? spec.default ?? "");
      const all = options.includes(value) ? options : [...options, value];
      if (select.options.length !== all.length) select.replaceChildren(...all.map((each) => h("option", { value: each }, title(each))));
      select.value = value;
    });
  } else if (["lengths", "numbers", "text", "auto"].includes(spec.type)) {
    const kind = spec.type === "lengths" || spec.type === "numbers" ? "list" : spec.type === "text" ? "text" : "";
    const box = h("input", { id, type: "text", class: "wide", spellcheck: false, autocomplete: "off", ...described });
    box.addEventListener("input", () => set(kind === "" && box.value.trim() === "" ? null : { raw: kind === "text" ? box.value : box.value.normalize("NFKC"), as: kind }));
    row.append(h("div", { class: "sentence" }, symbol, label, colon, box), note ?? "");
    refresh.push(() => {
      const value = current();
      if (document.activeElement !== box && !row.classList.contains("bad")) box.value = Array.isArray(value) ? value.join(", ") : value?.raw ?? value ?? "";
    });
    row.box = box;
  } else {
    numeric(context, spec, { id, row, label, colon, symbol, name, note, described, set, current, refresh, path });
  }
  row.append(error);
  row.dataset.path = path;
  row.dataset.field = spec.name;
  row.tint = tint(place);
  for (const [kind, on] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) row.addEventListener(kind, () => context.light?.(spec.name, path, on));
  row.refresh = () => refresh.forEach((work) => work());
  row.refresh();
  return row;
}

function numeric(context, spec, { id, row, label, colon, symbol, name, note, described, set, current, refresh, path }) {
  const given = typeof current() === "number" ? current() : null;
  const bound = () => context.limits?.get(`${path}:${spec.name}`);
  let map = slider(spec, given, context.total(), bound());
  const range = h("input", { type: "range", min: map.min, max: map.max, step: map.step, "aria-label": t("control.slider", { name }), ...described });
  const box = h("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: false, ...described });
  const length = spec.type === "length";
  const share = h("span", { class: "share" });
  const wide = () => { box.style.width = `${Math.max(2, box.value.length) + 2.2}ch`; };
  range.addEventListener("input", () => {
    const value = map.read(Number(range.value));
    box.value = String(value);
    wide();
    range.setAttribute("aria-valuetext", map.text(value));
    row.classList.remove("bad");
    set(value);
  });
  context.gestures?.watch(range);
  box.addEventListener("input", () => {
    wide();
    const plain = plainly(box.value);
    set({ raw: plain, as: length ? "length" : "number" });
  });
  box.addEventListener("keydown", (event) => { if (event.key === "Escape") { accept(row); box.blur(); row.refresh(); } });
  box.addEventListener("blur", () => row.refresh());
  let auto = null;
  if (spec.nullable) {
    auto = h("input", { type: "checkbox", "aria-label": t("control.automatic", { name }) });
    auto.addEventListener("change", () => set(auto.checked ? null : beginning(spec, context.total())));
  }
  const unit = h("span", { class: "unit" });
  row.append(h("div", { class: "sentence" }, symbol, label, colon, box, unit, share, auto ? h("label", { class: "auto" }, auto, t("auto")) : null), range, note ?? "");
  row.box = box;
  row.range = range;
  row.current = current;
  row.whole = length || spec.type === "integer";
  row.bounds = () => { // how far the slider would go if nothing were refused
    const value = typeof current() === "number" ? current() : null;
    if (length) return [spec.min ?? 0, nice(Math.max((value ?? 0) * 1.6, context.total()))];
    if (spec.type === "integer") return [spec.min ?? spec.low ?? 0, Math.max(spec.high ?? 100, nice(value ?? 1))];
    return [spec.log && !spec.zero ? spec.low : spec.log ? 0 : spec.low, Math.max(spec.high, spec.log ? (value ?? 0) * 2 : value ?? 0)];
  };
  refresh.push(() => {
    const value = current();
    const none = value === null || value === undefined;
    if (auto) auto.checked = none;
    box.hidden = range.hidden = unit.hidden = share.hidden = none && Boolean(auto);
    if (typeof value !== "number") return;
    unit.textContent = length ? t(context.budget?.().per_epoch === 1 ? "unit.epochs" : "unit.updates") : spec.unit && spec.type === "integer" && known(`unit.${spec.unit}`) ? t(`unit.${spec.unit}`) : "";
    share.textContent = length ? `, ${short((100 * value) / context.total(), 3)} %` : "";
    if (document.activeElement !== box && !row.classList.contains("bad")) {
      box.value = String(value);
      wide();
    }
    const next = slider(spec, value, context.total(), bound());
    const held = document.activeElement === range && context.gestures?.on;
    if (!held) {
      map = next;
      for (const name of ["min", "max", "step"]) if (range[name] !== String(map[name])) range[name] = String(map[name]);
    }
    if (!held) range.value = String(map.show(value));
    range.setAttribute("aria-valuetext", map.text(value));
  });
}

/** A control whose text is not used, with the reason. */
export function refuse(row, message, error = row.querySelector(":scope > .error")) {
  row.classList.add("bad");
  row.querySelectorAll(":scope input, :scope select").forEach((box) => { if (box.type !== "range") mark(box, message); });
  error.textContent = message;
  row.closest("details")?.setAttribute("open", "");
}

export function accept(row, error = row.querySelector(":scope > .error")) {
  row.classList.remove("bad");
  row.querySelectorAll(":scope .bad").forEach((box) => mark(box, ""));
  if (error) error.textContent = "";
}

/** What an argument begins with once it is no longer automatic. */
function beginning(spec, total) {
  if (spec.type === "length") return Math.max(spec.min ?? 1, Math.round(total / 10));
  if (spec.type === "integer") return Math.max(spec.min ?? 1, 4);
  return spec.log ? 0.1 : spec.low;
}

/** Schedules inside a schedule: each with a chooser and its own controls. */
function nestedOf(context, spec, prefix, found, current, set, title) {
  const value = current();
  const many = Array.isArray(value);
  const items = many ? value : [value];
  const i = found();
  const boxes = items.map((item, k) => {
    const path = `${prefix}args.${i}.value${many ? `.${k}` : ""}`;
    const name = title + (many ? ` ${k + 1}` : "");
    const nested = h("div", { class: "nested", role: "group", "aria-label": name });
    const choose = chooser(context, item, name, (word) => context.fresh(word, (tree) => context.set(changed(context.tree(), path, tree))));
    nested.append(choose);
    if (item?.t === "call") nested.append(...controlsOf(context, item, path));
    else if (item?.t === "op") nested.append(...partsOf(context, item, path));
    if (many && items.length > 1) nested.append(h("button", { type: "button", onclick: () => set(items.filter((_, j) => j !== k)) }, t("remove")));
    return nested;
  });
  if (many) boxes.push(h("button", { type: "button", onclick: () => context.fresh("linear", (tree) => set([...items, tree])) }, t("add.one")));
  return h("div", {}, boxes);
}

/** The controls of every part of an operation. */
export function partsOf(context, node, path) {
  return node.parts.map((part, k) => {
    const place = `${path ? `${path}.` : ""}parts.${k}`;
    if (part.t === "call") return h("div", { class: "nested", role: "group", "aria-label": wordOf(part) }, h("span", { class: "name" }, wordOf(part)), ...controlsOf(context, part, place));
    if (part.t === "op") return h("div", { class: "nested" }, ...partsOf(context, part, place));
    return factor(context, part, place, t(node.op === "*" ? "arg.peak" : "control.number"));
  });
}

export function factor(context, part, path, name) {
  const id = `c${++unique}`;
  const error = h("p", { class: "error", "aria-live": "polite" });
  const box = h("input", { id, type: "text", inputmode: "decimal", autocomplete: "off" });
  const range = h("input", { type: "range", min: 0, max: 2, step: 0.01, "aria-label": t("control.slider", { name }) });
  const row = h("div", { class: "control" });
  const set = (value) => context.set(changed(context.tree(), `${path}.value`, value));
  box.addEventListener("input", () => set({ raw: plainly(box.value), as: "number" }));
  box.addEventListener("blur", () => row.refresh());
  range.addEventListener("input", () => { box.value = range.value; row.classList.remove("bad"); set(Number(range.value)); });
  context.gestures?.watch(range);
  row.append(h("div", { class: "sentence" }, h("label", { for: id }, name), h("span", { class: "colon", "aria-hidden": "true" }, t("colon")), box), range, error);
  row.box = box;
  row.dataset.path = path;
  row.dataset.field = "value";
  row.refresh = () => {
    const value = at(context.tree(), path)?.value;
    if (typeof value !== "number") return;
    if (document.activeElement !== box && !row.classList.contains("bad")) box.value = String(value);
    if (!(document.activeElement === range && context.gestures?.on)) {
      range.max = String(Math.max(2, nice(Math.abs(value))));
      range.min = value < 0 ? `-${range.max}` : "0";
      range.value = String(value);
    }
  };
  row.refresh();
  return row;
}

/** A native select of all words, in groups. */
export function chooser(context, item, name, choose) {
  const select = h("select", { "aria-label": t("control.which", { name }), onchange: () => choose(select.value) });
  fill(select, context.catalogue, item?.t === "call" ? wordOf(item) : "", (group) => !["Whole schedules"].includes(group));
  return select;
}

function fill(select, catalogue, now, keep = () => true) {
  const groups = catalogue.groups.filter((group) => keep(group.name));
  const shown = groups.map((group) => h("optgroup", { label: groupOf(group.name) }, group.words.map((word) => h("option", { value: word }, titleOf(word)))));
  if (!now || !groups.some((group) => group.words.includes(now))) shown.unshift(h("option", { value: "", selected: true }, now || t("composed")));
  select.replaceChildren(...shown);
  select.value = now && groups.some((group) => group.words.includes(now)) ? now : "";
}

export const groupOf = (name) => (known(`group.${name}`) ? t(`group.${name}`) : name);
export const titleOf = (word) => (word.includes(".") ? word.slice(word.indexOf(".") + 1) : known(`word.${word}`) ? t(`word.${word}`) : word.replaceAll("_", " "));
