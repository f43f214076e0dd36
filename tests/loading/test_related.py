"""Related objects: loaded when their attribute is used, along with their object, or refused."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, and_, select
from sqlalchemy.exc import SAWarning

from ormsession import exc, relationship
from ormsession.tracking.instrumentation import instance_state
from ormsession.tracking.symbols import (
    LOAD_AGAINST_COMMITTED,
    NO_RAISE,
    PASSIVE_NO_FETCH,
    PASSIVE_NO_FETCH_RELATED,
    PASSIVE_NO_RESULT,
    PASSIVE_OFF,
)

from .conftest import AUTHORS, WORKS

WORKS_OF = "SELECT works.id, works.author_id, works.title FROM works WHERE ? = works.author_id ORDER BY works.id"
AUTHOR_BY_KEY = "SELECT authors.id, authors.name FROM authors WHERE authors.id = ?"


def test_a_collection_is_loaded_at_its_first_use_by_one_select(reader, library):
    mapped = library()
    author = reader.get(mapped.Author, 1)

    assert reader.sent_since(lambda: author.works) == [(WORKS_OF, (1,))]
    assert [work.title for work in author.works] == ["Emma", "Persuasion"]
    assert not instance_state(author).modified


def test_the_statement_of_a_relationship_is_built_once_and_found_in_the_cache(reader, library):
    mapped = library()
    first, second = reader.get(mapped.Author, 1), reader.get(mapped.Author, 2)
    statements = []
    run = reader.run
    reader.run = lambda statement, *a, **o: (statements.append(statement), run(statement, *a, **o))[1]

    assert (len(first.works), len(second.works)) == (2, 1)

    assert statements[0] is statements[1]


def test_an_empty_collection_is_empty(reader, library):
    author = reader.get(library().Author, 3)

    assert author.works == []


def test_a_related_object_that_the_session_knows_costs_no_sql(reader, library):
    mapped = library()
    author = reader.get(mapped.Author, 1)
    work = reader.get(mapped.Work, 1)

    assert reader.sent_since(lambda: work.author) == []
    assert work.author is author


def test_a_related_object_that_it_does_not_know_is_loaded_by_its_key(reader, library):
    work = reader.get(library().Work, 3)

    assert reader.sent_since(lambda: work.author) == [(AUTHOR_BY_KEY, (2,))]
    assert work.author.name == "Woolf"


def test_a_null_foreign_key_gives_none_without_sql(reader, library):
    work = reader.get(library().Work, 4)

    assert reader.sent_since(lambda: work.author) == []
    assert work.author is None


def test_many_to_many_goes_through_the_secondary_table(reader, library):
    work = reader.get(library().Work, 1)

    ((statement, parameters),) = reader.sent_since(lambda: work.tags)
    assert [tag.word for tag in work.tags] == ["novel", "comedy"]
    assert statement == (
        "SELECT tags.id, tags.word FROM tags, work_tags "
        "WHERE ? = work_tags.work_id AND tags.id = work_tags.tag_id ORDER BY tags.id"
    )
    assert parameters == (1,)


def test_two_relationships_with_equal_statements_do_not_mix_up_their_values(reader, registry):
    table = Table(
        "pairs", MetaData(), Column("id", Integer, primary_key=True), Column("a", Integer), Column("b", Integer)
    )
    table.create(reader.connection)
    reader.connection.execute(
        table.insert(), [{"id": key, "a": a, "b": b} for key, a, b in [(1, 2, 3), (2, 9, 9), (3, 8, 8)]]
    )

    class Pair:
        pass

    def to_other(column):
        return relationship(
            Pair,
            primaryjoin=column == table.c.id,
            foreign_keys=column,
            remote_side=table.c.id,
            viewonly=True,
            uselist=True,
        )

    registry.map_imperatively(Pair, table, properties={"by_a": to_other(table.c.a), "by_b": to_other(table.c.b)})

    pair = reader.get(Pair, 1)
    assert [other.id for other in pair.by_a] == [2]
    assert [other.id for other in pair.by_b] == [3]


def test_a_condition_that_says_more_than_the_key_is_asked_of_the_database(reader, library, registry):
    mapped = library()

    class Note:
        pass

    registry.map_imperatively(
        Note,
        WORKS,
        properties={
            "austen": relationship(
                mapped.Author,
                primaryjoin=and_(WORKS.c.author_id == AUTHORS.c.id, AUTHORS.c.name == "Austen"),
                viewonly=True,
            )
        },
    )
    assert reader.get(Note, 1).austen.name == "Austen"
    assert reader.get(mapped.Author, 2).name == "Woolf"
    assert reader.get(Note, 3).austen is None


def test_several_rows_for_one_object_warn(reader, library):
    author = reader.get(library(uselist=False).Author, 1)

    with pytest.warns(SAWarning, match="Multiple rows returned with uselist=False"):
        assert author.works.title == "Emma"


def test_a_pending_object_has_nothing_to_load(reader, library):
    author = library().Author()
    instance_state(author).session_id = reader.hash_key

    assert reader.sent_since(lambda: author.works) == []
    assert author.works == []


def test_load_on_pending_loads_for_an_object_that_has_no_row_yet(reader, library, registry):
    mapped = library()

    class Draft:
        pass

    registry.map_imperatively(
        Draft, WORKS, properties={"author": relationship(mapped.Author, load_on_pending=True, viewonly=True)}
    )
    draft = Draft()
    draft.author_id = 2
    instance_state(draft).session_id = reader.hash_key

    assert draft.author.name == "Woolf"


def test_without_a_session_object_and_attribute_are_named(reader, library):
    author = reader.get(library().Author, 1)
    instance_state(author).session_id = None

    with pytest.raises(
        exc.DetachedInstanceError,
        match="Parent instance <Author at .*> is not bound to a Session; "
        "lazy load operation of attribute 'works' cannot proceed",
    ):
        author.works


def test_an_expired_related_object_whose_row_is_gone_is_none(reader, library):
    mapped = library()
    author = reader.get(mapped.Author, 2)
    work = reader.get(mapped.Work, 3)
    reader.expire(author)
    reader.connection.execute(WORKS.delete().where(WORKS.c.author_id == 2))
    reader.connection.execute(AUTHORS.delete().where(AUTHORS.c.id == 2))

    assert work.author is None
    assert reader.gone == [instance_state(author)]


def test_a_passive_access_does_not_load(reader, library):
    mapped = library()
    author, work = reader.get(mapped.Author, 1), reader.get(mapped.Work, 3)

    def ask():
        assert (
            mapped.Author.works.impl.get(instance_state(author), author.__dict__, PASSIVE_NO_FETCH) is PASSIVE_NO_RESULT
        )
        assert mapped.Work.author.impl.get(instance_state(work), work.__dict__, PASSIVE_NO_FETCH) is PASSIVE_NO_RESULT
        related = mapped.Work.author.impl.get(instance_state(work), work.__dict__, PASSIVE_NO_FETCH_RELATED)
        assert related is PASSIVE_NO_RESULT

    assert reader.sent_since(ask) == []


def test_a_passive_access_finds_what_the_session_knows(reader, library):
    mapped = library()
    author, work = reader.get(mapped.Author, 1), reader.get(mapped.Work, 1)

    found = mapped.Work.author.impl.get(instance_state(work), work.__dict__, PASSIVE_NO_FETCH)
    assert found is author


def test_raise_refuses_and_names_the_attribute(reader, library):
    author = reader.get(library(works="raise").Author, 1)

    with pytest.raises(exc.InvalidRequestError, match=r"'Author.works' is not available due to lazy='raise'"):
        author.works


def test_what_the_session_itself_needs_is_not_refused(reader, library):
    author = reader.get(library(works="raise").Author, 1)
    state = instance_state(author)

    works = state.manager["works"].impl.get(state, author.__dict__, PASSIVE_OFF | NO_RAISE)

    assert [work.title for work in works] == ["Emma", "Persuasion"]


def test_raise_on_sql_refuses_only_what_the_session_does_not_know(reader, library):
    mapped = library(author="raise_on_sql")
    known, unknown = reader.get(mapped.Work, 1), reader.get(mapped.Work, 3)
    author = reader.get(mapped.Author, 1)

    assert known.author is author
    with pytest.raises(exc.InvalidRequestError, match=r"'Work.author' is not available due to lazy='raise_on_sql'"):
        unknown.author


def test_noload_leaves_the_attribute_empty(reader, library):
    mapped = library(works="noload", author="noload")

    assert reader.get(mapped.Author, 1).works == []
    assert reader.get(mapped.Work, 1).author is None


@pytest.mark.parametrize("lazy", ["immediate", "selectin", "joined", "subquery"])
def test_eager_relationships_are_there_when_their_object_is(reader, library, lazy):
    mapped = library(works=lazy, tags=lazy)

    authors = reader.execute(select(mapped.Author).order_by(mapped.Author.id)).scalars().unique().all()

    assert [[work.title for work in author.__dict__["works"]] for author in authors] == [
        ["Emma", "Persuasion"],
        ["Orlando"],
        [],
    ]
    assert "tags" in authors[0].works[0].__dict__


def test_expiring_an_object_unloads_its_collections(reader, library):
    mapped = library()
    author = reader.get(mapped.Author, 1)
    assert len(author.works) == 2
    reader.connection.execute(WORKS.insert(), [{"id": 9, "author_id": 1, "title": "Sanditon"}])
    reader.expire(author)

    assert "works" not in author.__dict__
    assert [work.title for work in author.works] == ["Emma", "Persuasion", "Sanditon"]


def test_an_expired_object_gets_its_eager_relationships_back_with_its_columns(reader, library):
    author = reader.get(library(works="immediate").Author, 1)
    reader.expire(author)

    assert author.name == "Austen"
    assert [work.title for work in author.__dict__["works"]] == ["Emma", "Persuasion"]


def test_refresh_loads_the_relationships_that_are_named(reader, library):
    author = reader.get(library().Author, 1)
    author.name = "mine"

    reader.refresh(author, ["works"])

    assert len(author.__dict__["works"]) == 2
    assert author.name == "mine"


def test_refresh_loads_what_refuses_to_be_loaded_implicitly_when_it_is_named(reader, library):
    author = reader.get(library(works="raise").Author, 1)

    reader.refresh(author, ["works"])

    assert len(author.works) == 2


def test_populate_existing_unloads_relationships(reader, library):
    mapped = library()
    author = reader.get(mapped.Author, 1)
    assert len(author.works) == 2

    reader.get(mapped.Author, 1, populate_existing=True)

    assert "works" not in author.__dict__


def test_a_column_that_the_condition_needs_and_the_class_does_not_map_is_named(reader, library, registry):
    mapped = library()

    class Blind:
        pass

    registry.map_imperatively(
        Blind,
        WORKS,
        exclude_properties=["author_id"],
        properties={"author": relationship(mapped.Author, viewonly=True)},
    )
    blind = reader.get(Blind, 1)

    with pytest.raises(exc.UnmappedColumnError, match=r"column 'works.author_id' is part of its join condition"):
        blind.author


def test_what_is_loaded_already_is_not_loaded_along_again(reader, library):
    mapped = library(works="immediate")
    author = reader.get(mapped.Author, 1)
    works = author.works

    ((_, _),) = reader.sent_since(lambda: reader.all(select(mapped.Author).where(mapped.Author.id == 1)))
    assert author.works is works


def test_an_eager_relationship_of_an_expired_object_is_loaded_once(reader, library):
    author = reader.get(library(works="immediate").Author, 1)
    reader.expire(author)

    assert len(reader.sent_since(lambda: author.works)) == 2
    assert len(author.works) == 2


def test_a_passive_access_does_not_refresh_an_expired_related_object(reader, library):
    mapped = library()
    author, work = reader.get(mapped.Author, 1), reader.get(mapped.Work, 1)
    reader.expire(author)
    impl = mapped.Work.author.impl

    assert impl.get(instance_state(work), work.__dict__, PASSIVE_NO_FETCH) is PASSIVE_NO_RESULT
    assert impl.get(instance_state(work), work.__dict__, PASSIVE_NO_FETCH_RELATED) is author
    assert "name" not in author.__dict__


def test_a_passive_access_without_a_session_gives_no_result(reader, library):
    mapped = library()
    author = reader.get(mapped.Author, 1)
    instance_state(author).session_id = None

    found = mapped.Author.works.impl.get(instance_state(author), author.__dict__, PASSIVE_OFF | NO_RAISE)
    assert found is PASSIVE_NO_RESULT


def test_history_loads_by_the_committed_foreign_key(reader, library):
    mapped = library()
    work = reader.get(mapped.Work, 1)
    work.author_id = 2

    found = mapped.Work.author.impl.get(instance_state(work), work.__dict__, PASSIVE_OFF | LOAD_AGAINST_COMMITTED)

    assert found.name == "Austen"
