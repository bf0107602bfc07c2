"""The program that the page evaluates: the vectors again, through JavaScript."""

import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest

from generated import SPEC
from glidepath import Schedule, parse
from glidepath.core.program import program

SCRIPT = Path(__file__).resolve().parents[2] / "src/glidepath/playground/static/program.js"
NODE = shutil.which("node")
RUN = """
import { readFileSync } from "fs";
import { compile, many } from "./program.mjs";
const shown = (value) => (Number.isFinite(value) ? value : String(value));
const rows = JSON.parse(readFileSync(0, "utf8")).map(([program, steps]) => {
  const value = compile(program);
  const one = steps.map((step) => value(step));
  const all = many(program, Float64Array.from(steps));
  if (one.some((each, i) => !Object.is(each, all[i]))) throw new Error("many differs from compile");
  return one.map(shown);
});
console.log(JSON.stringify(rows));
"""

needs_node = pytest.mark.skipif(NODE is None, reason="there is no node on the path")


def evaluated(cases, folder):
    """The values of programs, in JavaScript."""
    shutil.copy(SCRIPT, folder / "program.mjs")
    (folder / "run.mjs").write_text(RUN)
    made = subprocess.run(
        [NODE, "run.mjs"], cwd=folder, input=json.dumps(cases), capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    return [[float(value) for value in row] for row in json.loads(made.stdout)]


def apart(x, y):
    """How many units in the last place two numbers are apart."""
    return 0.0 if x == y or (x != x and y != y) else abs(x - y) / math.ulp(max(abs(x), abs(y)))


@needs_node
def test_the_vectors_come_out_of_javascript_within_4_ulp_and_the_ends_exactly(tmp_path):
    cases = [case for path in sorted((SPEC / "vectors").glob("*.json")) for case in json.loads(path.read_text())]
    schedules = [Schedule.from_dict(case["schedule"]) for case in cases]
    programs = [program(schedule, int(max(case["steps"]))) for schedule, case in zip(schedules, cases, strict=True)]
    assert None not in programs

    rows = evaluated([[one, case["steps"]] for one, case in zip(programs, cases, strict=True)], tmp_path)

    worst, inexact = 0.0, 0
    for case, schedule, values in zip(cases, schedules, rows, strict=True):
        for step, kept, value in zip(case["steps"], case["values"], values, strict=True):
            worst, inexact = max(worst, apart(kept, value)), inexact + (kept != value)
            assert apart(kept, value) <= 4, (case["text"], step)
            assert kept == value or 0 < step < schedule.duration, (case["text"], step)
    assert sum(len(row) for row in rows) > 3000
    assert inexact < 100, worst


@needs_node
def test_python_and_javascript_agree_on_what_is_odd(tmp_path):
    """Operations where the two languages differ by themselves: signs of remainders, poles, NaN, infinity, ties."""
    texts = [
        "expression('(step - 7) % 5 + (3 - step) % -4')",
        "expression('(step - 7) // 2.5 + (3 - step) // 4')",
        "expression('1 / (step - 3)')",
        "expression('log(step - 3) + sqrt(step - 5)')",
        "expression('(step - 3) ** 0.5 + (step - 3) ** -2')",
        "expression('min(step, 5) * max(0.1, 1 - step / 7)')",
        "expression('exp(step * 100)')",
        "multistep([3, 5, 8, 9], factor=0.3)",
        "table([0, 3, 9], [1, 0.2, 0.7])",
        "repeat(cosine(7), growth=1.3, decay=0.9)",
        "stretch(repeat(linear(3)), 1.1)",
    ]
    made = []
    for text in texts:
        try:
            made.append(parse(text))
        except ValueError:  # refused because of its pole
            continue
    steps = [-1, 0, 0.5, *range(1, 12), 12.75, 1e6, 1e12]
    rows = evaluated([[program(one, 10**12), steps] for one in made], tmp_path)

    assert len(made) >= 7
    for schedule, values in zip(made, rows, strict=True):
        for step, value in zip(steps, values, strict=True):
            assert apart(schedule(step), value) <= 4, (str(schedule), step)


@needs_node
def test_nan_steps_give_nan_and_unknown_operations_are_refused(tmp_path):
    rows = evaluated([[program(parse("warmup_cosine(10, warmup=3)")), [2]]], tmp_path)
    assert rows == [[parse("warmup_cosine(10, warmup=3)")(2)]]
    made = subprocess.run(
        [NODE, "--input-type=module", "-e", "import {compile} from './program.mjs'; compile([['call', 't']])"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "operation must be known, got call" in made.stderr
    nan = (
        "import {compile} from './program.mjs'; console.log(compile([['phases','t',[5],[0.5,['held','t',0.5]]]])(NaN))"
    )
    made = subprocess.run(
        [NODE, "--input-type=module", "-e", nan], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert made.stdout.strip() == "NaN"


@needs_node
def test_what_float64_cannot_count_has_no_program_and_where_it_can_it_has(tmp_path):
    fine = parse("stretch(repeat(linear(3)), 1.000001)")
    near = program(fine, 10_000)
    assert near is not None
    assert program(fine, 10**11) is None

    ((early, late),) = evaluated([[near, [9_999, 2**53]]], tmp_path)
    assert early == fine(9_999)
    assert math.isnan(late)


def test_replayed_values_have_no_program():
    from glidepath import dialects

    replayed = dialects.load("pytorch", "MultiplicativeLR", {"lr_lambda": "0.95"}, base_lr=0.1)
    assert not replayed.closed
    assert program(replayed) is None


def test_a_program_is_json_and_small_and_shares_what_is_used_twice():
    made = program(parse("warmup_cosine(10000, warmup=500)"))
    assert made is not None
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    assert len(json.dumps(made)) < 600
    steps = list(range(30_000))
    assert program(Schedule.of({"kind": "table", "steps": steps[:9_000], "values": steps[:9_000]})) is not None
    assert program(Schedule.of({"kind": "table", "steps": steps, "values": steps}), 29_999) is None
