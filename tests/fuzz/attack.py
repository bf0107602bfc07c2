"""Hostile inputs for every door, drawn from a seed, and what must come of them: a value that holds its promises, or our error.

python tests/fuzz/attack.py text 5000      # 5,000 inputs at one door; a seed of its own as a third argument
"""

import contextlib
import copy
import json
import math
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import glidepath as gp
from fuzz import grammar
from glidepath import dialects, feedback, logs
from glidepath.core.errors import GlidepathError
from glidepath.feedback import Controller
from glidepath.plan import Plan, Progress
from glidepath.view import knots

ODD = [
    "",
    "0",
    "-1",
    "1e400",
    "-0.0",
    "nan",
    "inf",
    "None",
    "True",
    "9" * 320,
    "1e-320",
    "9007199254740993",
    "''",
    '"x"',
    "[]",
    "{}",
]
ODD += [
    "step",
    "lambda: 1",
    "__import__('os')",
    "a.b",
    "x[0]",
    "\x00",
    "é",
    "ｃｏｓｉｎｅ",
    "'" * 3,
    "(" * 90,
    "10k",
    "5%",
    ">>",
    "**",
]
ODD += [":=", "#", "\\", "\n", "\ud800"]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    -0.0,
    1e308,
    5e-324,
    2**53,
    2**53 + 1,
    10**400,
    "",
    "cosine(5)",
    "\ud800",
    [],
    [[]],
    {},
]
VALUES += [{"kind": 1}]
VALUES += [
    math.nan,
    math.inf,
    {"kind": "hold"},
    {"kind": "chain", "phases": []},
    [1, 0],
    "10%",
    "3 epochs",
    -(2**63),
    1e-300,
    "x" * 3000,
]


def mutated(r: Random, text: str) -> str:
    """Return the text with a few pieces left out, doubled, moved or put in."""
    pieces = re.findall(r"\w+|\s+|[^\w\s]", text) or [text]
    for _ in range(r.choice([0, 1, 1, 2, 5])):
        at = r.randrange(len(pieces))
        match r.randrange(5):
            case 0:
                pieces[at] = ""
            case 1:
                pieces.insert(at, r.choice(pieces))
            case 2:
                pieces[at] = r.choice(ODD)
            case 3:
                other = r.randrange(len(pieces))
                pieces[at], pieces[other] = pieces[other], pieces[at]
            case _:
                pieces[at] = pieces[at] * r.choice([2, 30])
    return "".join(pieces)[:20_000]


def spoilt(r: Random, data: Any) -> Any:
    """Return JSON data with one thing in it replaced, renamed, left out or doubled."""
    places = list(_places(data))
    if not places:
        return copy.deepcopy(r.choice(VALUES))
    holder, key = r.choice(places)
    match r.randrange(4):
        case 0 if isinstance(holder, dict):
            holder[str(r.choice(["kind", "steps", "x", "", "schedule", "value"]))] = holder.pop(key)
        case 1 if isinstance(holder, dict):
            del holder[key]
        case 2 if isinstance(holder, list):
            holder.extend(copy.deepcopy([holder[key]] * r.choice([1, 40])))
        case _:
            holder[key] = copy.deepcopy(r.choice(VALUES))
    return data


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    for key in list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield data, key
        yield from _places(data[key])


# What must hold of what is let in ---------------------------------------------------------------------------


def schedule_holds(schedule: Any) -> None:
    """A schedule has one value at a step, and text and JSON that read back."""
    assert isinstance(schedule, gp.Schedule), type(schedule)
    last = int(min(schedule.duration, 2**53))
    steps = [0, 1, 2, 7, 1000, last, last + 1]
    values = [schedule(step) for step in steps]
    assert all(type(value) is float for value in values)
    if schedule._size <= 500:
        array = schedule(np.array(steps, dtype=np.float64)).tolist()
        assert [math.isfinite(x) for x in array] == [math.isfinite(x) for x in values]
    if schedule._size <= 100:
        text, knotted = str(schedule), knots(schedule, 1000)
        assert gp.parse(text) == schedule or "custom" in schedule.to_json()
        again = gp.Schedule.from_json(schedule.to_json())
        assert (again, again.fingerprint) == (schedule, schedule.fingerprint)
        assert knotted == sorted(knotted)


def anything(made: Any) -> None:
    """Whatever it is, it can be shown."""
    assert len(repr(made)) >= 0


# The doors --------------------------------------------------------------------------------------------------

_PLANS = [
    "rules:\n- schedule: warmup(50) >> cosine(950)\n  parameter: lr\n  groups: [body, head]\n",
    "rules:\n- schedule: warmup('5%') >> cosine('95%')\nhorizon: {length: 10 epochs, samples: 5000, batch: 50}\n",
    "rules:\n- schedule: cosine(100)\nfeedback:\n- controller: plateau(patience=3)\n",
    "rules:\n- {schedule: linear(10), parameter: weight_decay, absolute: true}\nclock: samples\nname: third\n",
]
_FEEDBACK = [
    "plateau(factor=0.5, patience=2)",
    "divergence_guard()",
    "pytorch_plateau(mode='max')",
    "keras_plateau(patience=3)",
]
_CALLS = [
    "StepLR(step_size=30, gamma=0.1)",
    "torch.optim.lr_scheduler.CosineAnnealingLR(T_max=50, eta_min=0.001)",
    "OneCycleLR(max_lr=0.1, total_steps=100)",
    "LambdaLR(lr_lambda=lambda step: 0.95 ** step)",
    "SequentialLR(schedulers=[ConstantLR(factor=0.5), ExponentialLR(gamma=0.9)], milestones=[5])",
    "CyclicLR(base_lr=0.1, max_lr=0.5, step_size_up=20)",
    "keras.optimizers.schedules.ExponentialDecay(initial_learning_rate=0.1, decay_steps=100, decay_rate=0.9)",
    "optax.warmup_cosine_decay_schedule(0.0, 1.0, 10, 100)",
    "PolynomialDecay(learning_rate=0.1, decay_steps=20, power=2.0)",
    "get_cosine_schedule_with_warmup(num_warmup_steps=10, num_training_steps=100)",
]
_LOGS = [
    "step,lr,loss\n" + "\n".join(f"{k},{0.1 * 0.9**k:.6f},{2 / (k + 1):.4f}" for k in range(12)),
    "\n".join(json.dumps({"step": k, "lr": 0.1, "loss": 2.0 / (k + 1)}) for k in range(12)),
    json.dumps({"log_history": [{"step": k, "learning_rate": 0.1, "loss": 1.0} for k in range(12)]}),
    "\n".join(f"epoch {k} | lr 0.{k + 1} | loss {3 - k / 10}" for k in range(12)),
]
_CONFIGS = [
    {"learning_rate": 5e-5, "lr_scheduler_type": "cosine", "warmup_steps": 10, "max_steps": 100},
    {"scheduler": {"type": "WarmupLR", "params": {"warmup_min_lr": 0, "warmup_max_lr": 0.001, "warmup_num_steps": 10}}},
    {"param_scheduler": [{"type": "MultiStepLR", "milestones": [3, 6], "gamma": 0.1}], "optimizer": {"lr": 0.1}},
    {"rules": [{"schedule": "cosine(10)", "parameter": "lr"}], "total": 10},
]


def text(r: Random) -> Any:
    given = (
        mutated(r, str(grammar.tree(r, r.choice([1, 2, 4]))))
        if r.random() < 0.8
        else "".join(r.choices(ODD, k=r.randrange(1, 9)))
    )
    schedule_holds(gp.parse(given))


def formulas(r: Random) -> None:
    given = grammar.formula(r)
    schedule_holds(gp.Expression(mutated(r, given) if r.random() < 0.5 else given))


def data(r: Random) -> None:
    given = grammar.tree(r, r.choice([1, 3, 6])).to_dict()
    for _ in range(r.randrange(4)):
        given = spoilt(r, given)
    schedule_holds(gp.Schedule.from_dict(given))


def documents(r: Random) -> None:
    schedule_holds(gp.Schedule.from_json(mutated(r, grammar.tree(r, 3).to_json())))


def plans(r: Random) -> None:
    if r.random() < 0.5:
        anything(Plan.of(mutated(r, r.choice(_PLANS))))
    else:
        given = Plan.from_dict({"rules": [{"schedule": str(grammar.tree(r, 2)), "parameter": "lr"}]}).to_dict()
        anything(Plan.from_dict(spoilt(r, given)).to_json())


def calls(r: Random) -> None:
    schedule_holds(dialects.read_text(mutated(r, r.choice(_CALLS)), strict=r.random() < 0.5))


def controllers(r: Random) -> None:
    made = (
        Controller.of(mutated(r, r.choice(_FEEDBACK)))
        if r.random() < 0.5
        else Controller.from_dict(spoilt(r, Controller.of(_FEEDBACK[0]).to_dict()))
    )
    assert Controller.from_json(made.to_json()) == made


def states(r: Random) -> None:
    plan = Plan.from_dict({"rules": [{"schedule": "cosine(10)"}]})
    kept = Progress(updates=5).to_dict() if r.random() < 0.4 else None
    if kept is not None:
        anything(Progress.from_dict(spoilt(r, kept), plan))
        return
    controller = Controller.of(_FEEDBACK[0])
    state = controller.begin()
    for k in range(3):
        state, _ = controller(state, feedback.Observation(k, 1.0)) if callable(controller) else (state, None)
    anything(controller.read_state(spoilt(r, state.to_dict())))


def files(r: Random, made: str, read: Callable[[Path], Any], name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, name)
        place.write_bytes(made.encode("utf-8", "surrogatepass" if r.random() < 0.1 else "replace"))
        anything(read(place))


def training_logs(r: Random) -> None:
    files(r, mutated(r, r.choice(_LOGS)), logs.read, r.choice(["log.csv", "log.jsonl", "log.json", "train.log"]))


def configurations(r: Random) -> None:
    from glidepath.dialects.configs.reading import read_config

    given = json.dumps(r.choice(_CONFIGS), indent=1)
    files(r, mutated(r, given), read_config, r.choice(["config.json", "args.json", "ds_config.json", "plan.json"]))


DOORS: dict[str, tuple[Callable[[Random], Any], int]] = {  # and how many of 20,000 inputs
    "text": (text, 5500),
    "formulas": (formulas, 3000),
    "data": (data, 3500),
    "documents": (documents, 1500),
    "plans": (plans, 1500),
    "calls": (calls, 1800),
    "controllers": (controllers, 1000),
    "states": (states, 1000),
    "training logs": (training_logs, 700),
    "configurations": (configurations, 500),
}


def attack(door: str, seed: Any) -> bool:
    """Hand one input in at a door; return whether it was let in.

    Raises:
        AssertionError: If anything but a value that holds or our error came of it. The seed is named.
    """
    r = Random(f"{door} {seed}")
    said = ""
    try:
        DOORS[door][0](r)
    except GlidepathError as error:
        said = str(error)
    except Exception as error:
        raise AssertionError(f"{door}, seed {seed!r}: {type(error).__name__}: {str(error)[:300]}") from error
    assert not said or ("must" in said and said.encode()), f"{door}, seed {seed!r}: {said}"
    return not said


if __name__ == "__main__":
    chosen, count, own = sys.argv[1], int(sys.argv[2]), (sys.argv[3:] or ["tests"])[0]
    begin, inside, failures = time.process_time(), 0, 0
    for k in range(count):
        try:
            with contextlib.suppress(KeyboardInterrupt):
                inside += attack(chosen, f"{own} {k}")
        except AssertionError as error:
            failures += 1
            if failures <= 15:
                print(error)
    spent = time.process_time() - begin
    print(
        f"{chosen}: {count} inputs, {inside} let in, {failures} failures, {spent:.1f} s, {1000 * spent / count:.2f} ms each"
    )
