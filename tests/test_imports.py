"""Importing glidepath is light: it loads no framework, no numpy, no plotting."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "torch", "jax", "optax", "keras", "tensorflow", "matplotlib", "pandas", "scipy", "plotly", "fastapi")


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after `statement`."""
    code = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
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
