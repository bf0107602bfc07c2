"""The range test on PyTorch models: what it sweeps, and that it answers."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from glidepath import GlidepathError
from glidepath.finder import Refusal, Suggestion, Trace
from glidepath.torch.find import find, use
from glidepath.torch.snapshot import Snapshot


def regression(curvature: float = 1.0, batches: int = 60):
    """Return model, optimizer and data of least squares on inputs whose largest curvature is known."""
    torch.manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(64, 4))
    inputs = basis * (torch.tensor([1.0, 0.3, 0.1, 0.05]) * (64 * curvature / 2)).sqrt()  # the Hessian is 2/n X'X
    targets = inputs @ torch.ones(4, 1)
    model = nn.Linear(4, 1, bias=False)
    return model, torch.optim.SGD(model.parameters(), lr=0.1), [(inputs, targets)] * batches


def test_the_edge_of_gradient_descent_is_found():
    model, optimizer, data = regression(curvature=5.0)

    found = find(model, optimizer, nn.functional.mse_loss, data, low=1e-5, high=10.0)

    assert isinstance(found.result, Suggestion)
    assert found.result.edge == pytest.approx(0.1 / 0.25, rel=0.1)  # 2/5
    assert found.result.high <= 0.2 * 1.01


def test_a_network_gets_a_band_in_which_it_trains():
    torch.manual_seed(0)
    centres = torch.randn(10, 32)
    targets = torch.randint(10, (1500,))
    inputs = centres[targets] + 1.5 * torch.randn(1500, 32)
    model = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, targets), batch_size=64, shuffle=True)

    found = find(model, optimizer, nn.CrossEntropyLoss(), loader)

    assert isinstance(found.result, Suggestion)
    use(optimizer, found.result.middle)
    for _ in range(4):
        for batch, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(batch), labels).backward()
            optimizer.step()
    assert float((model(inputs).argmax(1) == targets).float().mean()) > 0.8


def test_repeats_see_other_data():
    model, optimizer, _ = regression()
    inputs = torch.arange(40.0)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs), batch_size=4, shuffle=True)
    seen: list[list[float]] = []

    def forward(model: nn.Module, batch) -> torch.Tensor:
        seen.append(batch[0].tolist())
        return model(torch.ones(1, 4)).square().mean()

    find(model, optimizer, None, loader, forward=forward, steps=10, high=1e-6)

    orders = [tuple(map(tuple, seen[k * 10 : k * 10 + 10])) for k in range(3)]
    assert len(seen) == 30
    assert len(set(orders)) == 3
    assert all(sorted(x for batch in order for x in batch) == inputs.tolist() for order in orders)


def test_repeats_begin_elsewhere_where_the_order_is_fixed():
    model, optimizer, _ = regression()
    seen: list[int] = []

    def forward(model: nn.Module, batch) -> torch.Tensor:
        seen.append(batch)
        return model(torch.ones(1, 4)).square().mean()

    find(model, optimizer, None, range(12), forward=forward, steps=10, high=1e-6)

    assert [seen[0], seen[10], seen[20]] == [0, 4, 8]


def test_the_same_call_gives_the_same_answer():
    def once() -> str:
        model, optimizer, data = regression()
        found = find(model, optimizer, nn.functional.mse_loss, data, steps=60)
        return json.dumps(found.to_dict() | {"seconds": 0})

    assert once() == once()


def test_tensor_rates_are_swept_and_the_tensor_is_the_same_object():
    model, _, data = regression()
    rate = torch.tensor(0.01)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, capturable=False, foreach=False)
    version = rate._version

    found = find(model, optimizer, nn.functional.mse_loss, data, steps=30)

    assert optimizer.param_groups[0]["lr"] is rate
    assert (float(rate), rate._version) == (pytest.approx(0.01), version)
    assert len(found.traces) == 3


def test_traces_are_json():
    model, optimizer, data = regression()
    found = find(model, optimizer, nn.functional.mse_loss, data, steps=30, repeats=1)
    told = json.loads(found.to_json())

    assert isinstance(found.result, Refusal)
    assert told["result"]["verdict"] == "too few repeats"
    assert Trace.from_dict(told["traces"][0]) == found.traces[0]


def test_progress_is_told():
    model, optimizer, data = regression()
    told: list[tuple[int, int]] = []

    find(model, optimizer, nn.functional.mse_loss, data, steps=10, high=1e-6, progress=lambda *now: told.append(now))

    assert told == [(k, 30) for k in range(1, 31)]


def test_the_chosen_rate_is_read_back():
    groups = [
        {"params": [torch.zeros(1, requires_grad=True)], "lr": 0.4, "name": "body"},
        {"params": [torch.zeros(2, requires_grad=True)], "lr": torch.tensor(0.1)},
    ]
    optimizer = torch.optim.SGD(groups)

    told = use(optimizer, 0.02)

    assert told == {"0 body": 0.02, "1": pytest.approx(0.005)}
    assert [float(group["lr"]) for group in optimizer.param_groups] == list(told.values())


def test_a_rate_is_not_given_below_a_schedule():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    torch.optim.lr_scheduler.LinearLR(optimizer)

    with pytest.raises(GlidepathError, match="use: optimizer must be without a schedule"):
        use(optimizer, 0.01)
    with pytest.raises(GlidepathError, match="use: rate must be a finite number above 0"):
        use(optimizer, float("nan"))


def test_groups_without_a_rate_are_refused():
    model, _, data = regression()
    with pytest.raises(GlidepathError, match="base rates of the groups must be finite"):
        find(model, torch.optim.SGD(model.parameters(), lr=0.0), nn.functional.mse_loss, data)


class Slots:
    __slots__ = ("count", "inner")

    def __init__(self) -> None:
        self.count, self.inner = 0, [1]


class Frozen:
    def __init__(self) -> None:
        self.values = {1, 2}
        self.array = np.arange(3.0)
        self.random = np.random.default_rng(1)
        self.slots = Slots()
        self.me = self

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.__dict__:
            raise AttributeError(name)
        object.__setattr__(self, name, value)


def test_a_snapshot_puts_every_kind_of_state_back():
    thing = Frozen()
    shared = thing.values
    expected = np.random.default_rng(1).random(3).tolist()
    snapshot = Snapshot([thing])

    thing.values.add(3)
    thing.array[:] = -1
    thing.random.random(7)
    thing.slots.count = 5
    thing.slots.inner.append(2)
    thing.__dict__["new"] = 1
    snapshot.restore()

    assert shared == {1, 2}
    assert thing.values is shared
    assert thing.array.tolist() == [0, 1, 2]
    assert thing.random.random(3).tolist() == expected
    assert (thing.slots.count, thing.slots.inner) == (0, [1])
    assert "new" not in vars(thing)


def test_a_snapshot_leaves_the_content_of_data_alone():
    data = torch.utils.data.TensorDataset(torch.zeros(3))
    snapshot = Snapshot([], structure=[data])
    data.tensors[0].add_(1)
    snapshot.restore()

    assert data.tensors[0].tolist() == [1, 1, 1]


def test_a_tensor_of_another_shape_is_put_back():
    model = nn.Linear(2, 2)
    parameter, before = model.weight, model.weight.detach().clone()
    snapshot = Snapshot([model])
    model.weight.data = torch.ones(5, 5)
    model.weight.requires_grad_(False)
    snapshot.restore()

    assert model.weight is parameter
    assert torch.equal(model.weight, before)
    assert model.weight.requires_grad


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_random_state_of_the_device_is_restored():
    model, _, data = regression()
    model = nn.Sequential(model, nn.Dropout(0.5)).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = torch.cuda.get_rng_state_all()

    find(
        model,
        optimizer,
        nn.functional.mse_loss,
        data,
        steps=20,
        autocast=torch.float16,
        scaler=torch.amp.GradScaler("cuda"),
    )

    assert all(torch.equal(a, b) for a, b in zip(before, torch.cuda.get_rng_state_all(), strict=True))


def test_an_option_that_is_none_is_refused():
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    said = r"Options: stps must be one of its arguments \(low, .*\), got 3 \(did you mean 'steps'\?\)"
    with pytest.raises(GlidepathError, match=said):
        find(model, optimizer, torch.nn.functional.mse_loss, [], stps=3)
