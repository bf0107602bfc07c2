"""Fault cases of the range test on PyTorch models."""

import hashlib
import io
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import glidepath as gp
from glidepath import GlidepathError
from glidepath.finder import Refusal, Suggestion
from glidepath.torch import attach
from glidepath.torch.find import find


class Net(nn.Module):
    """Batch norm, dropout, and state that only Python knows."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))
        self.seen = 0
        self.history: list[float] = []
        self.settings = {"nested": {"calls": 0}, "layers": [1, 2]}
        self.register_buffer("mean", torch.zeros(8))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.seen += len(inputs)
        self.history.append(float(inputs[0, 0]))
        self.settings["nested"]["calls"] += 1
        self.mean = 0.9 * self.mean + 0.1 * inputs.detach().mean(0)  # another tensor each time
        self.late = inputs.shape
        return self.layers(inputs)


class Bench:
    """A model in the middle of its training, with everything that training moves."""

    def __init__(self, kind: str = "adam") -> None:
        torch.manual_seed(3)
        self.model = Net()
        make = {"adam": torch.optim.Adam, "sgd": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)}[kind]
        self.optimizer = make(self.model.parameters(), lr=0.01)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=256.0)
        inputs, targets = torch.randn(256, 8), torch.randint(3, (256,))
        data = torch.utils.data.TensorDataset(inputs, targets)
        self.generator = torch.Generator().manual_seed(11)
        self.loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True, generator=self.generator)
        self.loss = nn.CrossEntropyLoss()
        for _ in range(2):
            self.train(next(iter(self.loader)))
        self.loss(self.model(inputs[:4]), targets[:4]).backward()  # an accumulation window is open
        self.model.layers[1].eval()

    def train(self, batch) -> None:
        self.optimizer.zero_grad()
        self.scaler.scale(self.loss(self.model(batch[0]), batch[1])).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def digest(self) -> dict[str, str]:
        """Return a hash of each thing that must be as it was."""
        parts = {
            "model": {k: v.numpy().tobytes() for k, v in self.model.state_dict().items()},
            "gradients": [None if p.grad is None else p.grad.numpy().tobytes() for p in self.model.parameters()],
            "modes": [module.training for module in self.model.modules()],
            "optimizer": self.saved(self.optimizer.state_dict()),
            "scaler": sorted(self.scaler.state_dict().items()),
            "random": (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()),  # noqa: NPY002
            "loader": self.generator.get_state().numpy().tobytes(),
            "python": (self.model.seen, list(self.model.history), repr(self.model.settings), sorted(vars(self.model))),
            "rates": [group["lr"] for group in self.optimizer.param_groups],
        }
        return {name: hashlib.sha256(pickle.dumps(part)).hexdigest() for name, part in parts.items()}

    @staticmethod
    def saved(state) -> list:
        return [
            [(k, v.numpy().tobytes() if isinstance(v, torch.Tensor) else v) for k, v in sorted(each.items())]
            for _, each in sorted(state["state"].items())
        ] + [sorted((k, str(v)) for k, v in group.items()) for group in state["param_groups"]]

    def order(self) -> list[float]:
        """Return what the loader would give next."""
        state = self.generator.get_state()
        seen = [float(inputs[0, 0]) for inputs, _ in self.loader]
        self.generator.set_state(state)
        return seen


def files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_everything_is_restored(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """J1: parameters, buffers, gradients, optimizer, scaler, random states, loader order, Python attributes: equal by hash."""
    monkeypatch.chdir(tmp_path)
    bench = Bench(kind)
    before, order, identities = bench.digest(), bench.order(), [id(p) for p in bench.model.parameters()]
    buffer = bench.model.mean

    found = find(bench.model, bench.optimizer, bench.loss, bench.loader, steps=40, scaler=bench.scaler)

    assert found.updates > 60
    assert bench.digest() == before
    assert bench.order() == order
    assert [id(p) for p in bench.model.parameters()] == identities
    assert bench.model.mean is buffer
    assert files(tmp_path) == set()


def test_training_goes_on_as_if_nothing_had_been():
    """J1: the next twenty updates after a range test equal those without one, bit for bit."""

    def losses(searching: bool) -> bytes:
        bench = Bench()
        if searching:
            find(bench.model, bench.optimizer, bench.loss, bench.loader, steps=30)
        for _, batch in zip(range(20), bench.loader, strict=False):
            bench.train(batch)
        return b"".join(p.detach().numpy().tobytes() for p in bench.model.parameters())

    assert losses(True) == losses(False)


def test_the_hash_sees_what_a_range_test_moves():
    """J1: without restoring, every part of the digest that training moves differs."""
    bench = Bench()
    before = bench.digest()
    for batch in bench.loader:
        bench.train(batch)
    bench.model.train()
    torch.rand(1), random.random(), np.random.rand()  # noqa: NPY002
    bench.optimizer.param_groups[0]["lr"] = 0.5
    bench.scaler.update(2.0)

    after = bench.digest()

    assert {name for name in before if before[name] == after[name]} == set()


@pytest.mark.parametrize("error", [RuntimeError("out of memory"), KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("update", [0, 7, 55])
def test_a_failure_in_the_middle_restores(
    error: BaseException, update: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """J2: an exception or Ctrl-C at any update: all restored, no file left."""
    monkeypatch.chdir(tmp_path)
    bench = Bench()
    calls = 0

    def forward(model: nn.Module, batch) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > update:
            raise error
        return bench.loss(model(batch[0]), batch[1])

    before = bench.digest()
    with pytest.raises(type(error)):
        find(bench.model, bench.optimizer, None, bench.loader, forward=forward, steps=40)

    assert bench.digest() == before
    assert files(tmp_path) == set()


def test_nan_in_the_loss_is_never_a_number(tmp_path: Path):
    """J3: a model whose loss is NaN from some update on: the sweeps stop there, and the answer is a band or a reason."""
    bench = Bench()
    calls = 0

    def forward(model: nn.Module, batch) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return bench.loss(model(batch[0]), batch[1]) * (float("nan") if calls % 40 >= 13 else 1.0)

    found = find(bench.model, bench.optimizer, None, bench.loader, forward=forward, steps=40)

    assert found.traces[0].stop == "non-finite"
    assert found.traces[0].finite == 12
    assert isinstance(found.result, Suggestion | Refusal)
    assert "NaN" not in found.to_json()


def test_two_groups_keep_their_ratio():
    """J5: groups of 100:1 are swept at 100:1, and have their own rates afterwards."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    groups = [
        {"params": model[0].parameters(), "lr": 0.1, "name": "body"},
        {"params": model[2].parameters(), "lr": 0.001},
    ]
    optimizer = torch.optim.SGD(groups)
    seen: list[tuple[float, float]] = []

    def forward(model: nn.Module, batch) -> torch.Tensor:
        seen.append((optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"]))
        return ((model(batch[0]) - batch[1]) ** 2).mean()

    data = [(torch.randn(16, 4), torch.randn(16, 1)) for _ in range(10)]
    found = find(model, optimizer, None, data, forward=forward, steps=20, low=1e-4, high=1.0)

    assert found.groups == {"0 body": 1.0, "1": 0.01}
    assert all(a / b == pytest.approx(100, rel=1e-12) for a, b in seen)
    assert [a for a, _ in seen[: len(found.traces[0].rates)]] == pytest.approx(found.traces[0].rates)
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.001]


def test_an_attached_schedule_is_where_it_was():
    """J6: a schedule is attached and under way: the range test works, and the schedule goes on at its own update."""
    bench = Bench("sgd")
    scheduler = attach(bench.optimizer, gp.parse("warmup(5) >> cosine(20)"))
    for _, batch in zip(range(3), bench.loader, strict=False):
        bench.train(batch)
    held = bench.optimizer.param_groups[0]["lr"]
    before = bench.digest()

    found = find(bench.model, bench.optimizer, bench.loss, bench.loader, steps=30)

    assert bench.digest() == before
    assert scheduler.updates == 3
    assert bench.optimizer.param_groups[0]["lr"] == held
    assert found.groups == {"0": 1.0}
    bench.train(next(iter(bench.loader)))
    assert scheduler.updates == 4
    assert bench.optimizer.param_groups[0]["lr"] == pytest.approx(
        0.01 * gp.parse("warmup(5) >> cosine(20)")(3), rel=1e-12
    )


@pytest.mark.filterwarnings("error")
def test_a_scheduler_of_pytorch_is_where_it_was():
    """J6: the same with `torch.optim.lr_scheduler`: no warning about the order of the calls, and the same epoch."""
    bench = Bench("sgd")
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(bench.optimizer, 10)
    bench.train(next(iter(bench.loader)))
    scheduler.step()
    state = scheduler.state_dict()

    find(bench.model, bench.optimizer, bench.loss, bench.loader, steps=20)

    assert scheduler.state_dict() == state
    scheduler.step()
    assert scheduler.last_epoch == 2


def test_points_are_real_updates():
    """J7: accumulation over 4 batches and an overflow: as many points as real updates, each with its own rate."""
    bench = Bench()
    bench.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**60, backoff_factor=2.0**-30)  # the first steps overflow
    batches = 0

    def forward(model: nn.Module, batch) -> torch.Tensor:
        nonlocal batches
        batches += 1
        with torch.autocast("cpu", dtype=torch.float16):
            out = model(batch[0])
        return bench.loss(out.float(), batch[1])

    steps: list[int] = []
    bench.optimizer.register_step_post_hook(lambda *_: steps.append(1))
    found = find(
        bench.model,
        bench.optimizer,
        None,
        bench.loader,
        forward=forward,
        steps=12,
        high=1e-3,
        accumulate=4,
        scaler=bench.scaler,
    )

    points = sum(len(trace.rates) for trace in found.traces)
    assert found.updates == points == 36
    assert batches > 4 * points  # some were spent on updates that the scaler skipped
    assert batches % 4 == 0
    assert steps == []  # the user's hooks did not see the sweeps


@pytest.mark.parametrize("fused", [False, True])
def test_a_skipped_update_takes_no_rate(fused: bool):
    """J7: the same for optimizers that skip inside their own kernel."""
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    rates: list[float] = []
    calls = 0

    def forward(model: nn.Module, batch) -> torch.Tensor:
        nonlocal calls
        calls += 1
        rates.append(optimizer.param_groups[0]["lr"])
        return model(batch[0]).square().mean() * (float("inf") if calls in (3, 4) else 1.0)

    data = [(torch.ones(4, 2), None)] * 5
    found = find(model, optimizer, None, data, forward=forward, steps=10, high=1e-3, scaler=scaler, repeats=1)

    assert found.updates == 10
    assert len(rates) == 12
    assert rates[2] == rates[3] == rates[4] == found.traces[0].rates[2]
    assert isinstance(found.result, Refusal)


class Unpicklable:
    def __init__(self) -> None:
        self.module = nn.Linear(2, 2)
        self.open = io.BytesIO()
        self.function = lambda: 1
        self.calls = 0

    def __reduce__(self):
        raise TypeError("not to be pickled")


def test_a_model_that_holds_python_objects():
    """J9: hyper-parameters with modules, lambdas and open files inside: works, and their attributes are put back."""

    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hparams = {"backbone": nn.Linear(3, 3), "extra": Unpicklable()}
            self.layer = nn.Linear(3, 1)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.hparams["extra"].calls += 1
            with torch.no_grad():
                self.hparams["backbone"].weight.add_(1.0)
            return self.layer(inputs)

    model = Holder()
    extra = model.hparams["extra"]
    weight = model.hparams["backbone"].weight.detach().clone()
    data = [(torch.randn(8, 3), torch.randn(8, 1)) for _ in range(8)]

    found = find(model, torch.optim.SGD(model.parameters(), lr=0.1), nn.functional.mse_loss, data, steps=20)

    assert found.updates >= 30
    assert extra.calls == 0
    assert model.hparams["extra"] is extra
    assert torch.equal(model.hparams["backbone"].weight, weight)


def test_a_refused_call_touches_nothing():
    """J1: every wrong argument in one message, before anything is done."""
    bench = Bench()
    before = bench.digest()

    with pytest.raises(GlidepathError) as refused:
        find(bench.model, bench.optimizer, None, iter(bench.loader), accumulate=0, steps=3, clip=-1.0)

    fields = {problem.field for problem in refused.value.problems}
    assert fields == {"loss", "loader", "accumulate", "steps", "clip"}
    after = bench.digest()
    assert {name for name in before if before[name] != after[name]} <= {"loader"}  # iter() above drew from it
