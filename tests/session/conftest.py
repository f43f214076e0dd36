"""Users in an SQLite database whose transactions and savepoints are real ones."""

from __future__ import annotations

import pytest
from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, String, Table, create_engine, event

from ormsession import Session, registry
from ormsession.testing import check_invariants

metadata = MetaData()
users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(30), CheckConstraint("name <> 'refused'"), nullable=False),
    Column("age", Integer),
)
notes = Table(
    "notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("text", String(30)),
    Column("version", Integer, nullable=False),
)
posts = Table(
    "posts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id")),
    Column("title", String(30)),
)
tags = Table("tags", metadata, Column("word", String(30), primary_key=True), Column("note", String(30)))


def new_engine(path):
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection, record):
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous=OFF")

    @event.listens_for(engine, "begin")
    def begin(connection):
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return
        connection.connection.dbapi_connection.execute("BEGIN")  # past the recorders of statements

    metadata.create_all(engine)
    return engine


@pytest.fixture
def engine(tmp_path):
    engine = new_engine(tmp_path / "one.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def other_engine(tmp_path):
    engine = new_engine(tmp_path / "other.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def mappings():
    mappings = registry()
    yield mappings
    mappings.dispose()


@pytest.fixture
def User(mappings):
    class User:
        def __repr__(self):
            return f"<User {self.__dict__.get('name')}>"

    mappings.map_imperatively(User, users)
    return User


@pytest.fixture
def Tag(mappings):
    class Tag:
        pass

    mappings.map_imperatively(Tag, tags)
    return Tag


@pytest.fixture
def session(engine, mappings):
    """A session whose invariants are checked once more at the end of the test."""
    session = Session(engine)
    yield session
    check_invariants(session)
    session.close()
    check_invariants(session)


@pytest.fixture
def stored(engine):
    """Puts rows into the users table; called with names, the first gets the key 1."""

    def store(*names):
        with engine.begin() as connection:
            for key, name in enumerate(names, 1):
                connection.execute(users.insert().values(id=key, name=name))

    return store


@pytest.fixture
def names_in_database(engine):
    """The names in the users table as another transaction sees them, in the order of keys."""

    def names():
        with engine.connect() as connection:
            return list(connection.scalars(users.select().with_only_columns(users.c.name).order_by(users.c.id)))

    return names
