"""Local copies of CIFAR-100: both forms, folder and archive give the same rows; hostile and damaged ones are refused."""

import hashlib
import io
import os
import pickle
import tarfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from glidepath import GlidepathError, recipes
from glidepath.cli import app
from glidepath.lab import TASKS, RunSpec, compare, run
from glidepath.lab.tasks import cifar, models
from glidepath.lab.tasks import data as lab_data
from glidepath.lab.tasks.cifar import Copy, Release, find_copy, read_cifar100
from glidepath.lab.tasks.declared import Images, ResNet

ROWS = 40, 20
GENERATOR = np.random.default_rng(1)
PIXELS = [GENERATOR.integers(0, 256, (n, 3072), dtype=np.uint8) for n in ROWS]
FINE = [GENERATOR.integers(0, 100, n) for n in ROWS]


def _files(form):
    if form == "cifar-100-binary":
        tables = [
            np.column_stack([fine // 5, fine, pixels]).astype(np.uint8)
            for fine, pixels in zip(FINE, PIXELS, strict=True)
        ]
        return {name: table.tobytes() for name, table in zip(("train.bin", "test.bin"), tables, strict=True)}
    made = {}
    for name, fine, pixels in zip(("train", "test"), FINE, PIXELS, strict=True):
        whole = {
            "filenames": ["a"],
            "batch_label": name,
            "fine_labels": fine.tolist(),
            "coarse_labels": (fine // 5).tolist(),
            "data": pixels,
        }
        made[name] = pickle.dumps(whole, protocol=4)
    return made


def _old(pixels, fine):
    """A pickle as Python 2 wrote it, text as bytes and arrays by their old names: the form of the real files."""
    raw = pixels.tobytes()
    shape = b"(" + b"".join(b"J" + int(n).to_bytes(4, "little") for n in pixels.shape) + b"t"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + shape
        + b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
        + len(raw).to_bytes(4, "little")
        + raw
        + b"tb"
    )
    labels = b"](" + b"".join(b"K" + bytes([int(one)]) for one in fine) + b"e"
    return b"\x80\x02}(U\x04data" + array + b"U\x0bfine_labels" + labels + b"u."


def _write(folder, form, files, archive):
    if not archive:
        (folder / form).mkdir(parents=True)
        for name, content in files.items():
            (folder / form / name).write_bytes(content)
        return
    folder.mkdir(exist_ok=True, parents=True)
    with tarfile.open(folder / f"{form}.tar.gz", "w:gz") as tar:
        for name, content in {
            "../../escape": b"no",
            **{f"{form}/{name}": content for name, content in files.items()},
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def _release(files, rows=ROWS):
    return Release(
        rows,
        {name: hashlib.md5(content).hexdigest() for name, content in files.items()}
        | {"cifar-100-binary.tar.gz": "0" * 32},
    )


@pytest.fixture
def copy_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(cifar.VARIABLE, raising=False)
    lab_data._loaded.cache_clear()
    yield tmp_path
    lab_data._loaded.cache_clear()


OLD = {name: _old(pixels, fine) for name, pixels, fine in zip(("train", "test"), PIXELS, FINE, strict=True)}


@pytest.mark.parametrize("archive", [False, True], ids=["folder", "archive"])
@pytest.mark.parametrize("form", ["cifar-100-binary", "cifar-100-python", "python 2"])
def test_both_forms_give_the_same_rows_and_write_nothing(copy_at, form, archive):
    files = OLD if form == "python 2" else _files(form)
    form = "cifar-100-python" if form == "python 2" else form
    _write(copy_at / "data", form, files, archive)
    before = sorted(copy_at.rglob("*"))
    parts = read_cifar100(find_copy(), _release(files))

    for (images, labels), pixels, fine in zip(parts, PIXELS, FINE, strict=True):
        assert np.array_equal(images, pixels.reshape(-1, 3, 32, 32))
        assert np.array_equal(labels, fine)
    assert sorted(copy_at.rglob("*")) == before
    assert not (copy_at.parent / "escape").exists()


def test_places_are_tried_in_order_and_binary_goes_first(copy_at, monkeypatch):
    _write(copy_at / "data", "cifar-100-python", OLD, False)
    assert find_copy().form == "cifar-100-python"
    _write(copy_at / "data", "cifar-100-binary", _files("cifar-100-binary"), True)
    assert find_copy() == Copy(
        copy_at.joinpath("data").relative_to(copy_at) / "cifar-100-binary.tar.gz", "cifar-100-binary"
    )
    _write(copy_at / "cache" / "glidepath" / "cifar100", "cifar-100-binary", _files("cifar-100-binary"), False)
    assert find_copy().path == copy_at / "cache" / "glidepath" / "cifar100" / "cifar-100-binary"
    monkeypatch.setenv(cifar.VARIABLE, str(copy_at / "data" / "cifar-100-python"))
    assert find_copy() == Copy(copy_at / "data" / "cifar-100-python", "cifar-100-python")


def test_without_a_copy_the_error_says_everything_and_nothing_is_written(copy_at, monkeypatch):
    monkeypatch.setenv(cifar.VARIABLE, str(copy_at / "mine"))
    with pytest.raises(GlidepathError) as error:
        compare("cifar100", ["constant"], 1, out=copy_at / "out")

    for word in (
        str(copy_at / "mine"),
        str(copy_at / "cache" / "glidepath" / "cifar100"),
        "data",
        "cifar-100-binary.tar.gz",
        "03b5dce01913d631647c71ecec9e9cb8",
        "$GLIDEPATH_CIFAR100",
        "meanwhile the task images",
    ):
        assert word in str(error.value)
    assert not (copy_at / "out").exists()


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, eval, getattr, open, np.load], ids=lambda f: f.__name__)
def test_a_hostile_pickle_is_refused_even_with_the_right_md5(copy_at, protocol, function):
    evil = pickle.dumps({"data": Hostile(function, str(copy_at / "made"), "w"), "fine_labels": [0]}, protocol)
    files = OLD | {"train": evil}
    _write(copy_at / "data", "cifar-100-python", files, False)

    with pytest.raises(
        GlidepathError, match=r"cifar100: train.*pickle must be of plain values and NumPy arrays only, got"
    ):
        read_cifar100(find_copy(), _release(files))
    assert not (copy_at / "made").exists()


def test_an_altered_pickle_is_refused_by_its_md5_before_it_is_read(copy_at, monkeypatch):
    _write(copy_at / "data", "cifar-100-python", OLD | {"test": OLD["test"] + b"x"}, False)
    monkeypatch.setattr(cifar, "_pickled", lambda where, *rest: pytest.fail("read") if "test" in where else None)

    with pytest.raises(GlidepathError, match=r"cifar100: test: md5 must be .*damaged, or not this release"):
        read_cifar100(find_copy(), _release(OLD))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train", pickle.dumps([1, 2]), "pickle must be a dict with data and fine_labels"),
        ("train", pickle.dumps({"data": 3, "fine_labels": [1] * 40}), "data must be uint8 of shape"),
        (
            "train",
            pickle.dumps({"data": PIXELS[0], "fine_labels": [100] * 40}),
            "fine_labels must be a list of ints in",
        ),
        ("train", _old(PIXELS[0], FINE[0][:39]), "fine labels must be 40 numbers"),
        ("train", _old(PIXELS[0][:39], FINE[0]), "data must be uint8 of shape"),
        ("train", OLD["train"][:-300], "pickle must be whole and of plain values"),
        ("test", b"\0" * (9 * 2**20), "size must be at most"),
    ],
)
def test_a_pickle_that_is_something_else_is_refused(copy_at, name, content, message):
    files = OLD | {name: content}
    _write(copy_at / "data", "cifar-100-python", files, False)
    with pytest.raises(GlidepathError, match=message):
        read_cifar100(find_copy(), _release(files))


def test_binary_files_of_the_wrong_size_and_archives_without_the_file_are_refused(copy_at):
    files = _files("cifar-100-binary")
    _write(copy_at / "a", "cifar-100-binary", files, False)
    short = files | {"train.bin": files["train.bin"][:-1]}
    _write(copy_at / "b", "cifar-100-binary", short, False)
    _write(copy_at / "c", "cifar-100-binary", {"train.bin": files["train.bin"]}, True)
    (copy_at / "d.tar.gz").write_bytes(b"\x1f\x8bnot an archive")

    def read(path, release):
        return read_cifar100(Copy(path, "cifar-100-binary"), release)

    with pytest.raises(GlidepathError, match=r"train\.bin: size must be 40 rows of 3074 bytes, got '122959 bytes'"):
        read(copy_at / "b" / "cifar-100-binary", _release(short))
    with pytest.raises(GlidepathError, match=r"test\.bin: file must be readable in .*no regular member"):
        read(copy_at / "c" / "cifar-100-binary.tar.gz", _release(files))
    with pytest.raises(GlidepathError, match=r"train\.bin: file must be readable in"):
        read(copy_at / "d.tar.gz", _release(files))


def test_the_network_has_the_known_size_and_a_small_one_trains_on_a_copy(copy_at, monkeypatch):
    assert sum(one.numel() for one in models.ResidualNetwork(ResNet(), 100).parameters()) == 11_220_132
    files = _files("cifar-100-binary")
    _write(copy_at / "data", "cifar-100-binary", files, True)
    monkeypatch.setattr(cifar, "PUBLISHED", _release(files))
    task = replace(TASKS["cifar100"], name="tiny-cifar", model=ResNet(width=4), batch=12, evaluations=2)
    record = run(RunSpec(task, recipes.warmup_linear(24), 0.05, 0, 24))

    assert [one.updates for one in record.evaluations] == [12, 24]
    assert sum(record.losses[-6:]) < sum(record.losses[:6])
    assert record.test is not None


def test_a_measurement_does_not_change_the_statistics_of_the_network(copy_at, monkeypatch):
    files = _files("cifar-100-binary")
    _write(copy_at / "data", "cifar-100-binary", files, True)
    monkeypatch.setattr(cifar, "PUBLISHED", _release(files))
    task = replace(TASKS["cifar100"], name="tiny-cifar", model=ResNet(width=4), batch=12)
    points = []
    for count in (1, 12):
        measured = replace(task, evaluations=count)
        run(RunSpec(measured, recipes.constant(), 0.05, 0, 12), keep={12: points.append})
    few, many = (point.weights for point in points)

    assert any("running_mean" in name for name in few)
    assert all(torch.equal(few[name], many[name]) for name in few)
    assert torch.is_grad_enabled()


COMMANDS = [
    "compare cosine -t cifar100 -n 2 -s 1 -e here --augment --label-smoothing 0.1 --weight-decay 1e-4 --amp",
    "tune constant -t cifar100 -n 2 --trials 1 -s 1 --fresh 0 -e here --label-smoothing 0.1 --augment",
    "branches 2 -t cifar100 -s 1 -e here --weight-decay 1e-4",
    "snapshots -t cifar100 --cycles 2 -n 4 -s 1 -e here --augment",
    "train cifar100 --epochs 2 --batch 18 --augment --label-smoothing 0.1 --weight-decay 1e-4 --amp --device cpu",
    "find cifar100 --steps 10 --augment --amp --device cpu",
]


@pytest.mark.parametrize("data", ["cifar100", "images"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda text: text.split()[0])
def test_every_command_of_the_practice_runs_with_the_data_and_without(copy_at, monkeypatch, command, data):
    files = _files("cifar-100-binary")
    _write(copy_at / "data", "cifar-100-binary", files, False)
    monkeypatch.setattr(cifar, "PUBLISHED", _release(files))
    small = {"model": ResNet(width=2), "batch": 18, "evaluations": 1}
    monkeypatch.setitem(TASKS, "cifar100", replace(TASKS["cifar100"], **small))
    images = Images(train=36, validation=20, test=20)
    monkeypatch.setitem(TASKS, "images", replace(TASKS["images"], data=images, batch=18, evaluations=1))
    words = command.replace("cifar100", data).split()
    out = [] if words[0] == "find" else ["--out", str(copy_at / "out")]
    told = CliRunner().invoke(app, [*words, *out])

    assert told.exit_code == (1 if words[0] == "find" else 0), told.output
    if words[0] != "find":
        assert "Changed: " in told.output
    if words[0] in ("compare", "train"):
        assert "top-5 error" in told.output
