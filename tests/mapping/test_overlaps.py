"""Relationships that write the same column are warned about, unless they know of each other."""

from __future__ import annotations

import warnings

import pytest
from sqlalchemy.exc import SAWarning

from ormsession import relationship


class User:
    """Mapped anew by each test."""


class Email:
    """Mapped anew by each test."""


def configure(mapping, users, emails, of_user, of_email):
    """Map both classes and return the warnings of their configuration."""
    mapping.map_imperatively(User, users, properties=of_user)
    mapping.map_imperatively(Email, emails, properties=of_email)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mapping.configure()
    return [str(warning.message) for warning in caught if issubclass(warning.category, SAWarning)]


def test_two_sides_that_do_not_know_of_each_other_are_named_with_the_column(mapping, users, emails):
    (message,) = configure(mapping, users, emails, {"emails": relationship(Email)}, {"user": relationship(User)})
    assert message.startswith(
        "relationship 'Email.user' will copy column users.id to column emails.user_id, which conflicts with "
        "relationship(s): 'User.emails' (copies users.id to emails.user_id)."
    )
    assert "overlaps=\"emails\" on 'Email.user'" in message


@pytest.mark.parametrize(
    ("of_user", "of_email"),
    [
        ({"emails": {"back_populates": "user"}}, {"user": {"back_populates": "emails"}}),
        ({"emails": {"backref": "user"}}, {}),
        ({"emails": {"viewonly": True}}, {"user": {}}),
        ({"emails": {"overlaps": "user"}}, {"user": {}}),
        ({"emails": {}}, {"user": {"overlaps": "other,emails"}}),
        ({"emails": {"overlaps": "__*"}}, {"user": {}}),
    ],
)
def test_those_that_are_told_are_not_warned_about(mapping, users, emails, of_user, of_email):
    heard = configure(
        mapping,
        users,
        emails,
        {key: relationship(Email, **options) for key, options in of_user.items()},
        {key: relationship(User, **options) for key, options in of_email.items()},
    )
    assert heard == []


def test_those_of_classes_that_are_not_mapped_any_more_do_not_count(mapping, users, emails):
    assert configure(mapping, users, emails, {"emails": relationship(Email)}, {}) == []
    mapping.dispose()
    assert configure(mapping, users, emails, {}, {"user": relationship(User)}) == []
