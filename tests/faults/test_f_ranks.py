"""Faults of several processes. Shown on Accelerate's handling of PyTorch's schedulers before ours is asked."""

import json
import subprocess
import sys
import textwrap

import pytest

import glidepath as gp

SCRIPT = textwrap.dedent(
    """
    import json, os, sys
    import torch
    from glidepath.torch import ScheduleLR, attach

    torch.set_num_threads(1)
    out, kind = sys.argv[1], sys.argv[2]

    def watch(optimizer):
        used = []
        optimizer.register_step_post_hook(lambda o, *_: used.append(o.param_groups[0]["lr"]))
        return used

    def attached():
        torch.distributed.init_process_group("gloo")
        model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scheduler, used = attach(optimizer, "linear(20)"), watch(optimizer)
        for _ in range(8):
            optimizer.zero_grad()
            model(torch.randn(2, 4)).mean().backward()
            optimizer.step()
        found = {"world": torch.distributed.get_world_size(), "attach": used}
        rank = torch.distributed.get_rank()
        torch.distributed.destroy_process_group()
        return rank, found

    def accelerated():
        from accelerate import Accelerator

        accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
        found = {"world": accelerator.num_processes}
        for name in ("peer", "bridge"):
            model = torch.nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            if name == "peer":
                scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 20)
            else:
                scheduler = ScheduleLR(optimizer, "linear(20)")
            loader = torch.utils.data.DataLoader(torch.randn(16 * accelerator.num_processes, 4), batch_size=1)
            found[name] = watch(optimizer)
            model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
            for batch in loader:
                with accelerator.accumulate(model):
                    accelerator.backward(model(batch).mean())
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
        accelerator.end_training()
        return accelerator.process_index, found

    rank, found = attached() if kind == "attach" else accelerated()
    with open(f"{out}/{kind}-{rank}.json", "w") as file:
        json.dump(found, file)
    # Gloo's threads can outlive the interpreter's end and abort the process, whatever was trained: leave without it.
    __import__("os")._exit(0)
    """
)


def launch(folder, kind, processes):
    """Run the script under torchrun; return what each rank found."""
    script = folder / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--nnodes=1", f"--nproc-per-node={processes}"]
    command += [
        "--rdzv-backend=c10d",
        "--rdzv-endpoint=127.0.0.1:0",
        "--local-addr=127.0.0.1",
        str(script),
        str(folder),
        kind,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{kind}-*.json"))]
    assert [one["world"] for one in found] == [processes] * processes
    return found


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 4])
def test_f1_the_number_of_processes_does_not_bend_the_curve(tmp_path, processes):
    """F1: the same plan on 2 and 4 processes uses the same value at each update, on every rank."""
    expected = [0.1 * gp.linear(20)(k) for k in range(8)]
    assert [one["attach"] for one in launch(tmp_path, "attach", processes)] == [expected] * processes


@pytest.mark.slow
def test_f1_accelerate_steps_once_per_process(tmp_path):
    """F1: Accelerate steps a scheduler once per process: PyTorch's falls twice as fast on 2, our bridge does not."""
    pytest.importorskip("accelerate")
    expected = [0.1 * gp.linear(20)(k) for k in range(8)]
    found = launch(tmp_path, "accelerate", 2)
    assert found[0]["peer"] == [pytest.approx(0.1 * (1 - 2 * k / 20)) for k in range(8)]
    assert [one["bridge"] for one in found] == [expected] * 2
