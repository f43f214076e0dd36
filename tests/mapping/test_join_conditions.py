"""Everything about a relationship is read off its join condition."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, MetaData, String, Table, and_, func
from sqlalchemy.exc import SAWarning

from ormsession import MANYTOMANY, MANYTOONE, ONETOMANY, exc, foreign, remote
from ormsession.mapping.join_condition import JoinCondition, JoinSides

metadata = MetaData()
users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", String))
addresses = Table(
    "addresses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id")),
    Column("email", String),
)
doubles = Table(
    "doubles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("home_id", ForeignKey("users.id")),
    Column("work_id", ForeignKey("users.id")),
)
tags = Table("tags", metadata, Column("id", Integer, primary_key=True))
user_tags = Table(
    "user_tags", metadata, Column("user_id", ForeignKey("users.id")), Column("tag_id", ForeignKey("tags.id"))
)
nodes = Table("nodes", metadata, Column("id", Integer, primary_key=True), Column("parent_id", ForeignKey("nodes.id")))
staff = Table(
    "staff",
    metadata,
    Column("company", Integer, primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("boss_id", Integer),
    ForeignKeyConstraint(["company", "boss_id"], ["staff.company", "staff.id"]),
)


def sides(parent, target, secondary=None, **options):
    return JoinSides("A.b", parent, target, parent, target, secondary, **options)


def test_a_foreign_key_of_the_target_makes_it_one_to_many():
    condition = JoinCondition(sides(users, addresses))
    assert condition.direction is ONETOMANY
    assert str(condition.primaryjoin) == "users.id = addresses.user_id"
    assert condition.local_remote_pairs == [(users.c.id, addresses.c.user_id)]
    assert condition.synchronize_pairs == [(users.c.id, addresses.c.user_id)]


def test_a_foreign_key_of_the_parent_makes_it_many_to_one():
    condition = JoinCondition(sides(addresses, users))
    assert condition.direction is MANYTOONE
    assert condition.local_remote_pairs == [(addresses.c.user_id, users.c.id)]
    assert condition.synchronize_pairs == [(users.c.id, addresses.c.user_id)]


def test_a_secondary_table_makes_it_many_to_many():
    condition = JoinCondition(sides(users, tags, user_tags))
    assert condition.direction is MANYTOMANY
    assert condition.synchronize_pairs == [(users.c.id, user_tags.c.user_id)]
    assert condition.secondary_synchronize_pairs == [(tags.c.id, user_tags.c.tag_id)]
    assert condition.remote_columns == [user_tags.c.user_id, user_tags.c.tag_id]


def test_a_table_that_refers_to_itself_is_one_to_many_unless_the_remote_side_is_the_key():
    assert JoinCondition(sides(nodes, nodes)).direction is ONETOMANY
    up = JoinCondition(sides(nodes, nodes), remote_side=[nodes.c.id])
    assert up.direction is MANYTOONE
    assert up.local_remote_pairs == [(nodes.c.parent_id, nodes.c.id)]


def test_a_column_on_both_sides_does_not_decide_the_direction():
    down = JoinCondition(
        sides(staff, staff),
        primaryjoin=and_(
            staff.c.company == remote(foreign(staff.c.company)), staff.c.id == remote(foreign(staff.c.boss_id))
        ),
    )
    assert down.direction is ONETOMANY
    up = JoinCondition(
        sides(staff, staff),
        primaryjoin=and_(staff.c.company == remote(staff.c.company), foreign(staff.c.boss_id) == remote(staff.c.id)),
    )
    assert up.direction is MANYTOONE


def test_two_paths_are_told_apart_by_foreign_keys():
    with pytest.raises(exc.SQLAlchemyError, match="there are multiple foreign key paths linking the tables"):
        JoinCondition(sides(users, doubles))
    condition = JoinCondition(sides(users, doubles), foreign_keys=[doubles.c.work_id])
    assert condition.synchronize_pairs == [(users.c.id, doubles.c.work_id)]


def test_a_condition_that_cannot_be_found_is_an_error():
    with pytest.raises(exc.SQLAlchemyError, match="there are no foreign keys linking these tables"):
        JoinCondition(sides(users, tags))
    with pytest.raises(exc.SQLAlchemyError, match="via secondary table 'nodes'"):
        JoinCondition(sides(users, tags, nodes))


def test_marks_say_what_foreign_keys_do_not():
    condition = JoinCondition(sides(users, tags), primaryjoin=users.c.name == foreign(remote(tags.c.id)))
    assert condition.direction is ONETOMANY
    assert condition.foreign_key_columns == [tags.c.id]


def test_a_condition_without_anything_that_refers_is_refused():
    with pytest.raises(exc.ArgumentError, match="Could not locate any relevant foreign key columns for primary join"):
        JoinCondition(sides(users, tags), primaryjoin=users.c.id == tags.c.id)


def test_a_condition_that_cannot_be_written_along_is_refused_unless_it_is_only_read():
    through_function = users.c.name == func.lower(foreign(addresses.c.email))
    with pytest.raises(exc.ArgumentError, match="Could not locate any simple equality expressions"):
        JoinCondition(
            sides(users, addresses, is_mapped=lambda *c: all(hasattr(x, "table") for x in c)),
            primaryjoin=users.c.name > foreign(addresses.c.email),
        )
    assert JoinCondition(sides(users, addresses), primaryjoin=through_function, writes=False).direction is ONETOMANY


def test_remote_side_beside_remote_marks_is_redundant():
    with pytest.raises(exc.ArgumentError, match="remote_side argument is redundant"):
        JoinCondition(
            sides(nodes, nodes), primaryjoin=nodes.c.id == remote(nodes.c.parent_id), remote_side=[nodes.c.parent_id]
        )


def test_the_lazy_clause_has_parameters_in_place_of_one_side():
    one_to_many = JoinCondition(sides(users, addresses)).lazy_clause()
    assert str(one_to_many.criterion) == ":lazy_0 = addresses.user_id"
    assert one_to_many.columns == {"lazy_0": users.c.id}
    many_to_one = JoinCondition(sides(addresses, users)).lazy_clause()
    assert str(many_to_one.criterion) == "users.id = :lazy_0"
    parents = JoinCondition(sides(users, addresses)).lazy_clause(reverse=True)
    assert str(parents.criterion) == "users.id = :lazy_0"
    assert parents.columns == {"lazy_0": addresses.c.user_id}


def test_the_lazy_clause_of_many_to_many_goes_through_the_secondary_table():
    condition = JoinCondition(sides(users, tags, user_tags))
    assert str(condition.lazy_clause().criterion) == ":lazy_0 = user_tags.user_id AND tags.id = user_tags.tag_id"
    assert (
        str(condition.lazy_clause(reverse=True).criterion)
        == "users.id = user_tags.user_id AND :lazy_0 = user_tags.tag_id"
    )


def test_each_side_can_be_replaced():
    parent, target, middle = users.alias("p"), tags.alias("t"), user_tags.alias("m")
    primary, secondary = JoinCondition(sides(users, tags, user_tags)).adapted(
        lambda column: parent.c[column.key], lambda column: target.c[column.key], lambda column: middle.c[column.key]
    )
    assert str(primary) == "p.id = m.user_id"
    assert str(secondary) == "t.id = m.tag_id"
    inner = nodes.alias("inner_nodes")
    primary, secondary = JoinCondition(sides(nodes, nodes)).adapted(
        lambda column: column, lambda column: inner.c[column.key]
    )
    assert str(primary) == "nodes.id = inner_nodes.parent_id"
    assert secondary is None


class TestAColumnThatIsComparedWithItself:
    def test_stands_once_for_each_side(self):
        condition = JoinCondition(sides(staff, staff), remote_side=[staff.c.company, staff.c.id])
        assert condition.direction is MANYTOONE
        assert set(condition.local_remote_pairs) == {
            (staff.c.company, staff.c.company),
            (staff.c.boss_id, staff.c.id),
        }

    def test_says_nothing_about_the_direction_when_it_counts_as_foreign_on_both(self):
        options = {"foreign_keys": [staff.c.company, staff.c.boss_id]}
        to_one = JoinCondition(sides(staff, staff), remote_side=[staff.c.company, staff.c.id], **options)
        to_many = JoinCondition(sides(staff, staff), **options)
        assert (to_one.direction, to_many.direction) == (MANYTOONE, ONETOMANY)

    def test_can_be_marked_and_is_the_other_way_round_on_the_other_side(self):
        given = and_(remote(staff.c.id) == staff.c.boss_id, remote(staff.c.company) == staff.c.company)
        condition = JoinCondition(sides(staff, staff), primaryjoin=given)
        other = JoinCondition(sides(staff, staff), primaryjoin=condition.seen_from_the_other_side())
        assert (condition.direction, other.direction) == (MANYTOONE, ONETOMANY)
        assert set(other.local_remote_pairs) == {(right, left) for left, right in condition.local_remote_pairs}

    def test_may_be_the_whole_condition(self):
        paths = Table("paths", MetaData(), Column("path", String, primary_key=True))
        down = remote(foreign(paths.c.path)).like(paths.c.path.concat("/%"))
        condition = JoinCondition(sides(paths, paths), primaryjoin=down, writes=False)
        assert condition.direction is ONETOMANY


def test_a_condition_without_marks_is_the_same_on_the_other_side():
    condition = JoinCondition(sides(users, addresses))
    assert condition.seen_from_the_other_side() is condition.primaryjoin_given


def test_a_column_of_the_parent_called_remote_is_warned_about():
    odd = Table("odd", MetaData(), Column("id", Integer, primary_key=True), Column("user_id", Integer))
    with pytest.warns(SAWarning, match="Expression users.id is marked as 'remote', but these column"):
        JoinCondition(
            sides(users, odd),
            primaryjoin=users.c.id == odd.c.user_id,
            foreign_keys=[odd.c.user_id],
            remote_side=[users.c.id],
        )


def test_a_table_inside_a_join_that_is_mapped_may_be_the_target():
    both = users.join(addresses)
    to_many = JoinCondition(sides(both, addresses), primaryjoin=users.c.id == addresses.c.user_id)
    assert to_many.direction is ONETOMANY
    assert to_many.local_remote_pairs == [(users.c.id, addresses.c.user_id)]
    to_one = JoinCondition(sides(addresses, both), primaryjoin=users.c.id == addresses.c.user_id)
    assert to_one.direction is MANYTOONE
    assert to_one.local_remote_pairs == [(addresses.c.user_id, users.c.id)]
