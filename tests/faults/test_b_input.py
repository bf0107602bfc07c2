"""Faults of bad input. Each is shown on PyTorch's own schedulers before ours is asked."""

import copy
import math

import pytest
import torch
from torch.optim import lr_scheduler as peers

import glidepath as gp
from glidepath import GlidepathError
from glidepath.plan import Rule
from glidepath.torch import apply, attach


def sgd(*rates):
    return torch.optim.SGD([{"params": [torch.ones(1, requires_grad=True)], "lr": r} for r in rates or (0.1,)])


def run(make, updates=8):
    optimizer, seen = sgd(1.0), []
    scheduler = make(optimizer)
    for _ in range(updates):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


ACCEPTED = {  # what PyTorch takes, and what becomes of it
    "step -1: decays every step": (lambda o: peers.StepLR(o, -1), lambda r: r[7] < 1e-6),
    "step 2.5": (lambda o: peers.StepLR(o, 2.5), lambda r: len(set(r)) > 1),
    "cosine -5": (lambda o: peers.CosineAnnealingLR(o, -5), lambda r: len(r) == 8),
    "linear 0: stuck": (lambda o: peers.LinearLR(o, 0.1, 1.0, 0), lambda r: set(r) == {r[0]}),
    "polynomial 0: never decays": (lambda o: peers.PolynomialLR(o, 0), lambda r: set(r) == {1.0}),
    "exponential -0.5: negative": (lambda o: peers.ExponentialLR(o, -0.5), lambda r: min(r) < 0),
    "exponential nan": (lambda o: peers.ExponentialLR(o, math.nan), lambda r: math.isnan(r[2])),
    "milestone 2.5: never fires": (lambda o: peers.MultiStepLR(o, [2.5]), lambda r: set(r) == {1.0}),
    "lambda negative": (lambda o: peers.LambdaLR(o, lambda k: -1.0), lambda r: r[1] == -1.0),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_b1_what_the_peer_accepts(name):
    """B1: PyTorch takes these arguments and goes wrong later or silently."""
    make, wrong = ACCEPTED[name]
    assert wrong(run(make))


REFUSED = [
    ("period", lambda: gp.Step(0)),
    ("period", lambda: gp.Step(-1)),
    ("period", lambda: gp.Step(2.5)),
    ("steps", lambda: gp.cosine(-5)),
    ("up", lambda: gp.triangular(0)),
    ("steps", lambda: gp.one_cycle(1)),
    ("peak_fraction", lambda: gp.one_cycle(10, peak_fraction=1.0)),
    ("rate|factor|base", lambda: gp.Exponential(-0.5)),
    ("rate|factor|base", lambda: gp.Exponential(math.nan)),
    ("rate|factor|base", lambda: gp.Exponential(math.inf)),
    ("milestones|steps", lambda: gp.MultiStep([5, 3])),
    ("milestones|steps", lambda: gp.MultiStep([-1, 3])),
    ("milestones|steps", lambda: gp.MultiStep([2.5])),
    ("boundaries", lambda: gp.piecewise_constant([3, 3], [1, 2, 3])),
    ("boundaries", lambda: gp.piecewise_constant([3, 2], [1, 2, 3])),
    ("steps", lambda: gp.linear(True)),
    ("steps", lambda: gp.linear("10")),
    ("steps", lambda: gp.linear(math.nan)),
    ("start", lambda: gp.Ramp(math.inf, 0, 5)),
]


@pytest.mark.parametrize(("field", "make"), REFUSED)
def test_b1_refused_when_it_is_built(field, make):
    """B1: each is refused by its constructor, which names the field and the value."""
    with pytest.raises(GlidepathError, match=rf"({field})\S* must be .*, got "):
        make()


@pytest.mark.parametrize("make", [gp.cosine, gp.linear, gp.polynomial, gp.Hold])
def test_b1_no_whole_schedule_is_of_length_zero(make):
    """B1: a phase of length 0 is nothing inside a chain; alone it is refused wherever it is used."""
    rule = "must be at least one step long, got a phase of length 0"
    for use in (lambda s: s(0), lambda s: attach(sgd(), s), lambda s: gp.parse(str(s)), lambda s: 2 * s):
        with pytest.raises(GlidepathError, match=rule):
            use(make(0))(0)
    assert (make(0) >> gp.cosine(5)) == gp.cosine(5)


@pytest.mark.parametrize("rate", [math.nan, math.inf])
def test_b1_a_rate_that_is_none(rate):
    """B1: SGD takes lr=nan and lr=inf; attach refuses them and the optimizer is as it was."""
    optimizer = sgd(rate)
    with pytest.raises(GlidepathError, match=f"group 0: lr must be a finite number, got {rate}"):
        attach(optimizer, "linear(5)")
    assert not optimizer._optimizer_step_pre_hooks
    assert "initial_lr" not in optimizer.param_groups[0]


@pytest.mark.parametrize(
    ("schedule", "parameter"),
    [
        ("ramp(1, -1, 10)", "lr"),
        ("hold(5, 1.2)", "momentum"),
        ("ramp(1, -0.5, 9)", "weight_decay"),
        ("hold(9, 2)", "betas[1]"),
    ],
)
def test_b1_values_out_of_range(schedule, parameter):
    """B1: a schedule that drives a value out of its range at some step is refused before the first one."""
    make = torch.optim.AdamW if parameter == "betas[1]" else torch.optim.RMSprop
    optimizer = make([torch.ones(1, requires_grad=True)], lr=0.1, weight_decay=0.1)
    if "momentum" in optimizer.param_groups[0]:
        optimizer.param_groups[0]["momentum"] = 0.9
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(
        GlidepathError,
        match=rf"group 0: {parameter.replace('[', '.')[:-1]}.* must be .* at every step, got values from",
    ):
        attach(optimizer, {parameter: schedule})
    assert optimizer.state_dict() == before


def test_b2_all_problems_at_once():
    """B2: PyTorch tells the first of several mistakes; ours tells all."""
    with pytest.raises(ValueError, match=r"^Expected float between 0 and 1 pct_start, but got 2\.0$"):
        peers.OneCycleLR(sgd(), -1.0, total_steps=9, pct_start=2.0, anneal_strategy="exp")

    with pytest.raises(GlidepathError) as caught:
        attach(
            sgd(0.1, 0.2),
            [Rule("linear(9)", groups="a", floor=1.0), Rule("hold(9)", "moment"), Rule("hold(9)", "betas[0]")],
        )
    assert len(caught.value.problems) == 4
    with pytest.raises(GlidepathError) as caught:
        attach(sgd(), {"lr": "lineal(9)", "weight_decay": "cosine(0)", "1": "linear(9)"})
    assert len(caught.value.problems) == 3
    with pytest.raises(GlidepathError) as caught:
        Rule("linear(9)", "l r", groups=(), join="later", floor=math.nan)
    assert [problem.field for problem in caught.value.problems] == ["parameter", "groups", "floor", "join"]


def test_b3_a_floor_above_the_base():
    """B3: eta_min above the rate makes PyTorch's cosine rise from 0.1 to 1; an absolute floor above a base is refused."""
    optimizer = sgd(0.1)
    peer = peers.CosineAnnealingLR(optimizer, 5, eta_min=1.0)
    for _ in range(5):
        optimizer.step()
        peer.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1.0)

    with pytest.raises(GlidepathError, match=r"lr must be at least its absolute floor 1\.0, got 0\.1"):
        attach(sgd(0.1), "cosine(5)", floor=1.0)
    with pytest.raises(
        GlidepathError, match=r"lr must be at least the 1\.0 that its absolute schedule ends on, got 0\.1"
    ):
        attach(sgd(0.1), "ramp(0.1, 1, 5)", absolute=True)


def test_b6_a_warmup_as_long_as_the_run():
    """B6: Hugging Face's cosine with a warmup of 5 of 5 ends 1, 0, 1; of 6 of 4 it peaks after the end. Ours names the two numbers."""
    transformers = pytest.importorskip("transformers")
    found = run(lambda o: transformers.get_cosine_schedule_with_warmup(o, 5, 5, num_cycles=0.5), 8)
    assert max(found[5:]) == 1.0
    found = run(lambda o: transformers.get_cosine_schedule_with_warmup(o, 6, 4), 8)
    assert found.index(max(found)) == 6

    for steps, warmup in ((5, 5), (4, 6)):
        with pytest.raises(GlidepathError, match=f"warmup must be shorter than the whole, {steps} steps, got {warmup}"):
            gp.warmup_cosine(steps, warmup=warmup)


def test_b7_progress_is_a_whole_number_that_does_not_go_back():
    """B7: PolynomialLR.step(-3) gives 0.16 from 0.1; progress that is negative, broken or going back is refused."""
    optimizer = sgd(0.1)
    peer = peers.PolynomialLR(optimizer, 5)
    optimizer.step()
    with pytest.warns(UserWarning, match="epoch parameter"):
        peer.step(-3)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.16)

    optimizer = sgd(0.1)
    scheduler = attach(optimizer, "linear(10)")
    scheduler.seek(4)
    for wrong in (-3, 2.5, math.nan, "5", True, None, 3, 2**53 + 2):
        with pytest.raises(GlidepathError, match="seek: updates must be an integer from 4 to"):
            scheduler.seek(wrong)
        if wrong not in (3, 2**53 + 2):
            with pytest.raises(GlidepathError, match="apply: step must be an integer from 0 to"):
                apply(optimizer, "linear(10)", wrong)
            with pytest.raises(GlidepathError, match="count: samples must be an integer from 0 to"):
                scheduler.count(samples=wrong)
    assert (scheduler.updates, scheduler.samples) == (4, 0)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize(
    "make", ["constant()", "warmup_cosine({n})", "warmup_linear({n})", "warmup_polynomial({n})", "warmup_rex({n})", "one_cycle({n})",
             "sgdr({n})", "linear({n})", "cosine({n})", "triangular({n})", "step({n})", "warmup({n})", "noam(64, {n})", "knee({n}, 0, 0)"],
)  # fmt: skip
def test_b8_tiny_runs(make, steps):
    """B8: runs of one, two and three updates are finite and within range, or refused; a OneCycleLR of 1 raises, of 2 gives 0 at once."""
    try:
        schedule = gp.parse(make.format(n=steps))
    except GlidepathError:
        assert make.startswith("one_cycle")
        assert steps == 1
        return
    optimizer = sgd(0.1)
    attach(optimizer, schedule)
    for _ in range(2 * steps + 2):
        optimizer.step()
        assert 0.0 <= optimizer.param_groups[0]["lr"] <= 0.1
