"""A whole training with Keras: saved after every epoch, resumed, extended. `python keras_fit.py FOLDER EPOCHS`."""

import sys
from pathlib import Path

import keras
import numpy as np

from glidepath.keras import Driver
from glidepath.plan import Plan

PLAN = Plan(
    "warmup(4) >> cosine(20, floor=0.1)",
    feedback=[{"controller": "plateau(factor=0.5, patience=1)", "monitor": "val_loss"}],
)


X = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class Save(keras.callbacks.Callback):
    """The model with its optimizer, its schedule and what the plan's controllers know: one file, whole or not at all."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch, logs=None):
        fresh = self.path.with_suffix(".new.keras")
        self.model.save(fresh)
        fresh.replace(self.path)
        print(f"update {self.model.optimizer.iterations.numpy() - 1}: {logs}", flush=True)


def train(folder, epochs, plan=PLAN, resume="strict"):
    driver = Driver(plan, base=0.05, resume=resume)
    saved = Path(folder) / "model.keras"
    if saved.exists():
        model = keras.models.load_model(saved)
    else:
        saved.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(driver.rate()), "mse")
    done = int(model.optimizer.iterations.numpy()) // 4  # epochs, of four updates
    history = model.fit(
        *(X[:64], Y[:64]),
        batch_size=16,
        epochs=epochs,
        initial_epoch=done,
        shuffle=False,  # Keras keeps no order of the data: a resumed run would see another one
        validation_data=(X[64:], Y[64:]),
        callbacks=[driver, Save(saved)],  # the driver first: what it decides belongs to the epoch
        verbose=0,
    )
    return model, driver, history


if __name__ == "__main__":
    train(sys.argv[1], int(sys.argv[2]))
