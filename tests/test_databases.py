"""The fixtures of conftest.py keep their promise: a test's tables are its own, and gone afterwards."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, Table, inspect, select

metadata = MetaData()
parcel = Table("parcel", metadata, Column("id", Integer, primary_key=True))


def test_a_database_starts_empty_and_may_be_left_with_an_open_transaction(database):
    assert inspect(database).get_table_names() == []
    metadata.create_all(database)
    connection = database.connect()
    connection.execute(parcel.insert().values(id=1))
    assert connection.scalar(select(parcel.c.id)) == 1
    # deliberately neither committed nor closed: the fixture has to cope


def test_the_next_test_finds_nothing_of_the_one_before(database):
    assert inspect(database).get_table_names() == []


def test_two_connections_to_sqlite_in_memory_see_the_same_tables(engine):
    metadata.create_all(engine)
    with engine.connect() as connection:
        assert connection.scalar(select(parcel.c.id)) is None
