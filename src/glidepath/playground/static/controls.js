// Controls made from the declarations of the schedules: nothing here knows any of them by name.

import { h, marked, short, whole } from "./dom.js";

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

const nice = (value) => {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 2.5, 5, 10].map((k) => k * power).find((k) => k >= value) ?? 10 * power;
};

/** How a slider's position becomes a value, and back. */
function slider(spec, value, total) {
  if (spec.type === "length") {
    const high = nice(Math.max((value ?? 0) * 1.6, total));
    const step = Math.max(1, 10 ** Math.floor(Math.log10(high / 400)));
    const least = spec.min ?? 0; // the slider itself begins at 0, or its places would all be one off
    return { min: step > 1 ? 0 : least, max: high, step, read: (p) => Math.max(least, Math.round(p)), show: (v) => v, text: (v) => `${whole(v)} steps` };
  }
  if (spec.type === "integer") {
    const high = Math.max(spec.high ?? 100, nice(value ?? 1));
    return { min: spec.min ?? spec.low ?? 0, max: high, step: 1, read: (p) => Math.round(p), show: (v) => v, text: (v) => `${v} ${spec.unit ?? ""}` };
  }
  if (spec.log) {
    const low = spec.low, high = Math.max(spec.high, (value ?? 0) * 2);
    const span = Math.log(high / low);
    const read = (p) => (spec.zero && p <= 0 ? 0 : Number((low * Math.exp((span * Math.max(p, 1)) / 1000)).toPrecision(3)));
    const show = (v) => (v <= 0 ? 0 : Math.round((1000 * Math.log(v / low)) / span));
    return { min: spec.zero ? 0 : 1, max: 1000, step: 1, read, show, text: (v) => short(v, 3) };
  }
  const high = Math.max(spec.high, value ?? 0), low = Math.min(spec.low, value ?? 0);
  const step = (high - low) / 1000;
  const read = (p) => Number(p.toPrecision(4));
  return { min: low, max: high, step: 10 ** Math.floor(Math.log10(step * 2)), read, show: (v) => v, text: (v) => short(v, 4) };
}

/**
 * The controls of one call.
 *
 * @param context {catalogue, total, set(path, value), words(list)}: what all controls share
 * @param call the call in the tree
 * @param path its place
 */
export function controlsOf(context, call, path) {
  const entry = context.catalogue.words[wordOf(call)];
  const specs = entry ? entry.args : call.args.map((arg) => ({ name: arg.name, type: "auto", note: "" }));
  return specs.map((spec) => control(context, call, path, spec));
}

function control(context, call, path, spec) {
  const prefix = path ? `${path}.` : "";
  const found = () => (at(context.tree(), path)?.args ?? []).findIndex((arg) => arg.name === spec.name);
  const set = (value) => {
    const tree = context.tree();
    const i = found();
    if (i >= 0) return context.set(changed(tree, `${prefix}args.${i}.value`, value));
    const args = [...at(tree, path).args, { name: spec.name, value }];
    const order = (context.catalogue.words[wordOf(call)]?.args ?? []).map((each) => each.name);
    args.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    return context.set(changed(tree, `${prefix}args`, args));
  };
  const current = () => {
    const i = found();
    return i >= 0 ? at(context.tree(), path).args[i].value : spec.default;
  };
  const id = `c${++unique}`;
  const error = h("p", { class: "error", id: `${id}e`, "aria-live": "polite" });
  const note = spec.note ? h("p", { class: "note", id: `${id}n` }, marked(spec.note)) : null;
  const row = h("div", { class: "control" });
  const unit = spec.unit && spec.unit !== "cycles" && spec.name !== spec.unit ? h("span", { class: "unit" }, spec.unit) : null;
  const label = h("label", { for: id }, call.lib ? spec.name : spec.name.replaceAll("_", " "), unit ? " " : "", unit);
  const described = { "aria-describedby": `${id}e${note ? ` ${id}n` : ""}` };
  const refresh = [];

  if (spec.type === "schedule" || spec.type === "schedules") {
    row.append(h("span", { class: "name" }, spec.name.replaceAll("_", " ")), note ?? "", nestedOf(context, spec, prefix, found, current, set));
  } else if (spec.type === "flag") {
    const box = h("input", { id, type: "checkbox", onchange: () => set(box.checked), ...described });
    row.append(label, box, note ?? "");
    refresh.push(() => { box.checked = Boolean(current()); });
  } else if (spec.type === "choice" || spec.type === "curve") {
    const options = spec.type === "curve" ? context.catalogue.curves : spec.choices;
    const select = h("select", { id, ...described, onchange: () => set(select.value) });
    row.append(label, select, note ?? "");
    refresh.push(() => {
      const value = String(current() ?? spec.default ?? "");
      const all = options.includes(value) ? options : [...options, value];
      if (select.options.length !== all.length) select.replaceChildren(...all.map((name) => h("option", { value: name }, name)));
      select.value = value;
    });
  } else if (["lengths", "numbers", "text", "auto"].includes(spec.type)) {
    const kind = spec.type === "lengths" || spec.type === "numbers" ? "list" : spec.type === "text" ? "text" : "";
    const box = h("input", { id, type: "text", class: "wide", spellcheck: false, autocomplete: "off", ...described });
    box.addEventListener("input", () => set(kind === "" && box.value.trim() === "" ? null : { raw: box.value, as: kind }));
    row.append(label, box, note ?? "");
    refresh.push(() => {
      const value = current();
      if (document.activeElement !== box) box.value = Array.isArray(value) ? value.join(", ") : value?.raw ?? value ?? "";
    });
  } else {
    numeric(context, spec, { id, row, label, note, described, set, current, refresh });
  }
  row.append(error);
  row.dataset.path = path;
  row.dataset.field = spec.name;
  row.refresh = () => refresh.forEach((work) => work());
  row.refresh();
  return row;
}

function numeric(context, spec, { id, row, label, note, described, set, current, refresh }) {
  const given = typeof current() === "number" ? current() : null;
  let map = slider(spec, given, context.total());
  const range = h("input", { type: "range", min: map.min, max: map.max, step: map.step, "aria-label": `${spec.name.replaceAll("_", " ")}, slider`, ...described });
  const box = h("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: false, ...described });
  const kind = spec.type === "length" ? "length" : "number";
  range.addEventListener("input", () => {
    const value = map.read(Number(range.value));
    box.value = String(value);
    range.setAttribute("aria-valuetext", map.text(value));
    set(value);
  });
  box.addEventListener("input", () => set({ raw: box.value, as: kind }));
  box.addEventListener("blur", () => row.refresh());
  let auto = null;
  if (spec.nullable) {
    auto = h("input", { type: "checkbox", "aria-label": `${spec.name.replaceAll("_", " ")}: automatic` });
    auto.addEventListener("change", () => set(auto.checked ? null : beginning(spec, context.total())));
  }
  const side = h("span", { class: "right" }, auto ? h("label", { class: "auto" }, auto, "auto") : null, box);
  row.append(label, side, range, note ?? "");
  refresh.push(() => {
    const value = current();
    const none = value === null || value === undefined;
    if (auto) auto.checked = none;
    box.hidden = range.hidden = none && Boolean(auto);
    if (typeof value !== "number") return;
    if (document.activeElement !== box) box.value = String(value);
    if (document.activeElement !== range) {
      if (map.show(value) > map.max || map.show(value) < map.min) {
        map = slider(spec, value, context.total());
        Object.assign(range, { min: map.min, max: map.max, step: map.step });
      }
      range.value = String(map.show(value));
    }
    range.setAttribute("aria-valuetext", map.text(value));
  });
}

/** What an argument begins with once it is no longer automatic. */
function beginning(spec, total) {
  if (spec.type === "length") return Math.max(spec.min ?? 1, Math.round(total / 10));
  if (spec.type === "integer") return Math.max(spec.min ?? 1, 4);
  return spec.log ? 0.1 : spec.low;
}

/** Schedules inside a schedule: each with a chooser and its own controls. */
function nestedOf(context, spec, prefix, found, current, set) {
  const value = current();
  const many = Array.isArray(value);
  const items = many ? value : [value];
  const i = found();
  const boxes = items.map((item, k) => {
    const path = `${prefix}args.${i}.value${many ? `.${k}` : ""}`;
    const name = spec.name.replaceAll("_", " ") + (many ? ` ${k + 1}` : "");
    const nested = h("div", { class: "nested", role: "group", "aria-label": name });
    const choose = chooser(context, item, name, async (word) => context.set(changed(context.tree(), path, await context.fresh(word))));
    nested.append(choose);
    if (item?.t === "call") nested.append(...controlsOf(context, item, path));
    else if (item?.t === "op") nested.append(...partsOf(context, item, path));
    if (many && items.length > 1) nested.append(h("button", { type: "button", onclick: () => set(items.filter((_, j) => j !== k)) }, "Remove"));
    return nested;
  });
  if (many) boxes.push(h("button", { type: "button", onclick: async () => set([...items, await context.fresh("linear")]) }, "Add one"));
  return h("div", { style: { gridColumn: "1 / -1" } }, boxes);
}

/** The controls of every part of an operation. */
export function partsOf(context, node, path) {
  return node.parts.map((part, k) => {
    const place = `${path ? `${path}.` : ""}parts.${k}`;
    if (part.t === "call") return h("div", { class: "nested", role: "group", "aria-label": wordOf(part) }, h("span", { class: "name" }, wordOf(part)), ...controlsOf(context, part, place));
    if (part.t === "op") return h("div", { class: "nested" }, ...partsOf(context, part, place));
    return factor(context, part, place);
  });
}

function factor(context, part, path) {
  const id = `c${++unique}`;
  const box = h("input", { id, type: "text", inputmode: "decimal", value: String(part.value) });
  box.addEventListener("input", () => context.set(changed(context.tree(), `${path}.value`, { raw: box.value, as: "number" })));
  const row = h("div", { class: "control" }, h("label", { for: id }, "number"), box, h("p", { class: "error", "aria-live": "polite" }));
  row.dataset.path = path;
  row.dataset.field = "value";
  row.refresh = () => { if (document.activeElement !== box) box.value = String(at(context.tree(), path)?.value ?? ""); };
  return row;
}

/** A native select of all words, in groups. */
export function chooser(context, item, name, choose) {
  const select = h("select", { "aria-label": `${name}: which`, onchange: () => choose(select.value) });
  fill(select, context.catalogue, item?.t === "call" ? wordOf(item) : "", (group) => !["Whole schedules"].includes(group));
  return select;
}

export function fill(select, catalogue, now, keep = () => true) {
  const groups = catalogue.groups.filter((group) => keep(group.name));
  const shown = groups.map((group) => h("optgroup", { label: group.name }, group.words.map((word) => h("option", { value: word }, word.includes(".") ? word.slice(word.indexOf(".") + 1) : word.replaceAll("_", " ")))));
  if (!now || !groups.some((group) => group.words.includes(now))) shown.unshift(h("option", { value: "", selected: true }, now || "composed"));
  select.replaceChildren(...shown);
  select.value = now && groups.some((group) => group.words.includes(now)) ? now : "";
}
