// The widgets of the page "Why": they show what docs/why.py computed (window.WHY), and compute nothing themselves but where to draw.
(() => {
  "use strict";
  const NS = "http://www.w3.org/2000/svg", W = 640;
  const COLOURS = ["#3a7bd5", "#d55e00", "#009e73", "#cc79a7", "#b07c00"];
  const WORDS = {
    en: {
      play: "play", rate: "rate × curvature", small: "too small: after 24 updates it is still on its way", right: "right: it settles in a few updates",
      large: "too large: it swings from side to side", boom: "exploding: every update lands farther away", edge: "on the edge: it swings for ever",
      presets: ["too small", "right", "too large", "exploding"], update: "update", loss: "training loss", lost: "exploded", sharp: "largest curvature, and 2 / rate",
      without: "no warmup", with: "warmup of 100", bound: "2 / rate", modes: ["saddle", "minimum, constant rate", "minimum, falling rate"],
      left: (n) => (n === null ? "has not left the saddle in 120 updates" : `left the saddle after ${n} updates`), far: (d) => `mean distance from a minimum in the last 20 updates: ${d}`,
      learning: "learning rate", expected: "expected loss", constant: "constant", step: "step", cosine: "cosine", linear: "linear", wsd: "wsd",
      epoch: "stepped each epoch, T_max = 10", batch: "stepped each batch, T_max = 400", mixed: "stepped each batch, T_max = 10", snapshots: "snapshots",
      batches: "batch", shares: (a, b) => `the plane holds ${a} + ${b} % of the way`, end: "at the end",
    },
    zh: {
      play: "播放", rate: "学习率 × 曲率", small: "太小：走了 24 步还在半路", right: "合适：几步就稳定下来", large: "太大：在谷底两侧来回振荡",
      boom: "发散：每一步都落得更远", edge: "临界：永远来回摆动", presets: ["太小", "合适", "太大", "发散"], update: "更新", loss: "训练损失", lost: "发散",
      sharp: "最大曲率，与 2 / 学习率", without: "不预热", with: "预热 100 步", bound: "2 / 学习率", modes: ["鞍点", "极小点，恒定学习率", "极小点，学习率下降"],
      left: (n) => (n === null ? "120 步后仍未离开鞍点" : `${n} 步后离开鞍点`), far: (d) => `最后 20 步离极小点的平均距离：${d}`, learning: "学习率", expected: "期望损失",
      constant: "恒定", step: "阶梯", cosine: "余弦", linear: "线性", wsd: "WSD", epoch: "每轮一次，T_max = 10", batch: "每批一次，T_max = 400", mixed: "每批一次，T_max = 10",
      snapshots: "快照", batches: "批", shares: (a, b) => `这个平面包含路程的 ${a} + ${b} %`, end: "结束时",
    },
  };

  const make = (tag, given = {}, ...inside) => {
    const node = ["svg", "path", "circle", "line", "text", "g", "rect"].includes(tag) ? document.createElementNS(NS, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(given)) name.startsWith("on") ? node.addEventListener(name.slice(2), value) : node.setAttribute(name, value);
    node.append(...inside);
    return node;
  };
  const way = (points) => points.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  const shown = (value) => (value === 0 ? "0" : Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3 ? value.toExponential(1) : String(+value.toPrecision(3)));
  const drawing = (height, label) => make("svg", { viewBox: `0 0 ${W} ${height}`, role: "img", "aria-label": label });

  function slider(label, most, at, changed) {
    const box = make("input", { type: "range", min: 0, max: most, step: 1, value: at, "aria-label": label });
    box.addEventListener("input", () => changed(+box.value));
    return box;
  }

  function player(words, most, go, pause = 60) {
    let timer = 0;
    const button = make("button", { type: "button" }, `▶ ${words.play}`);
    button.addEventListener("click", () => {
      clearInterval(timer);
      let at = 0;
      timer = setInterval(() => { go(at); if (++at > most()) clearInterval(timer); }, pause);
    });
    return button;
  }

  // Panels of lines over one horizontal axis, with a cursor that reads them.
  function panels(root, words, rows, last, label, names) {
    const height = rows.length * 150 + 24, svg = drawing(height, rows.map((row) => row.title).join(", "));
    const x = (t) => 56 + (t / last) * (W - 76);
    rows.forEach((row, k) => {
      const values = row.lines.flatMap((line) => line.points.map(([, y]) => y)).filter((y) => y <= (row.top ?? Infinity));
      const f = row.log ? Math.log10 : (v) => v, low = row.log ? f(Math.min(...values)) : Math.min(0, ...values), high = f(row.top ?? Math.max(...values));
      const y = (v) => 150 * k + 134 - ((f(v) - low) / (high - low)) * 108;
      for (const share of [0, 0.5, 1]) {
        const value = low + share * (high - low), at = 150 * k + 134 - share * 108;
        svg.append(make("line", { x1: 56, x2: W - 20, y1: at, y2: at, class: "grid" }), make("text", { x: 50, y: at + 4, class: "tick end" }, shown(row.log ? 10 ** value : value)));
      }
      svg.append(make("text", { x: 56, y: 150 * k + 14, class: "name" }, row.title));
      for (const line of row.lines) {
        const kept = line.points.filter(([, v]) => v <= (row.top ?? Infinity));
        svg.append(make("path", { d: way(kept.map(([t, v]) => [x(t), y(v)])), class: "line", stroke: COLOURS[line.colour], "stroke-dasharray": line.dash ?? "", "data-name": line.name }));
        if (line.note) svg.append(make("text", { x: x(kept.at(-1)[0]) + 8, y: y(kept.at(-1)[1]) + 12, class: "tick", fill: COLOURS[line.colour] }, `× ${line.note}`));
      }
    });
    svg.append(make("text", { x: 56, y: height - 4, class: "tick" }, "0"), make("text", { x: W - 20, y: height - 4, class: "tick end" }, `${label} ${last}`));
    const cursor = make("line", { y1: 18, y2: height - 20, class: "cursor" });
    svg.append(cursor);
    const key = make("p", { class: "key" });
    const set = (t) => {
      cursor.setAttribute("x1", x(t)); cursor.setAttribute("x2", x(t));
      key.replaceChildren(...names.map(({ name, colour, text }) => make("span", {}, make("b", { style: `color:${COLOURS[colour]}` }, `${text} `), rows.map((row) => {
        const line = row.lines.find((each) => each.name === name);
        const found = line && line.points.filter(([at]) => at <= t).at(-1);
        return found && found[0] >= t - (row.every ?? 1) ? shown(found[1]) : null;
      }).filter((each) => each !== null).join(" · "))));
    };
    const box = slider(label, last, last, set);
    root.append(svg, box, key);
    set(last);
  }

  const WIDGETS = {
    descent(root, data, words) {
      const svg = drawing(250, words.presets.join(", ")), x = (w) => 320 + w * 90, y = (w) => 226 - (w * w) * 26;
      svg.append(make("path", { d: way([...Array(71)].map((_, k) => [x(k / 10 - 3.5), y(k / 10 - 3.5)]).filter(([, v]) => v > -80)), class: "valley" }));
      const trail = make("path", { class: "trail" }), dots = make("g"), ball = make("circle", { r: 9, class: "ball" });
      svg.append(trail, dots, ball);
      const told = make("p", { class: "told" });
      let k = 0;
      const draw = (n = Infinity) => {
        const track = data.tracks[k].slice(0, n + 1).map((w) => [x(w), y(w)]), rate = data.rates[k];
        trail.setAttribute("d", way(track));
        dots.replaceChildren(...track.slice(0, -1).map(([a, b]) => make("circle", { cx: a, cy: b, r: 3, class: "dot" })));
        const [a, b] = track.at(-1);
        ball.setAttribute("cx", Math.max(-20, Math.min(W + 20, a))); ball.setAttribute("cy", Math.max(-20, b));
        const what = rate < 0.25 ? "small" : rate <= 1.2 ? "right" : rate < 2 ? "large" : rate === 2 ? "edge" : "boom";
        told.textContent = `${words.rate} = ${rate.toFixed(2)} · ${words[what]}`;
      };
      const set = (to) => { k = to; box.value = k; draw(); };
      const box = slider(words.rate, data.rates.length - 1, 0, set);
      const near = (rate) => data.rates.indexOf(rate);
      const presets = [0.05, 0.9, 1.9, 2.1].map((rate, i) => make("button", { type: "button", onclick: () => set(near(rate)) }, words.presets[i]));
      root.append(svg, make("p", { class: "buttons" }, ...presets, player(words, () => data.tracks[k].length - 1, draw, 110)), box, told);
      set(near(0.9));
    },

    warmup(root, data, words) {
      const runs = data.runs, names = ["without", "with"];
      panels(root, words, [
        { title: words.loss, log: true, top: 10, lines: names.map((name, i) => ({ name, colour: 1 - i, points: runs[name].losses.map((v, t) => [t, v]), note: runs[name].losses.length < 200 ? words.lost : "" })) },
        { title: words.sharp, top: 12, every: 10, lines: [...names.map((name, i) => ({ name, colour: 1 - i, points: runs[name].sharpness })),
          { name: "bound", colour: 1, dash: "4 4", points: runs.without.bounds.map((v, t) => [t, v]) }, { name: "bounds", colour: 0, dash: "4 4", points: runs.with.bounds.map((v, t) => [t, v]) }] },
      ], 199, words.update, names.map((name, i) => ({ name, colour: 1 - i, text: words[name] })));
    },

    saddle(root, data, words) {
      const svg = drawing(300, words.modes.join(", ")), x = (v) => 320 + v * 150, y = (v) => 150 - v * 84;
      for (const [, places] of data.lines) svg.append(make("path", { d: way(places.map(([a, b]) => [x(a), y(b)])), class: "contour" }));
      svg.append(make("text", { x: x(0) + 8, y: y(0) + 4, class: "tick" }, "×"));
      const trail = make("path", { class: "trail strong" }), ball = make("circle", { r: 7, class: "ball" }), told = make("p", { class: "told" });
      svg.append(trail, ball);
      let k = 1, mode = 0;
      const tracks = () => data[["slow", "constant", "falling"][mode]][k];
      const draw = (n = Infinity) => {
        const track = tracks(), points = track.slice(0, n + 1).map(([a, b]) => [x(a), y(b)]), left = track.findIndex(([, b]) => Math.abs(b) > 0.9);
        trail.setAttribute("d", way(points));
        ball.setAttribute("cx", points.at(-1)[0]); ball.setAttribute("cy", points.at(-1)[1]);
        const end = track.slice(-20), far = end.reduce((sum, [a, b]) => sum + Math.hypot(a, Math.abs(b) - 1), 0) / end.length;
        told.textContent = `${words.learning} ${data.rates[k]} · ${mode ? words.far(shown(far)) : words.left(left < 0 ? null : left)}`;
      };
      const buttons = words.modes.map((text, i) => make("button", { type: "button", onclick: () => { mode = i; mark(); draw(); } }, text));
      const mark = () => buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === mode)));
      root.append(svg, make("p", { class: "buttons" }, ...buttons, player(words, () => tracks().length - 1, draw, 40)), slider(words.learning, data.rates.length - 1, k, (to) => { k = to; draw(); }), told);
      mark(); draw();
    },

    smooth(root, data, words) {
      const names = Object.keys(data.runs), points = (values) => values.map((v, t) => [t * data.every, v]);
      panels(root, words, [
        { title: words.learning, every: data.every, lines: names.map((name, i) => ({ name, colour: i, points: points(data.runs[name].rates) })) },
        { title: words.expected, log: true, every: data.every, top: 1, lines: names.map((name, i) => ({ name, colour: i, points: points(data.runs[name].losses) })) },
      ], 400, words.update, names.map((name, i) => ({ name, colour: i, text: words[name] })));
    },

    restarts(root, data, words) {
      const svg = drawing(420, words.snapshots), [x0, x1, y0, y1] = data.box;
      const x = (v) => 20 + ((v - x0) / (x1 - x0)) * (W - 40), y = (v) => 290 - ((v - y0) / (y1 - y0)) * 280;
      for (const [level, places] of data.lines) {
        svg.append(make("path", { d: way(places.map(([a, b]) => [x(a), y(b)])), class: "contour" }));
        const [a, b] = places[Math.floor(places.length / 5)];
        svg.append(make("text", { x: x(a), y: y(b), class: "tick height" }, shown(level)));
      }
      const trail = make("path", { class: "trail strong" }), rings = make("g"), ball = make("circle", { r: 6, class: "ball" });
      const last = data.updates.length - 1, most = Math.max(...data.rates), rx = (k) => 20 + (data.updates[k] / data.updates[last]) * (W - 40), ry = (v) => 408 - (v / most) * 80;
      svg.append(trail, rings, ball, make("path", { d: way(data.rates.map((v, k) => [rx(k), ry(v)])), class: "line", stroke: COLOURS[0] }), make("text", { x: 20, y: 318, class: "name" }, words.learning));
      const dot = make("circle", { r: 5, class: "ball" }), told = make("p", { class: "told" });
      svg.append(dot);
      const draw = (k) => {
        trail.setAttribute("d", way(data.places.slice(0, k + 1).map(([a, b]) => [x(a), y(b)])));
        ball.setAttribute("cx", x(data.places[k][0])); ball.setAttribute("cy", y(data.places[k][1]));
        rings.replaceChildren(...data.snapshots.filter((each) => each <= k).flatMap((each, n) => {
          const [a, b] = data.places[each];
          return [make("circle", { cx: x(a), cy: y(b), r: 7, class: "ring" }), make("text", { x: x(a) + 10, y: y(b) - 6, class: "name" }, String(n + 1)), make("circle", { cx: rx(each), cy: ry(data.rates[each]), r: 4, class: "ring" })];
        }));
        dot.setAttribute("cx", rx(k)); dot.setAttribute("cy", ry(data.rates[k]));
        told.textContent = `${data.task} · ${words.update} ${data.updates[k]} · ${words.snapshots} ${data.snapshots.filter((each) => each <= k).length} · ${words.shares(...data.shares)}`;
      };
      const box = slider(words.update, last, last, draw);
      root.append(svg, make("p", { class: "buttons" }, player(words, () => last, (k) => { box.value = k; draw(k); }, 70)), box, told);
      draw(last);
    },

    stepping(root, data, words) {
      const names = ["epoch", "batch", "mixed"], last = data.batch.length - 1;
      panels(root, words, [{ title: words.learning, lines: names.map((name, i) => ({ name, colour: [0, 2, 1][i], points: data[name].map((v, t) => [t, v]) })) }], last, words.batches,
        names.map((name, i) => ({ name, colour: [0, 2, 1][i], text: words[name] })));
    },
  };

  const start = () => {
    for (const root of document.querySelectorAll(".why[data-widget]")) {
      if (!root.childElementCount && window.WHY) WIDGETS[root.dataset.widget](root, window.WHY[root.dataset.widget], WORDS[root.dataset.lang ?? "en"]);
    }
  };
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
