"""Fault cases of the range test on several processes."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import torch
from torch import distributed as dist, nn
from glidepath.torch.find import find

rank, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=size)
torch.manual_seed(rank)
model = nn.Linear(4, 1)
before = model.weight.detach().clone()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
data = [(torch.randn(8, 4), torch.randn(8, 1)) for _ in range(20)]
calls = 0

def forward(model, batch):
    global calls
    calls += 1
    loss = ((model(batch[0]) - batch[1]) ** 2).mean()
    if rank == 1 and case == "nan" and calls > 17:
        return loss * float("nan")
    if rank == 1 and case == "big" and calls > 17:
        return loss * 1e4
    if rank == 1 and case == "raises" and calls > 17:
        raise RuntimeError("only here")
    return loss

everything = {}
for case in ("nan", "big", "raises"):
    calls = 0
    try:
        found = find(model, optimizer, None, data, forward=forward, steps=60, repeats=1)
        trace = found.traces[0].to_dict()
        told = {"stop": trace["stop"], "trace": trace, "points": len(trace["rates"]), "verdict": found.result.verdict}
    except Exception as error:
        told = {"error": f"{type(error).__name__}: {error}"}
    told["restored"] = bool(torch.equal(model.weight, before))
    everything[case] = told
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
        done = [process.communicate(timeout=120) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0] * size, done
    return [json.loads(out.splitlines()[-1]) for out, _ in done]


@pytest.mark.parametrize(("case", "stop", "points"), [("nan", "non-finite", 18), ("big", "diverged", 21)])
def test_one_rank_diverges(case: str, stop: str, points: int, told: list[dict]):
    """F5: two ranks, the loss of one diverges: both stop at the same index, with the same trace and verdict, restored, in time."""
    first, second = (each[case] for each in told)

    assert first == second
    assert (first["stop"], first["points"]) == (stop, points)
    assert first["restored"]


def test_one_rank_fails(told: list[dict]):
    """F5: an exception on one rank ends the sweep on both, and both are restored."""
    first, second = (each["raises"] for each in told)

    assert second["error"] == "RuntimeError: only here"
    assert first["error"] == "GlidepathError: find: every process must be able to train, got 1 that failed"
    assert first["restored"]
    assert second["restored"]
