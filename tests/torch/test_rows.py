"""A row writes N places at once, says whether anybody else has written there, and never shares what it hands out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from glidepath.torch.rows import Elsewhere, Memory, Mixed, Numbers, row

VALUES = np.array([0.1, 0.25, 1 / 3])


class Own(torch.Tensor):
    """A kind of tensor whose memory may be anything."""


def own(value: float) -> torch.Tensor:
    return torch.Tensor._make_subclass(Own, torch.tensor(value))


MAKES: dict[str, tuple[Callable[[float], Any], type[Any]]] = {
    "numbers": (float, Numbers),
    "float32": (torch.tensor, Memory),
    "float64": (lambda value: torch.tensor(value, dtype=torch.float64), Memory),
    "bfloat16": (lambda value: torch.tensor(value, dtype=torch.bfloat16), Elsewhere),
    "subclass": (own, Elsewhere),
}


def held(make: Callable[[float], Any]) -> list[dict[str, Any]]:
    return [{"lr": make(value)} for value in (0.5, 0.6, 0.7)]


def found(groups: list[dict[str, Any]]) -> list[Any]:
    return [group["lr"] for group in groups]


@pytest.mark.parametrize("name", MAKES)
def test_what_was_written_is_kept_unrounded_until_somebody_else_writes(name: str):
    make, kind = MAKES[name]
    groups = held(make)
    places = found(groups)
    line = row(places)
    assert type(line) is kind
    assert line.kept(places) is None  # nothing was written yet
    assert line.read(places).tolist() == pytest.approx([0.5, 0.6, 0.7], rel=1e-2)
    copies = line.write(groups, "lr", VALUES)
    copies = list(torch.from_numpy(copies).unbind()) if kind is Memory else copies
    assert [float(value) for value in found(groups)] == [float(value) for value in copies]
    assert line.kept(found(groups)) is VALUES
    if kind is not Numbers:
        assert all(a is b for a, b in zip(places, found(groups), strict=True))  # filled, not replaced
        copies[0].fill_(9.0)  # nobody's but the caller's
        assert line.kept(found(groups)) is VALUES
        groups[1]["lr"].mul_(0.5)
    else:
        groups[1]["lr"] *= 0.5
    assert line.kept(found(groups)) is None
    assert line.read(found(groups))[1] == pytest.approx(0.125, rel=1e-2)


@pytest.mark.parametrize("name", MAKES)
def test_places_that_change_or_leave_are_noticed(name: str):
    groups = held(MAKES[name][0])
    line = row(found(groups))
    line.write(groups, "lr", VALUES)
    assert line.kept(found(groups)[::-1]) is None
    assert line.kept(found(groups)[:2]) is None
    groups[0]["lr"] = MAKES[name][0](0.1)
    assert line.kept(found(groups)) is None


def test_tensors_whose_memory_moves_are_noticed():
    groups = held(torch.tensor)
    line = row(found(groups))
    line.write(groups, "lr", VALUES)
    groups[0]["lr"].data = groups[0]["lr"].data.clone()
    assert line.kept(found(groups)) is None
    assert not line.holds(found(groups))


def test_each_kind_of_place_has_its_row():
    one = torch.tensor(0.1)
    assert type(row([])) is Numbers
    assert type(row([one, torch.tensor(0.2)])) is Memory
    assert type(row([torch.nn.Parameter(one)])) is Memory
    assert type(row([one, one.view(())])) is Mixed  # two that share their memory
    assert type(row([one, one])) is Mixed
    assert type(row([one, 0.2])) is Mixed
    assert type(row([0.2, one])) is Mixed
    assert type(row([one, torch.tensor([0.2])])) is Mixed
    assert type(row([one, torch.tensor(0.2, dtype=torch.float64)])) is Mixed


def test_a_mixture_is_written_as_each_place_holds_it():
    tensor = torch.tensor([0.5])
    groups = [{"lr": 0.5}, {"lr": tensor}, {"lr": 1}]
    line = row(found(groups))
    copies = line.write(groups, "lr", VALUES)
    assert groups[1]["lr"] is tensor
    assert [float(value) for value in found(groups)] == pytest.approx(VALUES.tolist())
    tensor.fill_(7.0)
    assert float(copies[1]) == 0.25
    assert line.kept(found(groups)) is None
    assert line.read(found(groups)).tolist() == pytest.approx([0.1, 7.0, 1 / 3])
