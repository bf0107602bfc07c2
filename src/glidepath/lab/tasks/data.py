"""The arrays that tasks train on, labelled examples or a text, made once a process and kept in memory. Nothing is downloaded or unpickled."""

from __future__ import annotations

import functools
import hashlib
import random
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from . import cifar
from .declared import AnyData, Cifar100, Digits, Images, Mnist1d, Own, Prose

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


def load(declared: AnyData) -> Examples | Text:
    """The arrays of a declaration; the second call for an equal one returns the same arrays.

    Args:
        declared: The data part of a task.

    Returns:
        `Examples` for classes, `Text` for characters.

    Raises:
        GlidepathError: If the user's own data break a rule of `glidepath.lab.tasks.user`, or there is no whole copy of CIFAR-100.
    """
    return _loaded(declared, cifar.find_copy() if isinstance(declared, Cifar100) else None)


@functools.lru_cache(maxsize=8)
def _loaded(declared: AnyData, copy: cifar.Copy | None) -> Examples | Text:
    if copy is not None:
        return cifar.cifar100_examples(copy)
    if isinstance(declared, Own):
        from .user import own_data

        return own_data(declared)
    makers: dict[type, Any] = {Mnist1d: _mnist1d, Digits: _digits, Images: _images, Prose: _prose}
    return makers[type(declared)](declared)


def _mnist1d(declared: Mnist1d) -> Examples:
    from mnist1d.data import get_dataset_args, make_dataset
    from mnist1d.utils import ObjectView

    wanted = declared.train + declared.validation + declared.test
    settings = cast("dict[str, object]", get_dataset_args(as_dict=True))
    settings |= {"num_samples": -(-wanted // 10) * 10, "train_split": 1.0, "seed": declared.seed}
    # The generator seeds and draws from the global random states: they are the caller's, so they are put back.
    ours = np.random.get_state()  # noqa: NPY002
    ours_too = random.getstate()
    try:
        made = make_dataset(ObjectView(settings))
    finally:
        np.random.set_state(ours)  # noqa: NPY002
        random.setstate(ours_too)
    drawn = cast("dict[str, Any]", made)
    inputs, labels = drawn["x"][:wanted].astype(np.float32), drawn["y"][:wanted].astype(np.int64)
    return _split(inputs, labels, declared.train, declared.train + declared.validation)


def _split(inputs: Floats, labels: Ints, first: int, second: int) -> Examples:
    """Ten classes, cut into the three parts."""
    inputs, labels = np.ascontiguousarray(inputs), np.ascontiguousarray(labels)
    train, validation, test = zip(np.split(inputs, [first, second]), np.split(labels, [first, second]), strict=True)
    return Examples(train, validation, test, 10, hashlib.sha256(inputs.tobytes() + labels.tobytes()).hexdigest())


def _digits(declared: Digits) -> Examples:
    from sklearn.datasets import load_digits

    pixels, digits = cast("tuple[npt.NDArray[np.float64], Ints]", load_digits(return_X_y=True))
    generator = np.random.default_rng(declared.seed)
    order = generator.permutation(len(digits))
    labels = digits[order].astype(np.int64)
    first, second = 900, 1300
    wrong = generator.permutation(first)[: round(declared.noise * first)]
    labels[wrong] = (labels[wrong] + generator.integers(1, 10, len(wrong))) % 10
    return _split((pixels[order] / 16.0).astype(np.float32), labels, first, second)


def _images(declared: Images) -> Examples:
    """Looked up, added and multiplied one number at a time: the same bytes on every machine."""
    generator = np.random.default_rng(declared.seed)
    families, own = (generator.standard_normal((n, 3, 8, 8), dtype=np.float32) for n in (20, 100))
    patterns = (0.6 * families[np.arange(100) // 5] + 0.8 * own).astype(np.float32)
    pixels, planes = np.arange(32), np.arange(3)[:, None, None]

    def shown(classes: Ints) -> Floats:
        """Each pattern of its class, moved, and mirrored half of the time."""
        moves = generator.integers(-4, 5, (2, len(classes), 1))
        rows, columns = (pixels - moves) % 32 // 4
        columns = np.where(generator.integers(2, size=(len(classes), 1)) > 0, columns, 7 - columns)
        return patterns[classes[:, None, None, None], planes, rows[:, None, :, None], columns[:, None, None, :]]

    def part(count: int) -> tuple[Bytes, Ints]:
        labels = generator.permutation(np.arange(count, dtype=np.int64) % 100)
        strength = generator.uniform(0.5, 1.0, (count, 1, 1, 1)).astype(np.float32)
        others = (labels + generator.integers(1, 100, count)) % 100
        noise = generator.standard_normal((count, 3, 32, 32), dtype=np.float32)
        found = strength * shown(labels) + 0.5 * shown(others) + 0.7 * noise
        return np.clip(128 + 40 * found, 0, 255).astype(np.uint8), labels

    train, validation, test = (part(count) for count in (declared.train, declared.validation, declared.test))
    digest = hashlib.sha256(b"".join(array.tobytes() for pair in (train, validation, test) for array in pair))
    return Examples(train, validation, test, 100, digest.hexdigest())


def _prose(declared: Prose) -> Text:
    from pydoc_data.topics import topics

    text = "\n".join(topics[name] for name in sorted(topics))
    symbols = "".join(sorted(set(text)))
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    tokens = np.fromiter((numbers[symbol] for symbol in text), dtype=np.int64, count=len(text))
    part = np.arange(len(tokens)) // declared.stretch % 10
    parts = tokens[part < 8], tokens[part == 8], tokens[part == 9]
    return Text(*parts, symbols, hashlib.sha256(text.encode()).hexdigest())
