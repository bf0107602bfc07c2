"""The page as plain files: served by `python -m http.server` under a path of its own, with Python in a worker, then without a network."""

import contextlib
import gzip
import http.server
import importlib.util
import json
import math
import re
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from glidepath import parse
from glidepath.playground.answers import ANSWERS, SHAPES, answer, words

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("page", ROOT / "docs" / "page.py")
page = importlib.util.module_from_spec(spec)
spec.loader.exec_module(page)

COSINE = {"t": "call", "lib": "", "word": "cosine", "args": [{"name": "steps", "value": 10}]}
REQUESTS = [
    ("look", {"text": "warmup_cosine(10000, warmup=500)", "pins": ["wsd(10000)"], "sampled": False}),
    ("look", {"text": "cosine(0)", "base": "0,1"}),
    ("look", {"text": "nonsense("}),
    ("look", {"text": "scheduler = StepLR(optimizer, 30)", "sampled": False}),
    ("look", {"text": "LambdaLR(optimizer, lambda e: 0.95 ** e)", "sampled": False}),
    (
        "limits",
        {"tree": COSINE, "rows": [{"path": "", "field": "steps", "value": 10, "low": 1, "high": 50, "whole": True}]},
    ),
    (
        "look",
        {
            "tree": {
                "t": "call",
                "lib": "",
                "word": "cosine",
                "args": [{"name": "steps", "value": {"raw": "1,000", "as": "length"}}],
            },
            "sampled": False,
        },
    ),
    ("at", {"texts": ["cosine(10)", "sgdr(5)"], "step": 3}),
    ("measures", {"texts": ["warmup_cosine(10000, warmup=500)"], "last": 10_000, "at": [7]}),
    ("details", {"text": "warmup_cosine(10000, warmup=5000)"}),
    ("fit", {"text": "wsd(1000)", "pins": ["linear(7)"]}),
    ("code", {"text": "expression('1 / (step + 1)')", "target": "python", "base": 0.1}),
    ("code", {"text": "warmup_cosine(10000, warmup=500)", "target": "pytorch", "base": 0.1}),
    ("plateau", {"values": "1, 0.9, 0.9, 0.9", "options": {"patience": 1}}),
    ("link", {"texts": ["torch.optim.lr_scheduler.StepLR(optimizer, 30)"]}),
    ("export", {"format": "png", "texts": ["cosine(10)"], "last": 9}),
]

# `import` in a string needs no eval in the page itself: playwright evaluates it from outside.
ASK = """async (requests) => {
  const { ask } = await import("./static/ask.js");
  const found = [];
  for (const [path, body] of requests) {
    try { found.push(await ask(path, body)); } catch (error) { found.push({ problems: error.problems ?? String(error) }); }
  }
  return found;
}"""


@pytest.fixture(scope="session")
def built():
    """The built page."""
    try:
        return page.build()
    except page.Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def site(built, tmp_path_factory):
    """A host of plain files, and the address under which the page is: below a path."""
    root = tmp_path_factory.mktemp("host")
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "play").symlink_to(built)
    with hosted(root) as address:
        yield f"{address}/a/b/play/"


@contextlib.contextmanager
def hosted(root):
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "-b", "127.0.0.1", "-d", str(root), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield "http://127.0.0.1:" + re.search(r"port (\d+)", process.stdout.readline()).group(1)
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def strictly_hosted(root):
    """The same, by a host that gives every file the strictest policy that the page can have."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(root))

        def end_headers(self):
            self.send_header("content-security-policy", page.POLICY)
            super().end_headers()

        def log_message(self, *args):
            del args

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def visiting(browser, **options):
    """A window that notes everything it should not have done."""
    context = browser.new_context(**options)
    wrong = []
    context.on(
        "request", lambda r: wrong.append(r.url) if urlsplit(r.url).hostname not in ("127.0.0.1", None) else None
    )
    window = context.new_page()
    window.on("console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None)
    window.on("pageerror", lambda error: wrong.append(str(error)))
    yield window
    assert wrong == []
    context.close()


@pytest.fixture(scope="module")
def window(browser, site):
    """The page, with its Python up."""
    with visiting(browser) as window:
        window.goto(site)
        window.evaluate('async () => (await import("./static/ask.js")).ready')
        yield window


def alike(one, other):
    """Whether two answers are the same, but for the last digits of numbers that two C libraries computed."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-14, abs_tol=1e-15)
    return one == other


def test_python_in_the_browser_answers_what_the_server_answers(window):
    requests = [
        *REQUESTS,
        *(("look", {"text": entry["text"], "sampled": False}) for entry in [*words()["words"].values()][::6]),
    ]
    assert {path for path, _ in requests} == set(ANSWERS)

    found = window.evaluate(ASK, requests)

    for (path, body), here in zip(requests, found, strict=True):
        if path == "export":
            assert "csv or json where the page has no machine behind it" in here["problems"][0]["message"]
            continue
        there = json.loads(answer(path, json.dumps(body)).body)
        assert alike(there, here), (path, body)


def test_files_are_made_in_the_browser(window):
    request = {"format": "csv", "texts": ["cosine(10)"], "last": 9}
    made = window.evaluate(
        'async (request) => { const blob = await (await import("./static/ask.js")).file("export", request);'
        " return [blob.type, await blob.text()]; }",
        request,
    )
    assert made == ["text/csv; charset=utf-8", answer("export", json.dumps(request)).body.decode()]


def test_a_slider_moves_the_curve(window):
    """The page itself, above its Python: a number is set, the path of the curve follows, and the address."""
    wait_for(window, "Boolean(window.glidepath?.controls.length)")
    before = window.evaluate("document.querySelector('#chart path.curve').getAttribute('d')")
    window.evaluate(
        "(() => { const slider = document.querySelector('#controls input[type=range]');"
        " slider.value = String(Number(slider.value) + 60); slider.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )
    wait_for(window, f"document.querySelector('#chart path.curve').getAttribute('d') !== {json.dumps(before)}")
    wait_for(window, "location.hash.includes('warmup')")
    assert (
        window.evaluate("getComputedStyle(document.querySelector('#chart .first') ?? document.head).display") == "none"
    )


def wait_for(window, expression):
    """Waits until something is true; the page's policy forbids what playwright itself does for this."""
    while not window.evaluate(expression):
        window.wait_for_timeout(20)


def test_what_needs_a_machine_says_so(window):
    (found,) = window.evaluate(ASK, [("train", {"text": "cosine(10)", "last": 10})])
    assert "install glidepath-lr[play]" in found["problems"][0]["message"]


DROPPED = """async (language) => {
  (await import("./static/words.js")).speak(language);
  const files = new DataTransfer();
  files.items.add(new File(["step,loss\\n0,2\\n1,1"], "my run.csv"));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize(("language", "words"), [("en", "Nothing was read of this log"), ("zh", "未读取此日志")])
def test_a_log_that_is_dropped_is_not_read_and_says_what_reads_it(window, language, words):
    try:
        window.evaluate(DROPPED, language)
        wait_for(window, f"document.querySelector('#logbox[open]')?.innerText.includes('{words}')")
        said = window.inner_text("#logbox pre")
        assert said.splitlines() == ["glidepath advise 'my run.csv'", "glidepath fit 'my run.csv'"]
    finally:
        window.evaluate("document.querySelector('#logbox').close()")
        window.evaluate('async () => (await import("./static/words.js")).speak("en")')


def test_values_are_there_before_python_is(browser, site):
    """The twelve shapes answer at once; where Python cannot come, the page says so and goes on showing them."""
    with visiting(browser) as window:
        window.route("**/python/*.bin", lambda route: route.abort())
        window.goto(site)
        names, value, refused = window.evaluate(
            """async () => {
              const { start, ready } = await import("./static/ask.js");
              const { compile } = await import("./static/program.js");
              const { shapes } = await start;
              const { curve } = shapes.find((shape) => shape.name === "warmup_cosine").look;
              let refused = "";
              try { await ready; } catch (error) { refused = error.message; }
              return [shapes.map((shape) => shape.name), compile(curve.program)(5000), refused];
            }"""
        )
        assert names == list(SHAPES)
        assert value == pytest.approx(parse(SHAPES["warmup_cosine"])(5000), rel=1e-15)
        assert "Python could not start here" in refused


def test_it_opens_offline_after_the_first_visit_under_the_strictest_policy(browser, built):
    with strictly_hosted(built) as address, visiting(browser) as first:
        first.goto(address)
        first.evaluate(
            'async () => { await (await import("./static/ask.js")).ready; await navigator.serviceWorker.ready; }'
        )
        first.context.set_offline(True)
        again = first.context.new_page()
        again.goto(address)
        assert again.evaluate(ASK, [("look", {"text": "cosine(10)", "sampled": False})])[0]["ok"]
        assert again.evaluate("Boolean(document.querySelector('#chart'))")


def test_the_build_is_small_whole_and_of_python_3_14(built):
    files = [path for path in built.rglob("*") if path.is_file()]
    first = [path for path in files if path.name != "late.bin"]
    assert sum(path.stat().st_size for path in first) < 8e6
    assert sum(min(path.stat().st_size, len(gzip.compress(path.read_bytes(), 6))) for path in first) < 7e6
    assert json.loads((built / "python" / "modules.json").read_text())["python"].startswith("3.14.")
    assert "sdk: static\napp_file: index.html\n" in (built / "README.md").read_text()
    text = (built / "index.html").read_text()
    assert "{{" not in text
    assert "glidepath-token" not in text
    assert "'unsafe-eval'" not in text
    assert not re.findall(r'(?:href|src)="/', text)
    for path in files:
        if path.suffix in (".html", ".css", ".js") and path.parent.name != "python":
            assert "{{" not in path.read_text(), path
            assert not re.search(r'(?:from|import\() ?"https?:', path.read_text()), path
    kept = json.loads(re.search(r"FILES = (\[.*\]);", (built / "service.js").read_text()).group(1))
    assert {str(Path(name)) for name in kept if name != "./"} | {"service.js", ".nojekyll", "README.md"} == {
        str(path.relative_to(built)) for path in files
    }
