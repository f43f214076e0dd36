"""Another name for an attribute."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import ColumnProperty, aliased, get_history, inspect, synonym


class Thing:
    """Mapped anew by each test."""


class Shouting(property):
    # without a docstring: it would hide that of the property
    volume = 11


class WithProperty:
    """Reads and writes ``name`` through a property."""

    def _read(self):
        return self.name.upper()

    def _write(self, value):
        self.name = value.lower()

    def _delete(self):
        del self.name

    title = Shouting(_read, _write, _delete)


def test_it_reads_and_writes_its_target(mapping, users):
    mapping.map_imperatively(Thing, users, properties={"title": synonym("name")})
    thing = Thing(title="ed")
    assert (thing.name, thing.title) == ("ed", "ed")
    thing.name = "jo"
    assert thing.title == "jo"
    del thing.title
    assert "name" not in vars(thing)


def test_it_stands_for_its_target_in_sql(mapping, users):
    mapping.map_imperatively(Thing, users, properties={"title": synonym("name")})
    assert str(Thing.title == "ed") == str(Thing.name == "ed")
    assert str("x" + Thing.title) == str("x" + Thing.name)
    assert str(func.lower(Thing.title)) == "lower(users.name)"
    assert list(select(Thing.title).selected_columns.keys()) == ["title"]
    assert Thing.title.type is users.c.name.type
    assert Thing.title.property is Thing.name.property


def test_its_own_property_documentation_and_notes(mapping, users):
    mapper = mapping.map_imperatively(
        Thing, users, properties={"title": synonym("name", doc="of nobility", info={"a": 1})}
    )
    assert Thing.title.original_property is mapper.synonyms.title
    assert Thing.title.__doc__ == "of nobility"
    assert Thing.title.info == {"a": 1}
    assert str(Thing.title) == "Thing.title"
    assert inspect(Thing.title) is Thing.title
    assert mapper.attrs.keys() == ["title", "id", "name", "age"]


def test_history_is_that_of_the_target(mapping, users):
    mapping.map_imperatively(Thing, users, properties={"title": synonym("name"), "label": synonym("title")})
    thing = Thing()
    assert inspect(thing).attrs.label.history == ((), (), ())
    thing.label = "ed"
    assert inspect(thing).attrs.title.history == (["ed"], (), ())
    assert get_history(thing, "label").added == ["ed"]
    assert inspect(thing).attrs.keys() == {"id", "name", "age", "title", "label"}


def test_it_may_name_another_synonym(mapping, users):
    mapping.map_imperatively(Thing, users, properties={"title": synonym("name"), "label": synonym("title")})
    thing = Thing(label="ed")
    assert thing.name == "ed"
    assert str(Thing.label == "ed") == "users.name = :name_1"


def test_a_property_of_the_class_is_kept_in_front(mapping, users):
    mapping.map_imperatively(WithProperty, users, properties={"title": synonym("name")})
    thing = WithProperty(title="Ed")
    assert (thing.name, thing.title) == ("ed", "ED")
    assert WithProperty.title.volume == 11
    assert str(WithProperty.title == "ed") == "users.name = :name_1"
    del thing.title
    assert "name" not in vars(thing)


def test_a_property_may_be_given_with_it(mapping, users):
    twice = property(lambda self: self.age * 2, doc="two times the age")
    mapping.map_imperatively(Thing, users, properties={"double": synonym("age", descriptor=twice)})
    assert Thing(age=4).double == 8
    assert Thing.double.__doc__ == "two times the age"


def test_map_column_moves_the_column_of_its_own_name(mapping, users):
    mapper = mapping.map_imperatively(Thing, users, properties={"name": synonym("title", map_column=True)})
    assert isinstance(mapper.get_property("title"), ColumnProperty)
    assert mapper.key_of(users.c.name) == "title"
    assert Thing(name="ed").title == "ed"


def test_map_column_needs_a_column_of_that_name(mapping, users):
    with pytest.raises(ArgumentError, match="Can't compile synonym 'name': no column on table 'users' named 'title'"):
        mapping.map_imperatively(Thing, users, properties={"title": synonym("name", map_column=True)})


@pytest.mark.parametrize("first", ["synonym", "column"])
def test_map_column_refuses_a_target_that_is_mapped_already(mapping, users, first):
    both = {"name": synonym("title", map_column=True), "title": users.c.name}
    properties = both if first == "synonym" else dict(reversed(both.items()))
    with pytest.raises(ArgumentError, match="Can't call map_column=True for synonym 'name'='title'"):
        mapping.map_imperatively(Thing, users, properties=properties)


def test_of_something_that_is_not_mapped_is_refused_when_used(mapping, users):
    class User:
        @property
        def nick(self):
            return "nick"

    mapping.map_imperatively(User, users, properties={"other": synonym("nick")})
    with pytest.raises(InvalidRequestError, match='"User.nick" only supports ORM mapped attributes'):
        assert User.other == "x"


def test_of_something_that_is_mapped_later_works_from_then_on(mapping, users):
    class User:
        pass

    mapper = mapping.map_imperatively(User, users, properties={"other": synonym("later")})
    assert not hasattr(User.other, "comparator")
    mapper.add_property("later", users.c.name)
    assert hasattr(User.other, "comparator")
    assert not hasattr(User.other, "nonsense")
    assert User(other="x").later == "x"


def test_its_operators_may_be_the_users_own(mapping, users):
    class Folded(ColumnProperty.Comparator):
        __hash__ = None

        def __eq__(self, other):
            return func.fold(self.__clause_element__()) == func.fold(other)

    mapping.map_imperatively(Thing, users, properties={"title": synonym("name", comparator_factory=Folded)})
    assert str(Thing.title == "ed") == "fold(users.name) = fold(:fold_1)"
    assert str(Thing.name == "ed") == "users.name = :name_1"


def test_it_never_counts_as_loaded_or_expired_itself(mapping, users):
    mapping.map_imperatively(Thing, users, properties={"title": synonym("name")})
    thing = Thing(name="ed")
    state = inspect(thing)
    state.expire(vars(thing))
    assert "title" not in state.expired_attributes
    assert "name" in state.expired_attributes


def test_a_committed_value_can_be_set_through_it(mapping, users):
    mapping.map_imperatively(Thing, users, properties={"title": synonym("name")})
    thing = Thing()
    type(thing).title.impl.set_committed_value(inspect(thing), vars(thing), "ed")
    assert inspect(thing).attrs.title.history.unchanged == ["ed"]
    assert inspect(thing).manager["title"].impl.get(inspect(thing), vars(thing)) == "ed"


def test_on_an_alias_it_stands_for_the_attribute_of_the_alias(mapping, users):
    mapping.map_imperatively(Thing, users, properties={"title": synonym("name")})
    other = aliased(Thing, name="other")
    assert str(other.title == Thing.title) == "other.name = users.name"
    assert str(other.title).endswith(").title")
    assert repr(Thing.title) == "<synonym Thing.title>"


def test_it_can_be_sorted_and_labelled_like_its_target(mapping, users):
    mapping.map_imperatively(Thing, users, properties={"title": synonym("name")})
    statement = select(Thing.title.label("t")).order_by(Thing.title.desc())
    assert " ".join(str(statement).split()) == "SELECT users.name AS t FROM users ORDER BY users.name DESC"
