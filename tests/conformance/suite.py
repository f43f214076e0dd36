"""The foreign test suite: where it is, how its files are grouped, and how one file is run.

The tests are those of SQLAlchemy's source distribution, in the version that is installed.  They are fetched
once with `pip download` into a cache folder and never become part of this project.

Each file runs in a process and in a folder of its own, with a fixed hash seed: the outcome of a test must not
depend on the files before it, on database files that another process is writing, nor on the order of a set.
Test ids are pytest's, without what differs from one machine to the next (the version of SQLite in a class
name, addresses of objects in parameters).
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import glob
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent

GROUPS: dict[str, list[str]] = {
    "session": ["test_session", "test_session_state_change", "test_transaction", "test_scoping", "test_bind",
                "test_lockmode", "test_merge", "test_cascade"],
    "state": ["test_attributes", "test_backref_mutations", "test_collection", "test_hasparent", "test_instrumentation",
              "test_descriptor", "test_validators", "test_expire", "test_inspect", "test_pickled", "test_utils",
              "test_load_on_fks", "test_defaults", "test_sync"],
    "unitofwork": ["test_unitofwork", "test_unitofworkv2", "test_cycles", "test_manytomany", "test_onetoone",
                   "test_naturalpks", "test_versioning", "test_association"],
    "dml": ["dml/test_bulk", "dml/test_bulk_statements", "dml/test_evaluator", "dml/test_orm_upd_del_assorted",
            "dml/test_orm_upd_del_basic", "dml/test_orm_upd_del_inheritance"],
    "events": ["test_events"],
    "mapping": ["test_mapper", "test_relationships", "test_rel_fn", "test_composites", "test_compile",
                "test_dataclasses"],
    "loading": ["test_loading", "test_lazy_relations", "test_immediate_load", "test_eager_relations",
                "test_selectin_relations", "test_subquery_relations", "test_deferred", "test_options",
                "test_default_strategies", "test_dynamic", "test_recursive_loaders", "test_of_type", "test_bundle",
                "test_assorted_eager"],
    "query": ["test_query", "test_joins", "test_froms", "test_core_compilation", "test_relationship_criteria",
              "test_text", "test_selectable", "test_lambdas", "test_cache_key", "test_ac_relationships",
              "test_syntax_extensions", "test_generative", "test_deprecations"],
    "inheritance": ["inheritance/*"],
    "declarative": ["declarative/*"],
    "ext": ["../ext/*", "../ext/asyncio/*", "../ext/declarative/*"],
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What one file gave: the status and the first line of the failure of each test, by id."""

    status: dict[str, str]
    message: dict[str, str]
    missing: dict[str, int]  # names that were asked for and not found, with their count
    broken: str = ""  # why the file gave nothing, or not everything

    @property
    def passed(self) -> frozenset[str]:
        return frozenset(test for test, status in self.status.items() if status == "passed")


def installed_version() -> str:
    import sqlalchemy

    return sqlalchemy.__version__


def folder() -> pathlib.Path:
    """The unpacked source distribution of the installed SQLAlchemy, downloaded on first use."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "ormsession-conformance"
    unpacked = cache / f"sqlalchemy-{installed_version()}"
    if (unpacked / "test" / "orm").is_dir():
        return unpacked
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", scratch,
                   f"sqlalchemy=={installed_version()}"]  # fmt: skip
        subprocess.run(command, check=True)
        (archive,) = glob.glob(f"{scratch}/*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        os.rename(pathlib.Path(scratch) / unpacked.name, unpacked)  # appears whole or not at all
    return unpacked


def files_of(suite: pathlib.Path, group: str) -> list[str]:
    """The files of a group, relative to the suite."""
    found: list[str] = []
    for pattern in GROUPS[group]:
        paths = sorted(glob.glob(str(suite / "test" / "orm" / (pattern + ".py"))))
        tests = [os.path.normpath(path) for path in paths if os.path.basename(path).startswith("test_")]
        found.extend(os.path.relpath(path, suite) for path in tests)
    return found


def portable(test: str) -> str:
    """A test id that is the same on every machine."""
    test = re.sub(r"_sqlite\+pysqlite_\d+_\d+_\d+", "", test)
    return re.sub(r"0x[0-9a-f]{6,}", "0x", test).replace("\n", " ")


def command_of(name: str, extra: list[str]) -> list[str]:
    return [sys.executable, "-s", "-m", "pytest", "-p", "orm_alias", "-p", "no:cacheprovider", "-p", "no:warnings",
            "-o", "addopts=", "-q", name, *extra]  # fmt: skip


def environment(scratch: str = "") -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(PROJECT), str(HERE), os.environ.get("PYTHONPATH")]))
    variables = dict(os.environ, PYTHONPATH=path, PYTHONHASHSEED="0")
    if scratch:
        variables.update(ORM_ALIAS_MISSING=f"{scratch}/missing", ORM_ALIAS_OUTCOMES=f"{scratch}/outcomes")
    return variables


@contextlib.contextmanager
def workplace(suite: pathlib.Path) -> Iterator[pathlib.Path]:
    """A folder that looks like the suite, for the files that its tests write beside themselves."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        for name in ("test", "setup.cfg", "pyproject.toml"):
            os.symlink(suite / name, os.path.join(place, name))
        yield pathlib.Path(place)


def show_file(suite: pathlib.Path, name: str, extra: list[str]) -> int:
    """Run one file with pytest's own output on the terminal; pytest's exit status."""
    with workplace(suite) as place:
        return subprocess.run(command_of(name, extra), cwd=place, env=environment(), check=False).returncode


def run_file(suite: pathlib.Path, name: str, timeout: int) -> Outcome:
    """Run one file quietly and collect the outcome of each of its tests."""
    with tempfile.TemporaryDirectory() as scratch, workplace(suite) as place:
        command = command_of(name, ["--tb=line", "--no-header"])
        try:
            done = subprocess.run(command, cwd=place, env=environment(scratch), timeout=timeout, text=True,
                                  capture_output=True, check=False)  # fmt: skip
            # 0 all passed, 1 some failed; anything else did not reach the end
            broken = "" if done.returncode in (0, 1) else (done.stdout + done.stderr).strip()[-400:]
        except subprocess.TimeoutExpired:
            broken = f"no end after {timeout} s"
        return collect(pathlib.Path(scratch), broken)


def collect(scratch: pathlib.Path, broken: str) -> Outcome:
    status: dict[str, str] = {}
    message: dict[str, str] = {}
    outcomes = scratch / "outcomes"
    for line in outcomes.read_text(encoding="utf-8").splitlines() if outcomes.exists() else ():
        nodeid, outcome, text = json.loads(line)
        test = portable(nodeid)
        if status.get(test) != "failed":  # a failed teardown outweighs a passed call
            status[test] = outcome
            if text:
                message[test] = text
    missing: collections.Counter[str] = collections.Counter()
    for path in scratch.glob("missing.*"):
        missing.update(json.loads(path.read_text(encoding="utf-8")))
    return Outcome(status, message, dict(missing), broken)
