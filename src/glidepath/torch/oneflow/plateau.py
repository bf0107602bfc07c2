"""OneFlow's scheduler that follows a metric: PyTorch's rule with OneFlow's names, prints and state."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from ..lr_scheduler import plateau
from .base import called

__all__ = ["ReduceLROnPlateau"]

_NAMES = {"last_step": "last_epoch", "num_bad_steps": "num_bad_epochs"}  # OneFlow's and PyTorch's


def _signature() -> inspect.Signature:
    """Returns PyTorch's arguments and `verbose`."""
    theirs = inspect.signature(plateau.ReduceLROnPlateau)
    verbose = inspect.Parameter("verbose", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=False)
    return theirs.replace(parameters=[*theirs.parameters.values(), verbose])


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

    library: ClassVar[str] = "oneflow"
    __signature__: ClassVar[inspect.Signature] = _signature()

    last_step = called("last_epoch", "How many metrics there were; PyTorch calls it `last_epoch`.")
    num_bad_steps = called(
        "num_bad_epochs", "The metrics in a row that did not improve; PyTorch calls it `num_bad_epochs`."
    )

    def _when(self, epoch: Any) -> str:
        return f"{epoch:5d}"

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
