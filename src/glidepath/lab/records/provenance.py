"""Where results come from: the data, versions and machines that the records behind them name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...core.errors import GlidepathError
from .jobs import Kept

__all__ = ["Provenance", "machine_line", "provenance"]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a set of records comes from.

    Args:
        data_sha256: Hash of the data, the same in all; None where there are none.
        versions: By package; several, sorted and joined, where records were made by different ones.
        machines: A line a machine.
        cpu_seconds: Processor time of all; None where it was not recorded.
    """

    data_sha256: str | None
    versions: dict[str, str]
    machines: tuple[str, ...]
    cpu_seconds: float | None


def machine_line(machine: Mapping[str, str | int]) -> str:
    """What is known of a machine, in one line.

    Examples:
        >>> machine_line({"platform": "Linux x86_64", "cpus": 2})
        'cpus 2, platform Linux x86_64'
    """
    return ", ".join(f"{name} {value}" for name, value in sorted(machine.items()))


def provenance(records: Iterable[Kept], what: str) -> Provenance:
    """Where records come from, taken together.

    Args:
        records: At least one.
        what: What they are records of, for the error.

    Raises:
        GlidepathError: If they were made with different data.
    """
    every = list(records)
    data = sorted({record.data_sha256 for record in every})
    if len(data) > 1:
        raise GlidepathError.of("comparison", f"records of {what}", "made from one set of data", data)
    names = sorted({name for record in every for name in record.versions})
    return Provenance(
        data_sha256=data[0],
        versions={
            name: " and ".join(sorted({record.versions.get(name, "none") for record in every})) for name in names
        },
        machines=tuple(sorted({machine_line(record.machine) for record in every})),
        cpu_seconds=round(sum(record.cpu_seconds for record in every), 3),
    )
