"""The arguments of a relationship may be columns, text or functions, and what they say can be read back."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, Table, select
from sqlalchemy.exc import SAWarning

from ormsession import MANYTOONE, ONETOMANY, aliased, exc, inspect, relationship


class User:
    """Mapped anew by each test."""


class Email:
    """Mapped anew by each test."""


@pytest.fixture
def links(metadata, users, emails):
    return Table(
        "links",
        metadata,
        Column("user_id", ForeignKey("users.id"), primary_key=True),
        Column("email_id", ForeignKey("emails.id"), primary_key=True),
    )


@pytest.fixture
def configured(mapping, metadata, users, emails):
    """Map both classes with a relationship from users to emails, and return it."""
    mapping.metadata = metadata

    def configure(**options):
        mapping.map_imperatively(Email, emails)
        mapper = mapping.map_imperatively(User, users, properties={"emails": relationship(Email, **options)})
        mapping.configure()
        return mapper.relationships.emails

    return configure


@pytest.mark.parametrize(
    "condition",
    [
        lambda users, emails: users.c.id == emails.c.user_id,
        lambda users, emails: lambda: users.c.id == emails.c.user_id,
        lambda users, emails: "User.id == Email.user_id",
        lambda users, emails: "users.c.id == remote(foreign(emails.c.user_id))",
        lambda users, emails: "and_(User.id == Email.user_id, Email.user_id == foreign(Email.user_id))",
    ],
)
def test_a_condition_in_any_form_means_the_same(configured, users, emails, condition):
    prop = configured(primaryjoin=condition(users, emails))
    assert prop.direction is ONETOMANY
    assert (users.c.id, emails.c.user_id) in prop.local_remote_pairs


@pytest.mark.parametrize("form", ["column", "list", "text", "function", "attribute"])
def test_columns_in_any_form_mean_the_same(configured, users, emails, form):
    given = {
        "column": emails.c.user_id,
        "list": [emails.c.user_id],
        "text": "Email.user_id",
        "function": lambda: [emails.c.user_id],
        "attribute": lambda: Email.user_id,
    }[form]
    prop = configured(foreign_keys=given, remote_side=given)
    assert prop.remote_side == {emails.c.user_id}
    assert prop.local_columns == {users.c.id}
    assert prop.synchronize_pairs == [(users.c.id, emails.c.user_id)]


def test_pairs_may_be_given_instead_of_a_remote_side(configured, users, emails):
    prop = configured(_local_remote_pairs=[(users.c.id, emails.c.user_id)])
    assert prop.local_remote_pairs == [(users.c.id, emails.c.user_id)]


@pytest.mark.parametrize("order", ["Email.address", lambda: Email.address, lambda: [Email.address, Email.id]])
def test_the_order_may_be_text_or_a_function(configured, emails, order):
    assert configured(order_by=order).order_by[0].compare(Email.address.expression)


def test_a_secondary_table_may_be_named_or_come_from_a_function(configured, links):
    assert configured(secondary="links").secondary is links


def test_a_secondary_table_that_one_side_is_mapped_to_is_warned_about(mapping, users, emails):
    mapping.map_imperatively(Email, emails)
    mapping.map_imperatively(
        User,
        users,
        properties={
            "emails": relationship(
                Email,
                secondary=emails,
                primaryjoin=users.c.id == emails.c.user_id,
                secondaryjoin=emails.c.id == emails.c.id,
            )
        },
    )
    with pytest.warns(SAWarning, match="the secondary table is also mapped"), pytest.raises(exc.ArgumentError):
        mapping.configure()


def test_the_target_may_be_an_alias_of_a_class(mapping, users, emails):
    mapping.map_imperatively(Email, emails)
    short = aliased(Email, select(emails).where(emails.c.address.is_not(None)).subquery())
    mapper = mapping.map_imperatively(
        User,
        users,
        properties={"emails": relationship(short, viewonly=True), "all_emails": relationship(Email)},
    )
    prop = mapper.relationships.emails
    assert prop.mapper is inspect(Email)
    assert prop.entity is inspect(short)
    assert prop.target is inspect(short).selectable
    assert prop.direction is ONETOMANY
    assert mapper.relationships.all_emails.target is emails


def test_a_mapper_may_be_the_target(mapping, users, emails):
    target = mapping.map_imperatively(Email, emails)
    mapper = mapping.map_imperatively(User, users, properties={"emails": relationship(target)})
    assert mapper.relationships.emails.entity is target


def test_two_classes_of_the_same_name_cannot_be_told_apart_by_it(mapping, users, emails, links):
    mapping.map_imperatively(Email, emails)
    mapping.map_imperatively(type("Email", (), {}), links)
    mapping.map_imperatively(User, users, properties={"emails": relationship("Email")})
    with pytest.raises(exc.InvalidRequestError, match="Email"):
        mapping.configure()


def test_something_that_is_no_column_is_refused_by_name(mapping, users, emails):
    mapping.map_imperatively(Email, emails)
    mapping.map_imperatively(User, users, properties={"emails": relationship(Email, foreign_keys=5)})
    with pytest.raises(exc.ArgumentError, match="foreign_keys"):
        mapping.configure()


def test_passive_deletes_on_the_many_side_are_warned_about(mapping, users, emails):
    mapping.map_imperatively(User, users)
    mapping.map_imperatively(Email, emails, properties={"user": relationship(User, passive_deletes=True)})
    with pytest.warns(SAWarning, match="passive_deletes"):
        mapping.configure()


def test_cascades_may_be_changed_later_and_are_checked_then(configured):
    prop = configured()
    prop.cascade = "all, delete-orphan"
    assert prop.cascade.delete_orphan
    prop.passive_deletes = "all"
    with pytest.raises(exc.ArgumentError, match="passive_deletes"):
        prop.cascade = "all"


def test_a_class_that_refers_to_itself_says_so(mapping, metadata):
    nodes = Table("nodes", metadata, Column("id", Integer, primary_key=True), Column("up", ForeignKey("nodes.id")))
    mapper = mapping.map_imperatively(
        User,
        nodes,
        properties={"parent": relationship(User, remote_side=nodes.c.id, backref="children")},
    )
    parent, children = mapper.relationships.parent, mapper.relationships.children
    assert (parent.direction, children.direction) == (MANYTOONE, ONETOMANY)
    assert parent.refers_to_itself
    assert parent._reverse_property == {children}
