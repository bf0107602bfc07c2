// The sliders of one schedule and its live curve, for Jupyter and marimo. Values come from Python.
export default {
  render({ model, el }) {
    const root = document.createElement("div");
    root.style.cssText = "display:grid;grid-template-columns:minmax(180px,260px) 1fr;gap:18px;font:14px system-ui,sans-serif;max-width:900px";
    const left = document.createElement("div"), right = document.createElement("div");
    const code = document.createElement("code"), problem = document.createElement("p");
    problem.setAttribute("role", "alert");
    problem.style.cssText = "color:#b3261e;margin:4px 0";
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 600 240");
    svg.setAttribute("role", "img");
    svg.style.width = "100%";
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    for (const [key, value] of Object.entries({ fill: "none", stroke: "#0b63a5", "stroke-width": 2.5, "stroke-linejoin": "round" })) path.setAttribute(key, value);
    svg.append(path);
    right.append(code, svg, problem);
    root.append(left, right);
    // Notebooks take the arrow keys for themselves otherwise.
    root.addEventListener("keydown", (event) => event.stopPropagation());
    for (const field of model.get("controls")) {
      const label = document.createElement("label"), range = document.createElement("input"), shown = document.createElement("output");
      const show = (value) => (field.log ? (value <= 0 ? 0 : Math.round((1000 * Math.log(value / field.low)) / Math.log(field.high / field.low))) : value);
      const read = (p) => (field.log ? (p <= 0 ? 0 : Number((field.low * (field.high / field.low) ** (p / 1000)).toPrecision(3))) : field.whole ? Math.round(p) : Number(p.toPrecision(4)));
      Object.assign(range, { type: "range", min: field.log ? 0 : field.low, max: field.log ? 1000 : field.high, step: field.log || field.whole ? 1 : "any" });
      range.value = String(show(field.value));
      range.style.width = "100%";
      shown.textContent = ` ${field.value}`;
      range.addEventListener("input", () => {
        const value = read(Number(range.value));
        shown.textContent = ` ${value}`;
        range.setAttribute("aria-valuetext", String(value));
        model.set("change", { path: field.path, value });
        model.save_changes();
      });
      label.style.cssText = "display:block;margin:6px 0";
      label.append(document.createTextNode(field.label), shown, range);
      left.append(label);
    }
    const draw = () => {
      const { x, y } = model.get("curve");
      const high = Math.max(...y, 0) || 1, low = Math.min(...y, 0), end = x[x.length - 1] || 1;
      path.setAttribute("d", "M" + x.map((step, i) => `${(8 + (584 * step) / end).toFixed(2)},${(232 - (224 * (y[i] - low)) / (high - low || 1)).toFixed(2)}`).join("L"));
      code.textContent = model.get("text");
      svg.setAttribute("aria-label", `${model.get("text")}, from 0 to ${end} steps`);
    };
    const tell = () => { problem.textContent = model.get("problem"); };
    model.on("change:curve", draw);
    model.on("change:problem", tell);
    draw();
    tell();
    el.append(root);
  },
};
