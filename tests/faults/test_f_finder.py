"""Fault cases of the range test on several processes: F5, one of them loses, fails or is interrupted."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from glidepath.torch.find import find

SCRIPT = """
import json, sys
import torch
from datetime import timedelta
from torch import distributed as dist, nn
from glidepath.torch.find import find

rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
dist.init_process_group(
    "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=size, timeout=timedelta(seconds=280)
)

class Data(list):
    def __iter__(self):
        return iter(self[:0] if case == "ends" and rank == 1 else self[:])

class Step(torch.optim.SGD):
    def step(self, closure=None):
        if case == "step" and rank == 1 and calls > 17:
            raise MemoryError("no room for the step")
        return super().step(closure)

def forward(model, batch):
    global calls
    calls += 1
    if case == "before" and rank == 1 and calls > 17:
        raise RuntimeError("before its forward pass")
    loss = ((model(batch[0]) - batch[1]) ** 2).mean()
    if rank == 1 and calls > 17:
        if case == "nan":
            return loss * float("nan")
        if case == "big":
            return loss * 1e4
        if case == "raises":
            raise RuntimeError("only here")
    return loss

def told(made, planned):
    if case == "told" and rank == 1 and made == 9:
        raise KeyboardInterrupt("in the picture")

everything = {}
for kind in ("alone", "ddp"):
    for case in ("whole", "nan", "big", "raises", "before", "step", "refused", "ends", "told"):
        torch.manual_seed(rank)
        calls, parts = 0, [nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)]
        inner = nn.Sequential(parts[0], parts[2]) if case == "whole" else nn.Sequential(*parts)
        model = nn.parallel.DistributedDataParallel(inner) if kind == "ddp" else inner
        before = {name: each.clone() for name, each in model.state_dict().items()}
        optimizer = Step(model.parameters(), lr=0.1)
        torch.manual_seed(10 + rank)
        data = Data([(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(20)])
        steps = 5 if case == "refused" and rank == 1 else 60
        try:
            found = find(model, optimizer, None, data, forward=forward, steps=steps, repeats=1, progress=told)
            trace = found.traces[0].to_dict()
            answer = {"stop": trace["stop"], "trace": trace, "points": len(trace["rates"])}
        except (Exception, KeyboardInterrupt) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        after = model.state_dict()
        answer["restored"] = all(torch.equal(each, before[name]) for name, each in after.items())
        everything[f"{kind} {case}"] = answer
print(json.dumps(everything), flush=True)
dist.barrier()
__import__("os")._exit(0)  # gloo's threads can outlive the interpreter's end and abort the process
"""


@pytest.fixture(name="told", scope="module")
def told_fixture(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Run the script on two processes and return what each printed."""
    folder, size = tmp_path_factory.mktemp("ranks"), 2
    script = folder / "script.py"
    script.write_text(SCRIPT)
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(rank), str(size), str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        for rank in range(size)
    ]
    try:
        done = [process.communicate() for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * size, done
    return [json.loads(out.splitlines()[-1]) for out, _ in done]


KINDS = pytest.mark.parametrize("kind", ["alone", "ddp"])


@KINDS
@pytest.mark.parametrize(("case", "stop", "points"), [("nan", "non-finite", 18), ("big", "diverged", 21)])
def test_one_rank_diverges(kind: str, case: str, stop: str, points: int, told: list[dict]):
    """F5: two ranks, the loss of one diverges: both stop at the same index, with the same trace, restored, in time."""
    first, second = (each[f"{kind} {case}"] for each in told)

    assert first == second
    assert (first["stop"], first["points"]) == (stop, points)
    assert first["restored"]


@KINDS
@pytest.mark.parametrize(
    ("case", "error"),
    [
        ("raises", "RuntimeError: only here"),
        ("before", "RuntimeError: before its forward pass"),
        ("step", "MemoryError: no room for the step"),
        ("refused", "GlidepathError: find: steps must be an integer from 10 to 1000000, got 5"),
        ("told", "KeyboardInterrupt: in the picture"),
    ],
)
def test_one_rank_fails(kind: str, case: str, error: str, told: list[dict]):
    """F5: what fails on one rank, inside DDP too, ends the test on both, without a wait; both are restored."""
    first, second = (each[f"{kind} {case}"] for each in told)

    assert second["error"] == error
    assert first["error"] == "GlidepathError: find: every process must be able to train, got a failure on rank 1"
    assert first["restored"]
    assert second["restored"]


@KINDS
def test_the_data_of_one_rank_end(kind: str, told: list[dict]):
    first, second = (each[f"{kind} ends"] for each in told)

    assert first == second
    assert (first["stop"], first["points"], first["restored"]) == ("data", 0, True)


def test_under_ddp_the_sweep_is_that_of_one_process_with_all_the_data(told: list[dict]):
    torch.manual_seed(0)
    parts = [nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)]
    model = nn.Sequential(parts[0], parts[2])
    shares = []
    for rank in range(2):
        torch.manual_seed(10 + rank)
        shares.append([(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(20)])
    data = [tuple(torch.cat(both) for both in zip(*batch, strict=True)) for batch in zip(*shares, strict=True)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    alone = find(model, optimizer, nn.functional.mse_loss, data, steps=60, repeats=1).traces[0]
    first, second = (each["ddp whole"]["trace"] for each in told)

    assert first == second
    assert alone.stop == first["stop"] == "non-finite"
    assert first["losses"][:-1] == pytest.approx(alone.losses[:-1], rel=1e-4)
    assert told[0]["alone whole"]["trace"]["losses"][:-1] != pytest.approx(alone.losses[:-1], rel=1e-2)
