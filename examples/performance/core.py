"""The scenarios with SQLAlchemy Core: tables, statements and rows, no objects to track."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import raw
from scenarios import MERGED_AGE
from schema import CHILDREN, Setting, child, families, parent, person, row, rows, values
from sqlalchemy import bindparam, insert, select
from sqlalchemy import delete as delete_from
from sqlalchemy import update as update_of

Steps = Generator[None, None, Any]

by_key = select(person).where(person.c.id == bindparam("key"))
set_age = update_of(person).where(person.c.id == bindparam("key")).values(age=bindparam("new_age"))
set_name = update_of(person).where(person.c.id == bindparam("key")).values(name=bindparam("new_name"))


def load(setting: Setting) -> Steps:
    with setting.engine.connect() as connection:
        yield
        found = connection.execute(select(person)).all()
        yield
        return [tuple(one) for one in found]


def stream(setting: Setting) -> Steps:
    with setting.engine.connect() as connection:
        found = []
        yield
        for batch in connection.execution_options(yield_per=1000).execute(select(person)).partitions():
            found.extend(one.id for one in batch)
        yield
        return found


def tuples(setting: Setting) -> Steps:
    with setting.engine.connect() as connection:
        yield
        found = connection.execute(select(person.c.id, person.c.name, person.c.email)).all()
        yield
        return [tuple(one) for one in found]


def get_cold(setting: Setting) -> Steps:
    with setting.engine.connect() as connection:
        yield
        found = [connection.execute(by_key, {"key": key}).one() for key in range(1, setting.size + 1)]
        yield
        return [tuple(one) for one in found]


def insert_generated(setting: Setting) -> Steps:
    with setting.engine.begin() as connection:
        wanted = values(setting.size, with_key=False)
        yield
        statement = insert(person).returning(person.c.id, sort_by_parameter_order=True)
        keys = connection.execute(statement, wanted).scalars().all()
        yield
        return [(key, *found[1:]) for key, found in zip(keys, rows(setting.size), strict=True)]


def insert_given(setting: Setting) -> Steps:
    with setting.engine.begin() as connection:
        wanted = values(setting.size, with_key=True)
        yield
        connection.execute(insert(person), wanted)
        yield
        return rows(setting.size)


def insert_bulk(setting: Setting) -> Steps:
    with setting.engine.begin() as connection:
        wanted = values(setting.size, with_key=False)
        yield
        connection.execute(insert(person), wanted)
        yield


def update(setting: Setting) -> Steps:
    with setting.engine.begin() as connection:
        yield
        connection.execute(set_age, [{"key": key, "new_age": MERGED_AGE} for key in range(1, setting.size + 1)])
        yield
        return [tuple(found) for found in connection.execute(select(person))]


def update_alternating(setting: Setting) -> Steps:
    with setting.engine.begin() as connection:
        yield
        connection.execute(set_age, [{"key": key, "new_age": MERGED_AGE} for key in range(2, setting.size + 1, 2)])
        connection.execute(set_name, [{"key": key, "new_name": "changed"} for key in range(1, setting.size + 1, 2)])
        yield
        return [tuple(found) for found in connection.execute(select(person))]


def delete(setting: Setting) -> Steps:
    statement = delete_from(person).where(person.c.id == bindparam("key"))
    with setting.engine.begin() as connection:
        yield
        connection.execute(statement, [{"key": key} for key in range(1, setting.size + 1)])
        yield


def merge(setting: Setting) -> Steps:
    with setting.engine.begin() as connection:
        given = [(*found[:3], MERGED_AGE, found[4]) for found in rows(setting.size)]
        yield
        changes = [
            {"key": wanted[0], "new_age": wanted[3]}
            for wanted in given
            if tuple(connection.execute(by_key, {"key": wanted[0]}).one()) != wanted
        ]
        connection.execute(set_age, changes)
        yield
        return given


def transactions(setting: Setting) -> Steps:
    yield
    for key in range(1, setting.size + 1):
        with setting.engine.begin() as connection:
            found = connection.execute(by_key, {"key": key}).one()
            assert tuple(found) == row(key)
            connection.execute(set_age, {"key": found.id, "new_age": MERGED_AGE})
    yield


def graph(setting: Setting) -> Steps:
    with setting.engine.begin() as connection:
        wanted = families(setting.size)
        names = [name for _, name, _, _ in wanted[::CHILDREN]]
        yield
        keys = connection.execute(
            insert(parent).returning(parent.c.id, sort_by_parameter_order=True), [{"name": name} for name in names]
        ).scalars()
        owners = [key for key in keys for _ in range(CHILDREN)]
        given = [{"parent_id": key, "name": each[3]} for key, each in zip(owners, wanted, strict=True)]
        made = (
            connection.execute(insert(child).returning(child.c.id, sort_by_parameter_order=True), given).scalars().all()
        )
        yield
        return [(of, each[1], key, each[3]) for of, key, each in zip(owners, made, wanted, strict=True)]


def lazy(setting: Setting) -> Steps:
    statement = select(child).where(child.c.parent_id == bindparam("key")).order_by(child.c.id)
    with setting.engine.connect() as connection:
        yield
        parents = connection.execute(select(parent)).all()
        found = [(one, connection.execute(statement, {"key": one.id}).all()) for one in parents]
        yield
        return [(one.id, one.name, each.id, each.name) for one, children in found for each in children]


def selectin(setting: Setting) -> Steps:
    statement = select(child).where(child.c.parent_id.in_(bindparam("keys", expanding=True)))
    with setting.engine.connect() as connection:
        yield
        parents = connection.execute(select(parent)).all()
        children: dict[int, list[Any]] = {one.id: [] for one in parents}
        keys = list(children)
        for start in range(0, len(keys), 500):
            for each in connection.execute(statement, {"keys": keys[start : start + 500]}):
                children[each.parent_id].append(each)
        yield
        return [(one.id, one.name, each.id, each.name) for one in parents for each in children[one.id]]


def joined(setting: Setting) -> Steps:
    with setting.engine.connect() as connection:
        statement = select(parent.c.id, parent.c.name, child.c.id, child.c.name).outerjoin_from(parent, child)
        yield
        found = connection.execute(statement.order_by(child.c.id)).all()
        yield
        return [tuple(one) for one in found]


SCENARIOS = {
    function.__name__: function
    for function in (
        load, stream, tuples, get_cold, insert_generated, insert_given, insert_bulk, update, update_alternating,
        delete, merge, transactions, graph, lazy, selectin, joined,
    )
}  # fmt: skip
SCENARIOS |= {"reload": load, "refresh": get_cold, "memory": load}
SCENARIOS |= {name: raw.SCENARIOS[name] for name in ("read", "write", "construct")}
