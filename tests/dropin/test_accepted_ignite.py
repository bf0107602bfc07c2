"""ignite takes the drop-ins for PyTorch's own: the same program with each records the same rates."""

import warnings
from typing import Any

import pytest
import torch
from accepted import MODULES, Model, both, make, oneflow, ours, theirs, watch

with warnings.catch_warnings():  # ignite's import compiles optimizers of torch.distributed in a deprecated way
    warnings.simplefilter("ignore")
    pytest.importorskip("ignite")
    from ignite.engine import Engine, Events
    from ignite.handlers import (
        ConcatScheduler,
        LinearCyclicalScheduler,
        LRScheduler,
        ParamGroupScheduler,
        create_lr_scheduler_with_warmup,
    )

# A handler of ignite asks get_lr for the rates and moves last_epoch: it has no use for schedulers without get_lr.
KINDS = ["StepLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "LambdaLR", "OneCycleLR", "CyclicLR"]


def near(rows: list[Any]) -> Any:
    return [pytest.approx(row, rel=1e-9, abs=1e-12) for row in rows]


def trained(held: torch.optim.Optimizer, handler: Any, steps: int, event: Any = Events.ITERATION_STARTED) -> Any:
    """Return the rates of every update under a handler."""
    used, trainer = watch(held), Engine(lambda *_: held.step())
    trainer.add_event_handler(event, handler)
    trainer.run(range(steps), max_epochs=1)
    return used


def handled(module: Any, kind: str) -> list[Any]:
    held = Model().optimizer()
    handler = LRScheduler(make(module, kind, held), save_history=True)
    used = trained(held, handler, 5)
    state = handler.state_dict()
    again = Model().optimizer()
    again.load_state_dict(held.state_dict())
    fresh = LRScheduler(make(module, kind, again))
    if kind != "CosineAnnealingWarmRestarts":  # which ignite wraps without saving it
        fresh.load_state_dict(state)
        used += trained(again, fresh, 5)
    return used


@pytest.mark.parametrize("kind", KINDS)
def test_the_handler_drives_them_and_saves_them(kind: str):
    assert handled(ours, kind) == near(handled(theirs, kind))


@pytest.mark.parametrize(("name", "kind"), both(["StepLR", "LambdaLR"]))
def test_the_legacy_handler_drives_them(name: str, kind: str):
    def rates(module: Any) -> Any:
        held = Model().optimizer()
        with pytest.warns(UserWarning, match="ITERATION_COMPLETED"):
            handler = LRScheduler(make(module, kind, held), use_legacy=True)
        return trained(held, handler, 8, Events.ITERATION_COMPLETED)

    assert rates(MODULES[name]) == near(rates(theirs))


def warmed(module: Any, kind: str) -> Any:
    """Return the rates under ignite's warmup, simulated and used."""
    held = torch.optim.SGD(Model().parameters(), lr=0.1, momentum=0.9)
    simulated = [None] * 10
    handler = create_lr_scheduler_with_warmup(
        make(module, kind, held), 0.0, 4, save_history=True, output_simulated_values=simulated
    )
    return simulated, trained(held, handler, 10)


@pytest.mark.parametrize(("name", "kind"), both(["StepLR", "CosineAnnealingLR", "LambdaLR"]))
def test_a_warmup_of_ignites_goes_before_them(name: str, kind: str):
    """It simulates by `torch.save`, `torch.load(weights_only=True)` and `load_state_dict`."""
    found, wanted = warmed(MODULES[name], kind), warmed(theirs, kind)
    assert found[0] == near(wanted[0])
    assert found[1] == near(wanted[1])


@pytest.mark.parametrize("kind", ["StepLR", "CosineAnnealingLR"])
def test_they_stand_among_ignites_own(kind: str):
    def rates(module: Any) -> Any:
        held = Model().optimizer()
        wave = [LinearCyclicalScheduler(held, "lr", 0.1, 0.01, 4, param_group_index=i) for i in range(2)]
        turn = ConcatScheduler([ParamGroupScheduler(wave), LRScheduler(make(module, kind, held))], [4])
        return trained(held, turn, 10)

    assert rates(ours) == near(rates(theirs))


ONEFLOW = ["StepLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "LambdaLR", "SequentialLR", "ChainedScheduler"]


@pytest.mark.parametrize("kind", ONEFLOW)
def test_the_handler_drives_oneflows_composites_too(kind: str):
    """A function of the step has its rate at every step, where PyTorch's composites have no get_lr."""
    held = Model().optimizer()
    scheduler = make(oneflow, kind, held)
    wanted = [[scheduler.get_lr(base, step) for base in (0.1, 0.02)] for step in range(10)]
    found = trained(held, LRScheduler(scheduler), 10)
    assert [[*rates] for *rates, _ in found] == near(wanted)


@pytest.mark.parametrize(("name", "kind"), both(["SequentialLR", "ChainedScheduler", "ReduceLROnPlateau"]))
def test_what_ignite_has_no_handler_for_steps_on_its_events(name: str, kind: str):
    losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8]

    def rates(module: Any) -> Any:
        held = Model().optimizer()
        scheduler, used, trainer = make(module, kind, held), watch(held), Engine(lambda *_: held.step())

        @trainer.on(Events.ITERATION_COMPLETED)
        def step(engine: Engine) -> None:
            scheduler.step(*([losses[engine.state.iteration - 1]] if kind == "ReduceLROnPlateau" else []))

        trainer.run(range(10), max_epochs=1)
        return used

    assert rates(MODULES[name]) == near(rates(theirs))
