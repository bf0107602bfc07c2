"""A server, Debian's Chromium, and a page that must never ask anything beyond this machine."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.playground.finished import write

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
FIRST = (
    "v=1&s=warmup_cosine(10000, warmup=500)&at=0,500,5000,9999"
    '&p=["wsd(10000, warmup=500, cooldown=2000)","",1]&p=["one_cycle(10000)","",2]'
)
SERVE = """
import sys
from glidepath.playground import serve
if sys.argv[2:]:  # trainings in this process: that workers are started, heard and ended is tests/playground/test_server.py's
    from glidepath.lab.engines import engine, workers
    workers.Workers = engine.InProcess
serve(open_browser=False, runs=sys.argv[1], announce=lambda address: print(address, flush=True))
"""


def pytest_collection_modifyitems(items):
    reason = ""
    if importlib.util.find_spec("playwright") is None:
        reason = "playwright is not installed: pip install '.[dev]'"
    elif CHROMIUM is None:
        reason = "there is no chromium on the path: make browser"
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@contextlib.contextmanager
def served(runs, *options):
    """Where the page is that shows the runs of a folder."""
    process = subprocess.Popen([sys.executable, "-c", SERVE, str(runs), *options], stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """Where the page is; it has no runs to show."""
    with served(tmp_path_factory.mktemp("runs")) as found:
        yield found


@pytest.fixture(scope="session")
def runs_address(tmp_path_factory):
    """Where the page is that has finished runs to show."""
    pytest.importorskip("scipy")
    with served(write(tmp_path_factory.mktemp("finished")), "inside") as found:
        yield found


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Opened:
    """A page of ours with a few words for what the tests do."""

    def __init__(self, page, address):
        self.page, self.address = page, address
        self.foreign, self.errors = [], []

    def go(self, fragment=""):
        self.page.goto("about:blank")
        self.page.goto(self.address + (f"#{fragment}" if fragment else ""))
        self.wait("Boolean(window.glidepath && window.glidepath.redraws > 0)")
        return self

    def afresh(self):
        """Brings the page back to its first state without reading it again."""
        self.foreign.clear()
        self.errors.clear()
        if not self.page.evaluate("Boolean(window.glidepath)"):
            return self.go()
        before = self.page.evaluate("glidepath.redraws")
        self.page.evaluate(
            """first => { document.activeElement.blur(); scrollTo(0, 0);
              glidepath.player.pause(); glidepath.player.go(0); glidepath.gestures.end();
              glidepath.chart.zoom = null; glidepath.selected = 0; glidepath.open(first); glidepath.tabs.show(1); glidepath.write(false);
              glidepath.history.past.length = glidepath.history.future.length = 0; }""",
            FIRST,
        )
        self.wait(f"glidepath.redraws > {before} && glidepath.pinned.length === 2")
        self.rest()
        self.page.evaluate("glidepath.history.past.length = 0")
        return self

    def wait(self, expression, seconds=20.0):
        """Waits until something is true in the page; the page's policy forbids what playwright itself does for this."""
        for _ in range(int(seconds * 50)):
            found = self.page.evaluate(expression)
            if found:
                return found
            self.page.wait_for_timeout(20)
        raise AssertionError(f"never true: {expression}")

    def rest(self):
        """Waits until everything that follows a change has followed; at once, as the hand is known to rest."""
        for _ in range(2):
            self.page.wait_for_timeout(40)  # a change is drawn, and asked about, in the next frame
            self.wait("!glidepath.pending && !glidepath.gestures.on")
            self.page.evaluate("glidepath.due.count && (glidepath.settle.cancel(), glidepath.settled())")
            self.wait("glidepath.due.count === 0 && !glidepath.pending && !glidepath.gestures.on")
            self.wait("Boolean(glidepath.details?.ok) && location.hash.length > 3")

    def text(self):
        return self.page.evaluate("glidepath.state.text")

    def type(self, text):
        """Types a schedule as text and waits for its curve."""
        before = self.page.evaluate("glidepath.redraws")
        self.line(text)
        self.wait(f"glidepath.redraws > {before}")

    def line(self, text):
        """Opens the text of the schedule and types there."""
        if not self.page.is_visible("#line"):
            self.page.click("#textchip")
        self.page.fill("#line", text)

    def choose(self, word):
        """Takes a schedule from the box that finds them."""
        self.page.fill("#search", word)
        self.page.click(f'#found [data-word="{word}"]')

    def path(self, slot=0):
        """The path of a curve as it is drawn."""
        return self.page.evaluate(
            "slot => { const all = [...document.querySelectorAll('#chart path.curve')];"
            " return all[all.length - 1 - slot]?.getAttribute('d'); }",
            slot,
        )

    def curve(self):
        """The points of the curve being worked on."""
        return self.page.evaluate("[Array.from(glidepath.active.steps), Array.from(glidepath.active.values)]")

    def shot(self, name):
        """Keeps a picture of the page, to be looked at."""
        self.shot_of(self.page, name)

    @staticmethod
    def shot_of(page, name):
        """Keeps a picture of any page."""
        folder = Path(os.environ.get("GLIDEPATH_SCREENSHOTS", ROOT / "runs" / "screenshots"))
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(folder / f"{name}.png"), full_page=True)


@pytest.fixture(scope="module")
def shared(browser, address):
    """One page for the tests that need no other window: the chart's library is read once."""
    with window(browser, address) as page:
        yield page


@pytest.fixture
def opened(request, browser, address):
    """A page in its first state; the test fails if it asked any other host, or if a script of it failed."""
    options = getattr(request, "param", None)
    if options is not None:
        with window(browser, address, **options) as page:
            yield page
        return
    page = request.getfixturevalue("shared").afresh()
    yield page
    assert page.foreign == []
    assert page.errors == []


@contextlib.contextmanager
def window(browser, address, **options):
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address.rstrip("/"))
    opened = Opened(context.new_page(), address)
    context.on("request", lambda r: opened.foreign.append(r.url) if not ours(r.url, address) else None)
    opened.page.on("pageerror", lambda error: opened.errors.append(str(error.stack or error)))
    opened.page.on("dialog", lambda dialog: (opened.errors.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    opened.page.on("console", lambda m: opened.errors.append(m.text) if "Content Security Policy" in m.text else None)
    yield opened.go()
    context.close()
    assert opened.foreign == []
    assert opened.errors == []


def ours(url, address):
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob", "about") or parts.netloc == urlsplit(address).netloc
