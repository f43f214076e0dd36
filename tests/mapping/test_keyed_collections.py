"""Collections keyed by columns of what they hold."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import column_keyed_dict, relationship


class User:
    """Mapped anew by each test."""


class Email:
    """Mapped anew by each test."""


@pytest.fixture
def map_with(mapping, users, emails):
    def map_with(collection_class, **properties):
        mapping.map_imperatively(Email, emails, properties=properties)
        mapping.map_imperatively(
            User, users, properties={"emails": relationship(Email, collection_class=collection_class)}
        )
        return User()

    return map_with


def add(user, email):
    """Add as loading and backrefs do: the collection finds the key."""
    user.emails.set(email)


def test_one_column_gives_its_value(map_with, emails):
    user = map_with(column_keyed_dict(emails.c.address))
    email = Email(address="a")
    add(user, email)
    assert user.emails == {"a": email}
    user.emails.remove(email)
    assert user.emails == {}


def test_several_columns_give_a_tuple(map_with, emails):
    user = map_with(column_keyed_dict((emails.c.id, emails.c.address)))
    email = Email(id=1, address="a")
    add(user, email)
    assert user.emails == {(1, "a"): email}


def test_an_attribute_means_its_column_whatever_it_is_called(map_with, emails):
    user = map_with(lambda: column_keyed_dict(Email.mail)(), mail=emails.c.address)
    email = Email(mail="a")
    add(user, email)
    assert user.emails == {"a": email}


def test_a_column_of_a_subquery_is_found_by_its_name(mapping, emails):
    subquery = select(emails).subquery()
    mapping.map_imperatively(Email, subquery)
    assert column_keyed_dict(subquery.c.address)().keyfunc(Email(address="a")) == "a"


def test_a_value_without_a_key_is_refused_or_left_out(map_with, emails):
    user = map_with(column_keyed_dict(emails.c.address))
    with pytest.raises(InvalidRequestError, match=r"User.emails.*can't populate value"):
        add(user, Email())
    made = column_keyed_dict(emails.c.address, ignore_unpopulated_attribute=True)()
    made.set(Email())
    assert made == {}


def test_the_key_function_can_be_pickled_without_its_tables(map_with, emails):
    map_with(column_keyed_dict(emails.c.address))
    keyfunc = pickle.loads(pickle.dumps(column_keyed_dict(emails.c.address)().keyfunc))
    assert keyfunc(Email(address="a")) == "a"


@pytest.mark.parametrize("spec", ["address", text("address"), [], 5])
def test_what_is_no_column_is_refused(spec):
    with pytest.raises(ArgumentError, match="Column expression expected for argument 'mapping_spec'; got"):
        column_keyed_dict(spec)


def test_a_dataclass_with_such_a_collection_becomes_a_dictionary(mapping, users, emails):
    @dataclasses.dataclass
    class Person:
        id: int
        mails: dict = dataclasses.field(default_factory=dict)

    @dataclasses.dataclass
    class Mail:
        address: str

    mapping.map_imperatively(Mail, emails)
    mapping.map_imperatively(
        Person, users, properties={"mails": relationship(Mail, collection_class=column_keyed_dict(emails.c.address))}
    )
    person = Person(1)
    person.mails["a"] = Mail("a")
    assert dataclasses.asdict(person) == {"id": 1, "mails": {"a": {"address": "a"}}}
