"""Runs in the page's own Python while the page is built: finds the modules that its answers need, and compiles them."""

import base64
import importlib
import json
import marshal
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

STOCK = next(path for path in sys.path if path.endswith(".zip"))
ALWAYS = (
    "encodings.utf_8",
    "encodings.ascii",
    "encodings.latin_1",
    "encodings.idna",
    "traceback",
    "linecache",
    "tokenize",
    "zipimport",
)


def needed():
    """The names of the modules of the standard library that are loaded now."""
    return {
        name
        for name, module in sys.modules.items()
        if str(getattr(module, "__file__", None) or "").startswith(STOCK)
        and module.__name__ == name
        and module.__spec__.origin != "frozen"
    }


def compiled(source, name, optimize):
    """The bytes of a .pyc, which is never compared with its source."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=optimize)
    return MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code)


def stock(name):
    """The path in the archive and the source of a module of the standard library."""
    loader = sys.modules[name].__spec__.loader
    path = sys.modules[name].__file__.removeprefix(STOCK + "/")
    return path, loader.get_source(name)


def packed(to, files):
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(path), content)


orders = json.loads(Path("/orders.json").read_text())
for name in ALWAYS:
    importlib.import_module(name)
before = needed()
sys.path.insert(0, "/sources/glidepath")
from glidepath.playground import answers  # noqa: E402

for path, body in orders["first"]:
    found = answers.answer(path, json.dumps(body))
    if found.status not in (200, 422):
        raise SystemExit(f"{path}: {found.body!r}")
first = needed()
sys.path.append("/sources/late")
for path, body in orders["late"]:
    found = answers.answer(path, json.dumps(body))
    if found.status != 200 or not json.loads(found.body)["formula"]:
        raise SystemExit(f"{path}: {found.body!r}")
late = needed() - first
split = {name.partition(".")[0] for name in late} & {name.partition(".")[0] for name in first}
first |= {name for name in late if name.partition(".")[0] in split}  # an archive holds a package whole
late -= first

library = {path + "c": compiled(source, f"{STOCK}/{path}", 2) for path, source in map(stock, first)}
packed("/out/stdlib", library)
ours = {}
for place in sorted(Path("/sources/glidepath").rglob("*.py")):
    path = str(place.relative_to("/sources/glidepath"))
    ours[path + "c"] = compiled(place.read_text(), f"/glidepath.zip/{path}", 1)
    if path.endswith("core/namespace.py"):
        ours[path] = place.read_bytes()  # printed code copies its functions
packed("/out/glidepath", ours)
rest = {path + "c": compiled(source, f"/late/{path}", 2) for path, source in map(stock, late)}
for place in sorted(Path("/sources/late").rglob("*")):
    path = str(place.relative_to("/sources/late"))
    if place.suffix == ".py":
        rest[path + "c"] = compiled(place.read_text(), f"/late/{path}", 2)
    elif place.is_file():
        rest[path] = place.read_bytes()
Path("/out/late").write_text(
    json.dumps({path: base64.b64encode(content).decode() for path, content in sorted(rest.items())})
)
Path("/out/modules.json").write_text(
    json.dumps({"python": sys.version.split()[0], "first": sorted(first), "late": sorted(late), "boot": sorted(before)})
)
