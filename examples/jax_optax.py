"""A whole training with optax: saved after every update, resumed, extended. `python jax_optax.py FOLDER UPDATES`."""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import glidepath.jax as gj
from glidepath.plan import Plan

PLAN = Plan(
    [
        {"schedule": "warmup(4) >> cosine(20, floor=0.1)", "groups": "kernel"},
        {"schedule": "linear(24)", "groups": "bias"},
        {"schedule": "ramp(0.05, 0.1, 24)", "parameter": "weight_decay", "absolute": True},
    ],
    feedback=[{"controller": "plateau(factor=0.5, patience=1)", "monitor": "loss"}],
)


def model(params, x):
    return jnp.tanh(x @ params["kernel"]) @ params["bias"]


def train(folder, updates, plan=PLAN, resume="strict"):
    kernel = jax.random.normal(jax.random.key(0), (4, 8))
    params = {"kernel": kernel, "bias": jnp.zeros(8)}
    labels = {"kernel": "kernel", "bias": "bias"}
    optimizer = gj.plan(plan, optax.adamw, labels, learning_rate={"kernel": 0.02, "bias": 0.1})
    state, progress = optimizer.init(params), optimizer.plan.begin()

    saved = Path(folder) / "checkpoint.npz"
    if saved.exists():  # arrays go back into the shape of a new state; what belongs beside them is JSON
        with np.load(saved) as file:
            leaves = [file[f"leaf{i}"] for i in range(len(file.files) - 1)]
            document = json.loads(str(file["document"]))
        params, state = jax.tree.unflatten(jax.tree.structure((params, state)), map(jnp.asarray, leaves))
        resumed = optimizer.resumed(state, document, resume)
        optimizer, state, progress = resumed.optimizer, resumed.state, resumed.progress
        print(f"resumed at update {gj.count(state)}, jump {resumed.jump:.2g}", *resumed.differences, sep="\n  ")

    @jax.jit
    def step(params, state, x, y):
        loss, grads = jax.value_and_grad(lambda p: jnp.mean((model(p, x) - y) ** 2))(params)
        change, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, change), state, loss

    for k in range(gj.count(state), updates):
        x = jax.random.normal(jax.random.key(k), (16, 4))  # the data of update k, also after a resume
        params, state, loss = step(params, state, x, x.sum(axis=1))
        if k % 4 == 3:
            state, progress, _ = optimizer.observe(state, progress, "loss", loss)
        save(saved, (params, state), optimizer.saved(state, progress))
        print(f"update {k}: loss {loss:.4f}, rates {gj.learning_rates(state)}", flush=True)
    return params, optimizer, state


def save(path, tree, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    leaves = {f"leaf{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}
    with path.with_suffix(".new").open("wb") as file:
        np.savez(file, document=json.dumps(document), **leaves)
    path.with_suffix(".new").replace(path)  # the old checkpoint or the new one, never half of one


if __name__ == "__main__":
    train(sys.argv[1], int(sys.argv[2]))
