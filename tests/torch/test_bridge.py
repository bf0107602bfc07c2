"""The bridge is an `LRScheduler` to everybody: copied, pickled, simulated, plotted, listened to."""

import copy
import pickle
import warnings

import pytest
import torch

import glidepath as gp
from glidepath.plan import Plan
from glidepath.torch import ResumedWarning, ScheduleLR, log

SCHEDULE = gp.parse("warmup(3, start=0.25) >> linear(17)")


def sgd(*rates, **more):
    return torch.optim.SGD([{"params": [torch.ones(1, requires_grad=True)], "lr": r} for r in rates or (0.1,)], **more)


def train(optimizer, scheduler, times=1):
    """Make updates and return the rates that each was made with."""
    used = []
    handle = optimizer.register_step_post_hook(lambda o, *_: used.append([float(g["lr"]) for g in o.param_groups]))
    for _ in range(times):
        optimizer.step()
        scheduler.step()
    handle.remove()
    return used


def rates(*bases, begin=0, end=20):
    return [[base * SCHEDULE(k) for base in bases] for k in range(begin, end)]


@pytest.mark.parametrize("tensors", [False, True])
@pytest.mark.parametrize("bases", [(0.1,), (0.1, 0.1), (0.1, 0.3, 0.7)])
@pytest.mark.parametrize("at", [0, 4])
def test_a_shallow_copy_is_plotted_and_the_run_goes_on(at, bases, tensors):
    """As YOLO plots: `copy(optimizer), copy(scheduler)`, then `step()` and a look at the groups, which both copies share."""
    optimizer = sgd(*bases)
    scheduler = ScheduleLR(optimizer, SCHEDULE, tensors=tensors)
    train(optimizer, scheduler, at)

    def plot():
        shown, stepped = copy.copy(optimizer), copy.copy(scheduler)
        seen = []
        for _ in range(12):
            stepped.step()
            seen.append([float(group["lr"]) for group in shown.param_groups])
            assert [float(rate) for rate in stepped.get_last_lr()] == seen[-1]
        assert stepped.last_epoch == at + 12
        assert scheduler.last_epoch == at
        return seen, stepped

    close = {"rel": 1e-6} if tensors else {"rel": 0, "abs": 0}
    seen, stepped = plot()
    assert seen == [pytest.approx(row, **close) for row in rates(*bases, begin=at + 1, end=at + 13)]
    assert [float(rate) for rate in scheduler.get_last_lr()] == pytest.approx(rates(*bases, begin=at)[0], **close)
    stepped.step()
    del stepped
    assert [float(group["lr"]) for group in optimizer.param_groups] == pytest.approx(
        rates(*bases, begin=at)[0], **close
    )
    plot()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert train(optimizer, scheduler, 5) == [
            pytest.approx(row, **close) for row in rates(*bases, begin=at, end=at + 5)
        ]


def test_a_copy_leaves_what_others_wrote():
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, SCHEDULE)
    plotted = copy.copy(scheduler)
    plotted.step()
    optimizer.param_groups[0]["lr"] = 0.007
    del plotted
    assert optimizer.param_groups[0]["lr"] == 0.007


def both(how, optimizer, scheduler):
    if how == "pickle":
        return pickle.loads(pickle.dumps((optimizer, scheduler)))
    if how == "scheduler":
        made = copy.deepcopy(scheduler)
        return made.optimizer, made
    return copy.deepcopy((optimizer, scheduler))


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "scheduler"])
@pytest.mark.parametrize("at", [0, 1, 6])
def test_scheduler_and_optimizer_are_copied_together(how, at):
    """The copy goes on by itself: plan, bases, scale, controllers' states and counts are its own."""
    plan = Plan(
        [{"schedule": SCHEDULE}, {"schedule": "cosine(20)", "parameter": "weight_decay"}],
        feedback={"controller": "plateau(factor=0.5, patience=0)"},
    )
    optimizer = sgd(0.1, 0.3, weight_decay=0.2, momentum=0.9)
    scheduler = ScheduleLR(optimizer, plan, foreign="adopt")
    train(optimizer, scheduler, at)
    scheduler.scale(0.5)
    for loss in (1.0, 2.0):
        scheduler.observe("loss", (at + int(loss), loss))
    twin, copied = both(how, optimizer, scheduler)
    assert (copied.optimizer is twin, copied.updates, copied.plan) == (True, at, plan)
    assert twin.param_groups[0]["params"][0] is not optimizer.param_groups[0]["params"][0]
    assert copied.state_dict() == scheduler.state_dict()
    assert copied.get_last_lr() == scheduler.get_last_lr()
    expected = [[0.25 * rate for rate in row] for row in rates(0.1, 0.3, begin=at, end=at + 5)]
    assert train(twin, copied, 5) == [pytest.approx(row) for row in expected]
    assert twin.param_groups[1]["weight_decay"] == 0.2 * gp.cosine(20)(at + 5)
    assert (scheduler.updates, copied.last_epoch) == (at, at + 5)
    assert train(optimizer, scheduler, 5) == [pytest.approx(row) for row in expected]


def test_a_deep_copy_is_plotted_without_updates():
    optimizer = sgd(0.1, 0.3)
    scheduler = ScheduleLR(optimizer, SCHEDULE)
    plotted, seen = copy.deepcopy(scheduler), []
    for _ in range(15):
        seen.append(plotted.get_last_lr())
        plotted.step()
    assert seen == rates(0.1, 0.3, end=15)
    assert train(optimizer, scheduler, 3) == rates(0.1, 0.3, end=3)


def test_ignite_simulates_and_trains():
    """pytorch-ignite moves `last_epoch` by itself, and asks `get_lr()`; accumulation does not bend the curve."""
    engine = pytest.importorskip("ignite.engine")
    handlers = pytest.importorskip("ignite.handlers")
    for accumulated in (1, 3):
        optimizer = sgd(0.1, 0.3)
        scheduler = ScheduleLR(optimizer, SCHEDULE)
        values = handlers.LRScheduler.simulate_values(num_events=12, lr_scheduler=scheduler)
        assert values == [[k, *row] for k, row in enumerate(rates(0.1, 0.3, end=12))]
        assert scheduler.updates == scheduler.last_epoch == 0
        used = []
        optimizer.register_step_post_hook(lambda o, *_, used=used: used.append([g["lr"] for g in o.param_groups]))

        def process(trainer, _batch, optimizer=optimizer, accumulated=accumulated):
            if trainer.state.iteration % accumulated == 0:
                optimizer.step()

        trainer = engine.Engine(process)
        trainer.add_event_handler(engine.Events.ITERATION_STARTED, handlers.LRScheduler(scheduler, save_history=True))
        trainer.run([0] * 6 * accumulated, max_epochs=1)
        assert used == rates(0.1, 0.3, end=6)
        assert scheduler.updates == 6
        if accumulated == 1:
            history = trainer.state.param_history["lr"]
            assert history == rates(0.1, 0.3, end=6)
        state = handlers.LRScheduler(scheduler).state_dict()
        again = sgd(0.1, 0.3)
        resumed = handlers.LRScheduler(ScheduleLR(again, SCHEDULE))
        resumed.load_state_dict(state)
        assert train(again, resumed.lr_scheduler, 1) == rates(0.1, 0.3, begin=6, end=7)


def test_what_attach_gives_is_on_the_bridge_itself():
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, Plan("hold()", feedback="plateau(factor=0.5, patience=0)"), samples=4)
    told, steps, rows = [], [], []
    scheduler.on_update(told.append)
    scheduler.on_step(steps.append)
    log(scheduler, lambda values, step: rows.append((step, values)))
    train(optimizer, scheduler, 2)
    assert [(applied.update, applied.value) for applied in told] == [(0, 0.1), (1, 0.1)]
    assert (steps, rows[-1]) == ([0, 1], (1, {"lr/0": 0.1}))
    assert (scheduler.updates, scheduler.samples, scheduler.last[0].value) == (2, 8, 0.1)
    scheduler.count(samples=6)
    scheduler.observe("loss", 1.0)
    scheduler.scale(0.5)
    assert train(optimizer, scheduler) == [[0.05]]
    assert scheduler.samples == 14
    scheduler.observe("loss", 2.0)
    assert scheduler.get_last_lr() == [0.025]
    assert scheduler.resumed is None
    with pytest.raises(AttributeError, match="'ScheduleLR' object has no attribute 'patience'"):
        _ = scheduler.patience
    scheduler.detach()
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_the_report_of_a_resume_is_told_where_a_framework_throws_it_away():
    optimizer = sgd(0.1)
    scheduler = ScheduleLR(optimizer, SCHEDULE)
    train(optimizer, scheduler, 5)
    state = scheduler.state_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ScheduleLR(sgd(0.1), SCHEDULE).load_state_dict(state)  # nothing differs
        report = ScheduleLR(sgd(0.4), SCHEDULE).load_state_dict(state, resume="override")  # its caller looks at it
    for base, plan in ((0.4, SCHEDULE), (0.1, "warmup(3, start=0.25) >> linear(40)")):
        other = ScheduleLR(sgd(base), plan, resume="override")
        with pytest.warns(ResumedWarning, match="resumed after 5 updates \\(override\\)") as caught:
            other.load_state_dict(state)
        assert str(caught[0].message) == str(other.resumed)
    assert "base of lr of group 0: saved 0.1, found 0.4, used 0.4" in str(report)


def test_a_count_that_is_written_is_shown_and_bends_nothing():
    """YOLO sets `last_epoch` before it trains."""
    optimizer = sgd()
    scheduler = ScheduleLR(optimizer, SCHEDULE)
    scheduler.last_epoch = -1
    assert scheduler.last_epoch == -1
    assert train(optimizer, scheduler, 6) == rates(0.1, end=6)
    assert scheduler.last_epoch == 6
