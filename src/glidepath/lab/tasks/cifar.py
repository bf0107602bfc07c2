"""CIFAR-100 from a copy that the user has: the binary form or the python-pickle form, a folder or its .tar.gz.

Nothing is downloaded, nothing is written to disk, and a pickle may only name the four things that a NumPy array is made
of. Every file is checked against its published md5 and size before it is read.

Source:
    Krizhevsky 2009, "Learning multiple layers of features from tiny images"; sums of the archives and of the pickles as
    in torchvision's `CIFAR100`, of the binary files from one public reader.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...core import GlidepathError, shown

if TYPE_CHECKING:
    from .data import Examples

# The environment variable that names the copy: a folder, or the archive itself.
VARIABLE = "GLIDEPATH_CIFAR100"

_PIXELS = 3 * 32 * 32
_ROW = 2 + _PIXELS
_FORMS = {"cifar-100-binary": ("train.bin", "test.bin"), "cifar-100-python": ("train", "test")}

Arrays = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]


class Release(NamedTuple):
    """What a whole copy holds.

    Args:
        rows: Examples in the training and in the test file.
        md5: Sum of each file, by name: `train.bin`, `test.bin`, `train`, `test` and the archive that is named in errors.
    """

    rows: tuple[int, int]
    md5: dict[str, str]


_SUMS = {
    "cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8",
    "train.bin": "6172c7755cfe09b2fe270c85cebc1b15",
    "test.bin": "4499cfba6c016c1be1438163640a0898",
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
}
# The one release there is.
PUBLISHED = Release((50_000, 10_000), _SUMS)


class Copy(NamedTuple):
    """A copy that was found.

    Args:
        path: Its folder or its archive.
        form: `cifar-100-binary` or `cifar-100-python`.
    """

    path: Path
    form: str


def places() -> list[Path]:
    """Where a copy is looked for, in this order: `$GLIDEPATH_CIFAR100`, the user's cache, `data` in this folder."""
    named = os.environ.get(VARIABLE)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return [*([Path(named)] if named else []), cache / "glidepath" / "cifar100", Path("data")]


def find_copy() -> Copy:
    """The first copy in `places()`; the binary form goes before the other. Its content is not read yet.

    Raises:
        GlidepathError: If there is none; the message lists every place, the file wanted and its md5.
    """
    for place in places():
        for form, files in _FORMS.items():
            for path in (place, place / form, place / f"{form}.tar.gz"):
                if path.is_dir() and all((path / name).is_file() for name in files):
                    return Copy(path, form)
                if path.name == f"{form}.tar.gz" and path.is_file():
                    return Copy(path, form)
    wanted, listed = "cifar-100-binary.tar.gz", ", ".join(map(str, places()))
    rule = f"in one of {listed}, as a folder {' or '.join(_FORMS)} or as its .tar.gz"
    remedy = (
        f"nothing is downloaded here: fetch {wanted}, md5 {PUBLISHED.md5[wanted]}, put it in one of these places or "
    )
    remedy += f"name it in ${VARIABLE}; meanwhile the task images, of the same shape, needs no file"
    raise GlidepathError.worded("cifar100", "copy", rule, "none there", remedy)


def read_cifar100(copy: Copy, release: Release = PUBLISHED) -> tuple[Arrays, Arrays]:
    """The training and the test rows of a copy.

    Args:
        copy: What `find_copy` found.
        release: What it must hold.

    Returns:
        Twice: pixels `n 3 32 32` (red, green, blue; 0 to 255) and fine labels `n` in [0, 100).

    Raises:
        GlidepathError: If a file is missing, has another md5 or size, or is not what its form says.
    """
    read: Callable[[str, bytes, int], Arrays] = _binary if copy.form == "cifar-100-binary" else _pickled
    train, test = (
        read(f"cifar100: {name}", _content(copy, name, rows, release), rows)
        for name, rows in zip(_FORMS[copy.form], release.rows, strict=True)
    )
    return train, test


def cifar100_examples(copy: Copy) -> Examples:
    """All of CIFAR-100, a tenth of the training rows set aside for validation, drawn once for all.

    Args:
        copy: What `find_copy` found.

    Raises:
        GlidepathError: If the copy is damaged.
    """
    from .data import Examples

    (pixels, labels), test = read_cifar100(copy, PUBLISHED)
    order = np.random.default_rng(0).permutation(len(labels))
    first = len(order) - round(0.1 * len(order))
    digest = hashlib.sha256()
    for array in (pixels, labels, *test):
        digest.update(array.tobytes())
    train, validation = ((pixels[part], labels[part]) for part in (order[:first], order[first:]))
    return Examples(train, validation, test, 100, digest.hexdigest())


def _content(copy: Copy, name: str, rows: int, release: Release) -> bytes:
    """The bytes of one file, its md5 checked; never more than the file may have. Of an archive nothing is extracted."""
    where, limit = f"cifar100: {name}", _ROW * rows + (0 if copy.form == "cifar-100-binary" else 8 * 2**20)
    try:
        if copy.path.is_dir():
            with (copy.path / name).open("rb") as file:
                content = file.read(limit + 1)
        else:
            with tarfile.open(copy.path, "r|gz") as archive:
                content = _member(archive, f"{copy.form}/{name}", limit + 1)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise GlidepathError.of(where, "file", f"readable in {copy.path}", str(error)) from None
    if len(content) > limit:
        raise GlidepathError.of(where, "size", f"at most {limit} bytes", "more")
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != release.md5[name]:
        remedy = f"the copy in {copy.path} is damaged, or not this release: fetch it again"
        raise GlidepathError.of(where, "md5", release.md5[name], found, remedy)
    return content


def _member(archive: tarfile.TarFile, name: str, most: int) -> bytes:
    for member in islice(archive, 65):
        if member.name == name and member.isreg() and (file := archive.extractfile(member)):
            return file.read(most)
    raise tarfile.TarError(f"no regular member {name}")


def _binary(where: str, content: bytes, rows: int) -> Arrays:
    if len(content) != rows * _ROW:
        raise GlidepathError.of(where, "size", f"{rows} rows of {_ROW} bytes", f"{len(content)} bytes")
    table = np.frombuffer(content, dtype=np.uint8).reshape(rows, _ROW)
    return _checked(where, np.ascontiguousarray(table[:, 2:]), table[:, 1], rows)


def _pickled(where: str, content: bytes, rows: int) -> Arrays:
    try:
        loaded: Any = _Arrays(io.BytesIO(content), encoding="latin1").load()
    except GlidepathError as error:
        raise error.inside(where) from None
    except Exception as error:  # noqa: BLE001 - a damaged pickle may raise anything
        got = f"{type(error).__name__}: {error}"
        raise GlidepathError.of(where, "pickle", "whole and of plain values", got) from None
    if not isinstance(loaded, dict) or not {"data", "fine_labels"} <= set(loaded):
        raise GlidepathError.of(where, "pickle", "a dict with data and fine_labels", shown(loaded))
    labels = loaded["fine_labels"]
    if not isinstance(labels, list) or not all(type(one) is int and 0 <= one < 100 for one in labels):
        raise GlidepathError.of(where, "fine_labels", "a list of ints in [0, 100)", labels)
    return _checked(where, loaded["data"], np.asarray(labels, dtype=np.int64), rows)


def _checked(where: str, pixels: Any, labels: npt.NDArray[Any], rows: int) -> Arrays:
    if type(pixels) is not np.ndarray or pixels.dtype != np.uint8 or pixels.shape != (rows, _PIXELS):
        seen = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise GlidepathError.of(where, "data", f"uint8 of shape {(rows, _PIXELS)}", seen)
    if len(labels) != rows or labels.max() >= 100:
        got = f"{len(labels)}, up to {labels.max()}"
        raise GlidepathError.of(where, "fine labels", f"{rows} numbers in [0, 100)", got)
    return np.ascontiguousarray(pixels).reshape(rows, 3, 32, 32), labels.astype(np.int64)


_ALLOWED: dict[tuple[str, str], Any] = {("numpy", "ndarray"): np.ndarray, ("numpy", "dtype"): np.dtype}
for _module in ("numpy.core.multiarray", "numpy._core.multiarray"):  # as NumPy 1 and 2 call it
    _ALLOWED[_module, "_reconstruct"] = np.zeros(0).__reduce__()[0]


class _Arrays(pickle.Unpickler):
    """Reads dicts, lists, texts, numbers and NumPy arrays; whatever else a pickle names is refused, not imported."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """The allowed object of this name.

        Raises:
            GlidepathError: If it is not allowed.
        """
        if (module_name, global_name) not in _ALLOWED:
            named = f"{module_name}.{global_name}"
            raise GlidepathError.of("", "pickle", "of plain values and NumPy arrays only", named)
        return _ALLOWED[module_name, global_name]
