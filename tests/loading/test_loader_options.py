"""Options that say what a statement loads."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from ormsession import Load, aliased, defer, deferred, exc, load_only, synonym, undefer, undefer_group
from ormsession.loading.options import UserDefinedOption

from .conftest import BOOKS


def columns_of(statement) -> str:
    return " ".join(str(statement).split()).partition(" FROM ")[0]


def test_load_only_selects_the_key_and_what_is_named(Book):
    assert columns_of(select(Book).options(load_only(Book.year))) == "SELECT books.id, books.year"


def test_the_key_cannot_be_deferred(Book):
    assert columns_of(select(Book).options(defer("*"))) == "SELECT books.id"
    assert (
        columns_of(select(Book).options(defer(Book.id), defer(Book.notes)))
        == "SELECT books.id, books.title, books.year"
    )


def test_an_option_for_everything_yields_to_one_for_an_attribute(Book):
    assert columns_of(select(Book).options(defer("*"), undefer(Book.title))) == "SELECT books.id, books.title"


def test_undefer_everything(registry):
    class Lazy:
        pass

    registry.map_imperatively(
        Lazy, BOOKS, properties={"notes": deferred(BOOKS.c.notes), "year": deferred(BOOKS.c.year, group="g")}
    )

    assert columns_of(select(Lazy)) == "SELECT books.id, books.title"
    assert (
        columns_of(select(Lazy).options(Load(Lazy).undefer("*")))
        == "SELECT books.id, books.title, books.year, books.notes"
    )
    assert columns_of(select(Lazy).options(undefer_group("g"))) == "SELECT books.id, books.title, books.year"
    assert columns_of(select(Lazy).options(Load(Lazy).undefer_group("g").undefer(Lazy.notes))) == (
        "SELECT books.id, books.title, books.year, books.notes"
    )


def test_a_synonym_means_its_attribute(registry):
    class Named:
        pass

    registry.map_imperatively(Named, BOOKS, properties={"name": synonym("title")})

    assert columns_of(select(Named).options(load_only(Named.name))) == "SELECT books.id, books.title"


def test_an_option_for_an_alias_leaves_the_class_alone(Book):
    other = aliased(Book, name="other")

    text = columns_of(select(Book, other).options(load_only(other.title)))

    assert text == "SELECT books.id, books.title, books.year, books.notes, other.id AS id_1, other.title AS title_1"


def test_options_of_an_option_are_added_to_it(Book):
    option = Load(Book).options(load_only(Book.title), undefer(Book.year))

    assert columns_of(select(Book).options(option)) == "SELECT books.id, books.title, books.year"


def test_statements_with_equal_options_share_their_compiled_form(reader, Book):
    def hit(option):
        return reader.connection.execute(select(Book).options(option)).context.cache_hit.name

    assert [hit(defer(Book.notes)), hit(defer(Book.notes))] == ["CACHE_MISS", "CACHE_HIT"]
    assert hit(defer(Book.notes, raiseload=True)) == hit(defer(Book.year)) == "CACHE_MISS"


def test_options_that_contradict_each_other_are_refused(Book):
    statement = select(Book).options(defer(Book.title), undefer(Book.title))

    with pytest.raises(
        exc.InvalidRequestError,
        match=r"Loader strategy replacement undefer\(Book.title\) "
        r"is in conflict with existing strategy defer\(Book.title\)",
    ):
        str(statement)


def test_the_same_option_twice_is_no_conflict(Book):
    assert (
        columns_of(select(Book).options(defer(Book.notes), defer(Book.notes)))
        == "SELECT books.id, books.title, books.year"
    )


def test_an_option_for_an_entity_that_is_not_selected_is_refused(Book, registry):
    class Other:
        pass

    registry.map_imperatively(Other, BOOKS)

    with pytest.raises(
        exc.ArgumentError, match=r"Mapped class Other referenced in option defer\(Other.title\) does not apply"
    ):
        str(select(Book).options(defer(Other.title)))
    with pytest.raises(exc.ArgumentError, match="Aliased class .* does not apply"):
        str(select(Book).options(defer(aliased(Book).title)))


def test_an_option_for_a_statement_of_columns_only_is_refused(Book):
    with pytest.raises(
        exc.ArgumentError, match=r"only expression-based entities; attribute loader option defer\(Book.title\)"
    ):
        str(select(Book.id).options(defer(Book.title)))


@pytest.mark.parametrize("make", [lambda Book: defer("title"), lambda Book: Load(Book).undefer("title")])
def test_names_of_attributes_are_refused(Book, make):
    with pytest.raises(exc.ArgumentError, match="Strings are not accepted for attribute names in loader options"):
        make(Book)


@pytest.mark.parametrize("given", [5, BOOKS.c.title, object()])
def test_what_is_no_attribute_is_refused(Book, given):
    with pytest.raises(exc.ArgumentError, match="expected ORM mapped attribute for loader strategy argument"):
        defer(given)


def test_load_refuses_attributes_of_another_entity(Book):
    with pytest.raises(exc.ArgumentError, match="does not link from"):
        Load(Book).defer(aliased(Book).title)


def test_load_only_refuses_attributes_of_several_entities(Book):
    with pytest.raises(exc.ArgumentError, match="load_only\\(\\) loader option to multiple entities"):
        load_only(Book.title, aliased(Book).title)


def test_options_show_what_they_say(Book):
    assert repr(Load(Book).defer(Book.title).undefer_group("g")) == "<Load defer(Book.title), undefer_group(Book.g)>"
    assert repr(undefer_group("g")) == "<Load undefer_group('g')>"


def test_an_option_of_the_users_own_carries_its_payload_and_changes_nothing(Book):
    option = UserDefinedOption("payload")

    assert option.payload == "payload"
    assert columns_of(select(Book).options(option)) == columns_of(select(Book))
