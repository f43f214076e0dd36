#!/usr/bin/env python3
"""Measure ormsession against SQLAlchemy's ORM, SQLAlchemy Core and the bare database driver.

    python examples/performance/run.py --quick
    python examples/performance/run.py --markdown figures.md --svg figures.svg
    python examples/performance/run.py --scenario load --database postgresql+psycopg://postgres@127.0.0.1/test

Every measurement is a fresh process (``worker.py``) with a fresh table; within a round the libraries take turns.
What comes out of each run is compared with what had to come out: a wrong result is reported as failed, and the exit
status is 1.  A scenario that a library does not have is reported as missing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from chart import svg
from report import growth_exponent, lines_of, markdown
from scenarios import BY_NAME, GROWTH, LIBRARIES, SCENARIOS, Scenario
from sqlalchemy import make_url
from worker import Outcome

HERE = Path(__file__).resolve().parent
QUICK_PART = 5
"""A quick run takes one fifth of the objects."""


def measure(library: str, scenario: str, size: int, url: str) -> Outcome:
    """Run one scenario with one library in a process of its own."""
    path = os.pathsep.join(filter(None, [str(HERE.parents[1]), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, str(HERE / "worker.py"), library, scenario, str(size), url]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"\nfailed: {library}, {scenario}, {size} objects\n{done.stderr}", file=sys.stderr)
        return Outcome(library, scenario, size, failed=done.stderr.strip().rpartition("\n")[2])
    return Outcome(**json.loads(done.stdout))


def say(message: str) -> None:
    """Tell a waiting person how far it is."""
    if sys.stderr.isatty():
        print(f"\r{message:<78}", end="", file=sys.stderr, flush=True)


def run_rounds(scenarios: Sequence[Scenario], rounds: int, part: int, url: str) -> list[list[Outcome]]:
    """All scenarios with all libraries, round by round."""
    found = []
    for number in range(1, rounds + 1):
        outcomes = []
        for scenario in scenarios:
            for library in LIBRARIES:
                say(f"round {number}/{rounds}  {scenario.title}  {library}")
                outcomes.append(measure(library, scenario.name, max(scenario.size // part, 1), url))
        found.append(outcomes)
    return found


def run_growth(rounds: int, url: str) -> dict[str, dict[str, float]]:
    """By scenario and library: the exponent with which time grows with size, from medians."""
    exponents: dict[str, dict[str, float]] = {}
    for name, sizes in GROWTH.items():
        exponents[name] = {}
        for library in ("ormsession", "ORM", "Core"):
            medians = []
            for size in sizes:
                say(f"growth  {name}  {library}  {size}")
                values = [measure(library, name, size, url).value for _ in range(rounds)]
                medians.append(statistics.median(values) if all(values) else 0.0)
            if all(medians):
                exponents[name][library] = growth_exponent(sizes, medians)
    return exponents


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure ormsession against the ORM, Core and the driver, as ratios.")
    parser.add_argument("--rounds", type=int, help="how often everything is measured (default 5, with --quick 3)")
    parser.add_argument("--quick", action="store_true", help="a fifth of the objects, no growth: under three minutes")
    parser.add_argument("--part", type=int, metavar="N", help="one Nth of the objects (default 1, with --quick 5)")
    parser.add_argument("--scenario", nargs="+", choices=sorted(BY_NAME), metavar="NAME", help="some of %(choices)s")
    parser.add_argument("--growth", action=argparse.BooleanOptionalAction, help="follow time over growing sizes")
    parser.add_argument("--database", default="sqlite://", metavar="URL", help="default: SQLite in memory")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the bar chart")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single measurement")
    options = parser.parse_args(given)
    if options.rounds is None:
        options.rounds = 3 if options.quick else 5
    if options.part is None:
        options.part = QUICK_PART if options.quick else 1
    if options.growth is None:
        options.growth = options.part == 1 and not options.scenario
    if options.rounds < 1 or options.part < 1:
        parser.error("--rounds and --part must be at least 1")
    return options


def main(given: Sequence[str] | None = None) -> int:
    """Measure, report, and write the files that were asked for."""
    options = arguments(given)
    wanted = [scenario for scenario in SCENARIOS if not options.scenario or scenario.name in options.scenario]
    rounds = run_rounds(wanted, options.rounds, options.part, options.database)
    growth = run_growth(1, options.database) if options.growth else {}
    say("")
    backend = make_url(options.database).get_backend_name()
    table = markdown(rounds, growth, backend)
    print(table)
    if options.markdown:
        options.markdown.write_text(table, encoding="utf-8")
    if options.svg:
        options.svg.write_text(svg(lines_of(rounds), f"ormsession on {backend}"), encoding="utf-8")
    if options.json:
        every = [[asdict(outcome) for outcome in outcomes] for outcomes in rounds]
        options.json.write_text(json.dumps({"rounds": every, "growth": growth}, indent=1), encoding="utf-8")
    return int(any(outcome.failed for outcomes in rounds for outcome in outcomes))


if __name__ == "__main__":
    raise SystemExit(main())
