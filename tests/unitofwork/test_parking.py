"""Unique values move between rows in one flush, also in circles."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import Column, ForeignKey, Integer, SmallInteger, String, Table, UniqueConstraint, select

from ormsession import Session, registry
from ormsession.testing import check_invariants, recorded_sql
from ormsession.unitofwork.parking import free_value


class Seats:
    """A table with a unique value that may be NULL, and one that may not."""

    def __init__(self, engine):
        self.engine = engine
        self.registry = registry()
        self.table = Table(
            "seats",
            self.registry.metadata,
            Column("id", Integer, primary_key=True, autoincrement=False),
            Column("guest", String(40), unique=True),
            Column("number", Integer, unique=True, nullable=False),
            Column("row", Integer),
            Column("place", String(3), nullable=False, default="x"),
            Column("behind_id", ForeignKey("seats.id")),
            Column("version", Integer, nullable=False),
            UniqueConstraint("row", "place"),
        )
        self.registry.metadata.create_all(engine)
        self.Seat = type("Seat", (), {})
        self.registry.map_imperatively(self.Seat, self.table, version_id_col=self.table.c.version)

    def rows(self, session, *columns):
        return [
            tuple(row)
            for row in session.execute(select(*(self.table.c[name] for name in columns)).order_by(self.table.c.id))
        ]


@pytest.fixture
def seats(database):
    if database.dialect.name == "mysql":
        pytest.skip("MariaDB checks unique values as SQLite does; one of them is enough")
    made = Seats(database)
    yield made
    made.registry.dispose()


@pytest.fixture
def session(seats):
    with Session(seats.engine, expire_on_commit=False) as made:
        made.add_all(
            seats.Seat(id=number, number=number, guest=f"g{number}", row=1, place=str(number)) for number in (1, 2, 3)
        )
        made.commit()
        yield made
        check_invariants(made)


def test_two_rows_swap_a_value_that_may_be_null(seats, session):
    one, two = session.get(seats.Seat, 1), session.get(seats.Seat, 2)
    one.guest, two.guest = two.guest, one.guest
    plan = session.plan_flush()
    with recorded_sql(session) as sql:
        session.commit()
    assert seats.rows(session, "guest") == [("g2",), ("g1",), ("g3",)]
    assert len(plan.batches) == 2
    assert plan.reasons[0].reason == "gives up guest for a moment, so that another row can take the value"
    assert any(not edge.is_obeyed for edge in plan.edges) or len(plan.edges) == 0
    assert len(sql.starting_with("UPDATE")) <= 3


def test_two_rows_swap_a_value_that_may_not_be_null(seats, session):
    one, two = session.get(seats.Seat, 1), session.get(seats.Seat, 2)
    one.number, two.number = two.number, one.number
    session.commit()
    assert seats.rows(session, "number") == [(2,), (1,), (3,)]
    assert [one.version, two.version] == [2, 2]


def test_values_that_are_unique_together_are_swapped(seats, session):
    one, two = session.get(seats.Seat, 1), session.get(seats.Seat, 2)
    one.place, two.place = two.place, one.place
    session.commit()
    assert seats.rows(session, "place") == [("2",), ("1",), ("3",)]


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_values_go_round_among_three_rows(seats, session, order):
    found = [session.get(seats.Seat, number) for number in (1, 2, 3)]
    for seat, taken in zip(found, order, strict=True):
        seat.number = taken
    session.commit()
    assert seats.rows(session, "number") == [(taken,) for taken in order]


def test_a_row_that_has_to_be_deleted_late_gives_its_value_up_early(seats, session):
    one, two = session.get(seats.Seat, 1), session.get(seats.Seat, 2)
    two.behind_id = 1
    session.commit()
    # the UPDATE of two frees one for its DELETE, and takes one's value
    two.behind_id, two.guest, two.number = None, one.guest, one.number
    session.delete(one)
    session.commit()
    assert seats.rows(session, "guest", "number") == [("g1", 1), ("g3", 3)]


def test_a_value_goes_from_a_changed_row_to_a_new_one(seats, session):
    one = session.get(seats.Seat, 1)
    session.add(seats.Seat(id=9, number=1, guest="g1"))
    one.number, one.guest = 7, None
    session.commit()
    assert seats.rows(session, "id", "number") == [(1, 7), (2, 2), (3, 3), (9, 1)]


def test_objects_are_as_before_when_the_flush_fails_after_parking(seats, session):
    one, two = session.get(seats.Seat, 1), session.get(seats.Seat, 2)
    one.number, two.number = two.number, one.number
    session.execute(seats.table.update().values(version=9))
    with pytest.raises(Exception, match="expected to update 1 row"):
        session.flush()
    session.rollback()
    assert (one.number, two.number) == (1, 2)


def test_temporary_values_fit_their_columns():
    assert free_value(Column(String(5))) is None  # NULL is free
    assert len(free_value(Column(String(5), nullable=False))) == 5
    assert -(2**15) <= free_value(Column(SmallInteger, nullable=False)) < 0
    assert -(2**31) <= free_value(Column(Integer, nullable=False)) < 0
