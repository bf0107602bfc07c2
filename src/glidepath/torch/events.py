"""What a scheduler tells about: the values it applied, and writes by others."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Applied", "ForeignWrite", "ForeignWriteWarning", "OverrunWarning"]


class Applied(NamedTuple):
    """A value that an update was made with.

    Args:
        update: The update, counted from 0.
        group: The group's name, or its number as text.
        parameter: The hyper-parameter, such as `lr`.
        value: The value applied, in the unit of the hyper-parameter.
    """

    update: int
    group: str
    parameter: str
    value: float


class ForeignWrite(NamedTuple):
    """A value that somebody else wrote into a group, noticed right before an update.

    Args:
        update: The update that was about to be made, counted from 0.
        group: The group's name, or its number as text.
        parameter: The hyper-parameter.
        value: What was found.
        expected: What the scheduler had written.
        policy: What became of it: `restore`, `adopt` or `refuse`.
    """

    update: int
    group: str
    parameter: str
    value: float
    expected: float
    policy: str

    def __str__(self) -> str:
        became = {"restore": "the schedule goes on", "adopt": "the group goes on from it", "refuse": "refused"}
        return (
            f"{self.parameter} of group {self.group} was {self.value!r} before update {self.update}, not the {self.expected!r} that its "
            f"schedule had written: {became[self.policy]}"
        )


class ForeignWriteWarning(UserWarning):
    """Somebody else wrote a value that a schedule drives; given once for each group and hyper-parameter."""


class OverrunWarning(UserWarning):
    """A run went on past the end of its schedules, whose last values are held; given once."""
