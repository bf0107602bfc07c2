"""OneFlow's scheduler that follows a metric: PyTorch's rule with OneFlow's names, prints and state."""

from __future__ import annotations

from typing import Any, Literal

from torch.optim import Optimizer

from ...dialects.checks import Checks
from ..lr_scheduler import plateau
from ..lr_scheduler.tensors import plain

__all__ = ["ReduceLROnPlateau"]

_NAMES = {"last_step": "last_epoch", "num_bad_steps": "num_bad_epochs"}  # OneFlow's and PyTorch's


class ReduceLROnPlateau(plateau.ReduceLROnPlateau):
    """Cuts the rates once a metric has not improved for more than `patience` calls in a row.

    Args:
        optimizer: Whose rates are set.
        mode: `min` where lower is better, or `max`.
        factor: What a cut multiplies the rates by, from 0 on and below 1.
        patience: The calls without improvement that are tolerated.
        threshold: How much better a metric must be.
        threshold_mode: Whether the threshold is relative (`rel`) or absolute (`abs`).
        cooldown: The calls after a cut that are not counted.
        min_lr: The lowest rate, one or one for each group.
        eps: A cut of at most so much is not made.
        verbose: Whether every cut is printed.

    Raises:
        TypeError: If the optimizer is none.
        GlidepathError: With every argument that is not usable.

    Source:
        `oneflow.optim.lr_scheduler.ReduceLROnPlateau`, versions 0.7.0 to 1.0.0.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: Literal["rel", "abs"] = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
        verbose: bool = False,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        checks, groups = Checks("oneflow ReduceLROnPlateau"), len(optimizer.param_groups)
        checks.choice("mode", mode, ("min", "max"))
        if checks.real("factor", factor, 0) >= 1:
            checks.refuse("factor", "below 1", factor)
        checks.length("patience", patience, 0)
        checks.real("threshold", threshold, 0)
        checks.choice("threshold_mode", threshold_mode, ("rel", "abs"))
        checks.length("cooldown", cooldown, 0)
        if not isinstance(min_lr, list | tuple):
            checks.real("min_lr", min_lr, 0)
        elif len(min_lr) != groups:
            checks.refuse("min_lr", f"one rate or {groups} of them", min_lr)
        else:
            for i, floor in enumerate(min_lr):
                checks.real(f"min_lr[{i}]", floor, 0)
        checks.real("eps", eps, 0)
        checks.done()
        self.verbose = verbose
        super().__init__(optimizer, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps)

    @property
    def last_step(self) -> int:
        """How many metrics there were; PyTorch calls it `last_epoch`."""
        return self.last_epoch

    @last_step.setter
    def last_step(self, step: int) -> None:
        self.last_epoch = step

    @property
    def num_bad_steps(self) -> int:
        """The metrics in a row that did not improve; PyTorch calls it `num_bad_epochs`."""
        return self.num_bad_epochs

    @num_bad_steps.setter
    def num_bad_steps(self, steps: int) -> None:
        self.num_bad_epochs = steps

    def _reduce_lr(self, epoch: int) -> None:
        before = [plain(group["lr"]) for group in self.optimizer.param_groups]
        super()._reduce_lr(epoch)
        if self.verbose:
            for i, (old, group) in enumerate(zip(before, self.optimizer.param_groups, strict=True)):
                rate = plain(group["lr"])
                if rate != old:
                    print(f"Epoch {epoch:5d}: reducing learning rate of group {i} to {rate:.4e}.")  # noqa: T201

    def state_dict(self) -> dict[str, Any]:
        """Returns OneFlow's state; its `_last_lr` are the rates of this moment."""
        names = {theirs: ours for ours, theirs in _NAMES.items()}
        return {names.get(name, name): value for name, value in super().state_dict().items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state, of OneFlow's or PyTorch's class too, and writes its rates into the groups.

        Args:
            state_dict: What `state_dict` returned; it is left as it is.

        Raises:
            GlidepathError: If it is of another kind of scheduler; nothing is changed then.
        """
        super().load_state_dict({_NAMES.get(name, name): value for name, value in state_dict.items()})
