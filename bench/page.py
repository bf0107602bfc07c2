"""The page as plain files: its size over the wire, its start on a slow line (10 Mbit/s, 40 ms), and from a slider to the drawn curve.

Times of this machine; other work on it shows. The line is slowed in the host, because a browser's own throttle does not reach its workers.
Without node, npm, Chromium and playwright there is nothing to measure.
"""

from __future__ import annotations

import contextlib
import gzip
import http.server
import importlib.util
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import Row
from bench.playground import ARGUMENTS

ROOT = Path(__file__).resolve().parents[1]
RATE = 10e6 / 8  # bytes a second
DELAY = 0.04
COMPRESSED = (".html", ".css", ".js", ".mjs", ".json", ".svg")

# Noted in the page, so that the way to the measuring program does not count.
STARTED = """async () => {
  const { ready } = await import("./static/ask.js");
  const until = async (holds) => { while (!holds()) await new Promise((done) => requestAnimationFrame(done)); return performance.now(); };
  const curve = await until(() => window.glidepath?.redraws > 0);
  const shapes = await until(() => document.querySelectorAll("#shapes button").length >= 12);
  await ready;
  const python = performance.now();
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity;
  return { paint, curve, shapes, python };
}"""

MOVES = """async (count) => {
  const app = window.glidepath, slider = document.querySelector("#controls input[type=range]");
  const spent = [], begin = Number(slider.value);
  for (let i = 0; i < count; i++) {
    await new Promise((done) => setTimeout(done, 50));
    const before = app.redraws, start = performance.now();
    slider.value = String(begin + 4 * (i + 1));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    while (app.redraws === before && performance.now() - start < 2000) await new Promise((done) => setTimeout(done, 0));
    spent.push(performance.now() - start);
  }
  return spent;
}"""


class Line:
    """One line that all answers share, and what went over it."""

    def __init__(self, rate: float) -> None:
        self.rate, self.sent, self._free, self._lock = rate, 0, 0.0, threading.Lock()

    def carry(self, size: int) -> None:
        """Waits as long as so many bytes take."""
        with self._lock:
            self.sent += size
            self._free = max(self._free, time.perf_counter()) + size / self.rate
            free = self._free
        time.sleep(max(0.0, free - time.perf_counter()))


@contextlib.contextmanager
def hosted(root: Path, line: Line, compresses: bool = True) -> Iterator[str]:
    """A host of plain files at the end of a slow line."""
    packed: dict[Path, bytes] = {}

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # the name is the library's
            time.sleep(DELAY)
            path = Path(self.translate_path(self.path))
            path = path / "index.html" if path.is_dir() else path
            if not path.is_file():
                self.send_error(404)
                return
            stamp = self.date_time_string(int(path.stat().st_mtime))
            if self.headers.get("if-modified-since") == stamp:
                self.send_response(304)
                self.send_header("content-length", "0")
                self.end_headers()
                return
            small = compresses and path.suffix in COMPRESSED
            if path not in packed:
                packed[path] = gzip.compress(path.read_bytes(), 6) if small else path.read_bytes()
            self.send_response(200)
            self.send_header("content-type", self.guess_type(str(path)))
            self.send_header("content-length", str(len(packed[path])))
            self.send_header("last-modified", stamp)
            if small:
                self.send_header("content-encoding", "gzip")
            self.end_headers()
            for at in range(0, len(packed[path]), 16_384):
                piece = packed[path][at : at + 16_384]
                line.carry(len(piece))
                self.wfile.write(piece)

        def log_message(self, *args: Any) -> None:
            del args

        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(root))

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def rows() -> Iterator[Row]:
    if importlib.util.find_spec("playwright") is None or shutil.which("chromium") is None:
        return
    spec = importlib.util.spec_from_file_location("page", ROOT / "docs" / "page.py")
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    try:
        built = maker.build()
    except maker.Unavailable:
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        yield from started(browser, built)
        browser.close()


def started(browser: Any, built: Path) -> Iterator[Row]:
    line = Line(RATE)
    with hosted(built, line) as address:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(address, wait_until="commit")
        cold = page.evaluate(STARTED)
        page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        time.sleep(1)
        sent = line.sent
        again = context.new_page()
        page.close()
        again.goto(address, wait_until="commit")
        warm = again.evaluate(STARTED)
        yield from bars(
            "cold, 10 Mbit/s and 40 ms: ", cold, {"paint": 700, "curve": 1200, "shapes": 1200, "python": 10_000}
        )
        yield from bars("warm: ", warm, {"python": 1800})
        yield Row("MB of the first visit, from a host that compresses", sent / 1e6, "at most 7", sent <= 7e6)
        again.evaluate(MOVES, 10)
        spent = sorted(again.evaluate(MOVES, 60))
        middle, high = statistics.median(spent), spent[round(0.95 * len(spent)) - 1]
        yield Row("slider to drawn curve, median, ms", middle, "below 20", middle < 20)
        yield Row("slider to drawn curve, 95th percentile, ms", high, "below 50", high < 50)
        context.close()
    line = Line(1e9)
    with hosted(built, line, compresses=False) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address, wait_until="commit")
        page.evaluate(STARTED)
        page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        time.sleep(1)
        yield Row("MB of the first visit, from one that does not", line.sent / 1e6, "at most 8", line.sent <= 8e6)
        context.close()


NAMES = {
    "paint": "first paint, ms",
    "curve": "a curve to hover and play, ms",
    "shapes": "twelve shapes to choose, ms",
    "python": "the first free slider, ms",
}


def bars(when: str, found: dict[str, float], most: dict[str, float]) -> Iterator[Row]:
    for name, limit in most.items():
        yield Row(when + NAMES[name], found[name], f"below {limit:g}", found[name] < limit)
