"""The batches of a range test: an order of their own for each repeat, without an end, and the loader back where it was."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch import distributed as dist

__all__ = ["devices", "endless", "moved", "position", "reseed"]


def moved(batch: Any, device: torch.device) -> Any:
    """Returns a batch with its tensors on a device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: moved(item, device) for key, item in cast("Mapping[Any, Any]", batch).items()}
    if isinstance(batch, tuple | list):
        return [moved(item, device) for item in cast("list[Any]", batch)]
    return batch


def devices() -> list[tuple[Any, str]]:
    """Returns torch's modules of the kinds of devices that make random numbers, and how the names of functions for all of a kind end."""
    torchs: Any = torch
    # before the first use of a GPU its seed would wait for it
    there = {
        "cuda": torch.cuda.is_available() and torch.cuda.is_initialized(),
        "mps": torch.backends.mps.is_available(),
        "xpu": hasattr(torch, "xpu") and torch.xpu.is_available(),
    }
    return [(getattr(torchs, name), "" if name == "mps" else "_all") for name, found in there.items() if found]


def reseed(loader: Any, seed: int, repeat: int) -> None:
    """Gives this repeat random numbers and an order of the data of its own."""
    rank = dist.get_rank() if dist.is_available() and dist.is_initialized() else 0
    stream = int(np.random.SeedSequence((seed & 0xFFFFFFFF, repeat, rank)).generate_state(1)[0])
    torch.default_generator.manual_seed(stream)
    for device, end in devices():
        getattr(device, f"manual_seed{end}")(stream)
    random.seed(stream)
    np.random.seed(stream)  # noqa: NPY002 - data sets may use it
    for holder in (loader, getattr(loader, "sampler", None)):
        generator = getattr(holder, "generator", None)
        if isinstance(generator, torch.Generator):
            generator.manual_seed(stream)
        if hasattr(holder, "set_epoch"):
            cast("Any", holder).set_epoch(repeat)


def endless(loader: Iterable[Any], repeat: int, repeats: int) -> Iterator[Any]:
    """Yields the loader's batches again and again; where their order does not change, each repeat begins elsewhere."""
    if getattr(loader, "_iterator", None) is not None:  # workers that stay: those of an epoch under way are left alone
        cast("Any", loader)._iterator = None
    sampler = getattr(loader, "sampler", None)
    shuffled = sampler is not None and not isinstance(sampler, torch.utils.data.SequentialSampler)
    if not shuffled and not hasattr(loader, "set_epoch"):
        try:
            first = len(cast("Any", loader)) * repeat // repeats
        except TypeError:
            first = 0
        yield from islice(loader, first, None)
    while True:
        batches = 0
        for batch in loader:
            batches += 1
            yield batch
        if not batches:
            return


def position(loader: Any) -> Callable[[], None]:
    """Returns what puts a loader with a state of its own back to where it is."""
    if not (hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")):
        return lambda: None
    state = loader.state_dict()
    return lambda: loader.load_state_dict(state)
