"""PyTorch's protocol between schedulers and their optimizer, for one parameter group."""

from __future__ import annotations

__all__ = ["Optimizer", "Scheduler"]


class Optimizer:
    """One group: its rate, the rate that the first scheduler found, and what the last SWALR and OneCycleLR have put there for all."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.initial: float | None = None
        self.target = 0.0
        self.peak, self.bottom = 0.0, 0.0


class Scheduler:
    """What all schedulers share: construction is step 0, and every step writes the rate."""

    def __init__(self, optimizer: Optimizer) -> None:
        if optimizer.initial is None:
            optimizer.initial = optimizer.rate
        self.optimizer, self.base = optimizer, optimizer.initial
        self.last, self.count, self.beginning = -1, 0, False
        self.begin()

    def begin(self) -> None:
        """Takes step 0."""
        self.count, self.beginning = 0, True
        self.step()
        self.beginning = False

    def step(self) -> None:
        """Takes one step."""
        self.count += 1
        self.last += 1
        self.optimizer.rate = self.next(self.optimizer.rate)

    def restart(self) -> None:
        """Goes to step 0 in the middle of a sequence: by the closed form where the class has one."""
        self.last = 0
        self.optimizer.rate = self.closed()

    def undo(self) -> None:
        """Takes one step off the count."""
        self.last -= 1

    def next(self, rate: float) -> float:
        """Returns the next rate, given the present one."""
        raise NotImplementedError(f"{type(self).__name__.strip('_')} has no rate of its own inside another scheduler")

    def closed(self) -> float:
        """Returns the rate at the present count without the present rate, where there is such a formula."""
        return self.next(self.optimizer.rate)
