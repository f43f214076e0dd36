"""The catalogue of an environment: what a run stores, what it sends, what it does with broken metadata."""

from __future__ import annotations

import importlib.util
import pathlib
import shutil
import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import create_engine, select

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "examples" / "environment_catalog.py"


@pytest.fixture(scope="module")
def catalog():
    """The example as a module; its classes are mapped once."""
    specification = importlib.util.spec_from_file_location("environment_catalog", PROGRAM)
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    yield module
    module.mappings.dispose()
    del sys.modules[specification.name]


class SitePackages:
    """A made-up site-packages folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    @property
    def path(self) -> list[str]:
        return [str(self.folder)]

    def install(self, name, version="1.0", *, summary="", requires=(), files=("module.py",)) -> pathlib.Path:
        self.uninstall(name)
        info = self.folder / f"{name}-{version}.dist-info"
        info.mkdir()
        head = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Summary: {summary}"]
        head += [f"Requires-Dist: {requirement}" for requirement in requires]
        (info / "METADATA").write_text("\n".join(head) + "\n", encoding="utf-8")
        (info / "RECORD").write_text("".join(f"{file},sha256=abc,10\n" for file in files), encoding="utf-8")
        for file in files:  # importlib.metadata leaves out what does not exist
            (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / file).write_text("")
        return info

    def uninstall(self, name: str) -> None:
        for info in self.folder.glob(f"{name}-*.dist-info"):
            shutil.rmtree(info)


@pytest.fixture
def site(tmp_path) -> SitePackages:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    site = SitePackages(folder)
    site.install("Alpha.One", "1.0", summary="the first", requires=["beta>=2", 'gamma; extra == "x"'])
    site.install("beta", "2.0", files=("beta/one.py", "beta/two.py"))
    return site


def sent(result, phase: str) -> Counter:
    """The statements of one phase that read or write rows."""
    (found,) = [one for one in result.phases.all if one.name == phase]
    return found.statements


def stored(catalog, engine):
    """Everything in the catalogue, as plain values."""
    with engine.connect() as connection:
        distributions = connection.execute(select(catalog.distribution_table)).mappings().all()
        files = connection.execute(select(catalog.file_table.c["distribution", "path", "size"])).all()
        requirements = connection.execute(select(catalog.requirement_table.c["distribution", "text", "needs"])).all()
    return (
        {row["name"]: row["version"] for row in distributions},
        sorted(map(tuple, files)),
        sorted(map(tuple, requirements)),
    )


def test_the_first_run_stores_distributions_files_and_requirements(catalog, database, site):
    result = catalog.run(database, site.path)
    assert result.changes.lines == ["+ alpha-one 1.0", "+ beta 2.0"]
    distributions, files, requirements = stored(catalog, database)
    assert distributions == {"alpha-one": "1.0", "beta": "2.0"}
    assert files == [("alpha-one", "module.py", 10), ("beta", "beta/one.py", 10), ("beta", "beta/two.py", 10)]
    assert requirements == [
        ("alpha-one", "beta>=2", "beta"),
        ("alpha-one", 'gamma; extra == "x"', "gamma"),
    ]


def test_a_second_run_without_changes_sends_three_selects_and_no_write(catalog, database, site):
    catalog.run(database, site.path)
    again = catalog.run(database, site.path)
    assert sent(again, "reading") == {}
    assert sent(again, "comparing") == {"SELECT": 3}
    assert sent(again, "flush") == {}
    assert again.phases.writes() == 0
    assert again.changes.lines == []
    assert again.changes.objects == {"added": 0, "changed": 0, "deleted": 0}


def test_a_changed_summary_is_one_update(catalog, database, site):
    catalog.run(database, site.path)
    site.install("beta", "2.0", summary="now with words", files=("beta/one.py", "beta/two.py"))
    result = catalog.run(database, site.path)
    assert sent(result, "flush") == {"UPDATE": 1}
    assert result.changes.objects == {"added": 0, "changed": 1, "deleted": 0}


def test_an_upgrade_updates_the_distribution_and_exchanges_the_files_that_differ(catalog, database, site):
    catalog.run(database, site.path)
    site.install("beta", "2.1", files=("beta/one.py", "beta/three.py"))
    result = catalog.run(database, site.path)
    assert result.changes.lines == ["~ beta 2.0 -> 2.1"]
    assert sent(result, "flush") == {"INSERT": 1, "UPDATE": 1, "DELETE": 1}
    distributions, files, _ = stored(catalog, database)
    assert distributions["beta"] == "2.1"
    assert [path for name, path, _ in files if name == "beta"] == ["beta/one.py", "beta/three.py"]


def test_an_uninstalled_distribution_leaves_with_its_files_and_requirements(catalog, database, site):
    catalog.run(database, site.path)
    site.uninstall("Alpha.One")
    result = catalog.run(database, site.path)
    assert result.changes.lines == ["- alpha-one 1.0"]
    distributions, files, requirements = stored(catalog, database)
    assert distributions == {"beta": "2.0"}
    assert {name for name, _, _ in files} == {"beta"}
    assert requirements == []
    assert result.changes.objects == {"added": 0, "changed": 0, "deleted": 4}


def break_bytes(info: pathlib.Path) -> None:
    (info / "METADATA").write_bytes(b"Name: beta\nVersion: \xff\xfe\n")


def break_name(info: pathlib.Path) -> None:
    (info / "METADATA").write_text("Version: 2.0\n")


def break_version(info: pathlib.Path) -> None:
    (info / "METADATA").write_text("Name: beta\n")


def break_nul(info: pathlib.Path) -> None:
    (info / "METADATA").write_text("Name: beta\nVersion: 2.0\nSummary: a\0b\n")


def break_length(info: pathlib.Path) -> None:
    (info / "METADATA").write_text("Name: beta\nVersion: " + "1" * 300 + "\n")


def break_requirement(info: pathlib.Path) -> None:
    (info / "METADATA").write_text("Name: beta\nVersion: 2.0\nRequires-Dist: >=3\n")


def break_record(info: pathlib.Path) -> None:
    (info / "RECORD").write_text("beta/one.py,sha256=abc,many\n")


def break_by_removal(info: pathlib.Path) -> None:
    (info / "METADATA").unlink()


@pytest.mark.parametrize(
    "damage",
    [
        break_bytes, break_name, break_version, break_nul, break_length, break_requirement, break_record,
        break_by_removal,
    ],
)  # fmt: skip
def test_broken_metadata_is_reported_and_skipped_and_the_rest_is_stored(catalog, engine, site, damage):
    damage(site.folder / "beta-2.0.dist-info")
    result = catalog.run(engine, site.path)
    (problem,) = result.environment.problems
    assert problem.where.endswith("beta-2.0.dist-info")
    assert problem.why
    assert stored(catalog, engine)[0] == {"alpha-one": "1.0"}


def test_metadata_that_breaks_later_does_not_count_as_uninstalled(catalog, engine, site):
    catalog.run(engine, site.path)
    break_bytes(site.folder / "beta-2.0.dist-info")
    result = catalog.run(engine, site.path)
    assert result.phases.writes() == 0
    assert stored(catalog, engine)[0] == {"alpha-one": "1.0", "beta": "2.0"}


def test_a_distribution_found_twice_counts_where_it_is_found_first(catalog, engine, site, tmp_path):
    other = SitePackages(tmp_path / "other")
    other.folder.mkdir()
    other.install("beta", "9.0")
    result = catalog.run(engine, [*site.path, *other.path])
    assert stored(catalog, engine)[0]["beta"] == "2.0"
    assert result.environment.shadowed == 1


def test_the_report_names_the_largest_and_what_is_missing(catalog, database, site):
    site.install("delta", requires=["epsilon", 'zeta; python_version < "3"'])
    figures = catalog.run(database, site.path).figures
    assert figures[0] == "3 distributions, 4 files, 0.0 MB"
    assert figures[1].split() == ["beta", "2", "files", "0.0", "MB"]
    assert figures[-1] == "  epsilon is not installed, delta asks for it"


@pytest.mark.parametrize(
    ("line", "needs", "marker"),
    [
        ("requests", "requests", None),
        ("Typing.Extensions (>=4)", "typing-extensions", None),
        ('colorama>=0.4;sys_platform=="win32"', "colorama", 'sys_platform=="win32"'),
        ('pip @ https://example.org/a;b.zip ; python_version>"3"', "pip", 'python_version>"3"'),
    ],
)
def test_a_requirement_is_split_into_name_and_marker(catalog, line, needs, marker):
    assert catalog.requirement_values(line) == {"text": line, "needs": needs, "marker": marker}


def test_progress_is_told_for_every_distribution(catalog, site):
    told = []
    catalog.read_environment(site.path, show=lambda done, of: told.append((done, of)))
    assert told == [(1, 2), (2, 2)]


def program(*arguments, cwd) -> subprocess.CompletedProcess:
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONWARNINGS": "error::DeprecationWarning"}
    return subprocess.run(command, cwd=cwd, env=environment, text=True, capture_output=True, check=False)


def test_the_program_catalogues_this_python_and_writes_nothing_the_second_time(tmp_path):
    first = program(cwd=tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    assert "+ sqlalchemy 2" in first.stdout
    second = program(cwd=tmp_path)
    assert second.returncode == 0
    assert "0 objects added, 0 changed, 0 deleted; 0 statements wrote rows" in second.stdout


def test_quiet_prints_only_what_was_skipped(tmp_path, site):
    break_name(site.folder / "beta-2.0.dist-info")
    done = program("--quiet", "--path", site.folder, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"skipped {site.folder / 'beta-2.0.dist-info'}: no name\n"


def test_the_file_and_the_url_lead_to_the_same_database(tmp_path, site):
    assert program("--file", "here.sqlite", "--path", site.folder, cwd=tmp_path).returncode == 0
    done = program("--url", f"sqlite:///{tmp_path}/here.sqlite", "--path", site.folder, cwd=tmp_path)
    assert "0 statements wrote rows" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (["--path", "nowhere"], 2, "nowhere is not a folder"),
        (["--url", "no url"], 2, "expected a database URL"),
        (["--file", "a", "--url", "sqlite://"], 2, "not allowed with"),
        (["--file", "no/such/folder/file.sqlite"], 1, "the database cannot be used"),
        (["--url", "nodialect://x"], 1, "the database cannot be used"),
    ],
)
def test_wrong_arguments_and_unusable_databases_have_their_exit_status(tmp_path, arguments, status, word):
    done = program(*arguments, cwd=tmp_path)
    assert done.returncode == status
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_database_leaves_the_catalogue_as_it_was(catalog, tmp_path, site):
    engine = create_engine(f"sqlite:///{tmp_path}/full.sqlite")
    catalog.run(engine, site.path)
    before = stored(catalog, engine)
    site.install("huge", files=[f"huge/{number:05}.py" for number in range(2000)])

    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    engine.dispose()
    limited = create_engine(f"sqlite:///{tmp_path}/full.sqlite")
    catalog.event.listen(limited, "connect", lambda c, r: c.execute(f"PRAGMA max_page_count={pages + 2}"))
    with pytest.raises(catalog.SQLAlchemyError, match="full"):
        catalog.run(limited, site.path)
    limited.dispose()
    assert stored(catalog, engine) == before
    engine.dispose()
