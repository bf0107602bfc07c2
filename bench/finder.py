"""The range test's band, and the published rules' rates, on five problems whose best rate is known."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import Row
from bench._published_rules import PUBLISHED
from bench._toys import GRID, TOYS, Toy, sweeps, truth
from glidepath.finder import Refusal, Suggestion, Trace, rising, suggest, sweep

# Design happened on data 0 to 2 and on seeds below 1000. What is printed comes from none of them.
DATA, SEEDS, GRID_SEEDS, REPEATS = 31, tuple(range(7000, 7012)), (8000, 8001, 8002), 3
RANGE = (1e-6, 10.0, 240)
TOLERANCE = 1.1


def rows() -> Iterator[Row]:
    """Five problems, twelve seeds of each: our band in rows, everything in a table."""
    table = Table(title="decades from the best rate (loss / best loss), medians over 12 seeds", title_justify="left")
    table.add_column("rule")
    answers: list[tuple[bool, float]] = []
    asked = 0
    columns: list[dict[str, str]] = []
    for toy in (replace(toy, data=DATA) for toy in TOYS):
        table.add_column(toy.name, justify="right")
        best = truth(toy, GRID_SEEDS)
        column = {name: _told(_apart(rates, best)) for name, rates in published(toy, SEEDS).items()}
        results = bands(toy, SEEDS)
        asked += len(results)
        hits = [(contains(found, best), found.width) for found in results if isinstance(found, Suggestion)]
        answers += hits
        column |= {
            "glidepath, middle of the band": _told(
                _apart([f.middle if isinstance(f, Suggestion) else None for f in results], best)
            ),
            "glidepath, band": f"{sum(hit for hit, _ in hits)}/{len(hits)} hold"
            + (f", {len(results) - len(hits)} refused" if len(hits) < len(results) else ""),
        }
        columns.append(column)
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    Console(file=sys.stdout, width=150).print(table)
    widths = [width for _, width in answers]
    share, refused = sum(hit for hit, _ in answers) / len(answers), 1 - len(answers) / asked
    yield Row("bands that contain a rate within 10 % of the best loss", share, "at least 0.9", share >= 0.9)
    yield Row("refusals", refused, "at most 0.25", refused <= 0.25)
    yield Row("median width of a band, decades", float(np.median(widths)), "at most 1", float(np.median(widths)) <= 1)
    yield Row("widest band, decades", max(widths), "at most 1.5", max(widths) <= 1.5)


def trace_of(rates: np.ndarray, losses: np.ndarray, label: str = "") -> Trace:
    """What `sweep` keeps of these losses: it stops where its rules say."""
    told = iter(losses)
    return sweep(lambda rate: next(told), rising(float(rates[0]), float(rates[-1]), len(rates)), label=label)


def bands(toy: Toy, seeds: Sequence[int]) -> list[Suggestion | Refusal]:
    """Our answer for each seed."""
    rates = np.geomspace(*RANGE)
    losses = sweeps(toy, seeds, REPEATS, rates)
    return [suggest([trace_of(rates, losses[:, i, k]) for k in range(REPEATS)]) for i in range(len(seeds))]


def published(toy: Toy, seeds: Sequence[int]) -> dict[str, list[float | None]]:
    """Each published rule's rate for each seed, from one sweep of 100 updates over its own range."""
    ranges = {span for span, _ in PUBLISHED.values()}
    losses = {span: sweeps(toy, seeds, 1, np.geomspace(*span, 100))[:, :, 0] for span in ranges}
    return {
        name: [rule(np.geomspace(*span, 100), losses[span][:, i]) for i in range(len(seeds))]
        for name, (span, rule) in PUBLISHED.items()
    }


def contains(found: Suggestion, best: np.ndarray) -> bool:
    """Whether some rate in the band ends within 10 % of the grid's best loss; between rates of the grid, log-linear."""
    inside = np.linspace(np.log10(found.low), np.log10(found.high), 101)
    return bool(_loss(inside, best).min() <= TOLERANCE * best.min())


def _loss(decades: np.ndarray, best: np.ndarray) -> np.ndarray:
    return np.exp(np.interp(decades, np.log10(GRID), np.log(np.where(np.isfinite(best), best, 1e30))))


def _apart(rates: Sequence[float | None], best: np.ndarray) -> list[tuple[float, float]]:
    at = np.log10(GRID[int(best.argmin())])
    seen = np.log10([rate for rate in rates if rate is not None])
    losses = _loss(seen, best) / best.min()
    return [(float(d - at), float(loss)) for d, loss in zip(seen, losses, strict=True)]


def _told(apart: list[tuple[float, float]]) -> str:
    if not apart:
        return "none"
    decades, losses = np.median(np.array(apart), 0)
    return f"{decades:+.1f} ({losses:.2f})"
