// What curves look like: colours that colour-blind readers can tell apart, and dashes. Slot 0 is the curve being worked on.

const LIGHT = ["#0b63a5", "#d55e00", "#00805d", "#b8508f", "#946600", "#2e8fc9", "#6f4bb8", "#6e6e6e", "#1d2227"];
const DARK = ["#6bb5ee", "#f2935b", "#3fc79f", "#e79cc6", "#dfb54e", "#9ad4f7", "#b79cf0", "#b5b5b5", "#f2f2f2"];
export const DASHES = ["solid", "8px,4px", "2px,3px", "8px,3px,2px,3px", "5px,2px", "12px,4px", "1px,4px", "4px,6px", "14px,3px,3px,3px"];

export const dark = () => document.documentElement.dataset.theme === "dark";
export const colour = (slot) => (dark() ? DARK : LIGHT)[slot % LIGHT.length];
/** The colour of a number: the same in its sentence and in the formula. */
export const tint = (place) => (dark() ? DARK : LIGHT)[[1, 2, 3, 6, 4, 5][place % 6]];
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A little piece of the curve's line. */
export function swatch(slot) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("width", "30");
  svg.setAttribute("height", "10");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [key, value] of Object.entries({ x1: 1, y1: 5, x2: 29, y2: 5, "stroke-width": slot ? 2 : 3, stroke: colour(slot) })) line.setAttribute(key, value);
  if (DASHES[slot] !== "solid") line.setAttribute("stroke-dasharray", DASHES[slot].replaceAll("px", ""));
  svg.append(line);
  return svg;
}

/** Light or dark: what the person chose, else what the system says. */
export function theme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("glidepath-theme"); } catch { /* private windows may refuse */ }
  const set = (name) => { document.documentElement.dataset.theme = name; };
  set(chosen ?? (system.matches ? "dark" : "light"));
  return {
    toggle() {
      chosen = dark() ? "light" : "dark";
      set(chosen);
      try { localStorage.setItem("glidepath-theme", chosen); } catch { /* it holds for this visit */ }
    },
    watch(work) {
      system.addEventListener("change", () => { if (chosen === null) { set(system.matches ? "dark" : "light"); work(); } });
    },
  };
}
