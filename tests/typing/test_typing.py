"""Constructors and recipes are typed: pyright finds what is wrong in the lines of a user, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import glidepath

HERE = Path(__file__).parent


def test_a_checker_of_types_finds_what_is_wrong_and_nothing_else():
    command = [sys.executable, "-m", "pyright", "--outputjson", str(HERE / "right.py"), str(HERE / "wrong.py")]
    environment = os.environ | {"PYTHONPATH": str(Path(glidepath.__file__).parents[1])}
    done = subprocess.run(command, cwd=HERE.parents[1], env=environment, capture_output=True, text=True, check=False)

    found = {
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1): one["message"]
        for one in json.loads(done.stdout)["generalDiagnostics"]
        if one["severity"] == "error"
    }
    lines = (HERE / "wrong.py").read_text().splitlines()
    marked = {("wrong.py", number) for number, line in enumerate(lines, 1) if "# wrong" in line}

    assert {place: found[place] for place in set(found) - marked} == {}
    assert marked - set(found) == set()
    assert len(marked) > 15


def test_the_package_says_that_it_is_typed():
    assert (Path(glidepath.__file__).parent / "py.typed").is_file()
