"""Importing glidepath is light: it loads no framework, no numpy, no plotting."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import glidepath

HEAVY = ("numpy", "torch", "jax", "optax", "keras", "tensorflow", "matplotlib", "pandas", "scipy", "plotly", "fastapi")


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after `statement`."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_import_loads_no_framework():
    assert modules_after("import glidepath").isdisjoint(HEAVY)


def test_reading_printing_and_evaluating_a_number_loads_no_framework():
    statement = (
        "import glidepath; s = glidepath.parse('warmup(500) >> cosine(9500, floor=0.1)'); s(3); str(s); s.duration"
    )

    assert modules_after(statement).isdisjoint(HEAVY)


def test_the_probe_sees_a_heavy_import():
    assert "numpy" in modules_after("import numpy")


@pytest.mark.parametrize("module", ["glidepath.cli", "glidepath.recipes"])
def test_light_rooms_load_no_framework(module: str):
    assert modules_after(f"import {module}").isdisjoint(HEAVY)


def imported_rooms(path: Path, source: Path) -> set[str]:
    """Return the rooms that a module imports, in functions too; what only a checker of types reads is left out."""
    package = ("glidepath", *path.relative_to(source).parts[:-1])
    found: set[str] = set()
    stack: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            stack.extend(node.orelse)
            continue
        stack.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("glidepath.")}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            if module[:1] == ("glidepath",):
                found |= {module[1]} if len(module) > 1 else {alias.name for alias in node.names}
    return found


def test_no_room_imports_one_that_imports_it():
    source = Path(glidepath.__file__).parent
    rooms = {path.name.removesuffix(".py") for path in source.iterdir()} - {"__init__", "__main__"}
    below: dict[str, set[str]] = {room: set() for room in rooms}
    for path in source.rglob("*.py"):
        room = path.relative_to(source).parts[0].removesuffix(".py")
        if room in rooms:
            below[room] |= (imported_rooms(path, source) & rooms) - {room}

    assert below["lab"] >= {"core", "torch", "plan"}
    with_nothing_below = {room for room, others in below.items() if not others}
    while with_nothing_below:  # rooms are taken away from the ground up; those of a circle stay
        below = {room: others - with_nothing_below for room, others in below.items() if room not in with_nothing_below}
        with_nothing_below = {room for room, others in below.items() if not others}
    assert below == {}


def imported_names(path: Path) -> list[tuple[Path, str, int]]:
    """Return the home of every name that a module imports from glidepath, the name, and the dots it was written with."""
    source = Path(glidepath.__file__).parent
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1] / (node.module or "").replace(".", "/")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "glidepath":
            base = source.parent / str(node.module).replace(".", "/")
        else:
            continue
        home = base if base.is_dir() else base.parent
        found += [(home, one.name, node.level) for one in node.names]
    return found


def test_no_private_name_crosses_a_room():
    crossed = [
        f"{path.name}: {name}"
        for path in Path(glidepath.__file__).parent.rglob("*.py")
        for home, name, _ in imported_names(path)
        if name.startswith("_") and not name.startswith("__") and home != path.parent
    ]

    assert crossed == []


def test_the_package_names_its_own_modules_relatively():
    absolute = [
        f"{path.name}: {name}"
        for path in Path(glidepath.__file__).parent.rglob("*.py")
        for _, name, level in imported_names(path)
        if not level
    ]

    assert absolute == []


NEEDED = {
    "torch": ("torch", "torch"),
    "jax": ("optax", "jax"),
    "keras": ("keras", "keras"),
    "lightning": ("lightning", "lightning"),
    "transformers": ("accelerate", "transformers"),
}


def test_a_framework_that_is_missing_is_named_with_its_extra():
    code = f"""
import importlib, sys
for room, (library, _) in {NEEDED}.items():
    sys.modules[library] = None
    try:
        importlib.import_module("glidepath." + room)
    except ImportError as error:
        print(error)
    del sys.modules[library]
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [
        f"glidepath.{room}: packages must be installed, got no {library} (pip install '.[{extra}]')"
        for room, (library, extra) in NEEDED.items()
    ]
