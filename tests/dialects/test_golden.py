"""Every recorded row of the classic libraries, reproduced: see `spec/golden/README.md`."""

import json
from pathlib import Path

import pytest

from glidepath import GlidepathError, dialects

ROWS = json.loads((Path(__file__).parents[2] / "spec/golden/classic.json").read_text(encoding="utf-8"))
MEASURED = [i for i, row in enumerate(ROWS) if "metrics" not in row["kwargs"]]
METRICS = [i for i, row in enumerate(ROWS) if "metrics" in row["kwargs"]]

# Rows that record what a library gets wrong. Strictly they are refused, or held at the end; with strict=False each is reproduced.
REFUSED, HELD = "refused", "held"
DEFECTS = {
    4: (REFUSED, "PyTorch ConstantLR with total_iters=0 stays at factor for ever: the undoing step never comes"),
    7: (REFUSED, "PyTorch LinearLR with total_iters=0 stays at start_factor for ever"),
    10: (REFUSED, "PyTorch PolynomialLR with total_iters=4.5 freezes at the value of step 4 and never reaches 0"),
    16: (HELD, "PyTorch OneCycleLR accepts step total_steps and turns back up"),
    17: (HELD, "PyTorch OneCycleLR accepts step total_steps and goes below 0, its momentum above the maximum"),
    18: (HELD, "PyTorch OneCycleLR accepts step total_steps and goes below 0"),
    134: (HELD, "Paddle OneCycleLR accepts step total_steps and goes below 0"),
    135: (HELD, "Paddle OneCycleLR accepts step total_steps and turns back up"),
}


def tolerance(row: dict) -> float:
    """Return the error allowed, relative to the row's largest value."""
    if row["framework"] in ("keras", "tensorflow", "tensorflow/models"):
        return 3e-7  # computed in float32
    if row["framework"] == "oneflow" and row.get("mode") == "graph":
        return 3e-7  # rounded to float32
    return 1e-14


def schedule(row: dict, value: str = "lr", strict: bool = True) -> dialects.load:
    return dialects.load(
        row["framework"],
        row["scheduler"],
        row["kwargs"],
        base_lr=row["base_lr"],
        version=row["version"],
        mode=row.get("mode", "eager"),
        value=value,
        strict=strict,
    )


def worst(row: dict, key: str, made, until: int | None = None) -> float:
    """Return the largest difference from a recorded row, relative to its largest value."""
    recorded = row[key][:until]
    scale = max(abs(x) for x in recorded)
    return max(abs(made(step) - x) for step, x in enumerate(recorded)) / scale


@pytest.mark.parametrize("i", MEASURED)
def test_a_recorded_row_is_reproduced(i: int):
    row, defect = ROWS[i], DEFECTS.get(i)
    for key, value in (("values", "lr"), ("momentum", "momentum")):
        if key in row:
            made = schedule(row, value, strict=defect is None)
            assert worst(row, key, made) <= tolerance(row), (row["scheduler"], row["kwargs"], key)


@pytest.mark.parametrize("i", DEFECTS)
def test_a_defect_is_refused_or_held_unless_it_is_asked_for(i: int):
    row, (kind, reason) = ROWS[i], DEFECTS[i]
    assert reason
    if kind == REFUSED:
        with pytest.raises(GlidepathError, match=f"{row['framework']} {row['scheduler']}: .* must be"):
            schedule(row)
    else:
        made, end = schedule(row), len(row["values"]) - 2
        assert worst(row, "values", made, until=-1) <= tolerance(row)
        assert made(end + 1) == made(end) == made(10**9)


@pytest.mark.parametrize("i", METRICS)
def test_a_row_that_follows_a_metric_is_for_the_controller(i: int):
    with pytest.raises(GlidepathError, match="feedback"):
        schedule(ROWS[i])


def test_the_rows_are_all_there():
    assert (len(ROWS), len(MEASURED), len(METRICS), len(DEFECTS)) == (146, 141, 5, 8)


@pytest.mark.parametrize("i", MEASURED)
def test_a_loaded_row_is_a_rate_that_goes_to_json_and_text_and_back(i: int):
    from glidepath import Schedule, parse

    made = schedule(ROWS[i], strict=i not in DEFECTS)
    assert made.absolute
    assert Schedule.from_json(made.to_json()) == made
    assert parse(repr(made)) == made


@pytest.mark.parametrize("framework", ["pytorch", "oneflow", "keras", "tensorflow", "tensorflow/models", "paddle"])
def test_every_recorded_name_is_listed(framework: str):
    recorded = {ROWS[i]["scheduler"] for i in MEASURED if ROWS[i]["framework"] == framework}
    assert recorded <= set(dialects.names(framework))
