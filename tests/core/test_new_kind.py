"""A new kind is one definition, its vector file and its entry in the documentation: one is added in a copy, and what changed is counted."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KIND = '''

@kind("sawtooth")
class Sawtooth(Endless):
    r"""Falls in a straight line to zero, again and again.

    $$ f(t) = a\\,(1 - (t \\bmod T) / T) $$

    Args:
        period: $T$, in steps.
        start: $a$.

    Examples:
        >>> Sawtooth(4)(5)
        0.75
    """

    example = "sawtooth(2500, start=0.5)"

    period: Length
    start: Value = 1.0

    def at(self, clock: Clock) -> Any:
        _, local = clock.cycle(self.period)
        return self.start * local.fraction(self.period)[1]
'''.replace("\\\\", "\\")
USED = """
import glidepath as gp, numpy as np
from glidepath import view
from glidepath.core.codec import schema
from glidepath.playground.catalogue import catalogue

saw = gp.Sawtooth(4)
assert gp.parse("sawtooth(4)") == saw == gp.Schedule.from_json(saw.to_json()) == eval(str(saw), dict(gp.vocabulary()))
assert saw(np.arange(6)).tolist() == [saw(t) for t in range(6)] == [1.0, 0.75, 0.5, 0.25, 1.0, 0.75]
assert "bmod" not in saw.latex() and saw.source()
assert view.example("sawtooth") and view.terminal(saw)
assert catalogue()["words"]["sawtooth"]["args"][0]["type"] == "length"
assert "schedule.sawtooth" in schema()["$defs"]
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what is the core's, with a kind that is not there."""
    copy = tmp_path_factory.mktemp("house")
    for name in ("src", "spec"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "golden"))
    (copy / "tests" / "core").mkdir(parents=True)
    for name in ("strategies", "formulas", "generated", "core/test_meta", "core/test_vectors"):
        shutil.copy(ROOT / "tests" / f"{name}.py", copy / "tests" / f"{name}.py")
    definition = copy / "src" / "glidepath" / "core" / "segments.py"
    text = definition.read_text(encoding="utf-8").replace('    "Ramp",', '    "Ramp",\n    "Sawtooth",', 1)
    definition.write_text(text.rstrip() + "\n" + KIND, encoding="utf-8")
    return copy


def run(house: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(house / "src"), str(house / "tests")])}
    return subprocess.run(
        [sys.executable, *words], cwd=house, env=environment, capture_output=True, text=True, check=False
    )


def changed(house: Path) -> set[str]:
    """Return the files that differ from those here."""
    files = [
        path for path in house.rglob("*") if path.is_file() and not {"__pycache__", ".hypothesis"} & set(path.parts)
    ]
    paths = [path.relative_to(house) for path in files]
    return {
        str(path)
        for path in paths
        if not (ROOT / path).exists() or (ROOT / path).read_bytes() != (house / path).read_bytes()
    }


def after_tests(names: str, status: int) -> str:
    """Return the code that runs the tests of these names and wants this status of them."""
    words = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "tests/core", "-k", names]
    return f"import pytest; assert pytest.main({words!r}) == {status}\n"


def test_a_kind_is_its_definition_and_its_vectors(house: Path):
    used = run(house, "-c", USED + after_tests("committed_files", 1))
    assert used.returncode == 0, used.stderr + used.stdout
    assert changed(house) == {"src/glidepath/core/segments.py"}

    names = "every_kind or every_vector or committed_files or committed_schema or sawtooth"
    write = "import runpy; runpy.run_path('spec/generate.py', run_name='__main__')\n"
    done = run(house, "-c", write + after_tests(names, 0))
    assert done.returncode == 0, done.stderr + done.stdout
    assert changed(house) == {
        "src/glidepath/core/segments.py",
        "spec/vectors/sawtooth.json",
        "spec/schedule.schema.json",  # written by the same command
    }
