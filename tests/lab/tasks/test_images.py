"""Images: the generated task of CIFAR-100's shape, its networks, augmentation, other settings, and the devices of trainings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from glidepath import GlidepathError, recipes
from glidepath.cli.engines import Changes, EngineOptions
from glidepath.lab import TASKS, InProcess, Ray, RunSpec, Task, Workers, compare, run
from glidepath.lab.distributed import Stream
from glidepath.lab.engines import machine
from glidepath.lab.engines.machine import computing_on, devices_of
from glidepath.lab.engines.training import evaluation, hits, loss_of, minibatches
from glidepath.lab.engines.workers import _Crew
from glidepath.lab.tasks import models
from glidepath.lab.tasks.data import load
from glidepath.lab.tasks.declared import Images, ResNet
from glidepath.lab.tasks.find import adjusted

SMALL = replace(TASKS["images"], name="few", data=Images(train=200, validation=50, test=50), evaluations=2)
GPU = torch.cuda.is_available()
needs_gpu = pytest.mark.skipif(not GPU, reason="torch sees no GPU here")


def _spec(task=SMALL, budget=4):
    return RunSpec(task, recipes.constant(), 0.05, 0, budget)


def test_images_have_cifars_shape_and_every_class_as_often():
    data = load(Images(train=300, validation=100, test=200))

    assert [part[0].shape for part in (data.train, data.validation, data.test)] == [
        (n, 3, 32, 32) for n in (300, 100, 200)
    ]
    assert all(part[0].dtype == np.uint8 for part in (data.train, data.validation, data.test))
    assert (np.bincount(data.train[1]) == 3).all()
    assert data.classes == 100
    assert data.sha256 == load(Images(train=300, validation=100, test=200, seed=0)).sha256
    assert data.sha256 != load(Images(train=300, validation=100, test=200, seed=1)).sha256


def test_the_bytes_of_images_are_the_same_everywhere():
    assert load(Images(train=100, validation=100, test=100)).sha256.startswith("7b94a8f16ed97f79")


@pytest.mark.parametrize(
    ("declared", "count"),
    [
        (ResNet(kind="resnet18"), 11_220_132),
        (ResNet(kind="resnet34"), 21_328_292),
        (ResNet(kind="resnet50"), 23_705_252),
    ],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_the_networks_have_the_known_sizes(declared, count):
    with torch.device("meta"):
        made = models.ResidualNetwork(declared, 100)

    assert sum(one.numel() for one in made.parameters()) == count


@pytest.mark.parametrize("kind", ["resnet8", "resnet18", "resnet34", "resnet50"])
def test_every_network_gives_a_logit_a_class(kind):
    made = models.ResidualNetwork(ResNet(kind=kind, width=2), 7)

    assert made(torch.zeros(3, 3, 32, 32, dtype=torch.uint8)).shape == (3, 7)


@given(st.integers(0, 2**63), st.integers(0, 2**40))
def test_an_augmented_image_is_the_image_moved_and_perhaps_mirrored(seed, first):
    image = torch.arange(3 * 32 * 32).reshape(1, 3, 32, 32) + 1
    padded = functional.pad(image, (4, 4, 4, 4))
    found = models.augmented(image.expand(2, -1, -1, -1), first + np.arange(2), seed)
    possible = [
        flipped
        for row in range(9)
        for column in range(9)
        for one in [padded[0, :, row : row + 32, column : column + 32]]
        for flipped in (one, one.flip(-1))
    ]

    assert all(any(torch.equal(one, other) for other in possible) for one in found)
    assert torch.equal(found[1:], models.augmented(image, np.array([first + 1]), seed))


def test_every_move_and_mirror_comes_as_often():
    image = torch.zeros(1, 1, 32, 32)
    image[0, 0, 16, 15] = 1.0
    found = models.augmented(image.expand(16200, -1, -1, -1), np.arange(16200), 3)
    places = found.flatten(1).argmax(1)

    counts = torch.bincount(places)
    assert (counts > 0).sum() == 9 * 10  # a mirror moves the dot by one column
    assert 40 < counts[counts > 0].min() < counts.max() < 260


def test_a_run_goes_on_with_the_augmented_images_it_would_have_seen():
    task = replace(SMALL, augment=True, batch=16)
    data = load(task.data)
    row = [inputs for _, (inputs, _) in zip(range(15), minibatches(_spec(task), data), strict=False)]
    later = [inputs for _, (inputs, _) in zip(range(5), minibatches(_spec(task), data, 10), strict=False)]
    plain = next(iter(minibatches(_spec(replace(task, augment=False)), data)))[0]

    assert all(torch.equal(one, other) for one, other in zip(row[10:], later, strict=True))
    assert row[0].dtype == torch.uint8
    assert not torch.equal(row[0], plain)


def test_several_processes_see_the_augmented_images_of_one():
    stream = Stream(replace(SMALL, augment=True), load(SMALL.data), 5)
    whole = stream.batch(180, 40)[0]
    parts = [stream.batch(180 + begin, 10)[0] for begin in range(0, 40, 10)]

    assert torch.equal(whole, torch.cat(parts))


def test_top_five_and_label_smoothing_are_what_they_say():
    logits, targets = torch.randn(300, 100, generator=torch.Generator().manual_seed(0)), torch.arange(300) % 100
    order = logits.argsort(-1, descending=True)
    right, among = hits(logits, targets)

    assert right == (order[:, 0] == targets).sum()
    assert among == sum(int(target in row[:5]) for row, target in zip(order, targets, strict=True))
    assert hits(logits[:, :10], targets % 10)[1] is None
    spread = -(
        0.9 * functional.log_softmax(logits, -1)[range(300), targets]
        + 0.1 * functional.log_softmax(logits, -1).mean(-1)
    )
    assert torch.allclose(loss_of(logits, targets, 0.1), spread.mean())


def test_a_small_run_has_top_five_and_the_validation_is_not_smoothed():
    plain, smooth = (run(_spec(replace(SMALL, label_smoothing=one))) for one in (0.0, 0.3))

    assert plain.test is not None
    assert 0.0 < plain.test.top5 <= plain.test.metric
    assert plain.losses[0] != smooth.losses[0]
    assert type(plain).from_dict(plain.to_dict()) == plain


def test_bfloat16_is_another_run_with_nearly_the_same_losses():
    plain, half = _spec(), _spec(replace(SMALL, precision="bfloat16"))

    assert plain.hash != half.hash
    found, other = run(plain), run(half)
    assert found.losses != other.losses
    assert found.losses == pytest.approx(other.losses, rel=0.02)


def test_settings_change_the_task_and_are_said():
    task = adjusted(
        "images", model="resnet34", augment=True, label_smoothing=0.1, weight_decay=1e-4, epochs=3, precision="bfloat16"
    )

    assert (task.model, task.augment, task.label_smoothing, task.budget) == (ResNet(kind="resnet34"), True, 0.1, 3 * 78)
    assert task.optimizer.weight_decay == 1e-4
    assert task.about.endswith(
        "Changed: resnet34, augmented, label smoothing 0.1, weight decay 0.0001, 3 epochs, bfloat16."
    )
    assert Task.from_dict(task.to_dict()) == task
    assert task.identity() != TASKS["images"].identity()
    assert adjusted("mnist1d") is TASKS["mnist1d"]
    assert adjusted("cifar100", epochs=30).budget == TASKS["cifar100"].budget
    assert adjusted("digits", epochs=2).budget == 2 * 28


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        (
            "text",
            {"model": "resnet18", "augment": True, "epochs": 2},
            r"model must be left out.*\n.*augment.*\n.*epochs",
        ),
        (
            "images",
            {"model": "resnet19"},
            r"model must be one of 'resnet8', .*'resnet19' \(did you mean 'resnet18'\?\)",
        ),
        ("images", {"label_smoothing": 1.0}, "label_smoothing must be valid"),
        ("images", {"weight_decay": -1.0}, "weight_decay must be valid"),
        ("images", {"epochs": 0}, "epochs must be"),
    ],
)
def test_settings_that_do_not_go_with_a_task_are_refused(task, settings, message):
    with pytest.raises(GlidepathError, match=message):
        adjusted(task, **settings)


def test_the_hashes_of_tasks_without_new_settings_are_as_they_were():
    identity = TASKS["mnist1d"].identity()

    assert not {"augment", "label_smoothing", "precision"} & set(identity)
    assert RunSpec(TASKS["mnist1d"], recipes.constant(), 0.1, 0, 10).hash.startswith("7892dd12de4c585d")


def test_the_report_states_the_settings_and_the_table_has_top_five(tmp_path):
    task = replace(adjusted(SMALL, weight_decay=1e-3, augment=True), peak_rate=0.05)
    compare(task, ["constant", "cosine"], 2, budget=3, out=tmp_path, engine=InProcess())

    assert "Changed: augmented, weight decay 0.001." in (tmp_path / "report.html").read_text()
    assert "Changed: augmented, weight decay 0.001." in (tmp_path / "table.txt").read_text()
    assert "top-5 error (%)" in (tmp_path / "table.txt").read_text()


def _gpus(monkeypatch, count, half=True):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: half)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Old One")


SIGNALS = RunSpec(TASKS["mnist1d"], recipes.constant(), 0.1, 0, 10)


@pytest.mark.parametrize(
    ("asked", "count", "job", "found"),
    [
        ("auto", 0, _spec(), ["cpu"]),
        ("auto", 2, _spec(), ["cuda:0", "cuda:1"]),
        ("auto", 2, SIGNALS, ["cpu"]),
        ("cuda", 2, SIGNALS, ["cuda:0", "cuda:1"]),
        ("cuda:1", 2, SIGNALS, ["cuda:1"]),
        ("cpu", 2, _spec(), ["cpu"]),
    ],
)
def test_the_device_that_is_asked_for(monkeypatch, asked, count, job, found):
    _gpus(monkeypatch, count)

    assert devices_of(asked, [job]) == found


@pytest.mark.parametrize(("asked", "count"), [("cuda", 0), ("cuda:2", 2), ("tpu", 1)])
@pytest.mark.parametrize("engine", [InProcess, lambda one: Workers(device=one)], ids=["here", "workers"])
def test_a_device_that_is_not_here_is_refused_before_anything_is_written(monkeypatch, tmp_path, asked, count, engine):
    _gpus(monkeypatch, count)
    with pytest.raises(GlidepathError, match=rf"device must be one of auto, cpu.*, got '{asked}'"):
        compare(SMALL, ["cosine"], 2, budget=2, out=tmp_path / "out", engine=engine(asked))
    assert not (tmp_path / "out").exists()


def test_bfloat16_on_a_gpu_without_it_is_refused(monkeypatch):
    _gpus(monkeypatch, 1, half=False)
    with pytest.raises(
        GlidepathError, match=r"precision must be float32 on a device without bfloat16.*Old One has none"
    ):
        devices_of("cuda", [_spec(replace(SMALL, precision="bfloat16"))])


def test_each_gpu_has_one_worker_and_a_dead_ones_place_is_taken(monkeypatch):
    hired = []
    monkeypatch.setattr("glidepath.lab.engines.workers._Worker", lambda inbox, environment, device: _Hired(device))

    class _Hired:
        def __init__(self, device):
            self.device = device
            hired.append(device)

    crew = _Crew(3, [_spec(), SIGNALS, _spec(budget=5)], lambda _: None, devices=["cuda:0", "cuda:1", "cuda:2"])
    crew._hire(3)
    crew.workers.pop(1)
    crew._hire(3)

    assert hired == ["cuda:0", "cuda:1", "cuda:2", "cuda:1"]


def test_ray_gives_each_training_a_gpu_where_it_is_asked_for():
    assert Ray(device="cuda").needs == {"CPU": 1.0, "GPU": 1.0}
    assert Ray(device="cuda", resources={"GPU": 0.5}).needs == {"CPU": 1.0, "GPU": 0.5}
    assert Ray().needs == {"CPU": 1.0}
    with pytest.raises(GlidepathError, match="device must be one of 'auto', 'cpu', 'cuda'"):
        Ray(device="cuda:1")


def test_a_device_lasts_as_long_as_its_block(monkeypatch):
    monkeypatch.delenv(machine.VARIABLE, raising=False)
    with computing_on("meta"):
        assert machine.device() == torch.device("meta")
    assert machine.device() == torch.device("cpu")


@needs_gpu
def test_a_run_on_a_gpu_ends_near_that_on_the_processor():
    plain = run(_spec(budget=20))
    with computing_on("cuda:0"):
        found = run(_spec(budget=20))

    assert found.machine["device"] == torch.cuda.get_device_name(0)
    assert found.losses == pytest.approx(plain.losses, rel=0.05)


def test_the_options_of_commands_come_to_a_task_and_an_engine():
    changed = Changes(model="resnet50", augment=False, epochs=2, amp=True).of("cifar100")

    assert changed == adjusted("cifar100", model="resnet50", augment=False, epochs=2, precision="bfloat16")
    assert Changes().of("images", 7) == "images"
    assert EngineOptions(device="cuda:1").made() == Workers(device="cuda:1")
    assert EngineOptions(engine="here", device="cpu").made() == InProcess("cpu")
    with pytest.raises(GlidepathError, match="--budget: must be left out beside --epochs, got 7"):
        Changes(epochs=2).of("images", 7)
    with pytest.raises(GlidepathError, match="--device: must be cpu with --engine jax, got 'cuda'"):
        EngineOptions(engine="jax", device="cuda").made()


def test_targets_that_are_never_among_the_five_are_a_hundred_percent():
    logits, targets = torch.arange(100.0).repeat(4, 1), torch.zeros(4, dtype=torch.int64)

    assert hits(logits, targets) == (0, 0)
    assert evaluation(TASKS["images"], 1, 4.6, 0.0, 0.0).top5 == 100.0
    assert evaluation(TASKS["digits"], 1, 4.6, 0.0).top5 is None
