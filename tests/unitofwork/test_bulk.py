"""Bulk writes: rows from dictionaries and objects, without states being tracked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table, func
from sqlalchemy.exc import InvalidRequestError, SAWarning

from ormsession import exc
from ormsession.tracking.instrumentation import instance_state
from ormsession.unitofwork.bulk import insert_mappings, save_objects, update_mappings


class Record:
    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, value)


def mapper_of(cls: type) -> Any:
    return cls._sa_class_manager.mapper  # type: ignore[attr-defined]


@pytest.fixture
def mapped(registry, metadata, work):
    def map_class(name: str, *items: Any, **options: Any) -> type[Any]:
        table = Table(name, metadata, *items)
        cls = type(name.title(), (Record,), {"table": table})
        registry.map_imperatively(cls, table, **options)
        work.create_tables(metadata)
        return cls

    return map_class


@pytest.fixture
def User(mapped):
    return mapped(
        "users",
        Column("id", Integer, primary_key=True),
        Column("user_name", String),
        Column("kind", String, default="k"),
        properties={},
    )


# ---------------------------------------------------------------- INSERT


def test_dictionaries_are_one_executemany(User, work) -> None:
    insert_mappings(work, mapper_of(User), [{"id": 1, "user_name": "a"}, {"id": 2, "user_name": "b"}])
    assert work.sent == ["INSERT INTO users (id, user_name, kind) VALUES (?, ?, ?)"]
    assert work.rows(User.table) == [(1, "a", "k"), (2, "b", "k")]


def test_columns_that_no_dictionary_names_are_left_out(User, work) -> None:
    insert_mappings(work, mapper_of(User), [{"id": 1, "kind": "x"}])
    assert work.sent == ["INSERT INTO users (id, kind) VALUES (?, ?)"]


def test_no_dictionaries_send_nothing(User, work) -> None:
    insert_mappings(work, mapper_of(User), [])
    update_mappings(work, mapper_of(User), [])
    save_objects(work, [])
    assert work.sent == []


def test_alternating_dictionaries_are_one_statement_for_each_set_of_keys(User, work) -> None:
    insert_mappings(work, mapper_of(User), [{"id": 1}, {"id": 2, "kind": "x"}, {"id": 3}, {"id": 4, "kind": "y"}])
    assert len(work.sent) == 2
    assert work.rows(User.table) == [(1, None, "k"), (2, None, "x"), (3, None, "k"), (4, None, "y")]


def test_none_lets_the_default_apply_unless_nulls_are_rendered(User, work) -> None:
    insert_mappings(work, mapper_of(User), [{"id": 1, "kind": None}])
    insert_mappings(work, mapper_of(User), [{"id": 2, "kind": None}], render_nulls=True)
    assert work.rows(User.table) == [(1, None, "k"), (2, None, None)]


def test_an_empty_dictionary_is_a_row_of_defaults(User, work) -> None:
    insert_mappings(work, mapper_of(User), [{}, {}])
    assert work.rows(User.table) == [(1, None, "k"), (2, None, "k")]


def test_keys_are_attribute_names_and_unknown_ones_are_ignored(mapped, work) -> None:
    table_column = Column("user_name", String)
    User = mapped(
        "people",
        Column("person_id", Integer, primary_key=True, key="pid"),
        table_column,
        properties={"name": table_column},
    )
    insert_mappings(work, mapper_of(User), [{"pid": 1, "name": "a", "other": 5}])
    update_mappings(work, mapper_of(User), [{"pid": 1, "name": "b", "other": 5}])
    assert work.sent[-1] == "UPDATE people SET user_name=? WHERE people.person_id = ?"
    assert work.rows(User.table) == [(1, "b")]


def test_generated_values_are_put_into_the_dictionaries_when_asked_for(User, work) -> None:
    many: list[dict[str, Any]] = [{"user_name": "a"}, {"user_name": "b"}]
    insert_mappings(work, mapper_of(User), many, return_defaults=True)
    assert many == [{"user_name": "a", "id": 1, "kind": "k"}, {"user_name": "b", "id": 2, "kind": "k"}]
    one: list[dict[str, Any]] = [{"user_name": "c"}]
    insert_mappings(work, mapper_of(User), one, return_defaults=True)
    assert one[0]["id"] == 3
    given: list[dict[str, Any]] = [{"id": 9}]
    insert_mappings(work, mapper_of(User), given, return_defaults=True)
    assert given == [{"id": 9, "kind": "k"}]


def test_server_defaults_come_back_as_well(mapped, work) -> None:
    User = mapped("users", Column("id", Integer, primary_key=True), Column("state", String, server_default="s"))
    one: list[dict[str, Any]] = [{}]
    insert_mappings(work, mapper_of(User), one, return_defaults=True)
    assert one == [{"id": 1, "state": "s"}]


def test_sql_expressions_are_rows_of_their_own(User, work) -> None:
    insert_mappings(work, mapper_of(User), [{"id": 1, "user_name": func.lower("A")}, {"id": 2, "user_name": "b"}])
    update_mappings(work, mapper_of(User), [{"id": 1, "kind": func.upper("x")}, {"id": 2, "kind": "z"}])
    assert work.rows(User.table) == [(1, "a", "X"), (2, "b", "z")]


def test_versions_start_and_count_in_bulk(mapped, work) -> None:
    version = Column("version", Integer)
    Doc = mapped(
        "docs", Column("id", Integer, primary_key=True), version, Column("name", String), version_id_col=version
    )
    insert_mappings(work, mapper_of(Doc), [{"id": 1}, {"id": 2}])
    update_mappings(work, mapper_of(Doc), [{"id": 1, "version": 1, "name": "a"}, {"id": 2, "version": 1, "name": "b"}])
    assert work.rows(Doc.table) == [(1, 2, "a"), (2, 2, "b")]
    with pytest.raises(exc.StaleDataError):
        update_mappings(work, mapper_of(Doc), [{"id": 1, "version": 1, "name": "c"}])
    with pytest.raises(InvalidRequestError, match="no value for the primary key attribute 'version'"):
        update_mappings(work, mapper_of(Doc), [{"id": 1, "name": "c"}])


def test_a_join_carries_the_key_of_its_first_table(registry, metadata, work) -> None:
    people = Table("people", metadata, Column("id", Integer, primary_key=True), Column("name", String))
    staff = Table(
        "staff", metadata, Column("person_id", ForeignKey("people.id"), primary_key=True), Column("pay", Integer)
    )
    Employee = type("Employee", (Record,), {})
    registry.map_imperatively(Employee, people.join(staff), properties={"id": [people.c.id, staff.c.person_id]})
    work.create_tables(metadata)
    insert_mappings(work, mapper_of(Employee), [{"name": "a", "pay": 1}, {"name": "b", "pay": 2}])
    assert work.rows(staff) == [(1, 1), (2, 2)]


# ---------------------------------------------------------------- UPDATE


def test_updates_are_one_executemany_for_each_set_of_keys(User, work) -> None:
    insert_mappings(work, mapper_of(User), [{"id": number} for number in (1, 2, 3)])
    work.sent.clear()
    update_mappings(
        work, mapper_of(User), [{"id": 1, "kind": "x"}, {"id": 2, "user_name": "n"}, {"id": 3, "kind": "z"}, {"id": 2}]
    )
    assert work.sent == [
        "UPDATE users SET kind=? WHERE users.id = ?",
        "UPDATE users SET user_name=? WHERE users.id = ?",
    ]


def test_a_dictionary_without_the_key_is_refused(User, work) -> None:
    with pytest.raises(InvalidRequestError, match="no value for the primary key attribute 'id'"):
        update_mappings(work, mapper_of(User), [{"kind": "x"}])


def test_a_missing_row_is_a_stale_data_error(User, work) -> None:
    with pytest.raises(exc.StaleDataError, match=r"expected to update 1 row\(s\); 0 were matched"):
        update_mappings(work, mapper_of(User), [{"id": 1, "kind": "x"}])


def test_versions_that_cannot_be_counted_are_warned_about(mapped, work, monkeypatch) -> None:
    version = Column("version", Integer)
    Doc = mapped(
        "docs", Column("id", Integer, primary_key=True), version, Column("name", String), version_id_col=version
    )
    insert_mappings(work, mapper_of(Doc), [{"id": 1}])
    monkeypatch.setattr(work.connection.dialect, "supports_sane_rowcount", False)
    with pytest.warns(SAWarning, match="versioning cannot be verified"):
        update_mappings(work, mapper_of(Doc), [{"id": 1, "version": 1, "name": "a"}])


# ---------------------------------------------------------------- objects


def test_objects_are_inserted_without_becoming_persistent(User, work) -> None:
    users = [User(user_name="a"), User(user_name="b")]
    save_objects(work, [instance_state(user) for user in users])
    assert work.rows(User.table) == [(1, "a", "k"), (2, "b", "k")]
    assert "id" not in users[0].__dict__
    assert instance_state(users[0]).pk is None


def test_objects_get_their_keys_when_asked_for(User, work) -> None:
    user = User(user_name="a")
    save_objects(work, [instance_state(user)], return_defaults=True)
    assert (user.id, instance_state(user).key) == (1, (User, (1,), None))


@pytest.fixture
def loaded(User, work):
    users = [User(id=number, user_name=f"u{number}") for number in (1, 2, 3)]
    work.add(*users)
    work.flush()
    work.sent.clear()
    return users


def test_objects_with_an_identity_are_updated_with_what_changed(loaded, work) -> None:
    loaded[0].user_name = "changed"
    save_objects(work, [instance_state(user) for user in loaded])
    assert work.sent == ["UPDATE users SET user_name=? WHERE users.id = ?"]


def test_unchanged_attributes_are_sent_when_asked_for(loaded, work) -> None:
    loaded[0].user_name = "changed"
    save_objects(work, [instance_state(user) for user in loaded], update_changed_only=False)
    assert work.sent == ["UPDATE users SET user_name=?, kind=? WHERE users.id = ?"]
    assert len(work.parameters[-1]) == 3


def test_the_order_of_objects_is_kept_unless_it_need_not_be(User, loaded, work) -> None:
    for user in loaded:
        user.kind = "x"
    mixed = [loaded[0], User(id=4), loaded[1]]
    save_objects(work, [instance_state(user) for user in mixed])
    assert [statement.split()[0] for statement in work.sent] == ["UPDATE", "INSERT", "UPDATE"]
    work.sent.clear()
    mixed = [loaded[0], User(id=5), loaded[1]]
    save_objects(work, [instance_state(user) for user in mixed], preserve_order=False)
    assert [statement.split()[0] for statement in work.sent] == ["INSERT", "UPDATE"]
