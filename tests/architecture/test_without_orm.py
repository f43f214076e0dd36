"""The package works without SQLAlchemy's ORM, and beside it."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def in_fresh_interpreter(program: str, cwd: pathlib.Path) -> str:
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=cwd, env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_every_module_and_using_it_never_imports_the_orm(tmp_path):
    program = """
        import importlib, pkgutil, runpy, sys
        import ormsession

        for module in pkgutil.walk_packages(ormsession.__path__, "ormsession."):
            importlib.import_module(module.name)
        for _ in "first", "second":
            sys.argv = ["environment_catalog.py", "--quiet"]
            try:
                runpy.run_path(r"%s", run_name="__main__")
            except SystemExit as end:
                assert not end.code, end.code
        wrong = [name for name in sys.modules if name.startswith(("sqlalchemy.orm", "sqlalchemy.ext."))]
        wrong = [name for name in wrong if name != "sqlalchemy.ext.compiler"]
        print(len([name for name in sys.modules if name.startswith("ormsession.")]), sorted(wrong))
    """
    number, wrong = in_fresh_interpreter(program % (ROOT / "examples" / "environment_catalog.py"), tmp_path).split(
        " ", 1
    )
    assert int(number) > 20
    assert wrong == "[]\n"


BOTH = """
    {imports}
    from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, event, inspect, select

    metadata = MetaData()
    ours_table = Table("ours", metadata, Column("id", Integer, primary_key=True), Column("name", String(30)))
    theirs_table = Table("theirs", metadata, Column("id", Integer, primary_key=True), Column("name", String(30)))

    class Ours:
        pass

    class Theirs:
        pass

    ormsession.registry().map_imperatively(Ours, ours_table)
    sqlalchemy.orm.registry().map_imperatively(Theirs, theirs_table)
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    for orm, entity in (ormsession, Ours), (sqlalchemy.orm, Theirs), (ormsession, Ours):
        with orm.Session(engine) as session:
            instance = entity()
            instance.name = "first"
            session.add(instance)
            session.commit()
            instance.name = "second"
            session.commit()
            assert session.scalars(select(entity).where(entity.name == "second")).all()[-1] is instance
            assert orm.object_session(instance) is session
            assert (ormsession.inspect if orm is ormsession else inspect)(instance).persistent
    with engine.connect() as connection:
        print(connection.execute(select(ours_table)).all(), connection.execute(select(theirs_table)).all())
"""


@pytest.mark.parametrize(
    "order", ["import ormsession; import sqlalchemy.orm", "import sqlalchemy.orm; import ormsession"]
)
def test_both_live_in_one_process_whichever_is_imported_first(tmp_path, order):
    printed = in_fresh_interpreter(BOTH.format(imports=order), tmp_path)
    assert printed == "[(1, 'second'), (2, 'second')] [(1, 'second')]\n"


def test_the_orm_can_be_imported_after_ormsession_was_used(tmp_path):
    program = BOTH.format(imports="import ormsession; import sqlalchemy").replace(
        "sqlalchemy.orm.registry()", '__import__("sqlalchemy.orm").orm.registry()'
    )
    assert in_fresh_interpreter(program, tmp_path) == "[(1, 'second'), (2, 'second')] [(1, 'second')]\n"
