"""The page: how soon it is there, and from a move of the slider to the redrawn curve, in headless Chromium, with three curves of 1000 points.

Times of this machine; other work on it shows. Without Chromium and playwright there is nothing to measure.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from bench import Row

ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SERVE = "from glidepath.playground import serve; serve(open_browser=False, runs=None, announce=lambda a: print(a, flush=True))"

_STARTS = 3

# One move of the slider at a time, each waited for until the picture that holds it has been handed to the screen.
MOVES = """async (count) => {
  const app = window.glidepath, slider = document.querySelector("#controls .control:nth-child(2) input[type=range]");
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const spent = [];
  for (let i = 0; i < count; i++) {
    await new Promise((done) => setTimeout(done, 60));
    const before = app.redraws, begin = performance.now();
    slider.value = String(600 + 20 * i);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    while (app.redraws === before) await new Promise((done) => setTimeout(done, 0));
    spent.push(performance.now() - begin);
    await painted();
  }
  return spent;
}"""


def rows() -> Iterator[Row]:
    if importlib.util.find_spec("playwright") is None or shutil.which("chromium") is None:
        return
    starts: list[float] = []
    for _ in range(_STARTS - 1):
        with served() as (_, up):
            starts.append(up)
    with served() as (address, up):
        starts.append(up)
        yield from measured(address, statistics.median(starts))


@contextlib.contextmanager
def served() -> Iterator[tuple[str, float]]:
    """Starts the server; gives its address and how long it took until it answered."""
    begin = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip(), time.perf_counter() - begin
    finally:
        server.terminate()
        server.wait(10)


def measured(address: str, up: float) -> Iterator[Row]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        begin = time.perf_counter()
        page.goto(address)
        ready(page)
        shown = time.perf_counter() - begin
        yield Row("seconds until the server answers", up, "part of the next", up <= 2)
        yield Row(
            "seconds until the server answers and the page shows its first curve",
            up + shown,
            "at most 2",
            up + shown <= 2,
        )
        page.evaluate(MOVES, 10)
        spent = sorted(page.evaluate(MOVES, 60))
        middle, high = statistics.median(spent), spent[round(0.95 * len(spent)) - 1]
        yield Row("slider to redrawn curve, median, ms", middle, "below 30", middle < 30)
        yield Row("slider to redrawn curve, 95th percentile, ms", high, "below 50", high < 50)
        redrawn = drag(page)
        yield Row("redraws during the 40 moves of a drag", redrawn, "at least 36", redrawn >= 36)
        browser.close()


def ready(page: Any) -> None:
    """Waits for the first curve."""
    for _ in range(500):
        if page.evaluate("Boolean(window.glidepath && window.glidepath.redraws > 0)"):
            return
        page.wait_for_timeout(10)
    raise RuntimeError("the page shows no curve")


def drag(page: Any) -> int:
    """Returns how often the curve was redrawn while the pointer dragged the slider 40 times, the button still down."""
    box = page.locator("#controls .control:nth-child(2) input[type=range]").bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 20, y)
    page.mouse.down()
    page.wait_for_timeout(300)
    before = page.evaluate("glidepath.redraws")
    for i in range(40):
        page.mouse.move(box["x"] + 24 + 3 * i, y)
        page.wait_for_timeout(33)
    page.wait_for_timeout(60)
    after = page.evaluate("glidepath.redraws")
    page.mouse.up()
    return after - before
