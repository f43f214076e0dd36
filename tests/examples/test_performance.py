"""The benchmark compares the right things: every scenario gives the right result with every library.

Nothing here looks at a time.  The libraries run in processes of their own, so that SQLAlchemy's ORM never
enters this one.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "performance"
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(FOLDER), str(ROOT)])}

# bare rows have no identity map from which to get an object, and the driver is no example of how to load families
NOT_WRITTEN = {
    "Core": {"get_warm", "many_to_one"},
    "driver": {"get_warm", "graph", "lazy", "selectin", "joined", "many_to_one"},
}

EVERY_SCENARIO = """
import sys
from scenarios import SCENARIOS
from worker import run
for scenario in SCENARIOS:
    print(run(sys.argv[1], scenario, 7, "sqlite://").as_json())
assert ("sqlalchemy.orm" in sys.modules) == (sys.argv[1] == "ORM"), "the ORM belongs to its own process"
"""


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """The modules of the benchmark that need none of the libraries."""
    monkeypatch.syspath_prepend(str(FOLDER))
    names = ("schema", "scenarios", "worker", "report", "chart", "run")
    yield {name: importlib.import_module(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


def outcomes(modules: dict[str, ModuleType], scenario: str, **values: float) -> list[object]:
    return [modules["worker"].Outcome(library, scenario, 10, value) for library, value in values.items()]


@pytest.mark.parametrize("library", ["driver", "Core", "ORM", "ormsession"])
def test_every_scenario_gives_the_expected_rows(library: str) -> None:
    done = python("-c", EVERY_SCENARIO, library)
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 24
    missing = {one["scenario"]: one["missing"] for one in found if one["missing"]}
    assert set(missing) == NOT_WRITTEN.get(library, set()), missing
    assert all(one["value"] > 0 for one in found if not one["missing"] and one["scenario"] != "memory")


def test_a_run_writes_the_table_the_chart_and_every_measurement(tmp_path: Path) -> None:
    table, chart, measured = tmp_path / "t.md", tmp_path / "c.svg", tmp_path / "m.json"
    done = python(
        str(FOLDER / "run.py"), "--part", "5000", "--rounds", "1", "--scenario", "load", "get_warm",
        "--markdown", str(table), "--svg", str(chart), "--json", str(measured),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| load entities | 20 |" in table.read_text(encoding="utf-8")
    assert table.read_text(encoding="utf-8").strip() in done.stdout
    drawn = ElementTree.parse(chart).getroot()
    assert any(element.text == "load entities" for element in drawn.iter("{http://www.w3.org/2000/svg}text"))
    (first_round,) = json.loads(measured.read_text(encoding="utf-8"))["rounds"]
    assert [one["library"] for one in first_round] == 2 * ["driver", "Core", "ORM", "ormsession"]


def test_a_wrong_result_is_an_error_and_never_a_figure(modules: dict[str, ModuleType]) -> None:
    scenario = modules["scenarios"].BY_NAME["load"]
    with modules["schema"].database("sqlite://", 3) as engine:
        setting = modules["schema"].Setting(engine, 3)
        right = modules["schema"].rows(3)
        modules["worker"].check(scenario, setting, right)
        with pytest.raises(AssertionError, match="the result differs"):
            modules["worker"].check(scenario, setting, right[:2])
        with engine.begin() as connection:
            connection.execute(modules["schema"].person.delete())
        with pytest.raises(AssertionError, match="the table holds other rows"):
            modules["worker"].check(scenario, setting, right)


def test_a_ratio_is_taken_within_each_round_and_its_median_shown(modules: dict[str, ModuleType]) -> None:
    rounds = [
        outcomes(modules, "load", ormsession=1.0, ORM=4.0, Core=1.0),
        outcomes(modules, "load", ormsession=10.0, ORM=20.0, Core=4.0),
        outcomes(modules, "load", ormsession=3.0, ORM=10.0, Core=1.0),
    ]
    (line,) = modules["report"].lines_of(rounds)
    assert (line.to_orm.median, line.to_orm.low, line.to_orm.high) == (0.3, 0.25, 0.5)
    assert "| load entities | 10 | **0.30** (0.25–0.50) |" in modules["report"].markdown(rounds, {}, "sqlite")


def test_a_scenario_that_a_library_cannot_run_is_shown_as_missing(modules: dict[str, ModuleType]) -> None:
    absent = modules["worker"].Outcome("ormsession", "load", 10, missing="not written for this library")
    rounds = [[*outcomes(modules, "load", ORM=4.0, Core=1.0), absent]]
    assert "| load entities | 10 | missing | – |" in modules["report"].markdown(rounds, {}, "sqlite")
    assert "missing" in modules["chart"].svg(modules["report"].lines_of(rounds), "a title")


def test_a_scenario_that_failed_in_one_round_has_no_figure(modules: dict[str, ModuleType]) -> None:
    failed = modules["worker"].Outcome("ormsession", "load", 10, failed="AssertionError: load: the result differs")
    rounds = [
        outcomes(modules, "load", ormsession=1.0, ORM=4.0, Core=1.0),
        [*outcomes(modules, "load", ORM=4.0, Core=1.0), failed],
    ]
    assert "| load entities | 10 | failed |" in modules["report"].markdown(rounds, {}, "sqlite")
    assert "failed" in modules["chart"].svg(modules["report"].lines_of(rounds), "a title")


def test_a_worker_that_ends_with_an_error_gives_a_failed_outcome(
    modules: dict[str, ModuleType], capfd: pytest.CaptureFixture[str]
) -> None:
    outcome = modules["run"].measure("driver", "load", 3, "sqlite:////no/such/folder/file")
    assert outcome.value is None
    assert "unable to open database file" in capfd.readouterr().err
    assert outcome.failed


def test_time_that_doubles_with_the_size_has_the_exponent_one(modules: dict[str, ModuleType]) -> None:
    exponent = modules["report"].growth_exponent
    assert exponent([10, 20, 40], [1.0, 2.0, 4.0]) == pytest.approx(1.0)
    assert exponent([10, 20, 40], [1.0, 4.0, 16.0]) == pytest.approx(2.0)


def test_a_quick_run_takes_fewer_objects_and_no_growth(modules: dict[str, ModuleType]) -> None:
    quick, full = modules["run"].arguments(["--quick"]), modules["run"].arguments([])
    assert (quick.part, quick.growth) == (5, False)
    assert (full.part, full.growth, full.rounds) == (1, True, 5)
