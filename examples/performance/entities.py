"""The scenarios with a session and mapped objects.

``orm`` and ``ours`` give the same functions their own ``Session``: the code of a user is the same for both.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from scenarios import MERGED_AGE
from schema import Setting, row, rows, values
from sqlalchemy import insert, select

Steps = Generator[None, None, Any]


class Person:
    """Mapped by the library that is measured; it brings the constructor."""

    id: int
    name: str
    email: str
    age: int
    score: float


def as_row(someone: Person) -> tuple[Any, ...]:
    return someone.id, someone.name, someone.email, someone.age, someone.score


def everyone_in(session: Any) -> list[Person]:
    return list(session.scalars(select(Person).order_by(Person.id)))


def new_people(size: int, *, with_key: bool) -> list[Person]:
    return [Person(**given) for given in values(size, with_key=with_key)]


def load(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        yield
        people = session.scalars(select(Person)).all()
        yield
        return [as_row(someone) for someone in people]


def stream(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        yield
        seen = [someone.id for someone in session.scalars(select(Person).execution_options(yield_per=1000))]
        yield
        return seen


def reload(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        known = everyone_in(session)
        yield
        people = session.scalars(select(Person)).all()
        yield
        assert all(first is second for first, second in zip(known, people, strict=True))
        return [as_row(someone) for someone in people]


def tuples(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        yield
        found = session.execute(select(Person.id, Person.name, Person.email)).all()
        yield
        return [tuple(one) for one in found]


def get_cold(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        yield
        found = [session.get(Person, key) for key in range(1, setting.size + 1)]
        yield
        return [as_row(someone) for someone in found]


def get_warm(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        known = everyone_in(session)
        yield
        for _ in range(5):
            found = [session.get(Person, key) for key in range(1, setting.size + 1)]
        yield
        assert all(first is second for first, second in zip(known, found, strict=True))
        return [as_row(someone) for someone in found]


def read(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        people = everyone_in(session)
        total = 0
        yield
        for _ in range(5):
            for someone in people:
                someone.name, someone.email, someone.age, someone.score  # noqa: B018
                total += someone.id
        yield
        return total


def write(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        people = everyone_in(session)
        yield
        for name, age, score in (("once", 1, 1.5), ("again", 2, 2.5)):
            for someone in people:
                someone.name = name
                someone.age = age
                someone.score = score
        yield
        assert len(session.dirty) == setting.size
        return [as_row(someone) for someone in people]


def construct(setting: Setting, Session: Any) -> Steps:
    wanted = rows(setting.size)
    yield
    people = [Person(id=key, name=name, email=email, age=age, score=score) for key, name, email, age, score in wanted]
    yield
    return [as_row(someone) for someone in people]


def insert_generated(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        people = new_people(setting.size, with_key=False)
        yield
        session.add_all(people)
        session.flush()
        yield
        rows_now = [as_row(someone) for someone in people]
        session.commit()
        return rows_now


def insert_given(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        people = new_people(setting.size, with_key=True)
        yield
        session.add_all(people)
        session.flush()
        yield
        rows_now = [as_row(someone) for someone in people]
        session.commit()
        return rows_now


def insert_bulk(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        wanted = values(setting.size, with_key=False)
        yield
        session.execute(insert(Person), wanted)
        yield
        session.commit()


def update(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        people = everyone_in(session)
        yield
        for someone in people:
            someone.age = MERGED_AGE
        session.flush()
        yield
        rows_now = [as_row(someone) for someone in people]
        session.commit()
        return rows_now


def update_alternating(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        people = everyone_in(session)
        yield
        for someone in people:
            if someone.id % 2 == 0:
                someone.age = MERGED_AGE
            else:
                someone.name = "changed"
        session.flush()
        yield
        rows_now = [as_row(someone) for someone in people]
        session.commit()
        return rows_now


def delete(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        people = everyone_in(session)
        yield
        for someone in people:
            session.delete(someone)
        session.flush()
        yield
        session.commit()


def refresh(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        people = everyone_in(session)
        yield
        session.expire_all()
        for someone in people:
            assert someone.name
        yield
        return [as_row(someone) for someone in people]


def merge(setting: Setting, Session: Any) -> Steps:
    with Session(setting.engine) as session:
        given = new_people(setting.size, with_key=True)
        for someone in given:
            someone.age = MERGED_AGE
        yield
        merged = [session.merge(someone) for someone in given]
        session.flush()
        yield
        rows_now = [as_row(someone) for someone in merged]
        session.commit()
        return rows_now


def transactions(setting: Setting, Session: Any) -> Steps:
    yield
    for key in range(1, setting.size + 1):
        with Session(setting.engine) as session:
            someone = session.get(Person, key)
            assert as_row(someone) == row(key)
            someone.age = MERGED_AGE
            session.commit()
    yield


FUNCTIONS = (
    load, stream, reload, tuples, get_cold, get_warm, read, write, construct, insert_generated, insert_given,
    insert_bulk, update, update_alternating, delete, refresh, merge, transactions,
)  # fmt: skip


def scenarios_with(Session: Any) -> dict[str, Callable[[Setting], Steps]]:
    """All scenarios by name, run with sessions of one library."""
    by_name = {function.__name__: partial(function, Session=Session) for function in FUNCTIONS}
    return by_name | {"memory": by_name["load"]}
