"""The rules of what an update is, and of who owns the rate, broken one by one: `tests/mutate.py` runs them."""

TESTS = ("updates", "owners")
OPTIONS = ()

# What is broken, where, the code as it is, and the code broken.
MUTATIONS: list[tuple[str, str, str, str]] = [
    ("a dummy step is an update", "torch/binding.py", "if dummy(groups, self.channels):", "if False:"),
    (
        "a rate of 0 is a dummy step",
        "torch/optimizers.py",
        "if ours and not any(_rewritten(seat) for seat in ours):",
        "if False:",
    ),
    (
        "a dummy step may have gradients",
        "torch/optimizers.py",
        "not any(torch.count_nonzero(each.detach()).item() for each in local)",
        "True",
    ),
    (
        "every call begins an update",
        "torch/binding.py",
        "if (not run.seen or not run.seen.isdisjoint(heads)) if not run.armed else not run.slow:",
        "if True:",
    ),
    (
        "a step inside a step begins an update",
        "torch/binding.py",
        "if not run.armed else not run.slow:",
        "if not run.armed else True:",
    ),
    (
        "each part is counted",
        "torch/binding.py",
        "fresh = not (run.slow and run.counted)",
        "fresh = True",
    ),
    ("each part consumes", "torch/binding.py", "if not (run.slow and run.consumed):", "if True:"),
    ("sub-groups are not told apart", "torch/binding.py", "if params and params[0] is self.head:", "if params:"),
    ("the quick way after a part", "torch/binding.py", "self.partial, self.count = True, -1", "self.partial = False"),
    ("hooks on the wrapper", "torch/optimizers.py", "shared[0] if len(shared) == 1 else optimizer", "optimizer"),
    (
        "a bridge takes the rate back",
        "torch/binding.py",
        "return found is not seat.seen and found is not seat.tried",
        "return False",
    ),
    ("0 is adopted", "torch/binding.py", "and value != 0.0 and not seat.rule.absolute", "and not seat.rule.absolute"),
    ("a written base is not seen", "torch/binding.py", "if base != seat.base]", "if False]"),
    ("another plan takes over", "torch/scheduler.py", "or old.plan.fingerprint != run.plan.fingerprint:", "or False:"),
    (
        "who loads last decides",
        "torch/binding.py",
        "carried = loaded and taker.carried and not self._decided(mine, taker.base)",
        "carried = loaded and taker.carried",
    ),
]
