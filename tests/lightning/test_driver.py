"""A plan drives any LightningModule: every update, every boundary, beside the framework's own callbacks."""

import logging
import os
import subprocess
import sys

import lightning
import pytest
import torch
from lightning.pytorch.callbacks import Callback, LearningRateMonitor, ModelCheckpoint, StochasticWeightAveraging
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.tuner import Tuner

import glidepath as gp
from glidepath.lightning import Driver
from glidepath.plan import Plan

pytestmark = pytest.mark.filterwarnings(  # of Lightning about this small set-up
    "ignore:SWA is currently only supported every epoch",
    "ignore:.*`lr_scheduler.step..` before `optimizer.step..`",
    "ignore:Be aware that when using .ckpt_path.",
    "ignore:.*logging interval",
)
for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
    logging.getLogger(name).setLevel(logging.ERROR)

PLAN = 'warmup("25%") >> cosine("rest")'
X = torch.randn(24, 4, generator=torch.Generator().manual_seed(1))


class Net(lightning.LightningModule):
    def __init__(self, rate=0.1, schedule=None):
        super().__init__()
        torch.manual_seed(0)
        self.rate, self.schedule, self.net = rate, schedule, torch.nn.Linear(4, 1)

    def training_step(self, batch, index):
        loss = self.net(batch).square().mean()
        self.log("train_loss", loss, on_epoch=True, on_step=False)
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", torch.tensor(1.0))

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.rate)
        if self.schedule is None:
            return optimizer
        made = torch.optim.lr_scheduler.LambdaLR(optimizer, gp.parse(self.schedule).scalar)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": made, "interval": "step"}}


class Seen(Callback):
    """The rates that updates are made with, and those that are shown before each batch."""

    def __init__(self):
        self.used, self.shown = [], []

    def on_train_batch_start(self, trainer, module, batch, index):
        self.shown.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_start(self, trainer, module):
        trainer.optimizers[0].register_step_post_hook(lambda opt, *_: self.used.append(opt.param_groups[0]["lr"]))


def fit(folder, *callbacks, module=None, epochs=3, ckpt=None, logger=False, **options):
    options = {"enable_checkpointing": any(isinstance(c, ModelCheckpoint) for c in callbacks)} | options
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=list(callbacks),
        logger=logger,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        **options,
    )
    module = Net() if module is None else module
    loader = torch.utils.data.DataLoader(X, batch_size=4)
    trainer.fit(module, loader, loader, ckpt_path=ckpt)
    return module


def values(text, base, updates):
    return [base * gp.parse(text)(k) for k in range(updates)]


def test_every_update_uses_the_plan_and_the_coming_rate_is_shown_before_it(tmp_path):
    seen, monitor = Seen(), LearningRateMonitor()
    fit(tmp_path, Driver(PLAN), seen, monitor, epochs=2, logger=CSVLogger(tmp_path), log_every_n_steps=1)

    assert seen.shown == values("warmup(3) >> cosine(9)", 0.1, 12)
    assert monitor.lrs["lr-SGD"][0] == seen.shown[0] < 0.1  # never the peak at step 0
    assert list(dict.fromkeys(monitor.lrs["lr-SGD"])) == list(dict.fromkeys(seen.shown))


def test_accumulation_counts_updates(tmp_path):
    seen = Seen()
    fit(tmp_path, Driver("linear(9)"), seen, accumulate_grad_batches=2)

    assert seen.shown[::2] == values("linear(9)", 0.1, 9)


@pytest.mark.parametrize("every", [5, 6, 7])
def test_a_run_goes_on_from_any_boundary(tmp_path, every):
    whole, seen = Seen(), Seen()
    fit(tmp_path, Driver(PLAN), whole, ModelCheckpoint(tmp_path, every_n_train_steps=every, save_top_k=-1))
    first = min(tmp_path.glob("*.ckpt"), key=lambda file: int(file.stem.rpartition("=")[2]))

    fit(tmp_path, Driver(PLAN), seen, ckpt=first)

    assert seen.shown == whole.shown[every:]


def test_a_longer_run_is_refused_or_extended(tmp_path):
    fit(tmp_path, Driver(PLAN), ModelCheckpoint(tmp_path, filename="end"), epochs=2)

    with pytest.raises(gp.GlidepathError, match=r'saved 12 steps, now 24 steps \(resume="keep"'):
        fit(tmp_path, Driver(PLAN), epochs=4, ckpt=tmp_path / "end.ckpt")
    # a run that ended has nothing left to stretch: the present plan goes on at its update
    seen = Seen()
    fit(tmp_path, Driver(PLAN, resume="override"), seen, epochs=4, ckpt=tmp_path / "end.ckpt")
    assert seen.shown == values("warmup(6) >> cosine(18)", 0.1, 24)[12:]


def test_a_driver_of_a_run_that_is_over_begins_anew_in_another(tmp_path):
    driver, seen = Driver("linear(12)"), Seen()
    fit(tmp_path, driver, epochs=2)
    fit(tmp_path, driver, seen, epochs=2)

    assert seen.shown == values("linear(12)", 0.1, 12)


def test_a_checkpoint_that_knows_nothing_of_the_plan_is_refused_or_gone_on_from(tmp_path):
    fit(tmp_path, ModelCheckpoint(tmp_path, filename="other"), module=Net(schedule="cosine(12)"), epochs=1)

    with pytest.raises(gp.GlidepathError, match=r'made 6 updates, got nothing \(resume="override" goes on .* update 6'):
        fit(tmp_path, Driver("linear(12)"), epochs=2, ckpt=tmp_path / "other.ckpt")
    seen = Seen()
    fit(tmp_path, Driver("linear(12)", resume="override"), seen, epochs=2, ckpt=tmp_path / "other.ckpt")
    assert seen.shown == values("linear(12)", 0.1, 12)[6:]


def test_what_is_left_is_stretched_without_a_jump(tmp_path):
    fit(tmp_path, Driver(PLAN), ModelCheckpoint(tmp_path, every_n_train_steps=6, save_top_k=-1), epochs=2)
    seen, driver = Seen(), Driver(PLAN, resume="extend")

    fit(tmp_path, driver, seen, epochs=4, ckpt=tmp_path / "epoch=0-step=6.ckpt")

    short = gp.parse("warmup(3) >> cosine(9)")
    assert seen.shown == pytest.approx([0.1 * short(6 + k / 3) for k in range(18)])


FEEDBACK = [{"controller": "plateau(factor=0.5, patience=0)", "monitor": "val_loss"}]


@pytest.mark.parametrize("cadence", [None, {"val_loss": "epoch"}])
def test_metrics_feed_the_controllers_at_their_cadence(tmp_path, cadence):
    seen, driver = Seen(), Driver(Plan("cosine(18)", feedback=FEEDBACK), cadence=cadence)
    fit(tmp_path, driver, seen, num_sanity_val_steps=0 if cadence else 2)

    assert driver.state_dict()["scheduler"]["updates"] == 18
    plain = values("cosine(18)", 0.1, 18)  # observed after 6, 12 and 18 updates: the second is no better than the first
    assert seen.shown == pytest.approx(plain[:12] + [0.5 * rate for rate in plain[12:]])


def test_a_metric_of_training_is_observed_every_so_many_updates(tmp_path):
    class Logging(Net):
        def training_step(self, batch, index):
            self.log("now", float(index))
            return super().training_step(batch, index)

    plan = Plan("hold(18)", feedback=[{"controller": "plateau(factor=0.5, patience=0)", "monitor": "now"}])
    seen = Seen()
    fit(tmp_path, Driver(plan, cadence={"now": 2}), seen, module=Logging(), epochs=1)

    assert seen.shown == [0.1, 0.1, 0.1, 0.1, 0.05, 0.05]  # 1, 3 and 5: it only rises


@pytest.mark.parametrize(
    ("driver", "options", "match"),
    [
        (
            lambda: Driver(Plan("cosine(9)", feedback=FEEDBACK)),
            {"limit_val_batches": 0},
            "one that this run has: it validates nothing",
        ),
        (
            lambda: Driver(Plan("cosine(9)", feedback=[{**FEEDBACK[0], "monitor": "val_acc"}])),
            {},
            r"by then \(val_loss\), got 'val_acc'",
        ),
        (
            lambda: Driver(Plan("cosine(9)", feedback=FEEDBACK), cadence={"val_los": 3}),
            {},
            r"listens to \(val_loss\), got val_los",
        ),
        (
            lambda: Driver(Plan("cosine(9)", feedback=FEEDBACK), cadence={"val_loss": "hourly"}),
            {},
            "'validation', 'epoch' or a number",
        ),
        (
            lambda: Driver("cosine(9)"),
            {"module": Net(schedule="cosine(9)")},
            "without a scheduler of its own, got LambdaLR",
        ),
        (lambda: Driver("cosine(9)", 1), {}, "places in what configure_optimizers returns, 0 to 0"),
        (lambda: Driver(PLAN), {"epochs": -1}, "give the trainer a length"),
        (lambda: Driver(PLAN, resume="exted"), {}, "resume must be one of strict, keep, override, extend, got 'exted'"),
        (lambda: Driver("cosine(9)", {"a": 2}), {}, "places in what configure_optimizers returns, 0 to 0, got 2"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_trained(tmp_path, driver, options, match):
    module = options.pop("module", None) or Net()
    before = module.net.weight.clone()

    with pytest.raises(gp.GlidepathError, match=match):
        fit(tmp_path, driver(), module=module, **options)
    assert torch.equal(before, module.net.weight)


class Pair(Net):
    """A GAN's pattern: two optimizers of their own pace, stepped by hand."""

    def __init__(self):
        super().__init__()
        self.other, self.automatic_optimization = torch.nn.Linear(4, 1), False

    def training_step(self, batch, index):
        for optimizer, net, every in zip(self.optimizers(), (self.net, self.other), (1, 2), strict=True):
            if index % every == 0:
                optimizer.zero_grad()
                self.manual_backward(net(batch).square().mean())
                optimizer.step()

    def configure_optimizers(self):
        return [torch.optim.SGD(net.parameters(), lr=rate) for net, rate in ((self.net, 0.1), (self.other, 1.0))]


class Told(Driver):
    def on_train_start(self, trainer, module):
        super().on_train_start(trainer, module)
        self.applied = []
        self.scheduler.on_update(self.applied.append)


def test_optimizers_of_a_gan_have_a_driver_each(tmp_path):
    fast, slow = Told("linear(12)", 0), Told("linear(6)", {"critic": 1})
    fit(tmp_path, fast, slow, module=Pair(), epochs=2)

    assert [applied.value for applied in fast.applied] == values("linear(12)", 0.1, 12)
    assert [(applied.group, applied.value) for applied in slow.applied] == [
        ("critic/0", r) for r in values("linear(6)", 1.0, 6)
    ]
    assert fast.state_key != slow.state_key


def test_weight_averaging_takes_over_as_from_pytorchs_own(tmp_path):
    ours, theirs = Seen(), Seen()
    for seen, module, drivers in (
        (ours, Net(), [Driver("hold(2) >> linear(30)")]),
        (theirs, Net(schedule="hold(2) >> linear(30)"), []),
    ):
        fit(
            tmp_path,
            *drivers,
            StochasticWeightAveraging(swa_lrs=0.5, swa_epoch_start=2, annealing_epochs=1),
            seen,
            module=module,
            epochs=4,
        )

    assert ours.used == pytest.approx(theirs.used)
    assert ours.used[-1] == 0.5


@pytest.mark.filterwarnings(
    "ignore:.*weights_only", "ignore:Failed to compute suggestion", "ignore:You defined a .validation_step"
)
def test_the_range_test_sweeps_what_it_reports(tmp_path):
    made, seen = Net(), Seen()
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=3, callbacks=[Driver("linear(18)"), seen], logger=False,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, default_root_dir=tmp_path,
    )  # fmt: skip
    loader = torch.utils.data.DataLoader(X, batch_size=4)
    found = Tuner(trainer).lr_find(made, loader, num_training=12, min_lr=1e-4, max_lr=1e-2, update_attr=False)
    assert found.results["lr"][0] == pytest.approx(1e-4)
    assert found.results["lr"] == sorted(found.results["lr"])
    trainer.fit(made, loader)
    assert seen.shown == values("linear(18)", 0.1, 18)


DDP = """
import sys, warnings, logging
warnings.simplefilter("ignore"); logging.getLogger("lightning").setLevel(logging.ERROR)
import torch, lightning
from glidepath.lightning import Driver
from glidepath.plan import Plan

class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__(); torch.manual_seed(0); self.net = torch.nn.Linear(4, 1)
    def training_step(self, batch, index):
        return self.net(batch).square().mean()
    def validation_step(self, batch, index):
        self.log("val_loss", torch.tensor(float(self.global_rank + self.current_epoch)))  # ranks that measure differently
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
    def on_train_end(self):
        state = driver.state_dict()["scheduler"]
        open(f"rank{self.global_rank}", "w").write(str([state["updates"], state["states"], self.net.weight.tolist()]))

plan = Plan('cosine("rest")', {"length": "9 updates"}, feedback=[{"controller": "plateau(factor=0.5, patience=0)", "monitor": "val_loss"}])
driver = Driver(plan)
loader = torch.utils.data.DataLoader(torch.ones(24, 4), batch_size=4)
trainer = lightning.Trainer(accelerator="cpu", devices=2, strategy="ddp_fork", max_epochs=3, callbacks=[driver], logger=False,
    enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, num_sanity_val_steps=0)
trainer.fit(Net(), loader, loader)
"""


def test_two_processes_agree(tmp_path):
    (tmp_path / "ddp.py").write_text(DDP)
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "ddp.py"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    ranks = [(tmp_path / f"rank{rank}").read_text() if done.returncode == 0 else done.stderr for rank in (0, 1)]

    assert ranks[0] == ranks[1]
    assert ranks[0].startswith("[9, ")
    assert '"last": 9, "best": 0.5' in ranks[0]  # the mean of both
