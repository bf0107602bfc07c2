"""What a rank does in the tests of training on several processes: one line of JSON a rank into the folder that is given."""

import functools
import hashlib
import importlib
import json
import math
import os
import signal
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

import numpy as np

from glidepath import GlidepathError, Hold
from glidepath.lab import TASKS
from glidepath.lab.distributed import SharedError, loop, ranks, train, training_of
from glidepath.lab.distributed.ranks import hearing
from glidepath.lab.tasks import cifar
from glidepath.lab.tasks.declared import CharTransformer, ResNet

TEXT = replace(TASKS["text"], name="tiny-text", model=CharTransformer(width=16, context=16), batch=10, evaluations=2)
IMAGES = replace(TASKS["cifar100"], name="tiny-cifar", model=ResNet(width=4), batch=8, evaluations=3)
SCHEDULE = 'warmup("10%") >> cosine("rest", floor=0.1)'
LENGTH = {"text": "240 samples", "images": "108 samples"}  # 24 updates of 10; three epochs of 36 in 14 updates of 8


def images(folder):
    """Make a tiny copy of CIFAR-100, unless it is there, and let this process read it."""
    generator, sums = np.random.default_rng(1), {}
    for name, rows in (("train.bin", 40), ("test.bin", 20)):
        table = generator.integers(0, 100, (rows, 3074), dtype=np.uint8)
        sums[name] = hashlib.md5(table.tobytes()).hexdigest()
        if not (folder / name).exists():
            (folder / name).write_bytes(table.tobytes())
    return cifar.Release((40, 20), sums)


class Seen:
    """Every update of a process: samples before it, its rate, its loss, and which samples it took."""

    def __init__(self, file=None, at=None, act=None):
        self.updates, self.file, self.at, self.act = [], file, at, act

    def __call__(self, update):
        self.updates.append([update.samples, update.rate, update.loss, *update.mine])
        if self.file is not None:
            with self.file.open("a") as lines:
                lines.write(json.dumps(self.updates[-1]) + "\n")
        if update.index == self.at:
            self.act()


def text_run(group, folder, watch=None, text=SCHEDULE, length=LENGTH["text"], **options):
    """Train the small text task; return how it ended."""
    how = {name: options.pop(name) for name in ("batch", "per_process", "rate") if name in options}
    training = training_of(TEXT, schedule=text, length=length, processes=group.count, **how)
    return train(training, folder, group, watch=watch, **{"checkpoint": "50%"} | options)


def image_run(group, folder, watch=None):
    """Train the small image task, a checkpoint after every second update."""
    training = training_of(IMAGES, schedule=SCHEDULE, length=LENGTH["images"], processes=group.count)
    return train(training, folder, group, watch=watch, checkpoint="16 samples")


def losses(group, folder):
    """Train with one batch for all processes, whole and accumulated."""
    found = {}
    for micro in (None, 2):
        seen = Seen()
        outcome = text_run(group, folder / f"losses-{group.count}-{micro}", seen, micro=micro)
        found[str(micro)] = {"updates": seen.updates, "test": outcome.test.loss}
    return found


def text(group, folder):
    """Rank 1 was given another schedule; then, another peak rate."""
    told = []
    for options in ({"text": 'cosine("rest")'}, {"rate": 0.5}):
        try:
            text_run(group, folder / "text", **(options if group.rank == 1 else {}))
        except SharedError as error:
            told.append(str(error))
    return [*told, (folder / "text").exists()]


def leaves(group, folder):
    """Rank 1 computes other rates from update 7 on, as another version of a library might."""
    seen, real = Seen(), loop.attach

    def other(optimizer, plan, **options):
        at = int(plan.position(updates=7))
        rules = [rule.replace(schedule=rule.schedule.until(at) >> Hold(value=0.125)) for rule in plan.driven]
        return real(optimizer, plan.replace(rules=rules), **options)

    if group.rank == 1:
        loop.attach = other
    try:
        text_run(group, folder / "leaves", seen, check=5)
    except GlidepathError as error:
        return [str(error), len(seen.updates)]
    finally:
        loop.attach = real


def diverges(group, folder):
    """The loss of rank 1 is not finite in update 4."""
    seen, real = Seen(), loop.loss_of
    calls = []

    def spoilt(logits, targets, *more):
        calls.append(1)
        return real(logits, targets, *more) * (math.nan if len(calls) == 5 else 1.0)

    if group.rank == 1:
        loop.loss_of = spoilt
    try:
        outcome = text_run(group, folder / "diverges", seen)
    finally:
        loop.loss_of = real
    return [outcome.ended, outcome.diverged_at, len(seen.updates)]


def stops(group, folder):
    """Rank 1 gets SIGTERM in update 4; the same command then goes on."""
    first = Seen(at=4, act=lambda: os.kill(os.getpid(), signal.SIGTERM) if group.rank == 1 else None)
    stopped = text_run(group, folder / "stops", first)
    then = Seen()
    outcome = text_run(group, folder / "stops", then)
    return [stopped.ended, stopped.progress.samples, outcome.ended, first.updates, then.updates]


def grows(group, folder):
    """Every process has a batch of its own; stopped in the middle."""
    seen = Seen(at=9, act=lambda: os.kill(os.getpid(), signal.SIGINT))
    outcome = text_run(group, folder / "grows", seen, batch=6, per_process=True)
    return [outcome.ended, seen.updates]


def unwritable(group, folder):
    """The folder of rank 0 is a file."""
    if group.rank == 0:
        (folder / "file").write_text("")
    try:
        text_run(group, folder / "file")
    except SharedError as error:
        return str(error)


def killed(group, folder):
    """Kill every process in an update, with SIGKILL: the fifth of two, the ninth of four."""
    seen = Seen(
        folder / f"killed-{group.count}-{group.rank}.jsonl",
        at={2: 5, 4: 9}[group.count],
        act=lambda: os.kill(os.getpid(), signal.SIGKILL),
    )
    image_run(group, folder / "killed", seen)


def command(folder, *words):
    """The command line under torchrun; rank 1 is killed in update 20 of the first start."""
    from glidepath import cli
    from glidepath.lab import distributed

    def act():
        if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)

    started = os.environ["TORCHELASTIC_RESTART_COUNT"]
    seen = Seen(folder / f"command-{started}-{os.environ['RANK']}.jsonl", at=20, act=act)
    distributed.train = functools.partial(train, watch=seen)
    sys.argv = ["glidepath", "train", *words]
    cli.main()


def main(folder, *names):
    """Join the other processes, do what is named, and write what was found."""
    cifar.PUBLISHED = images(folder)
    with ranks("cpu") as group:
        found = {}
        for name in names:
            found[name] = None if name == "killed" else globals()[name](group, folder)
            if name != "killed":
                (folder / f"{group.count}-{group.rank}.json").write_text(json.dumps(found))
        group.texts("")
        if "killed" in names:
            killed(group, folder)
        group.leave(0)


def orphan(folder):
    """A rank whose launcher is killed outright, which can pass nothing on: whether it hears the wish to stop."""
    os.environ["TORCHELASTIC_RUN_ID"] = "none"
    said, told = os.pipe()
    launcher = os.fork()
    if launcher == 0:
        if os.fork() == 0:
            with hearing() as wish:
                os.write(told, b"listens\n")
                while not wish.stop:
                    time.sleep(0.02)
            os.write(told, b"ended by itself\n")
            os._exit(0)
        while True:
            time.sleep(1)
    os.close(told)
    with os.fdopen(said) as lines:
        first = lines.readline()
        os.kill(launcher, signal.SIGKILL)
        os.waitpid(launcher, 0)
        (folder / "orphan.txt").write_text(first + lines.read())
    del os.environ["TORCHELASTIC_RUN_ID"]


def start(folder, world, port, *names):
    """Fork some processes when everything is imported; return how each ended."""
    os.environ |= {"WORLD_SIZE": world, "MASTER_PORT": port}
    children = []
    for rank in range(int(world)):
        child = os.fork()
        if child == 0:
            os.environ["RANK"] = str(rank)
            try:
                main(folder, *names)
            finally:
                traceback.print_exc()
                os._exit(1)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


if __name__ == "__main__":
    if sys.argv[2] == "train":
        command(Path(sys.argv[1]), *sys.argv[3:])
    else:
        importlib.import_module("torch._dynamo")  # torch would load it with the first optimizer, on every rank
        orphan(Path(sys.argv[1]))
        print(json.dumps([start(Path(sys.argv[1]), *words.split()) for words in sys.argv[2:]]))
