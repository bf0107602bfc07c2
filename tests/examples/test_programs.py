"""The programs of `examples/` as they stand: killed at a random update and started again they end on the same weights."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PAGES = {
    "deepspeed_zero.py": "sharded.md",
    "fsdp.py": "sharded.md",
    "huggingface.py": "huggingface.md",
    "jax_optax.py": "jax.md",
    "keras_fit.py": "keras.md",
    "lightning_fabric.py": "lightning.md",
    "lightning_module.py": "lightning.md",
    "pytorch_loop.py": "torch.md",
    "several_optimizers.py": "several-optimizers.md",
}
# `make test` kills and resumes the two that save by themselves; `make soak` all of them, several times. What the frameworks save is
# resumed in their own tests.
QUICK = ("jax_optax.py", "pytorch_loop.py")


def start(program, *words, ranks=1):
    env = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "ignore", "DS_ACCELERATOR": "cpu"}
    env = {name: value for name, value in env.items() if not name.startswith("PYTEST")}
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)] if ranks > 1 else []
    command = [sys.executable, *launch, str(EXAMPLES / program), *map(str, words)]
    return subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def whole(program, folder, until, ranks=1):
    running = start(program, folder, until, ranks=ranks)
    text, _ = running.communicate()
    assert running.returncode == 0, text
    return text


def killed(program, folder, until, after, ranks=1):
    """Kills a program, with all its processes, right after it told of so many updates."""
    running = start(program, folder, until, ranks=ranks)
    lines = []
    for line in running.stdout:
        lines.append(line)
        if sum(line.startswith("update ") for line in lines) == after:
            for process in [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]:
                process.kill()  # ranks have sessions of their own
            break
    running.stdout.close()
    running.wait()
    assert running.returncode == -signal.SIGKILL, "".join(lines)


def told(text):
    """The lines of updates, the last word about each."""
    return {line.split(":")[0]: line.strip() for line in text.splitlines() if line.startswith("update ")}


def goes_on_after_kills(program, tmp_path, kills, until=9, ranks=1):
    expected = told(whole(program, tmp_path / "whole", until, ranks))
    for k in kills:
        killed(program, tmp_path / "killed", until, k, ranks)
    resumed = told(whole(program, tmp_path / "killed", until, ranks))
    assert resumed
    assert resumed.items() <= expected.items()  # loss and rates, digit for digit
    assert list(resumed)[-1] == list(expected)[-1]


@pytest.mark.parametrize("program", QUICK)
def test_a_program_killed_at_a_random_update_goes_on_to_the_same_weights(program, tmp_path):
    goes_on_after_kills(program, tmp_path, [random.SystemRandom().randint(1, 7)])


@pytest.mark.soak
@pytest.mark.parametrize("program", PAGES)
def test_every_program_killed_several_times_goes_on_to_the_same_weights(program, tmp_path):
    goes_on_after_kills(program, tmp_path, [random.SystemRandom().randint(1, 2) for _ in range(3)], until=14)


@pytest.mark.soak
@pytest.mark.parametrize("program", ["fsdp.py", "deepspeed_zero.py"])
def test_a_sharded_program_on_two_processes_goes_on_to_the_same_weights(program, tmp_path):
    goes_on_after_kills(program, tmp_path, [2, 3], ranks=2)


@pytest.mark.parametrize("program", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_a_program_stands_whole_on_its_page_and_is_killed_here(program):
    page = (ROOT / "docs" / PAGES[program]).read_text(encoding="utf-8")
    fence = (
        "py" if program == "deepspeed_zero.py" else "python"
    )  # the tests of the pages run `python`, in their own process

    assert f"```{fence}\n{(EXAMPLES / program).read_text(encoding='utf-8')}```\n" in page
