"""Sessions of nox: `nox -s tests lint types layers`, or `nox -l` for all of them.

Continuous integration does not need nox: `.ci/run` makes the same checks with plain venv and pip.
"""

from __future__ import annotations

import pathlib

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "lint", "types", "layers"]

SQLALCHEMY = ("2.0", "2.1")
SERVERS = "postgresql or mariadb"
CONFORMANCE_LIST = pathlib.Path(__file__).parent / "tests" / "conformance" / "passing.txt"


@nox.session
@nox.parametrize("sqlalchemy", SQLALCHEMY)
def tests(session: nox.Session, sqlalchemy: str) -> None:
    """The tests that need no server."""
    session.install("-e", ".[test]", f"sqlalchemy~={sqlalchemy}.0")
    session.run("python", "-m", "pytest", "-m", f"not ({SERVERS})", *session.posargs)


@nox.session
@nox.parametrize("sqlalchemy", SQLALCHEMY)
def databases(session: nox.Session, sqlalchemy: str) -> None:
    """The tests on PostgreSQL and MariaDB (ORMSESSION_POSTGRESQL_URL, ORMSESSION_MARIADB_URL)."""
    session.install("-e", ".[test]", f"sqlalchemy~={sqlalchemy}.0")
    session.run("python", "-m", "pytest", "-m", SERVERS, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Branch coverage of all tests; at least 95 %."""
    session.install("-e", ".[test]")
    session.run("python", "-m", "pytest", "-q", "--cov", "--cov-report=term", "--cov-fail-under=95", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and format."""
    session.install("-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict."""
    session.install("-e", ".[lint]")
    session.run("mypy", "--strict", "ormsession")


@nox.session
def layers(session: nox.Session) -> None:
    """Imports only point down."""
    session.install("-e", ".[lint]")
    session.run("lint-imports")


@nox.session
def conformance(session: nox.Session) -> None:
    """SQLAlchemy's own tests, compared with the list of those that pass."""
    version = CONFORMANCE_LIST.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# SQLAlchemy ")
    session.install("-e", ".[test]", f"sqlalchemy=={version}")
    session.run("python", "tests/conformance/run.py", *session.posargs)


@nox.session
def performance(session: nox.Session) -> None:
    """The figures: the raw driver, Core, SQLAlchemy's ORM and ormsession side by side."""
    session.install("-e", ".[test]")
    session.run("python", "examples/performance/run.py", *session.posargs)
