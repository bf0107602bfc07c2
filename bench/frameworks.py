"""What a plan costs a whole training in JAX, Keras, Lightning and Hugging Face, against the framework's own scheduler (cosine)."""

from __future__ import annotations

import logging
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import keras
import lightning
import numpy as np
import optax
import torch
import transformers

import glidepath.jax as gj
from bench import Row
from glidepath.keras import Rate
from glidepath.lightning import Driver
from glidepath.transformers import Trainer

UPDATES = 100
X = np.random.default_rng(0).normal(size=(4 * UPDATES, 16)).astype("float32")
TENSOR = torch.from_numpy(X)


def in_jax(optimizer: Any) -> Callable[[], None]:
    begin = {"inner": jnp.ones((16, 64)), "bias": jnp.zeros(64), "outer": jnp.ones((64, 1))}
    batches = list(jnp.asarray(np.random.default_rng(0).normal(size=(UPDATES, 64, 16)).astype("float32")))

    def loss(params: Any, x: Any) -> Any:
        return jnp.mean((jnp.tanh(x @ params["inner"] + params["bias"]) @ params["outer"] - x[:, :1]) ** 2)

    @jax.jit
    def step(params: Any, state: Any, x: Any) -> Any:
        out, state = optimizer.update(jax.grad(loss)(params, x), state, params)
        return optax.apply_updates(params, out), state

    def run() -> None:
        params, state = begin, optimizer.init(begin)
        for x in batches:
            params, state = step(params, state, x)
        jax.block_until_ready(params)

    return run


def in_keras(rate: Any) -> Callable[[], None]:
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(rate), "mse")
    return lambda: model.fit(X, X[:, :1], batch_size=4, verbose=0)


class Net(lightning.LightningModule):
    def __init__(self, own: bool) -> None:
        super().__init__()
        self.own, self.net = own, torch.nn.Linear(16, 1)

    def training_step(self, batch: Any, index: int) -> Any:
        del index
        return self.net(batch).square().mean()

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.1)
        if not self.own:
            return optimizer
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, UPDATES)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}


def in_lightning(own: bool) -> None:
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=1,
        logger=False,
        callbacks=[] if own else [Driver(f"cosine({UPDATES})")],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Net(own), torch.utils.data.DataLoader(TENSOR, batch_size=4))


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = torch.nn.Linear(16, 1)

    def forward(self, x: Any) -> Any:
        return {"loss": self.net(x).square().mean()}


def in_transformers(kind: Any, folder: str, **plan: Any) -> None:
    args = transformers.TrainingArguments(
        folder,
        max_steps=UPDATES,
        per_device_train_batch_size=4,
        lr_scheduler_type="cosine",
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    kind(Model(), args, train_dataset=[{"x": row} for row in TENSOR], **plan).train()


def rows(rounds: int = 7) -> Iterator[Row]:
    """Yields the seconds of a training with a plan, over one with the framework's own scheduler: the median of interleaved rounds."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    text, folder = f"cosine({UPDATES})", tempfile.mkdtemp()
    own = optax.cosine_decay_schedule(0.1, UPDATES)
    cases: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        # optax's own keeps no rate in its state; inject_hyperparams does, to be shown, as a driven transformation does
        "optax (a schedule as it is)": (in_jax(optax.adam(gj.rate(text, 0.1))), in_jax(optax.adam(own))),
        "optax (driven)": (in_jax(gj.optimizer(optax.adam, 0.1, text)), in_jax(optax.adam(own))),
        "optax (driven, over inject_hyperparams)": (
            in_jax(gj.optimizer(optax.adam, 0.1, text)),
            in_jax(optax.inject_hyperparams(optax.adam)(own)),
        ),
        "Keras": (in_keras(Rate(text, 0.1)), in_keras(keras.optimizers.schedules.CosineDecay(0.1, UPDATES))),
        "Lightning": (lambda: in_lightning(own=False), lambda: in_lightning(own=True)),
        "Hugging Face": (
            lambda: in_transformers(Trainer, folder, plan=text),
            lambda: in_transformers(transformers.Trainer, folder),
        ),
    }
    for name, pair in cases.items():
        seconds: list[list[float]] = [[], []]
        for i in range((5 * rounds if "optax" in name else rounds) + 1):  # those are over in milliseconds
            for taken, work in zip(seconds, pair, strict=True):
                begun = time.perf_counter()
                work()
                if i:  # the first round compiles
                    taken.append(time.perf_counter() - begun)
        found = median(a / b for a, b in zip(*seconds, strict=True))
        yield Row(f"{name}: {UPDATES} updates with a plan / with its own scheduler", found, "at most 1.2", found <= 1.2)
