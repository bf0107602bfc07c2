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
}
"""Room: (names of test files in its folder, rows of what is broken, where, the code as it is, the code broken)."""
