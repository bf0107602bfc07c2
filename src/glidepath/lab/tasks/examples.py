"""What tasks train on, as arrays: labelled examples, or a text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled examples in three parts that share none.

    Args:
        train: Inputs `n features` (or bytes `n 3 rows columns`) and labels `n` to train on.
        validation: The same, for evaluations during training.
        test: The same, for the final figure.
        classes: Number of classes; labels are in [0, classes).
        sha256: Hash of every array, in hex.
    """

    train: tuple[Floats | Bytes, Ints]
    validation: tuple[Floats | Bytes, Ints]
    test: tuple[Floats | Bytes, Ints]
    classes: int
    sha256: str


@dataclass(frozen=True, eq=False)
class Text:
    """A text as token numbers, in three parts that share no stretch.

    Args:
        train: Tokens `n` to train on, each in [0, len(symbols)).
        validation: The same, for evaluations during training.
        test: The same, for the final figure.
        symbols: The characters; token i stands for `symbols[i]`.
        sha256: Hash of the whole text in UTF-8, in hex.
    """

    train: Ints
    validation: Ints
    test: Ints
    symbols: str
    sha256: str
