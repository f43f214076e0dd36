"""One process: one scenario with one library, once.  Prints what it measured as one line of JSON.

    python worker.py ormsession load 100000 sqlite://

The clock runs over the scenario's own part only, not over imports, mapping, filling the table or checking the
outcome.  The garbage collector is left as Python starts it.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
import tracemalloc
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from scenarios import BY_NAME, LIBRARIES, Scenario
from schema import Setting, database, stored, stored_families


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run gave."""

    library: str
    scenario: str
    size: int
    value: float | None = None
    """Seconds, or bytes per object; None when there was nothing to measure."""
    tracked: float | None = None
    """Objects per entity that the garbage collector visits; only where memory is measured."""
    missing: str | None = None
    """Why the library cannot run the scenario."""
    failed: str | None = None
    """The error with which the scenario ended, a wrong result among them."""

    def as_json(self) -> str:
        return json.dumps({name: getattr(self, name) for name in self.__dataclass_fields__})


def seconds_of(steps: Generator[None, None, Any]) -> float:
    """How long the measured part takes."""
    clock = time.perf_counter
    next(steps)
    start = clock()
    next(steps)
    return clock() - start


def memory_of(steps: Generator[None, None, Any], size: int) -> tuple[float, float]:
    """Bytes and garbage-collected objects that the measured part leaves behind, per object."""
    next(steps)
    tracemalloc.start()
    tracked_before = len(gc.get_objects())
    bytes_before, _ = tracemalloc.get_traced_memory()
    next(steps)
    gc.collect()
    bytes_after, _ = tracemalloc.get_traced_memory()
    tracked_after = len(gc.get_objects())
    tracemalloc.stop()
    return (bytes_after - bytes_before) / size, (tracked_after - tracked_before) / size


def result_of(steps: Generator[None, None, Any]) -> Any:
    """What the scenario returns after the clock has stopped."""
    try:
        next(steps)
    except StopIteration as end:
        return end.value
    raise RuntimeError("a scenario yields twice: where the clock starts and where it stops")


def check(scenario: Scenario, setting: Setting, result: Any) -> None:
    """Compare what came out with what had to come out."""
    if scenario.result is not None:
        expected = scenario.result(setting.size)
        if isinstance(expected, list):
            result = sorted(result)
        if result != expected:
            raise AssertionError(f"{scenario.name}: the result differs from what was expected")
    left = stored_families(setting.engine) if scenario.family else stored(setting.engine)
    if left != scenario.table(setting.size):
        raise AssertionError(f"{scenario.name}: the table holds other rows than expected afterwards")


def run(library: str, scenario: Scenario, size: int, url: str) -> Outcome:
    """Measure one scenario with one library and check what came out."""
    try:
        functions = importlib.import_module(LIBRARIES[library]).SCENARIOS
    except ModuleNotFoundError as error:
        if error.name not in ("ormsession", "sqlalchemy.orm"):
            raise
        return Outcome(library, scenario.name, size, missing=str(error))
    if scenario.name not in functions:
        return Outcome(library, scenario.name, size, missing="not written for this library")
    tracked = None
    filled = size if scenario.filled else 0
    with database(url, 0 if scenario.family else filled, parents=filled if scenario.family else 0) as engine:
        setting = Setting(engine, size)
        steps = functions[scenario.name](setting)
        if scenario.memory:
            value, tracked = memory_of(steps, size)
        else:
            value = seconds_of(steps)
        check(scenario, setting, result_of(steps))
    return Outcome(library, scenario.name, size, value, tracked)


if __name__ == "__main__":
    print(run(sys.argv[1], BY_NAME[sys.argv[2]], int(sys.argv[3]), sys.argv[4]).as_json())
