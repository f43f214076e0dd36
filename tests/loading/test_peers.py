"""Implicit loads: for all objects of one result, with a warning, refused, and reported."""

from __future__ import annotations

import gc

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.exc import SAWarning

from ormsession import Session, exc, selectinload

from .conftest import AUTHORS, WORKS

AUTHORS_AMONG = "SELECT authors.id, authors.name FROM authors WHERE authors.id IN (?, ?)"
WORKS_AMONG = (
    "SELECT works.author_id, works.id, works.title FROM works WHERE works.author_id IN (?, ?, ?) ORDER BY works.id"
)


@pytest.fixture
def sent(reader):
    """The statements sent over the connection, as a list that grows."""
    statements = []

    def record(conn, cursor, statement, *rest):
        statements.append(" ".join(statement.split()))

    event.listen(reader.connection, "before_cursor_execute", record)
    return statements


@pytest.fixture
def session_for(reader):
    made = []

    def make(**options):
        made.append(Session(reader.connection, **options))
        return made[-1]

    yield make
    for session in made:
        session.close()


def all_of(session, entity, **options):
    return session.scalars(select(entity).order_by(entity.id), execution_options=options).all()


def test_a_collection_mapped_for_peers_is_loaded_for_all_objects_of_the_result(session_for, library, sent):
    session = session_for()
    authors = all_of(session, library(works="peers").Author)
    sent.clear()

    assert [[work.title for work in author.works] for author in authors] == [["Emma", "Persuasion"], ["Orlando"], []]

    assert sent == [WORKS_AMONG]


@pytest.mark.parametrize("how", ["session", "statement"])
def test_peers_can_be_asked_for_by_session_and_by_statement(session_for, library, sent, how):
    mapped = library()
    session = session_for(fetch="peers") if how == "session" else session_for()
    options = {} if how == "session" else {"fetch": "peers"}
    authors = all_of(session, mapped.Author, **options)
    sent.clear()

    assert sum(len(author.works) for author in authors) == 3

    assert sent == [WORKS_AMONG]


def test_the_statement_wins_over_the_session(session_for, library, sent):
    authors = all_of(session_for(fetch="peers"), library().Author, fetch="one")
    sent.clear()

    assert sum(len(author.works) for author in authors) == 3

    assert len(sent) == 3


def test_peers_share_many_to_one_and_many_to_many(session_for, library, sent):
    works = all_of(session_for(fetch="peers"), library().Work)
    sent.clear()

    assert [work.author and work.author.name for work in works] == ["Austen", "Austen", "Woolf", None]
    assert sent == [AUTHORS_AMONG]
    sent.clear()
    assert [[tag.word for tag in work.tags] for work in works] == [["novel", "comedy"], ["novel"], [], []]
    assert len(sent) == 1


def test_what_peers_load_has_peers_itself(session_for, library, sent):
    authors = all_of(session_for(), library().Author, fetch="peers")
    sent.clear()

    assert sum(len(work.tags) for author in authors for work in author.works) == 3

    assert len(sent) == 2


def test_objects_expired_by_a_commit_come_back_together(session_for, library, sent):
    session = session_for(fetch="peers")
    authors = all_of(session, library().Author)
    session.commit()
    sent.clear()

    assert [author.name for author in authors] == ["Austen", "Woolf", "nobody"]

    assert sent == ["SELECT authors.id, authors.id AS id__1, authors.name FROM authors WHERE authors.id IN (?, ?, ?)"]


def test_an_expired_object_whose_row_is_gone_is_found_out_among_peers(session_for, library):
    session = session_for(fetch="peers")
    authors = all_of(session, library().Author)
    session.commit()
    session.execute(delete(AUTHORS).where(AUTHORS.c.id == 3))

    with pytest.raises(exc.ObjectDeletedError):
        authors[2].name

    assert authors[0].__dict__["name"] == "Austen"


def test_changes_of_peers_are_kept(session_for, library):
    session = session_for(fetch="peers", autoflush=False)
    mapped = library()
    authors = all_of(session, mapped.Author)
    new = mapped.Work()
    authors[1].works = [new]

    assert len(authors[0].works) == 2

    assert authors[1].works == [new]


def test_a_deferred_column_is_loaded_for_all_peers(reader, Book, sent):
    from ormsession import defer

    session = Session(reader.connection, fetch="peers")
    books = session.scalars(select(Book).order_by(Book.id).options(defer(Book.notes))).all()
    sent.clear()

    assert [book.notes for book in books] == ["E", "M", "U"]

    assert sent == ["SELECT books.id, books.notes FROM books WHERE books.id IN (?, ?, ?)"]
    session.close()


def test_an_object_that_was_let_go_is_loaded_no_more(session_for, library, sent):
    authors = all_of(session_for(fetch="peers"), library().Author)
    del authors[1:]
    gc.collect()
    sent.clear()

    authors[0].works

    assert "IN (" not in sent[0]


def test_objects_of_another_session_are_no_peers(session_for, library, sent):
    session, other = session_for(fetch="peers"), session_for()
    authors = all_of(session, library().Author)
    for author in authors[1:]:
        session.expunge(author)
        other.add(author)
    sent.clear()

    authors[0].works

    assert "works" not in authors[1].__dict__
    assert len(sent) == 1


def test_a_refused_load_names_attribute_and_option(session_for, library):
    author = all_of(session_for(fetch="raise"), library().Author)[0]

    with pytest.raises(exc.InvalidRequestError, match=r"Author\.works.*selectinload\(Author\.works\)"):
        author.works


def test_a_refusal_leaves_room_for_what_is_asked_for(session_for, library, sent):
    mapped = library()
    session = session_for(fetch="raise")

    (author, *_) = session.scalars(select(mapped.Author).options(selectinload(mapped.Author.works))).all()

    assert len(author.works) == 2
    assert author.works[0].author is author  # in the session already: no load
    session.refresh(author)


def test_a_warning_names_the_line_of_the_program(session_for, library):
    author = all_of(session_for(fetch="warn"), library().Author)[0]

    with pytest.warns(SAWarning, match=r"selectinload\(Author\.works\)") as caught:
        assert len(author.works) == 2

    assert caught[0].filename == __file__


def test_an_unknown_word_is_refused(session_for, library):
    with pytest.raises(exc.ArgumentError, match="'one', 'peers', 'warn', 'raise'"):
        session_for(fetch="all")
    with pytest.raises(exc.ArgumentError, match="fetch must be"):
        all_of(session_for(), library().Author, fetch="all")


def test_a_report_lists_each_implicit_load(session_for, library):
    mapped = library()
    session = session_for()
    authors = all_of(session, mapped.Author, fetch="peers")

    with session.load_report() as report:
        for author in authors:
            author.works
        session.get(mapped.Work, 4).author
        session.get(mapped.Work, 4).tags
    authors[0].works[0].tags

    assert [(load.attribute, load.peers, load.statements, load.remedy) for load in report] == [
        ("Author.works", 3, 1, "selectinload(Author.works)"),
        ("Work.tags", 1, 1, "selectinload(Work.tags)"),
    ]
    assert report.loads[0].where.startswith(f"{__file__}:")
    assert (len(report), report.statements) == (2, 2)
    assert "Author.works  3 peers  1 statements" in str(report)


def test_a_report_of_nothing_says_so(session_for):
    with session_for().load_report() as report:
        pass

    assert str(report) == "no implicit loads"


def test_expired_objects_are_in_the_report_with_their_class(session_for, library):
    session = session_for()
    author = all_of(session, library().Author)[0]
    session.commit()

    with session.load_report() as report:
        assert author.name == "Austen"

    assert [(load.attribute, load.peers) for load in report] == [("Author", 1)]


def test_many_keys_are_asked_for_500_at_a_time(session_for, library, sent, reader):
    reader.connection.execute(AUTHORS.insert(), [{"id": n, "name": f"a{n}"} for n in range(10, 1210)])
    reader.connection.execute(WORKS.insert(), [{"id": n, "author_id": n, "title": "x"} for n in range(10, 1210)])
    authors = all_of(session_for(), library(works="peers").Author)
    sent.clear()

    assert sum(len(author.works) for author in authors) == 1203

    assert len(sent) == 3
