"""Builds the page as plain files, for any static host: site/play/. Python comes along, in WebAssembly.

Pyodide is taken from npm, at the version and with the checksum below. What was built is kept in build/ under a hash of what it is made of.
"""

import argparse
import ast
import base64
import fcntl
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib import metadata, util
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "glidepath"
STATIC = SOURCES / "playground" / "static"
BUILD = ROOT / "build"

PYODIDE = "314.0.7"
CHECKSUM = (
    "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="  # SHA-512, as npm has it
)

# What answers the page. The rest of the package needs a machine: files, processes, NumPy.
ROOMS = ("core", "recipes", "dialects", "feedback", "plan")
MACHINE = ("forecast.html", "forecast.js")  # parts of the page that only the server has
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'"
)
# The first curve stands where the chart will draw it, until it does.
FIRST = (
    "#chart .first{left:54px;top:42px;width:calc(100% - 146px);height:calc(100% - 80px);color:var(--accent)}"
    "#chart .first:not(:only-child){display:none}"
    "@media(max-width:700px){#chart .first{left:42px;top:40px;width:calc(100% - 100px);height:calc(100% - 64px)}}"
)


class Unavailable(Exception):
    """Something that the build needs is not on this machine."""


def build() -> Path:
    """Returns the folder of the built page, which is made unless it is there."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise Unavailable(f"{tool} must be on the path to build the page")
    key = _key()
    made = BUILD / f"page-{key}"
    if (made / "index.html").exists():
        return made
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "page.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests that run side by side build it once
        if not (made / "index.html").exists():
            _build(made, _pyodide(), key)
    return made


def _build(made: Path, pyodide: Path, key: str) -> None:
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        work = Path(folder)
        _write(work / "play", pyodide, work, key)
        shutil.rmtree(made, ignore_errors=True)
        (work / "play").rename(made)
    for old in sorted(BUILD.glob("page-*/"), key=lambda path: path.stat().st_mtime)[:-3]:
        shutil.rmtree(old, ignore_errors=True)


def _key() -> str:
    """A hash of everything that the page is made of."""
    digest = hashlib.sha256(f"{PYODIDE} {sys.version_info[:2]} {metadata.version('latex2mathml')}".encode())
    files = [path for path in SOURCES.rglob("*") if path.suffix in (".py", ".js", ".css", ".html", ".svg", ".json")]
    for path in sorted([*files, *Path(__file__).parent.glob("page*.*"), ROOT / "space" / "README.md"]):
        if path.suffix != ".md" or path.parent.name == "space":
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _pyodide() -> Path:
    """Returns the folder of Pyodide, from npm."""
    folder = BUILD / f"pyodide-{PYODIDE}"
    if (folder / "package" / "pyodide.mjs").exists():
        return folder / "package"
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["npm", "pack", "--silent", f"pyodide@{PYODIDE}"], cwd=folder, capture_output=True, text=True, check=False
    )
    archive = folder / f"pyodide-{PYODIDE}.tgz"
    if done.returncode or not archive.exists():
        raise Unavailable(f"npm must reach its registry, or have pyodide@{PYODIDE} in its cache: {done.stderr[-300:]}")
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != CHECKSUM:
        archive.unlink()
        raise SystemExit(f"pyodide@{PYODIDE}: checksum must be sha512-{CHECKSUM}, got sha512-{found}")
    with tarfile.open(archive) as inside:
        inside.extractall(folder, filter="data")
    return folder / "package"


def _write(to: Path, pyodide: Path, work: Path, key: str) -> None:
    from glidepath.playground import answers

    (to / "python").mkdir(parents=True)
    shutil.copytree(STATIC, to / "static", ignore=shutil.ignore_patterns(*MACHINE, "index.html", "service.js"))
    start = answers.start()
    (to / "start.json").write_text(json.dumps(start, allow_nan=False, separators=(",", ":")), encoding="utf-8")
    _python(to / "python", pyodide, work, [entry["text"] for entry in start["catalogue"]["words"].values()])
    (to / "index.html").write_text(page(start["picture"]), encoding="utf-8")
    (to / ".nojekyll").touch()
    files = sorted(str(path.relative_to(to)) for path in to.rglob("*") if path.is_file() and path.name != ".nojekyll")
    shutil.copy(ROOT / "space" / "README.md", to)  # for a Space of Hugging Face, which is told by it what it serves
    service = (STATIC / "service.js").read_text(encoding="utf-8")
    service = service.replace('"{{key}}"', json.dumps(key)).replace('["{{files}}"]', json.dumps(["./", *files]))
    (to / "service.js").write_text(service, encoding="utf-8")
    worker = to / "static" / "worker.js"
    lock = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
    text = worker.read_text(encoding="utf-8").replace('"{{key}}"', json.dumps(key))
    text = text.replace('"{{lock}}"', json.dumps({"info": lock["info"], "packages": {}}))
    worker.write_text(text, encoding="utf-8")


def page(picture: str) -> str:
    """Returns the server's page as one that stands by itself."""
    text = (STATIC / "index.html").read_text(encoding="utf-8").replace("{{picture}}", picture)
    text = re.sub(r'<meta name="glidepath-(token|home)"[^>]*>\n?', "", text)
    head = (
        f'<meta http-equiv="content-security-policy" content="{POLICY}">\n'
        '<meta name="glidepath-home" content="static">\n'
        f"<style>{FIRST}</style>\n"
        '<script src="static/boot.js"></script>\n'
    )
    text = re.sub(r'\s*<a href="forecast"[^>]*>[^<]*</a>', "", text)  # files and laws need a machine
    if picture not in text:
        text = re.sub(r'(<div id="chart"[^>]*>)', lambda found: found[1] + picture, text, count=1)
    text = text.replace('<meta charset="utf-8">\n', f'<meta charset="utf-8">\n{head}', 1)
    return re.sub(r'\b(href|src)="/', r'\1="', text)


def _python(to: Path, pyodide: Path, work: Path, texts: list[str]) -> None:
    """Writes Python, its library and ours. Packed here, under names that no host takes for something it knows."""
    sources = work / "sources"
    package = sources / "glidepath" / "glidepath"
    for room in ROOMS:
        shutil.copytree(SOURCES / room, package / room, ignore=shutil.ignore_patterns("__pycache__"))
    for room, names in _parts().items():
        (package / room).mkdir()
        (package / room / "__init__.py").write_text(f'"""What the page needs of {room}."""\n', encoding="utf-8")
        for name in names:
            shutil.copy(SOURCES / room / f"{name}.py", package / room / f"{name}.py")
    shutil.copy(SOURCES / "__init__.py", package / "__init__.py")
    converter = sources / "late" / "latex2mathml"
    found = util.find_spec("latex2mathml")
    assert found is not None
    assert found.origin is not None
    shutil.copytree(Path(found.origin).parent, converter, ignore=shutil.ignore_patterns("__pycache__", "py.typed"))
    (converter / "__init__.py").write_text(
        f"__version__ = {metadata.version('latex2mathml')!r}\n"
    )  # it asks its metadata
    orders, made = work / "orders.json", work / "made"
    made.mkdir()
    orders.write_text(json.dumps(asked(texts)), encoding="utf-8")
    script = Path(__file__).with_suffix(".mjs")
    done = subprocess.run(
        ["node", str(script), str(pyodide), str(sources), str(orders), str(made)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"the page's Python could not be built:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    for name in ("stdlib", "glidepath", "late"):
        (to / f"{name}.bin").write_bytes(_packed((made / name).read_bytes()))
    wasm = pyodide / "pyodide.bin"
    if not wasm.exists():
        wasm.write_bytes(_packed((pyodide / "pyodide.asm.wasm").read_bytes()))
    shutil.copy(wasm, to / "pyodide.bin")
    for name in ("pyodide.mjs", "pyodide.asm.mjs"):
        text = (pyodide / name).read_text(encoding="utf-8")
        (to / name).write_text(re.sub(r"\n//# sourceMappingURL=.*", "", text), encoding="utf-8")
    shutil.copy(made / "modules.json", to / "modules.json")


def _parts() -> dict[str, set[str]]:
    """Returns the modules of the other rooms that are imported with what answers, and not only where it is asked for."""
    found: dict[str, set[str]] = {"playground": {"answers"}, "view": set()}
    waiting = [("playground", "answers")]
    while waiting:
        room, name = waiting.pop()
        for statement in ast.parse((SOURCES / room / f"{name}.py").read_text(encoding="utf-8")).body:
            if not isinstance(statement, ast.ImportFrom):
                continue
            module = statement.module or ""
            if statement.level == 1:
                named = [(room, module)] if module else [(room, alias.name) for alias in statement.names]
            else:
                head, _, tail = module.removeprefix("glidepath.").partition(".")
                named = [(head, tail)] if head in found else []
            for one in named:
                if one[1] not in found[one[0]]:
                    found[one[0]].add(one[1])
                    waiting.append(one)
    return found


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def asked(texts: list[str]) -> dict[str, list[tuple[str, dict[str, object]]]]:
    """Returns requests of every sort: what is imported to answer them goes into the page's library."""
    from glidepath.playground.exports import TARGETS

    few = list(
        {text.partition("." if "." in text.partition("(")[0] else "(")[0]: text for text in texts[::-1]}.values()
    )
    first: list[tuple[str, dict[str, object]]] = [("look", {"text": text, "sampled": False}) for text in texts]
    first += [("look", {"text": text}) for text in few]
    first += [
        ("look", {"text": text})
        for text in ("", "(", "cosine(0)", "nonsense(3)", "1e999", "x" * 30_000, "step(3) >> linear(2)")
    ]
    first += [("code", {"text": text, "target": target, "base": 0.1}) for text in few[::2] for target in TARGETS]
    first += [("code", {"text": "expression('1 / (step + 1)')", "target": "python"})]
    first += [("fit", {"text": text, "pins": ["linear(7)"]}) for text in few]
    first += [("at", {"texts": ["cosine(10)"], "step": 3}), ("measures", {"texts": texts[:9], "last": 2000, "at": [7]})]
    first += [("export", {"format": name, "texts": ["cosine(10)"], "last": 9}) for name in ("csv", "json", "gif")]
    first += [("plateau", {"values": values}) for values in ("1, 0.9, 0.9", "epoch,loss\n1,2\n2,1\n")]
    first += [("link", {"texts": ["cosine(400)", "torch.optim.lr_scheduler.StepLR(optimizer, 30)"]})]
    return {"first": first, "late": [("details", {"text": "warmup_cosine(10000, warmup=500)"})]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("to", nargs="?", type=Path, default=ROOT / "site" / "play")
    to = parser.parse_args().to
    from glidepath.playground import gallery

    try:
        made = build()
    except Unavailable as error:
        raise SystemExit(f"glidepath: {error}") from None
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(made, to)
    gallery.write(to / "gallery")
    size = sum(path.stat().st_size for path in to.rglob("*") if path.is_file())
    print(f"glidepath: {to}: {size / 1e6:.1f} MB; try it: {sys.executable} -m http.server -b 127.0.0.1 -d {to}")
