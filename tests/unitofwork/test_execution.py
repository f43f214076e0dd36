"""A flush on SQLite: which statements are sent, and what the objects hold afterwards."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    UniqueConstraint,
    event,
    func,
    literal,
    null,
    text,
)
from sqlalchemy.exc import IntegrityError, InvalidRequestError, SAWarning

from ormsession import exc
from ormsession.tracking.instrumentation import instance_state


class Record:
    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, value)


@pytest.fixture
def mapped(registry, metadata, work):
    """Make a class mapped to a new table: `mapped("users", Column(...), ..., mapper options)`."""

    def map_class(name: str, *items: Any, **options: Any) -> type[Any]:
        table = Table(name, metadata, *items)
        cls = type(name.title(), (Record,), {"table": table})
        registry.map_imperatively(cls, table, **options)
        work.create_tables(metadata)
        return cls

    return map_class


def pk(name: str = "id") -> Column[int]:
    return Column(name, Integer, primary_key=True)


# ---------------------------------------------------------------- INSERT


def test_one_new_object_gets_its_key_and_is_clean(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String))
    user = User(name="ed")
    work.add(user)
    work.flush()
    assert work.sent == ["INSERT INTO users (name) VALUES (?)"]
    assert (user.id, instance_state(user).pk) == (1, 1)
    assert not instance_state(user).modified
    assert not instance_state(user).changes


def test_many_new_objects_get_their_keys_in_their_order(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String))
    users = [User(name=f"user {number}") for number in range(5)]
    work.add(*users)
    work.flush()
    assert [user.id for user in users] == [1, 2, 3, 4, 5]
    assert work.rows(User.table) == [(user.id, user.name) for user in users]


def test_objects_with_given_keys_are_one_executemany(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String))
    work.add(User(id=7, name="a"), User(id=3, name="b"))
    work.flush()
    assert work.sent == ["INSERT INTO users (id, name) VALUES (?, ?)"]
    assert work.parameters == [[(7, "a"), (3, "b")]]


def test_alternating_sets_of_columns_are_one_statement_for_each_set(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String, default="unnamed"))
    work.add(User(id=1), User(id=2, name="x"), User(id=3), User(id=4, name="y"))
    work.flush()
    assert work.sent == ["INSERT INTO users (id, name) VALUES (?, ?)"] * 2
    assert work.parameters == [[(1, "unnamed"), (3, "unnamed")], [(2, "x"), (4, "y")]]


def test_an_attribute_never_set_is_null_like_one_set_to_none(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String), Column("age", Integer))
    work.add(User(id=1), User(id=2, name=None, age=5))
    work.flush()
    assert work.sent == ["INSERT INTO users (id, name, age) VALUES (?, ?, ?)"]
    assert work.rows(User.table) == [(1, None, None), (2, None, 5)]


def test_a_python_default_is_on_the_object_after_the_flush(mapped, work) -> None:
    numbers = iter(range(10, 20))
    User = mapped(
        "users", pk(), Column("rank", Integer, default=lambda: next(numbers)), Column("kind", String, default="k")
    )
    users = [User(id=1), User(id=2, rank=99), User(id=3, kind=None)]
    work.add(*users)
    work.flush()
    assert [(user.rank, user.kind) for user in users] == [(10, "k"), (99, "k"), (11, "k")]


def test_a_python_default_may_make_the_primary_key(mapped, work) -> None:
    User = mapped("users", Column("code", String, primary_key=True, default=lambda: "made"), Column("name", String))
    user = User(name="ed")
    work.add(user)
    work.flush()
    assert (user.code, instance_state(user).pk) == ("made", "made")


def test_null_forces_null_on_a_column_with_a_default(mapped, work) -> None:
    User = mapped("users", pk(), Column("kind", String, default="k"), Column("state", String, server_default="s"))
    work.add(User(id=1, kind=null(), state=null()), User(id=2, kind=None, state=None))
    work.flush()
    assert work.rows(User.table) == [(1, None, None), (2, "k", "s")]


def test_server_defaults_come_back_with_the_insert(mapped, work) -> None:
    User = mapped("users", pk(), Column("state", String, server_default="fresh"))
    users = [User(id=1), User(id=2)]
    work.add(*users)
    work.flush()
    assert [user.__dict__["state"] for user in users] == ["fresh", "fresh"]
    assert len(work.sent) == 1 or all("RETURNING" in statement for statement in work.sent)


def test_server_defaults_are_left_to_be_loaded_when_eager_defaults_is_off(mapped, work) -> None:
    User = mapped("users", pk(), Column("state", String, server_default="fresh"), eager_defaults=False)
    user = User(id=1)
    work.add(user)
    work.flush()
    assert work.sent == ["INSERT INTO users (id) VALUES (?)"]
    assert "state" not in user.__dict__
    assert "state" in instance_state(user).expired_attributes


def test_without_returning_eager_defaults_are_one_select_for_the_table(registry, metadata, work) -> None:
    table = Table("users", metadata, pk(), Column("state", String, server_default="fresh"), implicit_returning=False)
    User = type("User", (Record,), {})
    registry.map_imperatively(User, table, eager_defaults=True)
    work.create_tables(metadata)
    users = [User(id=1), User(id=2)]
    work.add(*users)
    work.flush()
    assert work.sent == [
        "INSERT INTO users (id) VALUES (?)",
        "SELECT users.id, users.state FROM users WHERE users.id IN (?, ?)",
    ]
    assert [user.__dict__["state"] for user in users] == ["fresh", "fresh"]


def test_a_table_that_forbids_returning_is_inserted_row_by_row_for_its_keys(registry, metadata, work) -> None:
    table = Table("users", metadata, pk(), Column("name", String), implicit_returning=False)
    User = type("User", (Record,), {})
    registry.map_imperatively(User, table)
    work.create_tables(metadata)
    users = [User(name="a"), User(name="b")]
    work.add(*users)
    work.flush()
    assert work.sent == ["INSERT INTO users (name) VALUES (?)"] * 2
    assert [user.id for user in users] == [1, 2]


def test_a_sql_expression_becomes_part_of_its_own_statement(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String))
    users = [User(id=1, name="a"), User(id=2, name=func.lower("B")), User(id=3, name="c")]
    work.add(*users)
    work.flush()
    assert work.sent == [
        "INSERT INTO users (id, name) VALUES (?, ?)",
        "INSERT INTO users (id, name) VALUES (?, lower(?))",
    ]
    assert work.rows(User.table) == [(1, "a"), (2, "b"), (3, "c")]
    assert "name" not in users[1].__dict__


def test_a_primary_key_may_be_a_sql_expression(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String))
    user = User(id=literal(5) + 10, name="a")
    work.add(user)
    work.flush()
    assert (user.id, instance_state(user).pk) == (15, 15)


def test_json_none_is_a_value_of_its_own(mapped, work) -> None:
    Doc = mapped("docs", pk(), Column("body", JSON), Column("other", JSON(none_as_null=True)))
    work.add(Doc(id=1, body=None, other=None), Doc(id=2))
    work.flush()
    stored = work.connection.execute(text("SELECT body, other FROM docs ORDER BY id")).all()
    assert [tuple(row) for row in stored] == [("null", None), (None, None)]


def test_an_object_without_a_key_that_nobody_makes_is_named(mapped, work) -> None:
    User = mapped("users", Column("code", String, primary_key=True, nullable=True), Column("name", String))
    work.add(User(name="ed"))
    with (
        warnings.catch_warnings(),
        pytest.raises(exc.FlushError, match=r"Instance <Users at 0x.*> has a NULL identity key"),
    ):
        warnings.simplefilter("ignore")
        work.flush()


def test_a_key_with_a_null_part_is_an_identity(mapped, work) -> None:
    Pair = mapped(
        "pairs",
        Column("a", String, primary_key=True, nullable=True),
        Column("b", String, primary_key=True, nullable=True),
    )
    pair = Pair(a="x", b=None)
    work.add(pair)
    work.flush()
    assert instance_state(pair).pk == ("x", None)


def test_a_new_object_with_the_key_of_a_loaded_one_is_warned_about(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String))
    work.add(User(id=1, name="a"))
    work.flush()
    work.add(User(id=1, name="b"))
    with pytest.warns(SAWarning, match="conflicts with persistent instance"), pytest.raises(IntegrityError):
        work.flush()


# ---------------------------------------------------------------- UPDATE


@pytest.fixture
def users(mapped, work):
    """Three users in the database, loaded."""
    User = mapped("users", pk(), Column("name", String), Column("age", Integer))
    made = [User(id=number, name=f"user {number}", age=20) for number in (1, 2, 3)]
    work.add(*made)
    work.flush()
    return made


def test_only_what_changed_is_updated(users, work) -> None:
    users[0].name = "new"
    work.flush()
    assert work.sent == ["UPDATE users SET name=? WHERE users.id = ?"]
    assert work.parameters == [("new", 1)]


def test_a_change_back_to_the_old_value_sends_nothing(users, work) -> None:
    users[0].name = "new"
    users[0].name = "user 1"
    assert not work.plan()


def test_an_equal_value_sends_nothing(users, work) -> None:
    users[0].age = 20.0
    assert not work.plan()


def test_updates_with_the_same_columns_are_one_executemany_in_the_order_of_their_keys(users, work) -> None:
    for user in reversed(users):
        user.age += user.id
    work.flush()
    assert work.sent == ["UPDATE users SET age=? WHERE users.id = ?"]
    assert work.parameters == [[(21, 1), (22, 2), (23, 3)]]


def test_alternating_changes_are_one_statement_for_each_set_of_columns(users, work) -> None:
    users[0].age, users[1].name, users[2].age = 1, "two", 3
    work.flush()
    assert work.sent == ["UPDATE users SET age=? WHERE users.id = ?", "UPDATE users SET name=? WHERE users.id = ?"]


def test_the_order_of_assignments_makes_no_other_set_of_columns(users, work) -> None:
    users[0].name = users[1].name = "same"
    users[0].age, users[1].age = 1, 2
    users[2].age = 3
    users[2].name = "same"
    work.flush()
    assert work.sent == ["UPDATE users SET name=?, age=? WHERE users.id = ?"]


def test_a_deleted_attribute_is_set_to_null(users, work) -> None:
    del users[0].name
    work.flush()
    assert work.rows(type(users[0]).table)[0] == (1, None, 20)


def test_a_changed_primary_key_is_updated_where_the_old_one_stands(users, work) -> None:
    users[0].id = 10
    outcome = work.flush()
    assert work.sent == ["UPDATE users SET id=? WHERE users.id = ?"]
    assert work.parameters == [(10, 1)]
    assert outcome.rekeyed == [(instance_state(users[0]), 1)]
    assert instance_state(users[0]).pk == 10


def test_a_sql_expression_is_evaluated_in_the_update_and_then_unknown(users, work) -> None:
    table = type(users[0]).table
    users[0].age = table.c.age + 5
    work.flush()
    assert work.sent == ["UPDATE users SET age=(users.age + ?) WHERE users.id = ?"]
    assert "age" not in users[0].__dict__
    assert work.rows(table)[0] == (1, "user 1", 25)


def test_a_row_that_is_gone_is_a_stale_data_error(users, work) -> None:
    work.connection.execute(type(users[0]).table.delete())
    users[0].name = users[1].name = "new"
    with pytest.raises(
        exc.StaleDataError, match=r"UPDATE statement on table 'users' expected to update 2 row\(s\); 0 were matched."
    ):
        work.flush()


def test_onupdate_values_are_on_the_object_after_the_flush(mapped, work) -> None:
    numbers = iter(range(5, 20))
    User = mapped("users", pk(), Column("name", String), Column("touched", Integer, onupdate=lambda: next(numbers)))
    user = User(id=1, name="a", touched=1)
    work.add(user)
    work.flush()
    user.name = "b"
    work.flush()
    assert user.touched == 5
    user.name, user.touched = "c", 100
    work.flush()
    assert user.touched == 100


def test_a_server_side_onupdate_is_loaded_later_or_returned_when_eager(registry, metadata, work) -> None:
    for name, eager, known in (("lazy", "auto", False), ("eager", True, True)):
        table = Table(name, metadata, pk(), Column("a", Integer), Column("b", Integer, onupdate=text("5 + 3")))
        Thing = type(name.title(), (Record,), {})
        registry.map_imperatively(Thing, table, eager_defaults=eager)
        work.create_tables(metadata)
        thing = Thing(id=1, a=1, b=1)
        work.add(thing)
        work.flush()
        thing.a = 2
        work.flush()
        assert ("RETURNING" in work.sent[0]) is known
        assert thing.__dict__.get("b") == (8 if known else None)


def test_an_update_without_the_whole_key_is_refused(mapped, work) -> None:
    Pair = mapped(
        "pairs",
        Column("a", String, primary_key=True, nullable=True),
        Column("b", String, primary_key=True, nullable=True),
        Column("c", String),
    )
    pair = Pair(a="x", b=None)
    work.add(pair)
    work.flush()
    pair.a = "x"
    assert not work.plan()
    pair.c = "new"
    with pytest.raises(
        exc.FlushError, match="Can't update table pairs using NULL for primary key value on column pairs.b"
    ):
        work.plan()
    work.identity_map.modified.clear()
    work.delete(pair)
    with pytest.raises(
        exc.FlushError, match="Can't delete from table pairs using NULL for primary key value on column pairs.b"
    ):
        work.plan()


def test_keys_that_cannot_be_compared_cannot_be_put_in_order(users, work) -> None:
    users[0].age = users[1].age = 1
    instance_state(users[0]).pk = "text"
    with pytest.raises(InvalidRequestError, match="Could not sort objects by primary key"):
        work.plan()


# ---------------------------------------------------------------- DELETE and rows that follow each other


def test_deleted_objects_are_one_executemany(users, work) -> None:
    work.delete(*users)
    work.flush()
    assert work.sent == ["DELETE FROM users WHERE users.id = ?"]
    assert work.parameters == [[(1,), (2,), (3,)]]


def test_a_missing_row_is_warned_about_unless_that_is_expected(mapped, users, work) -> None:
    work.connection.execute(type(users[0]).table.delete())
    work.delete(*users)
    with pytest.warns(SAWarning, match=r"expected to delete 3 row\(s\); 0 were matched"):
        work.flush()
    Quiet = mapped("quiet", pk(), confirm_deleted_rows=False)
    quiet = Quiet(id=1)
    work.add(quiet)
    work.flush()
    work.connection.execute(Quiet.table.delete())
    work.delete(quiet)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        work.flush()


def test_a_new_object_takes_over_the_row_of_a_deleted_one_with_its_key(users, work) -> None:
    User = type(users[0])
    replacement = User(id=2, name="replacement", age=20)
    work.delete(users[1])
    work.add(replacement)
    outcome = work.flush()
    assert work.sent == ["UPDATE users SET name=? WHERE users.id = ?"]
    assert outcome.inserted == [instance_state(replacement)]
    assert outcome.deleted == [instance_state(users[1])]


def test_what_the_replacing_object_leaves_unset_does_not_survive_from_the_old_row(users, work) -> None:
    User = type(users[0])
    work.delete(users[1])
    work.add(User(id=2))
    work.flush()
    assert work.rows(User.table)[1] == (2, None, None)


def test_a_row_identical_to_the_one_it_replaces_sends_nothing(users, work) -> None:
    work.delete(users[1])
    work.add(type(users[0])(id=2, name="user 2", age=20))
    work.flush()
    assert work.sent == []


def test_a_deleted_row_frees_its_unique_value_before_it_is_taken(mapped, work) -> None:
    User = mapped("users", pk(), Column("email", String, unique=True))
    old = User(id=1, email="ed@example.org")
    work.add(old)
    work.flush()
    work.delete(old)
    work.add(User(id=2, email="ed@example.org"), User(id=3, email="other"))
    work.flush()
    assert work.sent == ["DELETE FROM users WHERE users.id = ?", "INSERT INTO users (id, email) VALUES (?, ?)"] or (
        work.sent[-1].startswith("INSERT")
        and work.sent.index("DELETE FROM users WHERE users.id = ?") < len(work.sent) - 1
    )
    assert work.rows(User.table) == [(2, "ed@example.org"), (3, "other")]


def test_an_updated_row_frees_its_unique_value_before_another_update_takes_it(mapped, work) -> None:
    User = mapped("users", pk(), Column("a", Integer), Column("b", Integer), UniqueConstraint("a", "b"))
    users = [User(id=number, a=1, b=number) for number in (1, 2, 3)]
    work.add(*users)
    work.flush()
    for user in users:
        user.b += 1
    work.flush()
    assert work.rows(User.table) == [(1, 1, 2), (2, 1, 3), (3, 1, 4)]


def test_children_of_a_row_that_must_go_early_go_earlier(mapped, work) -> None:
    Parent = mapped("parents", pk(), Column("code", String, unique=True))
    Child = mapped("children", pk(), Column("parent_id", ForeignKey("parents.id")))
    parent, child = Parent(id=1, code="x"), Child(id=1, parent_id=1)
    work.add(parent, child)
    work.flush()
    work.delete(parent, child)
    work.add(Parent(id=2, code="x"), Child(id=2, parent_id=2))
    work.flush()
    assert work.sent == [
        "DELETE FROM children WHERE children.id = ?",
        "DELETE FROM parents WHERE parents.id = ?",
        "INSERT INTO parents (id, code) VALUES (?, ?)",
        "INSERT INTO children (id, parent_id) VALUES (?, ?)",
    ]


def test_tables_are_ordered_by_foreign_keys_without_any_relationship(mapped, work) -> None:
    Parent = mapped("parents", pk())
    Child = mapped("children", pk(), Column("parent_id", ForeignKey("parents.id")))
    child, parent = Child(id=1, parent_id=1), Parent(id=1)
    work.add(child, parent)
    work.flush()
    assert [statement.split()[2] for statement in work.sent] == ["parents", "children"]
    work.delete(parent, child)
    work.flush()
    assert [statement.split()[2] for statement in work.sent] == ["children", "parents"]


def test_rows_of_a_tree_are_ordered_by_the_keys_they_name(mapped, work) -> None:
    Node = mapped("nodes", pk(), Column("parent_id", ForeignKey("nodes.id")))
    nodes = [Node(id=3, parent_id=2), Node(id=2, parent_id=1), Node(id=1), Node(id=4, parent_id=3)]
    work.add(*nodes)
    work.flush()
    assert [row for parameters in work.parameters for row in parameters] == [(1, None), (2, 1), (3, 2), (4, 3)]
    work.delete(*nodes)
    work.flush()
    deleted = [
        row for parameters in work.parameters for row in (parameters if isinstance(parameters, list) else [parameters])
    ]
    assert deleted == [(4,), (3,), (2,), (1,)]


def test_two_tables_that_refer_to_each_other_are_ordered_by_their_rows(mapped, registry, metadata, work) -> None:
    teams = Table("teams", metadata, pk(), Column("captain_id", Integer))
    Person = mapped("persons", pk(), Column("team_id", ForeignKey("teams.id")))
    teams.append_constraint(ForeignKeyConstraint(["captain_id"], ["persons.id"], name="captain"))
    Team = type("Team", (Record,), {"table": teams})
    registry.map_imperatively(Team, teams)
    work.add(Person(id=1, team_id=1), Team(id=1), Team(id=2, captain_id=1))
    work.flush()
    assert work.rows(Person.table) == [(1, 1)]
    assert work.rows(Team.table) == [(1, None), (2, 1)]


# ---------------------------------------------------------------- failures


def test_a_failing_flush_takes_back_the_keys_it_gave(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String, default="d"))
    Order = mapped("orders", pk(), Column("user_id", ForeignKey("users.id")))
    user, bad = User(), Order(user_id=99)
    work.add(user, bad)
    with pytest.raises(IntegrityError):
        work.flush()
    assert set(user.__dict__) == {"_sa_instance_state"}
    assert instance_state(user).pk is None


def test_a_failing_flush_leaves_histories_and_old_values(users, work) -> None:
    User = type(users[0])
    users[0].name = "changed"
    work.add(User(id=3, name="twice"))
    with warnings.catch_warnings(), pytest.raises(IntegrityError):
        warnings.simplefilter("ignore")
        work.flush()
    assert instance_state(users[0]).changes == {"name": "user 1"}
    assert users[0].name == "changed"


def test_restore_gives_new_objects_what_they_had_before(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String, default="d"))
    first, second = User(), User(name=None)
    work.add(first, second)
    outcome = work.flush()
    outcome.undo.restore({instance_state(second)})
    assert (first.id, first.name) == (1, "d")
    assert "id" not in second.__dict__
    assert second.__dict__["name"] is None


# ---------------------------------------------------------------- versions


def versioned(mapped, **options):
    table_columns = (pk(), Column("version", Integer, nullable=False), Column("name", String))
    return mapped("docs", *table_columns, properties=None, version_id_col=table_columns[1], **options)


def test_a_version_starts_at_one_and_is_counted_up(mapped, work) -> None:
    Doc = versioned(mapped)
    doc = Doc(id=1, name="a")
    work.add(doc)
    work.flush()
    assert doc.version == 1
    doc.name = "b"
    work.flush()
    assert work.sent == ["UPDATE docs SET version=?, name=? WHERE docs.id = ? AND docs.version = ?"]
    assert work.parameters == [(2, "b", 1, 1)]
    assert doc.version == 2


def test_a_version_set_by_hand_is_kept(mapped, work) -> None:
    Doc = versioned(mapped)
    doc = Doc(id=1, name="a")
    work.add(doc)
    work.flush()
    doc.version = 7
    work.flush()
    assert work.rows(Doc.table) == [(1, 7, "a")]


def test_a_row_with_another_version_is_neither_updated_nor_deleted(mapped, work) -> None:
    Doc = versioned(mapped)
    doc = Doc(id=1, name="a")
    work.add(doc)
    work.flush()
    work.connection.execute(Doc.table.update().values(version=5))
    doc.name = "b"
    with pytest.raises(exc.StaleDataError, match="0 were matched"):
        work.flush()
    assert doc.version == 1
    work.identity_map.modified.clear()
    work.delete(doc)
    with pytest.raises(exc.StaleDataError, match=r"DELETE statement on table 'docs' expected to delete 1 row\(s\)"):
        work.flush()


def test_versions_may_be_made_by_any_callable(mapped, work) -> None:
    Doc = versioned(mapped, version_id_generator=lambda before: 100 if before is None else before + 100)
    docs = [Doc(id=1, name="a"), Doc(id=2, name="b")]
    work.add(*docs)
    work.flush()
    docs[0].name = docs[1].name = "c"
    work.flush()
    assert [doc.version for doc in docs] == [200, 200]


def test_without_a_generator_the_version_is_the_users_or_an_error(mapped, work) -> None:
    Doc = mapped("docs", pk(), version := Column("version", Integer), Column("name", String), version_id_col=version,
                 version_id_generator=False)  # fmt: skip
    work.add(Doc(id=1, name="a"))
    with pytest.raises(exc.FlushError, match="Instance does not contain a non-NULL version value"):
        work.flush()
    work.new.clear()
    doc = Doc(id=2, version=1)
    work.add(doc)
    work.flush()
    doc.version = None
    with pytest.raises(exc.FlushError, match="Instance does not contain a non-NULL version value"):
        work.plan()


def test_on_a_database_that_does_not_count_rows_versions_are_warned_about(mapped, work, monkeypatch) -> None:
    Doc = versioned(mapped)
    docs = [Doc(id=1, name="a"), Doc(id=2, name="b")]
    work.add(*docs)
    work.flush()
    monkeypatch.setattr(work.connection.dialect, "supports_sane_rowcount", False)
    docs[0].name = docs[1].name = "c"
    with pytest.warns(SAWarning, match="does not support updated rowcount - versioning cannot be verified"):
        work.flush()
    work.delete(*docs)
    with pytest.warns(SAWarning, match="does not support deleted rowcount - versioning cannot be verified"):
        work.flush()


def test_where_only_single_statements_are_counted_versioned_rows_go_one_by_one(mapped, work, monkeypatch) -> None:
    Doc = versioned(mapped)
    docs = [Doc(id=1, name="a"), Doc(id=2, name="b")]
    work.add(*docs)
    work.flush()
    monkeypatch.setattr(work.connection.dialect, "supports_sane_multi_rowcount", False)
    docs[0].name = docs[1].name = "c"
    work.flush()
    assert len(work.sent) == 2
    work.delete(*docs)
    work.flush()
    assert len(work.sent) == 2


# ---------------------------------------------------------------- several tables behind one class


@pytest.fixture
def employees(registry, metadata, work):
    people = Table("people", metadata, pk(), Column("name", String))
    staff = Table(
        "staff", metadata, Column("person_id", ForeignKey("people.id"), primary_key=True), Column("pay", Integer)
    )
    Employee = type("Employee", (Record,), {})
    registry.map_imperatively(Employee, people.join(staff), properties={"id": [people.c.id, staff.c.person_id]})
    work.create_tables(metadata)
    Employee.people, Employee.staff = people, staff
    return Employee


def test_a_join_inserts_the_first_table_first_and_carries_its_key(employees, work) -> None:
    made = [employees(name="a", pay=1), employees(name="b", pay=2)]
    work.add(*made)
    plan = work.plan()
    assert "id of <Employee at" in plan.to_dict()["batches"][1]["rows"][0]["person_id"]
    work.flush()
    assert work.rows(employees.people) == [(1, "a"), (2, "b")]
    assert work.rows(employees.staff) == [(1, 1), (2, 2)]


def test_a_join_updates_only_the_table_that_changed_and_deletes_from_both(employees, work) -> None:
    employee = employees(name="a", pay=1)
    work.add(employee)
    work.flush()
    employee.pay = 2
    work.flush()
    assert work.sent == ["UPDATE staff SET pay=? WHERE staff.person_id = ?"]
    work.delete(employee)
    work.flush()
    assert work.sent == ["DELETE FROM staff WHERE staff.person_id = ?", "DELETE FROM people WHERE people.id = ?"]


# ---------------------------------------------------------------- events


def listen(cls: type, log: list[Any], *names: str) -> None:
    for name in names:
        event.listen(cls, name, lambda mapper, connection, target, name=name: log.append((name, target.id)))


EVENTS = [f"{when}_{what}" for what in ("insert", "update", "delete") for when in ("before", "after")]


def test_mapper_events_come_before_and_after_the_statements(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String))
    log: list[Any] = []
    listen(inspect_class(User), log, *EVENTS)
    first, second = User(name="a"), User(name="b")
    work.add(first, second)
    work.flush()
    assert log == [("before_insert", None), ("before_insert", None), ("after_insert", 1), ("after_insert", 2)]
    log.clear()
    first.name = "c"
    work.flush()
    assert log == [("before_update", 1), ("after_update", 1)]
    log.clear()
    work.delete(second)
    work.flush()
    assert log == [("before_delete", 2), ("after_delete", 2)]


def inspect_class(cls: type) -> Any:
    return cls._sa_class_manager.mapper  # type: ignore[attr-defined]


def test_a_listener_may_change_what_is_inserted_and_updated(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String), Column("code", String, default="d"))

    def stamp(mapper: Any, connection: Any, target: Any) -> None:
        target.code = f"for {target.name}"

    event.listen(inspect_class(User), "before_insert", stamp)
    event.listen(inspect_class(User), "before_update", stamp)
    user = User(id=1, name="a")
    work.add(user)
    work.flush()
    assert work.rows(User.table) == [(1, "a", "for a")]
    user.name = "b"
    work.flush()
    assert work.rows(User.table) == [(1, "b", "for b")]


def test_a_listener_hears_of_a_changed_object_without_net_change_and_may_add_one(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String), Column("code", String))
    user = User(id=1, name="a")
    work.add(user)
    work.flush()

    def stamp(mapper: Any, connection: Any, target: Any) -> None:
        target.code = "seen"

    event.listen(inspect_class(User), "before_update", stamp)
    user.name = "a"
    work.flush()
    assert work.rows(User.table) == [(1, "a", "seen")]


def test_with_batch_off_each_object_has_its_events_beside_its_statement(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String), batch=False)
    log: list[Any] = []
    listen(inspect_class(User), log, *EVENTS)
    first, second = User(name="a"), User(name="b")
    work.add(first, second)
    work.flush()
    assert log == [("before_insert", None), ("after_insert", 1), ("before_insert", None), ("after_insert", 2)]
    log.clear()
    first.name, second.name = "c", "d"
    work.flush()
    assert log == [("before_update", 1), ("after_update", 1), ("before_update", 2), ("after_update", 2)]


def test_refresh_flush_names_the_attributes_that_the_flush_filled(mapped, work) -> None:
    User = mapped("users", pk(), Column("kind", String, default="k"), Column("state", String, server_default="s"))
    heard: list[Any] = []
    event.listen(User._sa_class_manager, "refresh_flush", lambda target, context, names: heard.append(sorted(names)))
    work.add(User())
    work.flush()
    assert sorted(heard) == [["kind"], ["state"]]


# ---------------------------------------------------------------- databases that do something else


@pytest.fixture
def swallowed_inserts(work):
    """INSERT statements that return rows do nothing, as a rule or trigger may do."""

    def swallow(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> Any:
        if statement.startswith("INSERT"):
            return "UPDATE users SET id = 1 WHERE 1 != 1 RETURNING users.id, users.id", ()
        return statement, parameters

    event.listen(work.connection, "before_cursor_execute", swallow, retval=True)


def test_an_insert_of_one_row_that_returns_none_is_an_error(mapped, work, swallowed_inserts) -> None:
    User = mapped("users", pk(), Column("state", String, server_default="s"))
    work.add(user := User())
    with pytest.raises(exc.FlushError, match=r"Single-row INSERT statement for Mapper.* did not produce"):
        work.flush()
    assert "id" not in user.__dict__


def test_an_insert_of_many_rows_that_returns_fewer_is_an_error(mapped, work, swallowed_inserts) -> None:
    User = mapped("users", pk(), Column("name", String))
    work.add(User(name="a"), User(name="b"))
    with pytest.raises(exc.FlushError, match=r"Multi-row INSERT statement for Mapper.* did not produce"):
        work.flush()


def test_where_rows_of_many_statements_are_not_counted_a_missing_one_goes_unnoticed(users, work, monkeypatch) -> None:
    work.connection.execute(type(users[0]).table.delete())
    monkeypatch.setattr(work.connection.dialect, "supports_sane_multi_rowcount", False)
    users[0].name = users[1].name = "new"
    work.flush()
    assert users[0].name == "new"


def test_one_new_object_with_the_key_of_one_that_is_leaving_is_not_warned_about(mapped, work) -> None:
    User = mapped("users", pk(), Column("name", String))
    old = User(id=1, name="a")
    work.add(old)
    work.flush()
    work.delete(old)
    work.add(User(id=1, name="b"), User(id=2, name="c"), User(name="d"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        work.flush()
    assert [row[1] for row in work.rows(User.table)] == ["b", "c", "d"]
