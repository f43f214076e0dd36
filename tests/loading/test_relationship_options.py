"""Options that say how a statement loads relationships, and what lies behind them."""

from __future__ import annotations

import pickle

import pytest
from sqlalchemy import select

from ormsession import (
    Load,
    Query,
    aliased,
    defaultload,
    defer,
    exc,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    noload,
    raiseload,
    relationship,
    selectinload,
    subqueryload,
)
from ormsession.tracking.instrumentation import instance_state

from .conftest import AUTHORS, WORKS


@pytest.fixture
def first(reader):
    """The first object of a statement."""

    def run(statement):
        return reader.execute(statement).scalars().unique().all()[0]

    return run


@pytest.mark.parametrize("option", [immediateload, selectinload, joinedload, subqueryload])
def test_an_option_loads_a_relationship_along_with_its_object(first, library, option):
    Author = library().Author

    author = first(select(Author).options(option(Author.works)).where(Author.id == 1))

    assert [work.title for work in author.__dict__["works"]] == ["Emma", "Persuasion"]


def test_an_option_makes_an_eager_relationship_lazy(first, library):
    Author = library(works="immediate").Author

    author = first(select(Author).options(lazyload(Author.works)))

    assert "works" not in author.__dict__


def test_an_option_makes_a_refusing_relationship_load(first, library):
    Author = library(works="raise").Author

    assert len(first(select(Author).options(lazyload(Author.works)).where(Author.id == 1)).works) == 2
    assert len(first(select(Author).options(immediateload(Author.works)).where(Author.id == 2)).works) == 1


def test_raiseload_refuses_for_the_objects_of_one_statement(reader, first, library):
    Author = library().Author

    author = first(select(Author).options(raiseload(Author.works)))

    with pytest.raises(exc.InvalidRequestError, match=r"'Author.works' is not available due to lazy='raise'"):
        author.works
    reader.forget_all()
    assert first(select(Author).where(Author.id == 1)).works


def test_raiseload_of_everything(first, library):
    Work = library().Work

    work = first(select(Work).options(raiseload("*")))

    for name in ("author", "tags"):
        with pytest.raises(exc.InvalidRequestError, match=f"'Work.{name}' is not available"):
            getattr(work, name)


def test_raiseload_of_what_needs_sql(reader, first, library):
    mapped = library()
    author = reader.get(mapped.Author, 1)

    work = first(select(mapped.Work).options(raiseload(mapped.Work.author, sql_only=True)).order_by(mapped.Work.id))

    assert work.author is author


def test_noload_empties_for_the_objects_of_one_statement(first, library):
    Author = library().Author

    assert first(select(Author).options(noload(Author.works))).works == []


def test_options_reach_what_is_loaded_through_a_relationship_later(reader, first, library):
    mapped = library()
    statement = select(mapped.Author).options(defaultload(mapped.Author.works).load_only(mapped.Work.title))

    author = first(statement.where(mapped.Author.id == 1))

    ((sent, _),) = reader.sent_since(lambda: author.works)
    assert sent.startswith("SELECT works.id, works.title FROM works")


def test_options_reach_several_levels_down(first, library):
    mapped = library()
    Author, Work, Tag = mapped.Author, mapped.Work, mapped.Tag
    option = immediateload(Author.works).immediateload(Work.tags).defer(Tag.word)

    author = first(select(Author).options(option).where(Author.id == 1))

    tag = author.__dict__["works"][0].__dict__["tags"][0]
    assert "word" not in tag.__dict__


def test_several_relationships_in_one_option_are_a_path_to_the_last(first, library):
    mapped = library()

    author = first(select(mapped.Author).options(immediateload(mapped.Author.works, mapped.Work.tags)))

    assert "works" not in author.__dict__
    assert "tags" in author.works[0].__dict__


def test_options_inside_options(first, library):
    mapped = library()
    Author, Work = mapped.Author, mapped.Work
    option = immediateload(Author.works).options(load_only(Work.title), immediateload(Work.tags))

    work = first(select(Author).options(option).where(Author.id == 1)).__dict__["works"][0]

    assert "author_id" not in work.__dict__
    assert "tags" in work.__dict__


def test_a_wildcard_behind_a_relationship_is_about_what_it_leads_to(reader, first, library):
    mapped = library()
    author = first(select(mapped.Author).options(lazyload(mapped.Author.works).defer("*")))

    ((sent, _),) = reader.sent_since(lambda: author.works)

    assert sent.startswith("SELECT works.id FROM works")
    assert "name" in author.__dict__


def test_objects_keep_the_options_for_a_refresh(reader, first, library):
    mapped = library()
    option = immediateload(mapped.Author.works)
    author = first(select(mapped.Author).options(option))
    assert option in instance_state(author).load_options

    reader.refresh(author)

    assert "works" in author.__dict__


def test_options_for_columns_alone_are_not_kept_with_each_object(first, library):
    Author = library().Author

    author = first(select(Author).options(defer(Author.name)))

    assert instance_state(author).load_options == ()


def test_options_about_one_relationship_that_differ_are_refused(first, library):
    Author = library().Author

    with pytest.raises(
        exc.InvalidRequestError,
        match=r"Loader strategy replacement lazyload\(Author.works\) is in conflict with existing strategy "
        r"immediateload\(Author.works\)",
    ):
        str(select(Author).options(immediateload(Author.works), lazyload(Author.works)))


def test_a_relationship_option_for_a_column_is_refused(library):
    Author = library().Author

    with pytest.raises(exc.LoaderStrategyException, match='intended to be used with a "relationship property"'):
        joinedload(Author.name)


def test_a_column_option_for_a_relationship_is_refused(library):
    Author = library().Author

    with pytest.raises(exc.LoaderStrategyException, match='intended to be used with a "column property"'):
        load_only(Author.works)


def test_a_chain_cannot_jump_to_an_entity_that_it_has_not_reached(library):
    mapped = library()

    with pytest.raises(exc.ArgumentError, match='"Author.works" does not link from relationship "works"'):
        immediateload(mapped.Author.works).immediateload(mapped.Author.works)
    with pytest.raises(exc.ArgumentError, match="does not link from"):
        Load(mapped.Tag).immediateload(mapped.Author.works)


class PickledAuthor:
    """Found by its name when an option is unpickled."""


class PickledWork:
    """The same."""


def test_options_survive_pickling(registry):
    registry.map_imperatively(PickledWork, WORKS)
    registry.map_imperatively(PickledAuthor, AUTHORS, properties={"works": relationship(PickledWork)})
    option = Load(PickledAuthor).defer(PickledAuthor.name).immediateload(PickledAuthor.works).undefer_group("g")

    restored = pickle.loads(pickle.dumps(option))

    assert restored.steps == option.steps
    assert (restored.root, restored.path, restored.entity) == (option.root, option.path, option.entity)
    assert restored.propagate_to_loaders


def test_what_options_say_of_an_alias_is_not_pickled(registry):
    registry.map_imperatively(PickledWork, WORKS)
    other = aliased(PickledWork)

    assert pickle.loads(pickle.dumps(defer(other.title))).steps == ()


@pytest.mark.parametrize("word", ["selectin", "joined", "immediate", "subquery"])
def test_a_query_can_do_without_eager_loads(first, library, word):
    Author = library(works=word).Author
    query = Query(Author).order_by(Author.id)

    assert "works" not in first(query.enable_eagerloads(False).statement).__dict__
    assert "works" in first(query.populate_existing().statement).__dict__
