"""A plan on any clock drives a real optimizer that counts updates."""

import pytest
import torch

import glidepath.torch as gt
from glidepath import GlidepathError
from glidepath.plan import Plan, Progress

TEXT = 'warmup("10%", start=0.01) >> cosine("rest", floor=0.1)'
RAMP = {"schedule": 'piecewise_constant(["15%", "60%"], [8, 24, 64])', "coupling": "sqrt"}


@pytest.mark.parametrize("batch", [None, RAMP], ids=["constant", "ramp"])
@pytest.mark.parametrize("clock", ["updates", "samples", "tokens"])
def test_an_attached_plan_has_the_values_of_its_progress(clock, batch):
    if clock == "updates" and batch:
        batch = {**RAMP, "schedule": "piecewise_constant([15, 60], [8, 24, 64])"}
    plan = Plan(TEXT, {"length": "4000 samples", "batch": 8, "tokens_per_sample": 3}, clock, batch=batch)
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.5)
    gt.attach(optimizer, [gt.Drive(**drive) for drive in plan.drives()])
    progress = Progress()
    for _ in range(plan.derived.updates + 3):
        optimizer.step()
        assert optimizer.param_groups[0]["lr"] == pytest.approx(plan.value(progress, base=0.5), rel=1e-12)
        size = plan.batch_size(int(plan.position(progress)))
        progress = progress.advanced(samples=size, tokens=3 * size)
    assert progress.samples >= 4000


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(GlidepathError, match="clock must be convertible to updates of known size, got 'epochs'"):
        Plan("step(1)", {"length": "3 epochs"}, "epochs").drives()
    with pytest.raises(GlidepathError, match=r"give horizon\.batch"):
        Plan("cosine('rest')", {"length": "3e6 tokens"}, "tokens").drives()


def test_a_schedule_that_ended_before_the_last_batch_size_begins_holds_its_end():
    batch = {"schedule": "piecewise_constant([640], [16, 32])"}
    plan = Plan("linear(320, floor=0.5)", {"length": "2000 samples"}, "samples", batch=batch)
    schedule = plan.drives()[0]["schedule"]

    assert [schedule(update) for update in (19, 20, 39, 40, 41, 80)] == [0.525, 0.5, 0.5, 0.5, 0.5, 0.5]


@pytest.mark.parametrize("batch", [12, RAMP["schedule"]], ids=["constant", "ramp"])
@pytest.mark.parametrize("clock", ["samples", "tokens"])
def test_from_any_position_the_values_are_those_of_the_whole_plan_bit_for_bit(clock, batch):
    size = f"hold(value={batch})" if isinstance(batch, int) else batch
    plan = Plan(TEXT, {"length": "4000 samples", "tokens_per_sample": 3}, clock, batch={"schedule": size})
    each = 3 if clock == "tokens" else 1
    for begin in (0, 7, 300, 599, 600, 601, 2401, 3999, 4000, 5000):
        schedule, position = plan.drives(begin * each)[0]["schedule"], begin * each
        for update in range(120):
            assert schedule(update) == plan.schedule()(position)
            position += each * plan.batch_size(position)
