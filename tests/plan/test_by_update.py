"""A plan on any clock as schedules of the update, every update being full."""

import pytest

from glidepath import GlidepathError
from glidepath.plan import Plan, Progress
from glidepath.plan.by_update import by_update

TEXT = 'warmup("10%", start=0.01) >> cosine("rest", floor=0.1)'
RAMP = {"schedule": 'piecewise_constant(["15%", "60%"], [8, 24, 64])', "coupling": "sqrt"}


@pytest.mark.parametrize("batch", [None, RAMP], ids=["constant", "ramp"])
@pytest.mark.parametrize("clock", ["updates", "samples", "tokens"])
def test_an_update_has_the_value_of_its_progress(clock, batch):
    if clock == "updates" and batch:
        batch = {**RAMP, "schedule": "piecewise_constant([15, 60], [8, 24, 64])"}
    plan = Plan(TEXT, {"length": "4000 samples", "batch": 8, "tokens_per_sample": 3}, clock, batch=batch)
    schedule, progress = by_update(plan, plan.schedule()), Progress()
    for update in range(plan.derived.updates + 3):
        assert schedule(update) == pytest.approx(plan.value(progress), rel=1e-12)
        size = plan.batch_size(int(plan.position(progress)))
        progress = progress.advanced(samples=size, tokens=3 * size)
    assert progress.samples >= 4000


def test_what_cannot_be_counted_is_refused():
    plan = Plan("step(1)", {"length": "3 epochs"}, "epochs")
    with pytest.raises(GlidepathError, match="clock must be convertible to updates of known size, got 'epochs'"):
        by_update(plan, plan.schedule())
    plan = Plan("cosine('rest')", {"length": "3e6 tokens"}, "tokens")
    with pytest.raises(GlidepathError, match=r"give horizon\.batch"):
        by_update(plan, plan.schedule())


def test_a_schedule_that_ended_before_the_last_batch_size_begins_holds_its_end():
    batch = {"schedule": "piecewise_constant([640], [16, 32])"}
    plan = Plan("linear(320, floor=0.5)", {"length": "2000 samples"}, "samples", batch=batch)
    schedule = by_update(plan, plan.schedule())

    assert [schedule(update) for update in (19, 20, 39, 40, 41, 80)] == [0.525, 0.5, 0.5, 0.5, 0.5, 0.5]
