"""What optimizers and their groups bring along: factors of their own, warmups of their own, rates that they make themselves."""

import csv
import json
import warnings

import pytest
import torch

import glidepath as gp
from glidepath import GlidepathError
from glidepath.plan import Rule
from glidepath.torch import OverrunWarning, ScheduleLR, attach, log, log_csv, log_jsonl

SCHEDULE = gp.parse("warmup(3, start=0.25) >> linear(17)")
MAKES = [attach, ScheduleLR]


def sgd(*rates, **more):
    groups = [{"params": [torch.ones(1, requires_grad=True)], "lr": r} for r in rates or (0.1,)]
    for key, values in more.items():
        for group, value in zip(groups, values, strict=True):
            group |= {} if value is None else {key: value}
    return torch.optim.SGD(groups, momentum=0.9)


def step(optimizer, times=1):
    for _ in range(times):
        optimizer.step()
    return [group["lr"] for group in optimizer.param_groups]


# Groups that carry a factor -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("bases", [(0.1, 0.1, 0.1), (0.1, 0.2, 0.3)])
def test_layer_wise_factors_are_applied_when_asked_for(make, bases):
    """As timm, MAE and ConvNeXt set `lr_scale`; a resume does not apply it twice."""
    scales = (0.25, None, 0.75)
    factors = [1.0 if scale is None else scale for scale in scales]

    def build(key="lr_scale"):
        optimizer = sgd(*bases, lr_scale=scales)
        return optimizer, make(optimizer, SCHEDULE, scale_key=key)

    def expected(k):
        return [pytest.approx(b * f * SCHEDULE(k), rel=1e-15) for b, f in zip(bases, factors, strict=True)]

    optimizer, scheduler = build()
    assert step(optimizer, 5) == expected(4)
    assert [group["initial_lr"] for group in optimizer.param_groups] == list(bases)
    for order in (0, 1):
        other, resumed = build()
        loads = [
            lambda r=resumed: r.load_state_dict(scheduler.state_dict()),
            lambda o=other: o.load_state_dict(optimizer.state_dict()),
        ]
        loads[order](), loads[1 - order]()
        assert step(other, 3) == expected(7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer, _ = build("")
    assert step(optimizer) == [base * SCHEDULE(0) for base in bases]


@pytest.mark.parametrize("make", MAKES)
def test_a_factor_that_nobody_asked_for_is_told_of_once(make):
    optimizer = sgd(0.1, 0.1, 0.1, lr_scale=(0.5, 1.0, 0.25), name=("stem", "body", None))
    with pytest.warns(UserWarning, match=r'group stem, 2: lr_scale is carried.*scale_key="lr_scale"'):
        make(optimizer, SCHEDULE)
    assert step(optimizer, 3) == [0.1 * SCHEDULE(2)] * 3  # warnings are errors here
    with pytest.raises(GlidepathError, match="scale_key must be a key that some group carries, got 'lr_mult'"):
        make(sgd(), SCHEDULE, scale_key="lr_mult")
    with pytest.raises(GlidepathError, match="group 0: lr_mult must be a finite number, at least 0, got 'x'"):
        make(sgd(lr_mult=("x",)), SCHEDULE, scale_key="lr_mult")


# What the optimizer does itself ---------------------------------------------------------------------------------------


class ScheduleFree(torch.optim.SGD):
    """Warms up by itself, as the optimizers of `schedulefree` do: `sched = (k + 1) / warmup_steps`."""

    def __init__(self, params, lr, warmup_steps=0):
        super().__init__(params, lr)
        self.param_groups[0] |= {"warmup_steps": warmup_steps, "k": 0, "weight_sum": 0.0}


@pytest.mark.parametrize("make", MAKES)
def test_two_warmups_are_told_of(make):
    said = r"the optimizer warms up by itself \(warmup_steps=40\), and the schedule too"
    with pytest.warns(UserWarning, match=said) as caught:
        make(ScheduleFree([torch.ones(1)], 0.1, 40), "warmup(40) >> hold()")
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make(ScheduleFree([torch.ones(1)], 0.1, 0), "warmup(40) >> hold()")
        make(ScheduleFree([torch.ones(1)], 0.1, 40), "linear(100)")


def test_adafactor_that_makes_its_own_rate_is_refused_with_what_to_give():
    """The real Adafactor of transformers, and what the message names trains as it says."""
    transformers = pytest.importorskip("transformers")
    weights = [torch.ones(2, requires_grad=True)]
    said = r"group 0: lr must be a rate of your own.*lr=1e-3, and for Adafactor relative_step=False"
    with pytest.raises(GlidepathError, match=said):
        attach(transformers.Adafactor(weights, lr=None), SCHEDULE)
    given = {"lr": 1e-3, "relative_step": False, "scale_parameter": False, "warmup_init": False}
    optimizer = transformers.Adafactor(weights, **given)
    attach(optimizer, SCHEDULE)
    assert step(optimizer, 3) == [1e-3 * SCHEDULE(2)]


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("several", [False, True])
def test_past_the_end_is_told_once(make, several):
    optimizer = sgd(0.1, 0.2)
    scheduler = make(
        optimizer, [Rule("linear(4, floor=0.5)", groups="0"), Rule("cosine(6)", groups="1")] if several else "linear(6)"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step(optimizer, 7)  # the last of them is made at the very end
    with pytest.warns(
        OverrunWarning, match=r"update 7 is past the end of the schedule, 6 updates.*`>> hold\(\)`"
    ) as caught:
        step(optimizer, 5)
    assert len(caught) == 1
    assert (scheduler.overrun, scheduler.updates) == (6, 12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        endless = sgd()
        make(endless, "linear(3, floor=0.1) >> hold(value=0.1)")
        assert step(endless, 9) == [pytest.approx(0.01)]


# Loggers --------------------------------------------------------------------------------------------------------------


class Prodigy(torch.optim.SGD):
    """Finds a factor `d` of its rate, as Prodigy and D-Adaptation do."""

    def __init__(self, params, lr):
        super().__init__(params, lr)
        for i, group in enumerate(self.param_groups):
            group["d"] = 0.5 + i

    def step(self, closure=None):
        for group in self.param_groups:
            group["d"] *= 2
        return super().step(closure)


class Writer:
    def __init__(self):
        self.rows = []

    def add_scalar(self, tag, scalar_value, global_step):
        self.rows.append((tag, scalar_value, global_step))


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("of", ["d", lambda group: group["d"] * group["lr"]])
def test_the_effective_rate_is_logged(tmp_path, make, of):
    optimizer = Prodigy([{"params": [torch.ones(1)], "name": n} for n in ("a", "b")], 0.1)
    scheduler, rows, writer = make(optimizer, SCHEDULE), [], Writer()
    log(scheduler, lambda values, step: rows.append(values), effective=of)
    stops = [
        log(scheduler, writer, "train/", effective=of),
        log_csv(scheduler, tmp_path / "rates.csv", effective=of),
        log_jsonl(scheduler, tmp_path / "rates.jsonl", effective=of),
    ]
    step(optimizer, 3)
    for stop in stops:
        stop()
    step(optimizer)
    used = {(k, g): 0.1 * SCHEDULE(k) * (d * 2 ** (k + 1)) for k in range(4) for g, d in (("a", 0.5), ("b", 1.5))}
    found = {(k, g): row[f"effective_lr/{g}"] for k, row in enumerate(rows) for g in "ab"}
    assert found == pytest.approx(used, rel=1e-12)
    assert rows[3]["lr/a"] == 0.1 * SCHEDULE(3)
    assert [(t, v, k) for t, v, k in writer.rows if "effective" in t] == [
        (f"train/effective_lr/{g}", pytest.approx(used[k, g]), k) for k in range(3) for g in "ab"
    ]
    with (tmp_path / "rates.csv").open() as file:
        table = [row for row in csv.DictReader(file) if row["parameter"] == "effective_lr"]
    assert {(int(r["update"]), r["group"]): float(r["value"]) for r in table} == pytest.approx(
        {k: v for k, v in used.items() if k[0] < 3}
    )
    lines = [json.loads(line) for line in (tmp_path / "rates.jsonl").read_text().splitlines()]
    assert sum(line["parameter"] == "effective_lr" for line in lines) == 6


def test_an_effective_rate_of_a_key_that_is_not_there_is_refused():
    optimizer = sgd()
    scheduler = attach(optimizer, SCHEDULE)
    with pytest.raises(GlidepathError, match=r"group 0: effective must be one of lr, .*, got 'd'"):
        log(scheduler, print, effective="d")
