"""A plan in Hugging Face's `Trainer`: its schedules, its feedback, its checkpoints, in one argument."""

from __future__ import annotations

import warnings
from typing import Any

from .core import GlidepathError, missing, refuse
from .dialects import load
from .dialects.plateaus import plateau_of
from .plan import Feedback, Plan, Rule
from .plan import plan_of as _plan_of
from .plan.given import Policy, policy_problems

try:
    import accelerate as _accelerate  # which the Trainer needs
    import transformers
    from transformers import TrainerCallback
except ModuleNotFoundError as error:
    raise missing(error, "glidepath.transformers", "transformers") from None

from .torch import ScheduleLR
from .torch.resume import Resumed, ResumedWarning

del _accelerate

_OF_RATE = {"cosine_with_min_lr": "min_lr", "cosine_warmup_with_min_lr": "min_lr", "polynomial": "lr_end"}


def plan_of(args: Any, total: int | None = None) -> Plan:
    """Returns the plan that `lr_scheduler_type` and its companions in `TrainingArguments` ask for: the Trainer's own rates.

    Args:
        args: The arguments.
        total: The updates of the run, where `args.max_steps` does not say.

    Raises:
        GlidepathError: If the type is `greedy`, its own arguments are refused, or the length of the run is unknown.

    Examples:
        >>> args = transformers.TrainingArguments("out", lr_scheduler_type="linear", warmup_steps=10, max_steps=100)
        >>> plan_of(args).schedule()
        warmup(10, start=0) >> linear(90)
    """
    kind = str(getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type))
    own = dict(args.lr_scheduler_kwargs or {})
    if kind == "reduce_lr_on_plateau":
        given = ", ".join(["optimizer", *(f"{name}={value!r}" for name, value in own.items())])
        controller = plateau_of(f"torch.optim.lr_scheduler.ReduceLROnPlateau({given})", args.learning_rate)
        metric = args.metric_for_best_model or "loss"
        monitor = metric if metric.startswith("eval_") else f"eval_{metric}"
        return Plan((Rule("hold()"),), feedback=(Feedback(controller, monitor),))  # type: ignore[arg-type]
    steps = total or (args.max_steps if args.max_steps > 0 else None)
    if steps is None:
        rule, remedy = "given, as the arguments count epochs", "plan_of(args, total=updates)"
        raise GlidepathError.of("plan_of", "total", rule, total, remedy)
    if kind in _OF_RATE and (kind == "polynomial" or "min_lr" in own):  # of the rate, where the others are shares
        own[_OF_RATE[kind]] = own.get(_OF_RATE[kind], 1e-7) / args.learning_rate
    given = {"name": kind, "num_warmup_steps": args.get_warmup_steps(steps), "num_training_steps": steps}
    factor = load("transformers", "get_scheduler", given | {"scheduler_specific_kwargs": own}, base_lr=1.0).schedule  # type: ignore[attr-defined]
    return Plan((Rule(factor),), {"length": f"{steps} updates"})  # type: ignore[arg-type]


_Mixed: Any = object  # to a type checker the Trainer that `Planned` is mixed into


class Planned(_Mixed):
    """Makes a `Trainer` follow a plan: `class Mine(Planned, Trainer)`, then `Mine(…, plan=…)`.

    Optimizer, decay groups and the number of updates stay the Trainer's. A controller listens to the metric that its `monitor` names: an
    `eval_…` at each evaluation, any other where the Trainer logs. The logs' `learning_rate` is the one of the last update, with a
    `learning_rate/<group>` for each where groups differ. What a resume changed is printed.

    Args:
        plan: What `glidepath.torch.attach` takes; quoted durations are parts of the Trainer's own length. None is `plan_of(args)`.
        resume: What `resume_from_checkpoint` does where the saved plan differs, as a longer run's does: `"strict"` refuses, `"keep"`,
            `"override"`, `"extend"`.
        options: The Trainer's.
    """

    def __init__(self, *positional: Any, plan: Any = None, resume: Policy = "strict", **options: Any) -> None:
        super().__init__(*positional, **options)
        self._plan, self._resume = plan, resume
        self._made: list[ShownLR] = []  # shared by the shallow copies that DeepSpeed's integration makes
        refuse(policy_problems("Trainer", resume))
        if self.lr_scheduler is not None:
            raise self._taken()
        self.add_callback(_Listener(self))

    @property
    def schedule(self) -> ShownLR:
        """What drives the optimizer: its `scheduler` has progress, plan and events.

        Raises:
            GlidepathError: If the optimizer is not made yet.
        """
        if not self._made:
            rule = "asked for when the optimizer is made"
            early = GlidepathError.of("Trainer", "schedule", rule, None, "train() makes it")
            raise early if self.lr_scheduler is None else self._taken()
        return self._made[-1]

    def _taken(self) -> GlidepathError:
        remedy, name = "give none in optimizers=, nor in DeepSpeed's configuration", type(self.lr_scheduler).__name__
        return GlidepathError.of("Trainer", "the scheduler", "left to the plan", name, remedy)

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Makes the scheduler of the plan; the Trainer calls it.

        Args:
            num_training_steps: The updates of the run.
            optimizer: In the place of the Trainer's own.
        """
        if self.lr_scheduler is None:
            plan = plan_of(self.args, num_training_steps) if self._plan is None else self._plan
            made = _plan_of(plan, "Trainer", run=lambda: num_training_steps)
            # train() again on the same optimizer begins anew, as the Trainer's own schedulers do
            self.lr_scheduler = ShownLR(optimizer or self.optimizer, made, resume=self._resume, restart=True)
            self._made[:] = [self.lr_scheduler]
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def log(self, logs: dict[str, float], *positional: Any, **options: Any) -> None:
        """Logs with the rates of the last update.

        Args:
            logs: What is logged.
            positional: Handed on.
            options: Handed on.
        """
        if "learning_rate" in logs and self._made:
            logs |= self.schedule.rates()
        super().log(logs, *positional, **options)


class ShownLR(ScheduleLR):
    """A plan as the Trainer's scheduler."""

    def load_state_dict(self, state_dict: Any, resume: Policy | None = None) -> Resumed:
        """Goes on from a state; what differs is printed when the training begins."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResumedWarning)
            return super().load_state_dict(state_dict, resume)

    def rates(self) -> dict[str, float]:
        """Returns the learning rate of the last update, and that of each group where they differ."""
        rates = {applied.group: applied.value for applied in self.scheduler.last if applied.parameter == "lr"}
        first = {"learning_rate": next(iter(rates.values()))} if rates else {}
        each = {f"learning_rate/{group}": rate for group, rate in rates.items()}
        return first | each if len({*rates.values()}) > 1 else first


class _Listener(TrainerCallback):
    """Feeds a plan's controllers."""

    def __init__(self, trainer: Planned) -> None:
        self.trainer, self.training = trainer, False

    def on_train_begin(self, args: Any, state: Any, *_: Any, **__: Any) -> None:
        self.training, made = True, self.trainer.schedule.scheduler
        monitors = [part.monitor for part in made.plan.feedback if part.monitor.startswith("eval_")]
        if monitors and str(getattr(args.eval_strategy, "value", args.eval_strategy)) == "no":
            rule, remedy = f"one that measures {', '.join(monitors)}", "eval_strategy='epoch', or 'steps'"
            raise GlidepathError.of("Trainer", "eval_strategy", rule, "no", remedy)
        if made.resumed is not None and state.is_world_process_zero:
            print(made.resumed)  # noqa: T201 - a user is to see what a resume changed

    def on_train_end(self, *_: Any, **__: Any) -> None:
        self.training = False

    def on_evaluate(self, *_: Any, metrics: Any = None, **__: Any) -> None:
        self._tell(metrics or {}, "eval_")

    def on_log(self, *_: Any, logs: Any = None, **__: Any) -> None:
        self._tell({name: value for name, value in (logs or {}).items() if not name.startswith("eval_")}, "")

    def _tell(self, metrics: dict[str, Any], prefix: str) -> None:
        if not self.training:
            return
        made = self.trainer.schedule.scheduler
        for monitor in dict.fromkeys(part.monitor for part in made.plan.feedback):
            if monitor in metrics:
                made.observe(monitor, metrics[monitor])
            elif prefix and monitor.startswith(prefix) and not self._elsewhere(monitor, metrics):
                rule = f"a metric of the evaluation ({', '.join(metrics) or 'none'})"
                raise GlidepathError.of("Trainer", "a controller's monitor", rule, monitor)

    def _elsewhere(self, monitor: str, metrics: dict[str, Any]) -> bool:
        """Returns whether another evaluation has the metric: one of another prefix, or of the other data sets, each on its own."""
        sets: Any = getattr(self.trainer, "eval_dataset", None)
        starts = [f"eval_{name}_" for name in sets] if isinstance(sets, dict) else []
        mine = next((start for start in starts if monitor.startswith(start)), "eval_")
        return not any(name.startswith(mine) for name in metrics)


class Trainer(Planned, transformers.Trainer):
    """Hugging Face's `Trainer` with a plan: see `Planned`.

    Examples:
        >>> Trainer(model, args, train_dataset=data, plan='warmup("5%") >> cosine("rest")')  # doctest: +SKIP
    """
