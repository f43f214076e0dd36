"""Databases for the tests.

`engine` is an in-memory SQLite database of its own for each test.  `database` runs a test once on each
of SQLite, PostgreSQL and MariaDB.  The two servers are found by the environment variables
ORMSESSION_POSTGRESQL_URL and ORMSESSION_MARIADB_URL, or at their usual local address; a server that does
not answer skips its tests, and the reason names the URL (never the password).

A test owns what it sees: on PostgreSQL it gets a schema made for it, on MariaDB a database, both with a
name nobody else uses and both dropped afterwards, whatever the test left behind.  Nothing that lay in the
database before is read, changed or dropped.
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool, StaticPool

POSTGRESQL_URL = os.environ.get("ORMSESSION_POSTGRESQL_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
MARIADB_URL = os.environ.get("ORMSESSION_MARIADB_URL", "mariadb+pymysql://root@127.0.0.1:3306/test")
SECONDS_TO_ANSWER = 3

# How long an example takes says nothing about its truth.  Where CI is set, every run tries the same examples.
settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")


def sqlite_engine() -> Engine:
    """An empty in-memory database that checks foreign keys, seen alike by every thread of the test."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def enforce_foreign_keys(connection, record):
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


@functools.cache
def reason_not_to_use(url: str) -> str | None:
    """Why tests on this server are skipped; None when it answers.  Asked once for the whole run."""
    shown = make_url(url).render_as_string(hide_password=True)
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": SECONDS_TO_ANSWER})
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except ImportError as error:
        return f"{shown}: its driver is not installed ({error})"
    except Exception as error:
        return f"{shown} does not answer: {str(error).strip().splitlines()[0]}"
    return None


def new_name() -> str:
    return f"ormsession_{uuid.uuid4().hex[:12]}"


def postgresql_engine() -> Iterator[Engine]:
    """An engine whose tables lie in a schema of their own."""
    name = new_name()
    server = create_engine(POSTGRESQL_URL, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    arguments = {"options": f"-csearch_path={name}", "application_name": name, "connect_timeout": SECONDS_TO_ANSWER}
    engine = create_engine(POSTGRESQL_URL, connect_args=arguments)
    try:
        yield engine
    finally:
        engine.dispose()
        with server.connect() as connection:
            # a connection that the test left open would keep its locks, and the schema with them
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (name,)
            )
            connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")


def mariadb_engine() -> Iterator[Engine]:
    """An engine on a database of its own."""
    name = new_name()
    server = create_engine(MARIADB_URL, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    engine = create_engine(make_url(MARIADB_URL).set(database=name))
    try:
        yield engine
    finally:
        engine.dispose()
        with server.connect() as connection:
            left_open = connection.exec_driver_sql(
                "SELECT id FROM information_schema.processlist WHERE db = %s AND id <> CONNECTION_ID()", (name,)
            )
            for process in left_open.scalars().all():
                connection.exec_driver_sql(f"KILL {process}")
            connection.exec_driver_sql(f"DROP DATABASE {name}")


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An empty in-memory SQLite database."""
    engine = sqlite_engine()
    yield engine
    engine.dispose()


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ]
)
def database(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty database of each kind that answers."""
    yield from _engine_of(request.param)


@pytest.fixture(params=[pytest.param("postgresql", marks=pytest.mark.postgresql)])
def postgresql(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty PostgreSQL schema, for what only PostgreSQL can show."""
    yield from _engine_of(request.param)


@pytest.fixture(params=[pytest.param("mariadb", marks=pytest.mark.mariadb)])
def mariadb(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty MariaDB database, for what only MariaDB can show."""
    yield from _engine_of(request.param)


SERVERS: dict[str, tuple[str, Callable[[], Iterator[Engine]]]] = {
    "postgresql": (POSTGRESQL_URL, postgresql_engine),
    "mariadb": (MARIADB_URL, mariadb_engine),
}


def _engine_of(kind: str) -> Iterator[Engine]:
    if kind == "sqlite":
        engine = sqlite_engine()
        yield engine
        engine.dispose()
        return
    url, make_engine = SERVERS[kind]
    reason = reason_not_to_use(url)
    if reason is not None:
        pytest.skip(reason)
    yield from make_engine()
