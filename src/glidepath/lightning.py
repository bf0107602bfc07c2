"""A plan in Lightning: a callback drives any module's optimizers, is saved in its checkpoints and resumed from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .core import GlidepathError, Problem, missing, refuse, shown
from .core.fields import number
from .plan import Plan, plan_of
from .plan.given import Policy, policy_problems

try:
    from lightning.pytorch import callbacks
    from lightning.pytorch.utilities import rank_zero_info
except ModuleNotFoundError as error:
    raise missing(error, "glidepath.lightning", "lightning") from None

from .torch import Scheduler, attach

Callback: Any = callbacks.Callback  # the library's own types are partly unknown
Places = int | list[int] | Mapping[str, int] | None
Times = Mapping[str, str | int] | None


class Driver(Callback):
    """Drives the optimizers of a `LightningModule` from a plan: `Trainer(callbacks=[Driver(plan)])`, and no scheduler in the module.

    Updates are counted when they really happened, with manual optimization and accumulation too. Between updates a group holds the rate of
    the coming one, as `LearningRateMonitor` expects. What the plan's controllers listen to is read from `trainer.callback_metrics`, the mean
    over the processes. Checkpoints hold plan and progress; a run goes on from any of them, whatever is restored first. Where another
    callback puts a scheduler of its own in charge, as `StochasticWeightAveraging` does, it lets go.

    Args:
        plan: What `glidepath.torch.attach` takes; quoted durations are parts of the Trainer's own length.
        optimizers: Which it drives, as their places in what `configure_optimizers` returns: a number, a list, or a mapping from names to
            numbers, for groups called `name/group`. None is all. Optimizers of a pace of their own, as of a GAN, have a `Driver` each.
        cadence: When each metric is observed: `"validation"`, `"epoch"` (at its end), or a number of updates. By default after each
            validation where the name begins with `val`, and else at the end of each training epoch.
        resume: What becomes of a checkpoint whose plan differs, as a longer run's does: `"strict"` refuses, `"keep"`, `"override"`,
            `"extend"`.
        options: Of `attach`, such as `samples`, `tokens` or `foreign`.

    Raises:
        GlidepathError: When training begins: if the plan or its cadence does not fit the run; if the module has a scheduler as well.
    """

    def __init__(
        self, plan: Any, optimizers: Places = None, *, cadence: Times = None, resume: Policy = "strict", **options: Any
    ) -> None:
        super().__init__()
        self._plan, self._which, self._options = plan, optimizers, options
        self._resume: Policy = resume
        self._cadence: dict[str, Any] = dict(cadence or {})
        self._saved: dict[str, Any] = {}
        self._told: dict[str, int] = {}
        self._ended = False
        refuse(policy_problems("Driver", resume))
        self.scheduler: Scheduler | None = None
        """What drives them, while training: progress, events, checkpoints."""

    @property
    def state_key(self) -> str:
        """What its state is saved under: drivers of other optimizers have another."""
        return f"{type(self).__qualname__}{'' if self._which is None else self._which}"

    def state_dict(self) -> dict[str, Any]:
        """Returns plan and progress for a checkpoint."""
        return dict(self._saved) if self.scheduler is None else {"scheduler": self.scheduler.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from a checkpoint, at once or when training begins.

        Args:
            state_dict: What `state_dict` returned.
        """
        self._saved = dict(state_dict)
        if self.scheduler is not None and "scheduler" in state_dict:
            self.scheduler.load_state_dict(state_dict["scheduler"])

    # What Lightning calls -------------------------------------------------------------------------------------------------------------

    def setup(self, trainer: Any, _: Any, stage: str) -> None:
        """Begins anew where another run is over; what a checkpoint knows comes after this."""
        if stage == "fit" and self._ended and not trainer.global_step:
            self._saved, self._told = {}, {}

    def on_sanity_check_start(self, trainer: Any, _: Any) -> None:
        """Finds what does not fit before anything is computed."""
        self._checked(trainer)

    def on_train_start(self, trainer: Any, _: Any) -> None:
        """Attaches to the optimizers, which are restored by now, and goes on from the checkpoint."""
        plan = self._checked(trainer)
        if self._saved.get("released"):
            return
        scheduler = self.scheduler = attach(self._driven(trainer), plan, resume=self._resume, **self._options)
        if "scheduler" in self._saved:
            rank_zero_info("%s", scheduler.load_state_dict(self._saved["scheduler"]))
        elif trainer.global_step:
            self._begin_late(trainer, scheduler)
        scheduler.show()

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        """Lets go where another scheduler took over."""
        if trainer.lr_scheduler_configs and self.scheduler is not None and self._others(trainer):
            self._let_go(released=True)

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        """Writes the values of the coming update, and observes what is due every so many updates."""
        if self.scheduler is not None:
            self.scheduler.show()
            if self._cadence:
                self._tell(trainer, int)

    def on_validation_end(self, trainer: Any, _: Any) -> None:
        """Observes what is due after a validation; in the one before training only whether it is there."""
        self._tell(trainer, "validation", trainer.sanity_checking)

    def on_train_epoch_end(self, trainer: Any, _: Any) -> None:
        """Observes what is due at the end of an epoch."""
        self._tell(trainer, "epoch")

    def on_train_end(self, *_: Any) -> None:
        """Lets go, with the values last used."""
        if self.scheduler is not None:
            self._ended = True
            self._let_go()

    # Inside ---------------------------------------------------------------------------------------------------------------------------

    def _let_go(self, **more: Any) -> None:
        if self.scheduler is not None:
            self._saved = more | self.state_dict()
            self.scheduler.detach(keep=True)
            self.scheduler = None

    def _driven(self, trainer: Any) -> Any:
        which, found = self._which, trainer.optimizers
        places = [which] if isinstance(which, int) else list(range(len(found)) if which is None else which)
        named = dict(which) if isinstance(which, Mapping) else {str(place): place for place in places}
        odd = [place for place in named.values() if not isinstance(place, int) or not 0 <= place < len(found)]
        if odd or not named:
            rule = f"places in what configure_optimizers returns, 0 to {len(found) - 1}"
            raise GlidepathError.of("Driver", "optimizers", rule, odd[0] if odd else which)
        chosen = {name: found[place] for name, place in named.items()}
        return chosen if isinstance(which, Mapping) or len(chosen) > 1 else next(iter(chosen.values()))

    def _begin_late(self, trainer: Any, scheduler: Scheduler) -> None:
        """Begins in the middle of a run whose checkpoint knows nothing of it."""
        done, alone = trainer.global_step, len(trainer.optimizers) == 1
        if self._resume != "override" or not alone:
            rule = f"in the checkpoint of a run that made {done} updates"
            remedy = f'resume="override" goes on with this plan at update {done}'
            remedy = remedy if alone else "load the weights alone, without ckpt_path"
            raise GlidepathError.worded("Driver", "its state", rule, "nothing", remedy)
        scheduler.seek(done)

    def _others(self, trainer: Any) -> list[str]:
        """Returns the schedulers of others for what it drives."""
        driven = self._driven(trainer)
        mine = {id(each) for each in (driven.values() if isinstance(driven, Mapping) else (driven,))}
        found = [config.scheduler for config in trainer.lr_scheduler_configs]
        return [type(scheduler).__name__ for scheduler in found if id(scheduler.optimizer) in mine]

    def _checked(self, trainer: Any) -> Plan:
        """Returns the plan, checked against the run, with every problem in one error."""
        problems: list[Problem] = []
        others = self._others(trainer)
        if others and not self._saved.get("released"):
            rule, remedy = "without a scheduler of its own", "return the optimizers alone"
            problems.append(Problem("Driver", "configure_optimizers", rule, others[0], remedy))
        plan = plan_of(self._plan, "Driver", run=lambda: trainer.estimated_stepping_batches)
        monitors = {part.monitor for part in plan.feedback}
        for monitor in sorted({*monitors, *self._cadence}):
            due, field = self._due(monitor), f"cadence of {monitor}"
            if monitor not in monitors:
                rule = f"for metrics that a controller listens to ({', '.join(sorted(monitors)) or 'none'})"
                problems.append(Problem("Driver", "cadence", rule, monitor))
            elif due not in ("validation", "epoch") and (number(due) is None or due < 1):
                problems.append(Problem("Driver", field, "'validation', 'epoch' or a number of updates", shown(due)))
            elif due == "validation" and not trainer.enable_validation:
                problems.append(Problem("Driver", field, "one that this run has: it validates nothing", due))
        refuse(problems)
        return plan

    def _due(self, monitor: str) -> Any:
        return self._cadence.get(monitor, "validation" if monitor.startswith("val") else "epoch")

    def _tell(self, trainer: Any, when: Any, rehearsal: bool = False) -> None:
        """Observes the metrics that are due."""
        plan = self._checked(trainer) if rehearsal else None if self.scheduler is None else self.scheduler.plan
        done = 0 if self.scheduler is None else self.scheduler.updates
        for monitor in dict.fromkeys(part.monitor for part in plan.feedback) if plan is not None else ():
            due = self._due(monitor)
            counted = when is int and isinstance(due, int) and done and done % due == 0
            if due != when and not (counted and self._told.get(monitor) != done):
                continue
            found = trainer.callback_metrics
            if monitor not in found:
                remedy = f"self.log({monitor!r}, …)"
                rule = f"a metric that the module logs by then ({', '.join(found) or 'none'})"
                raise GlidepathError.of("Driver", "a controller's monitor", rule, monitor, remedy)
            if self.scheduler is not None and not rehearsal:
                self._told[monitor] = done
                value = trainer.strategy.reduce(found[monitor].detach().clone(), reduce_op="mean")
                self.scheduler.observe(monitor, float(value))
                self.scheduler.show()
