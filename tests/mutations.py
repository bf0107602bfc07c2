"""The rooms around the core broken in small ways: the test files that must notice, and pieces of the text with what stands there instead."""

ROOMS: dict[str, tuple[tuple[str, ...], list[tuple[str, str, str, str]]]] = {
    "plan": (
        ("lengths", "horizon", "progress", "plan", "replan", "duration", "by_update"),
        [
            (
                "halves round down",
                "plan/lengths.py",
                "steps = math.floor(exact + Fraction(1, 2))",
                "steps = math.floor(exact)",
            ),
            ("rest may be below 0", "plan/lengths.py", "elif room < 0:", "elif False:"),
            ("the rest may be taken twice", "plan/lengths.py", "if len(takers) > 1:", "if len(takers) > 9:"),
            ("a formula is a duration", "plan/lengths.py", 'node.func.id == "expression"', "False"),
            (
                "samples are cut off",
                "plan/derived.py",
                "return math.ceil(budget.amount)",
                "return math.floor(budget.amount)",
            ),
            ("a batch of any size", "plan/ramp.py", "/ multiple + 1e-9)) * multiple", "))"),
            (
                "stages change one late",
                "plan/ramp.py",
                "if size(middle) <= stages[-1].size else",
                "if size(middle) < stages[-1].size else",
            ),
            (
                "a rule's floor is its value",
                "plan/progress.py",
                "else max(made, rule.floor)",
                "else min(made, rule.floor)",
            ),
            (
                "part of an update counts",
                "plan/progress.py",
                'settle(self, "progress").done()',
                'settle(self, "progress")',
            ),
            ("a shorter run is an extension", "plan/replan.py", "if new is None or new <= old:", "if new is None:"),
            (
                "a controller listens one early",
                "plan/replan.py",
                "after=math.ceil(starts_at",
                "after=math.floor(starts_at",
            ),
        ],
    ),
    "feedback": (
        ("plateau", "guard", "replay"),
        [
            ("patience is one less", "feedback/plateau.py", "if bad > self.patience:", "if bad >= self.patience:"),
            (
                "cooling counts as bad",
                "feedback/plateau.py",
                "after = replace(state, bad=0, cooling",
                "after = replace(state, bad=1, cooling",
            ),
            (
                "no floor",
                "feedback/plateau.py",
                "return max(self.factor**state.cuts, self._floor(group))",
                "return self.factor**state.cuts",
            ),
            ("it listens from the start", "feedback/plateau.py", "if seen.position < self.after:", "if False:"),
            (
                "max is min",
                "feedback/plateau.py",
                'if self.mode == "min" else value > target:',
                'if self.mode == "min" else value < target:',
            ),
            (
                "a guard without tries",
                "feedback/guard.py",
                "if state.cuts >= self.tries:",
                "if state.cuts > self.tries:",
            ),
            (
                "a guard that judges by two",
                "feedback/guard.py",
                "if len(state.recent) >= 3:",
                "if len(state.recent) >= 2:",
            ),
            (
                "an observation is heard twice",
                "feedback/controller.py",
                "and seen.id <= state.last:",
                "and seen.id < state.last:",
            ),
        ],
    ),
    "view": (
        ("sample", "pictures", "units"),
        [
            ("a knot at the last step is lost", "view/knots.py", "if 0 <= knot <= last)", "if 0 <= knot < last)"),
            ("the tail has no phase", "view/knots.py", "found[-1].end < last:", "found[-1].end > last:"),
            ("half a step is not drawn", "view/sample.py", "length = math.ceil(min(", "length = math.floor(min("),
            (
                "jumps are slopes",
                "view/sample.py",
                "math.nextafter(mark, 0.0) for mark in marks if mark > 0",
                "mark for mark in marks",
            ),
            ("no step before a knot", "view/sample.py", "for side in (-1, 0) if", "for side in (0,) if"),
            (
                "the lowest of a column is lost",
                "view/sample.py",
                "            begin + column.index(min(column)),\n",
                "",
            ),
            (
                "the highest of a column is lost",
                "view/sample.py",
                "            begin + column.index(max(column)),\n",
                "",
            ),
            (
                "cycles keep pace with the samples",
                "view/sample.py",
                "(k + k * _GOLDEN % 1) * last / evenly",
                "k * last / evenly",
            ),
        ],
    ),
    "logs": (
        ("reading", "made_logs"),
        [
            ("a later start is the first", "logs/log.py", "keep[i] = self.steps[i] < lowest", "keep[i] = True"),
            ("epochs begin at 0", "logs/gather.py", "(first >= 1 if math.isfinite(first) else 0)", "0"),
            ("a step before 0", "logs/gather.py", "if value is None or clock.step < 0:", "if value is None:"),
            ("a broken record is read", "logs/events.py", "0 <= step < 2**53", "True"),
        ],
    ),
    "advice": (
        ("advise", "fit"),
        [
            (
                "a warmup wastes its first step",
                "advice/candidates.py",
                "Ramp(1 / (self.steps + 1) if usual",
                "Ramp(1 / self.steps if usual",
            ),
            (
                "triangles one long",
                "advice/cycles.py",
                "Triangle(a, None if a == b else b, floor, 1.0)",
                "Triangle(a, None, floor, 1.0)",
            ),
            (
                "a run that is not over",
                "advice/audit.py",
                "if not complete or duration == math.inf or",
                "if duration == math.inf or",
            ),
        ],
    ),
    "finder": (
        ("rules", "suggest", "sweep", "trace", "verify"),
        [
            (
                "losses after the first that is not finite",
                "finder/trace.py",
                "if not math.isfinite(loss)), len(self.losses))",
                "if False), len(self.losses))",
            ),
        ],
    ),
    "transformers": (
        ("trainer",),
        [
            (
                "a rate is a share",
                "transformers.py",
                'if kind in _OF_RATE and (kind == "polynomial" or',
                "if False and (",
            ),
            ("train() again goes on", "transformers.py", "resume=self._resume, restart=True", "resume=self._resume"),
            ("every resume is strict", "transformers.py", "resume=self._resume, restart", 'resume="strict", restart'),
            ("the coming rate is logged", "transformers.py", "logs |= self.schedule.rates()", "pass"),
            (
                "groups are logged as one",
                "transformers.py",
                "alike = all(rate == first for",
                "alike = True or any(0 for",
            ),
            ("evaluations are not heard", "transformers.py", 'self._tell(metrics or {}, "eval_")', "pass"),
            ("a deaf controller trains", "transformers.py", "if monitors and str(", "if False and str("),
            (
                "what a resume changed is kept quiet",
                "transformers.py",
                "if made.resumed is not None and",
                "if False and",
            ),
            ("a plateau hears another metric", "transformers.py", 'else f"eval_{metric}"', 'else "eval_runtime"'),
        ],
    ),
    "lightning": (
        ("driver",),
        [
            ("a run without the plan is gone on from", "lightning.py", "elif trainer.global_step:", "elif False:"),
            ("a run that is over goes on", "lightning.py", 'if stage == "fit" and self._ended and', "if False and"),
            ("it does not let go", "lightning.py", "if trainer.lr_scheduler_configs and self", "if False and self"),
            (
                "the rate shown is the last one",
                "lightning.py",
                "            self.scheduler.show()\n            if self._cadence:",
                "            if self._cadence:",
            ),
            ("ranks add up", "lightning.py", 'reduce_op="mean"', 'reduce_op="sum"'),
            ("a cadence is every update", "lightning.py", " and done % due == 0", ""),
            ("drivers share a state", "lightning.py", "{'' if self._which is None else self._which}", ""),
            ("two schedulers drive", "lightning.py", "if others and not self._saved", "if False and not self._saved"),
            ("the checkpoint is not read", "lightning.py", 'if "scheduler" in self._saved:', "if False:"),
            ("the length is the plan's alone", "lightning.py", ", run=lambda: trainer.estimated_stepping_batches", ""),
        ],
    ),
    "jax": (
        ("driven",),
        [
            (
                "no floor",
                "jax/settling.py",
                "return made if cell.floor is None else jnp",
                "return made if True else jnp",
            ),
            ("controllers decide nothing", "jax/settling.py", "for i in cell.controllers:", "for i in ():"),
            (
                "a state of another plan is taken",
                "jax/driven.py",
                "same = state.identity == jnp.uint32(own)",
                "same = True",
            ),
            (
                "the count turns negative",
                "jax/driven.py",
                "jnp.where(state.count < _TOP, state.count + 1, ",
                "(state.count + 1 or ",
            ),
            (
                "small types are widened",
                "jax/driven.py",
                "return out if out is None or param is None",
                "return out if True",
            ),
            ("extended twice", "jax/checkpoint.py", "if known(before).total == longer.total:", "if False:"),
            (
                "a rate is a factor",
                "jax/settling.py",
                "absolute = rule.absolute or schedules[i].absolute",
                "absolute = False",
            ),
            (
                "saved bases are forgotten",
                "jax/settling.py",
                "base = None, saved.get(name, {}).get(word)",
                "base = None, base",
            ),
            (
                "any document is right",
                "jax/driven.py",
                "if mark not in (old.identity, self.identity) or",
                "if False and",
            ),
            ("whole numbers are cut off", "jax/rates.py", "jnp.floor(value + 0.5)", "jnp.floor(value)"),
            (
                "a label without a rule is one",
                "jax/settling.py",
                "if not any(rule.matches(",
                "if False and any(rule.matches(",
            ),
        ],
    ),
    "keras": (
        ("keras",),
        [
            (
                "a changed file is read",
                "keras.py",
                "if fingerprint not in (None, self.schedule.fingerprint):",
                "if False:",
            ),
            (
                "a decision is not compiled",
                "keras.py",
                "if changed and self.model.train_function",
                "if False and self.model.train_function",
            ),
            ("the history is one late", "keras.py", "rate.value(max(0, done - 1))", "rate.value(done)"),
            ("records of later updates", "keras.py", " if int(at) <= done}", "}"),
            ("no floor", "keras.py", "return made if rule.floor is None else", "return made if True else"),
            ("decisions are not saved", "keras.py", "return config | ({", "return config | {} and ({"),
            ("it is told at each epoch", "keras.py", "if monitor not in self._told:", "if True:"),
            ("another schedule is taken", "keras.py", 'if self.resume == "strict":', "if False:"),
            ("groups have one base", "keras.py", "self._base.get(group) if", "next(iter(self._base.values())) if"),
        ],
    ),
}
"""Room: (names of test files in its folder, rows of what is broken, where, the code as it is, the code broken)."""
