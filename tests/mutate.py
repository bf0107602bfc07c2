"""Breaks the code in many small ways and tells which of them no test notices: `make mutate`, with `ARGS="words to pick some"`.

What is broken is listed in `core/mutations.py`, `torch/mutations.py` and, for the other rooms, in `mutations.py`, as text; in
`dropin/mutations.py`, as ways of breaking each class. All runs in a copy of the tree, two at a time. A suite is finished when every mutant is
killed.
"""

import argparse
import contextlib
import importlib
import importlib.util
import io
import multiprocessing
import os
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "site", "runs", "results", "node_modules")
PYTEST = ("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--assert=plain", "--no-header", "--timeout=200")
CONTROL = "control"


@dataclass(frozen=True)
class Text:
    """A mutant of a room: some text in a file, replaced."""

    column: str
    file: str
    old: str
    new: str
    row: str = "core"

    @property
    def words(self) -> str:
        return f"{self.row} {self.file} {self.column}"

    def killer(self) -> str:
        """Returns the name of a test that fails in a process with the broken source."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copytree("src", folder / "src")
            source = folder / "src" / "glidepath" / self.file
            text = source.read_text(encoding="utf-8")
            if self.old not in text:
                return ""  # the list is no longer true of the file: to be mended as a survivor is
            source.write_text(text.replace(self.old, self.new), encoding="utf-8")
            command = [sys.executable, "tests/mutate.py", "--tests", self.row]
            path = os.pathsep.join([str(folder / "src"), "src"])
            done = subprocess.run(
                command,
                env={**os.environ, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
        return done.stdout.strip().rpartition("\n")[2] or (done.stderr and "it does not start")


@dataclass(frozen=True)
class Class:
    """A mutant of a drop-in scheduler: one class, or all, broken in one way."""

    row: str
    column: str

    @property
    def words(self) -> str:
        return f"dropin {self.row} {self.column}"

    def killer(self) -> str:
        """Returns the name of a test that fails, in a process forked for this mutant."""
        mutations = listed("dropin")
        for name in mutations.CLASSES if self.column == CONTROL else [self.row]:
            mutations.broken(name, self.column)
        return failing("dropin", self.row)


class Watch:
    """A plugin of pytest: what concerns the mutant first, nothing shrunk, and the first failure."""

    def __init__(self, row: str) -> None:
        self.row, self.found = row, ""

    def pytest_collection(self, session: Any) -> None:
        from hypothesis import Phase, settings

        settings.register_profile("mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: (self.row not in item.nodeid, "machine" in item.nodeid))

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.found:
            self.found = report.nodeid.rpartition("/")[2]

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed and not self.found:
            self.found = f"{report.nodeid} does not import"


def listed(suite: str) -> Any:
    """Returns what lists what is broken in a suite: its own module, or its room in the list of all."""
    if not Path(f"tests/{suite}/mutations.py").exists():
        tests, rows = rooms()[suite]
        return SimpleNamespace(TESTS=tests, OPTIONS=(), MUTATIONS=rows)
    name = f"{suite}_mutations"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, f"tests/{suite}/mutations.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def rooms() -> dict[str, Any]:
    """Returns the list of the rooms around the core."""
    return runpy.run_path("tests/mutations.py")["ROOMS"]


def failing(suite: str, row: str = "") -> str:
    """Runs the tests of a suite in this process and returns the first that fails, or an empty string."""
    import pytest

    watch = Watch(row)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = pytest.main(
            [*PYTEST, *listed(suite).OPTIONS, *(f"tests/{suite}/test_{name}.py" for name in listed(suite).TESTS)],
            plugins=[watch],
        )
    return watch.found or ("" if code == 0 else f"pytest ended with {code}")


def run(mutant: Text | Class) -> tuple[Text | Class, str, float]:
    begin = time.monotonic()
    try:
        return mutant, mutant.killer(), time.monotonic() - begin
    except subprocess.TimeoutExpired:
        return mutant, "it hangs", time.monotonic() - begin


def reported(results: Iterator[tuple[Text | Class, str, float]]) -> dict[tuple[str, str], str]:
    """Prints each result as it comes and returns all, the control turned round: it must pass."""
    found = {}
    for mutant, test, seconds in results:
        verdict = "killed" if bool(test) != (mutant.column == CONTROL) else "SURVIVED" if not test else "FAILS UNBROKEN"
        found[mutant.row, mutant.column] = verdict
        print(f"{verdict:9} {mutant.row:28} {mutant.column:45} {seconds:4.0f} s  {test}", flush=True)
    return found


def table(found: dict[tuple[str, str], str]) -> str:
    """Returns the verdicts on the classes: a line for each class, a column for each way; `-` where the class has not what is broken."""
    rows = sorted({row for row, _ in found} & set(listed("dropin").CLASSES))
    columns = [way for way in listed("dropin").WAYS if any((row, way) in found for row in rows)]
    marks = {"killed": "x", "SURVIVED": "SURVIVED", "": "-"}
    lines = [f"{'':28}" + "  ".join(columns)]
    for row in rows:
        cells = [f"{marks[found.get((row, column), '')]:{len(column)}}" for column in columns]
        lines.append(f"{row:28}" + "  ".join(cells).rstrip())
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("words", nargs="*", help="of the mutants to make; all without")
    reader.add_argument("--workers", type=int, default=2)
    reader.add_argument("--tests", help=argparse.SUPPRESS)
    given = reader.parse_args(arguments)
    if given.tests:
        print(failing(given.tests))
        return 0
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name) / "tree"
        shutil.copytree(ROOT, tree, ignore=LEFT_OUT)
        os.chdir(tree)
        os.environ["CI"] = "1"
        sys.path.insert(0, str(tree / "src"))
        everything = [
            *(Class(row, column) for row, column in listed("dropin").MUTATIONS),
            *(Text(*broken, room) for room in ("core", "torch", *rooms()) for broken in listed(room).MUTATIONS),
        ]
        chosen = [m for m in everything if not given.words or any(word in m.words for word in given.words)]
        begin = time.monotonic()
        for module in ("pytest", "hypothesis.stateful", "torch._dynamo"):  # once for all processes that are forked
            importlib.import_module(module)
        with multiprocessing.get_context("fork").Pool(given.workers, maxtasksperchild=1) as pool:
            found = reported(pool.imap_unordered(run, chosen, chunksize=1))
        os.chdir(ROOT)
        left = [key for key, verdict in found.items() if verdict != "killed"]
        print(
            f"\n{table(found)}\n\n{len(found) - len(left)} of {len(found)} as they should be, {time.monotonic() - begin:.0f} s"
        )
        return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
