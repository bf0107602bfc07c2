// Charts in the panes: plotly draws them. It is large, so it is read when the first of them is shown, and the page itself never waits for it.

import { css } from "./style.js";

/* global Plotly */
let reading = null;

/** Reads plotly once. */
function library() {
  reading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = "plotly.js";
    script.onload = done;
    script.onerror = () => { reading = null; failed(new Error("plotly could not be read")); };
    document.head.append(script);
  });
  return reading;
}

/** Draws traces into a node; of several calls the last one counts. */
export async function plot(node, traces, layout) {
  node.wanted = [traces.map((trace) => ({ hoverinfo: "skip", ...trace })), layout, { displayModeBar: false, responsive: true }];
  await library();
  if (node.wanted === null) return;
  const wanted = node.wanted;
  node.wanted = null;
  await Plotly.react(node, ...wanted);
}

/** What the charts in the panes share: no background of their own, quiet axes. */
export function bare() {
  const quiet = css("--quiet"), line = css("--line");
  return {
    grid: { gridcolor: line, zeroline: false, linecolor: line, tickfont: { color: quiet, size: 11 }, exponentformat: "power" },
    layout: {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: css("--sans"), color: quiet, size: 12 },
      showlegend: false,
      hovermode: false,
      dragmode: false,
    },
  };
}

/** A small chart of lines and bands, for the panes below. */
export function small(node, traces, titles) {
  const { layout, grid } = bare();
  const axis = { ...grid, tickformat: "~g", fixedrange: true };
  return plot(node, traces, {
    ...layout,
    margin: { l: 52, r: titles.y2 ? 66 : 12, t: 26, b: 36 },
    title: { text: titles.title, font: { size: 13, color: css("--ink") }, x: 0.01, y: 0.98, xanchor: "left" },
    xaxis: { ...axis, title: { text: titles.x, standoff: 4 }, range: titles.range },
    yaxis: { ...axis, type: titles.log ? "log" : "linear" },
    ...(titles.y2 ? { yaxis2: { ...axis, tickmode: "auto", rangemode: "tozero", overlaying: "y", side: "right", showgrid: false, title: { text: titles.y2 } } } : {}),
  });
}
