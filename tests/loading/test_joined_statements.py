"""What is joined along, seen in the statements that are sent."""

from __future__ import annotations

from sqlalchemy import select

from ormsession import Session, contains_eager, joinedload


def test_below_what_the_statement_joins_a_collection_is_joined_from_its_subquery(reader, library):
    mapped = library()
    statement = select(mapped.Author).outerjoin(mapped.Author.works).order_by(mapped.Author.id, mapped.Work.id).limit(3)
    option = contains_eager(mapped.Author.works).joinedload(mapped.Work.tags, innerjoin=True)

    authors = reader.execute(statement.options(option)).scalars().unique().all()

    assert [[(work.title, len(work.tags)) for work in author.works] for author in authors] == [
        [("Emma", 2), ("Persuasion", 1)],
        [("Orlando", 0)],
    ]


def test_a_name_in_order_by_means_a_column_of_the_statement(reader, library):
    mapped = library()
    statement = select(mapped.Author).order_by("id").options(joinedload(mapped.Author.works))

    ((sent, _),) = reader.sent_since(lambda: reader.execute(statement).unique().all())

    assert sent.endswith("ORDER BY authors.id, works_1.id")


def test_the_statement_is_compiled_once(reader, library):
    Author = library().Author

    def run():
        statement = select(Author).where(Author.id == 1).options(joinedload(Author.works))
        return reader.connection.execute(statement).context.cache_hit.name

    assert [run(), run()] == ["CACHE_MISS", "CACHE_HIT"]


def test_a_refresh_of_one_relationship_leaves_other_expired_attributes(reader, library):
    session = Session(reader.connection)
    author = session.get(library(works="joined").Author, 1)
    session.expire(author, ["name"])

    assert len(reader.sent_since(lambda: session.refresh(author, ["works"]))) == 1

    assert "name" not in author.__dict__
    assert "works" in author.__dict__
    session.close()


def test_an_expired_object_comes_back_with_what_is_joined_along_in_one_statement(reader, library):
    session = Session(reader.connection)
    author = session.get(library(works="joined").Author, 1)
    session.expire(author)

    assert len(reader.sent_since(lambda: author.name)) == 1

    assert [work.title for work in author.__dict__["works"]] == ["Emma", "Persuasion"]
    session.close()
