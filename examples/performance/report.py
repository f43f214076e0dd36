"""From outcomes to ratios, and the ratios as a Markdown table.

Libraries run one after the other within a round, so a ratio is taken within each round, where both saw the same
machine, and the median of those ratios is shown with the smallest and the largest.
"""

from __future__ import annotations

import math
import platform
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from scenarios import SCENARIOS, Scenario
from worker import Outcome


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times another library's time (or memory) one needs: below 1 is less."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"**{self.median:.2f}** ({self.low:.2f}–{self.high:.2f})"


@dataclass(frozen=True, slots=True)
class Line:
    """One scenario of the table; a ratio is None where one of the two did not run."""

    scenario: Scenario
    size: int
    to_orm: Ratio | None
    to_core: Ratio | None
    orm_to_core: Ratio | None
    absent: str | None
    """"missing" or "failed" where ormsession has no figure."""


Rounds = Sequence[Sequence[Outcome]]


def values_of(rounds: Rounds, scenario: str, library: str) -> list[float | None]:
    """The measured value of each round."""
    return [
        next((one.value for one in outcomes if one.scenario == scenario and one.library == library), None)
        for outcomes in rounds
    ]


def ratio(rounds: Rounds, scenario: str, library: str, other: str) -> Ratio | None:
    """The ratio of two libraries over all rounds in which both ran."""
    pairs = zip(values_of(rounds, scenario, library), values_of(rounds, scenario, other), strict=True)
    found = [ours / theirs for ours, theirs in pairs if ours is not None and theirs]
    return Ratio(statistics.median(found), min(found), max(found)) if found else None


def lines_of(rounds: Rounds) -> list[Line]:
    """The table as data, in the order of the scenarios."""
    by_scenario: dict[str, list[Outcome]] = defaultdict(list)
    for outcomes in rounds:
        for outcome in outcomes:
            by_scenario[outcome.scenario].append(outcome)
    return [
        Line(
            scenario,
            by_scenario[scenario.name][0].size,
            ratio(rounds, scenario.name, "ormsession", "ORM"),
            ratio(rounds, scenario.name, "ormsession", "Core"),
            ratio(rounds, scenario.name, "ORM", "Core"),
            absence([one for one in by_scenario[scenario.name] if one.library == "ormsession"]),
        )
        for scenario in SCENARIOS
        if scenario.name in by_scenario
    ]


def absence(outcomes: Sequence[Outcome]) -> str | None:
    """Why there is no figure: one failed round is enough."""
    if any(one.failed for one in outcomes):
        return "failed"
    return "missing" if any(one.missing for one in outcomes) else None


def markdown(rounds: Rounds, growth: dict[str, dict[str, float]], database: str) -> str:
    """The whole report."""
    circumstances = f"SQLAlchemy {version('sqlalchemy')}, Python {platform.python_version()}, {database}"
    text = [
        f"{circumstances}; {len(rounds)} rounds, each library and scenario in a process of its own.",
        "Ratios of time (memory in the last line): median (smallest–largest); below 1 is faster.",
        "Core has no objects: attributes and constructor are compared with those of a plain class.",
        "",
        "| scenario | objects | ormsession / ORM | ormsession / Core | ORM / Core |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for line in lines_of(rounds):
        to_orm = line.absent or str(line.to_orm or "–")
        cells = (line.scenario.title, f"{line.size:,}", to_orm, str(line.to_core or "–"), str(line.orm_to_core or "–"))
        text.append("| " + " | ".join(cells) + " |")
    tracked = tracked_objects(rounds)
    if tracked:
        text += ["", "Objects per loaded entity that the garbage collector visits: " + tracked + "."]
    if growth:
        text += ["", "| growth exponent (1 is linear) | ormsession | ORM | Core |", "| --- | ---: | ---: | ---: |"]
        for name, exponents in growth.items():
            shown = [f"{exponents[who]:.2f}" if who in exponents else "–" for who in ("ormsession", "ORM", "Core")]
            text.append("| " + " | ".join([name, *shown]) + " |")
    return "\n".join(text) + "\n"


def tracked_objects(rounds: Rounds) -> str:
    """Which library leaves how many garbage-collected objects per entity."""
    found = {one.library: one.tracked for outcomes in rounds for one in outcomes if one.tracked is not None}
    return ", ".join(f"{library} {max(tracked, 0):.1f}" for library, tracked in found.items())


def growth_exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of time over size, both as logarithms."""
    slope, _intercept = statistics.linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds])
    return slope
