"""Drop-ins that multiply the rate they find: a hand or another scheduler may move it too."""

from __future__ import annotations

from typing import Any, ClassVar

from torch.optim import lr_scheduler as torchs
from torch.optim import swa_utils

from ..rows import Values
from .base import Scheduler, unpacked

__all__ = [
    "SWALR",
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "PolynomialLR",
    "StepLR",
]


class StepLR(torchs.StepLR, Scheduler):
    """One more `gamma` every `step_size` steps.

    Args:
        optimizer: Whose rates are set.
        step_size: The steps between two drops.
        gamma: What a drop multiplies the rate by.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.StepLR`, version 2.13.0.
    """

    __slots__ = ()


class MultiStepLR(torchs.MultiStepLR, Scheduler):
    """One more `gamma` at each milestone; one that is given twice counts twice.

    Args:
        optimizer: Whose rates are set.
        milestones: The steps of the drops.
        gamma: What a drop multiplies the rate by.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.MultiStepLR`, version 2.13.0.
    """

    __slots__ = ()


class ConstantLR(torchs.ConstantLR, Scheduler):
    """`factor` for `total_iters` steps, then the whole rate.

    Args:
        optimizer: Whose rates are set.
        factor: What the rate is multiplied by at first, from 0 to 1.
        total_iters: For how many steps; 0 leaves the rate as it is.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.ConstantLR`, version 2.13.0.
    """

    __slots__ = ()
    joins_at_base: ClassVar[bool] = True

    def _checked(self, arguments: dict[str, Any]) -> None:
        super()._checked({name: value or 1 for name, value in arguments.items()})

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        return {"factor": 1.0} if self.total_iters == 0 else {} if self.factor == 0 else None

    def _next(self, groups: Any, current: Values, last: Any, at: Any) -> Values:
        if self.factor == 0 and at == self.total_iters:
            return self._on_curve(groups, current, at)
        return super()._next(groups, current, last, at)


class LinearLR(torchs.LinearLR, Scheduler):
    """A straight line from one factor to another.

    Args:
        optimizer: Whose rates are set.
        start_factor: The factor of the first step, above 0 and at most 1.
        end_factor: The factor from step `total_iters` on, from 0 to 1.
        total_iters: The steps between them; with 0 the rate has `end_factor` at once.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.LinearLR`, version 2.13.0.
    """

    __slots__ = ()
    joins_at_base: ClassVar[bool] = True

    def _checked(self, arguments: dict[str, Any]) -> None:
        super()._checked({**arguments, "total_iters": arguments.get("total_iters", 5) or 1})

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        return {"start_factor": self.end_factor, "total_iters": 1} if self.total_iters == 0 else None


class ExponentialLR(torchs.ExponentialLR, Scheduler):
    """One more `gamma` every step.

    Args:
        optimizer: Whose rates are set.
        gamma: What a step multiplies the rate by.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.ExponentialLR`, version 2.13.0.
    """

    __slots__ = ()


class PolynomialLR(torchs.PolynomialLR, Scheduler):
    """A power of what is left of `total_iters` steps.

    Args:
        optimizer: Whose rates are set.
        total_iters: The steps down to 0.
        power: The power, from 0 on.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.PolynomialLR`, version 2.13.0.
    """

    __slots__ = ()

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        return {"_is_initial": True} if at == 0 else None


class CosineAnnealingLR(torchs.CosineAnnealingLR, Scheduler):
    """Half a cosine down to `eta_min` in `T_max` steps, then back up, and so on.

    Args:
        optimizer: Whose rates are set.
        T_max: The steps down.
        eta_min: The lowest rate, of every group.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.lr_scheduler.CosineAnnealingLR`, version 2.13.0.
    """

    __slots__ = ()


class SWALR(swa_utils.SWALR, Scheduler):
    """From the rate it finds to `swa_lr`, then there.

    Args:
        optimizer: Whose rates are set.
        swa_lr: The last rate, one or one for each group.
        anneal_epochs: The steps there; 0 goes there at once.
        anneal_strategy: `cos` or `linear`.
        last_epoch: The index of the last epoch, -1 for a new run.

    Raises:
        GlidepathError: If an argument is not usable.

    Source:
        `torch.optim.swa_utils.SWALR`, version 2.13.0.
    """

    __slots__ = ()
    lists: ClassVar[frozenset[str]] = frozenset({"swa_lr"})
    unsaved: ClassVar[frozenset[str]] = frozenset({"optimizer", "anneal_func"})

    def _alpha(self, step: Any) -> float:
        """Returns the share of the way to `swa_lr` that is gone at a step."""
        return self.anneal_func(max(0, min(1, step / self.anneal_epochs)) if self.anneal_epochs else int(step >= 0))

    def _mended(self, last: Any, at: Any) -> dict[str, Any] | None:
        if self._step_count == at + 1 and last == at - 1:
            return None
        shares = iter((self._alpha(last), self._alpha(at)))  # PyTorch counts calls
        return {"anneal_func": lambda _: next(shares)}

    def _on_curve(self, groups: Any, current: Values, at: Any, **more: Any) -> Any:
        view: dict[str, Any] = {"base_lrs": self.base_lrs}
        self._stack(view, groups, current)
        share, end, (base,) = self._alpha(at), view["optimizer"].param_groups[0]["swa_lr"], view["base_lrs"]
        return unpacked([end * share + base * (1 - share)])

    def _join(self, group: dict[str, Any]) -> None:
        group.setdefault("swa_lr", self.optimizer.param_groups[0]["swa_lr"])

    def _restored(self, state: dict[str, Any], groups: Any) -> None:
        self._set_anneal_func(self._anneal_strategy)  # pyright: ignore[reportArgumentType]
