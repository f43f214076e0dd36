"""Several columns of a row under one name."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ArgumentError

from ormsession import Bundle, DictBundle, Session, inspect

from .conftest import sql


@pytest.fixture
def session(engine, metadata, User, Address):
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([User(id=1, name="ed", age=20), Address(id=5, user_id=1, email="ed@x")])
        session.commit()
        yield session


def test_it_is_selected_as_its_columns(User):
    assert sql(select(Bundle("b", User.id, User.age))) == "SELECT users.id, users.age_int FROM users"


def test_it_is_one_element_of_the_row(session, User, Address):
    [(number, person)] = session.execute(
        select(Address.id, Bundle("person", User.id, User.name)).join_from(User, Address)
    )
    assert number == 5
    assert person == (1, "ed")
    assert person.name == "ed"


def test_the_element_has_the_name_of_the_bundle(session, User):
    bundle = Bundle("person", User.id, User.age)
    row = session.execute(select(bundle)).one()
    assert row.person.age == 20
    assert row._mapping[bundle] == (1, 20)


def test_bundles_nest(session, User):
    bundle = Bundle("outer", User.id, Bundle("inner", User.name, User.age))
    row = session.execute(select(bundle)).one()
    assert row.outer.inner.age == 20
    assert sql(select(bundle.c.inner.c.age)) == "SELECT users.age_int FROM users"


def test_a_bundle_may_hold_an_object(session, User):
    row = session.execute(select(Bundle("b", User.id, User))).one()
    assert row.b[1] is session.get(User, 1)


def test_a_bundle_of_plain_columns_is_an_element_too(session, users):
    assert session.execute(select(Bundle("b", users.c.id, users.c.name))).one() == ((1, "ed"),)


def test_what_it_makes_of_the_values_can_be_said(session, User):
    class Sentence(Bundle):
        def create_row_processor(self, query, procs, labels):
            return lambda row: " ".join(f"{label}={proc(row)}" for label, proc in zip(labels, procs, strict=True))

    assert session.scalars(select(Sentence("s", User.id, User.age))).one() == "id=1 age=20"


def test_a_dictionary(session, User):
    bundle = DictBundle("d", User.id, User.name.label("who"), DictBundle("e", User.age))
    assert session.scalars(select(bundle)).one() == {"id": 1, "who": "ed", "e": {"age": 20}}


def test_a_dictionary_needs_different_names(User, Address):
    with pytest.raises(ArgumentError, match="duplicate column names"):
        DictBundle("d", User.id, Address.id)


def test_it_orders_by_all_its_columns(User):
    assert sql(select(User.id).order_by(Bundle("b", User.name, User.age))) == (
        "SELECT users.id FROM users ORDER BY users.name, users.age_int"
    )


def test_its_columns_are_named_plainly_however_the_statement_labels(session, User):
    row = session.query(Bundle("b", User.id, User.name), User.id).one()
    assert row._mapping.keys() == ["b", "id"]
    assert row.b._mapping.keys() == ["id", "name"]


def test_a_query_on_one_bundle_gives_its_values_when_told_so(session, User):
    assert session.query(Bundle("b", User.id, User.name, single_entity=True)).all() == [(1, "ed")]
    assert session.query(Bundle("b", User.id, User.name)).all() == [((1, "ed"),)]
    assert session.query(Bundle("b", User.id)).count() == 1


def test_a_union_of_bundles_keeps_their_shape(session, User):
    query = session.query(Bundle("b", User.id, User.name))
    assert query.union(query).all() == [((1, "ed"),)]


def test_a_text_may_fill_it(session, User):
    statement = select(Bundle("b", User.age, User.id)).from_statement(text("SELECT id, age_int FROM users"))
    assert session.execute(statement).one() == ((20, 1),)


def test_it_can_be_renamed_and_described(User):
    bundle = Bundle("b", User.id).label("c")
    [described] = select(bundle).column_descriptions
    assert (described["name"], described["expr"], described["entity"]) == ("c", bundle, User)
    assert [clause.key for clause in bundle.clauses] == ["id"]


def test_two_of_one_shape_share_a_cache_key(User):
    def statement(name="b"):
        return select(Bundle(name, User.id, func.lower(User.name)))

    assert statement()._generate_cache_key() == statement()._generate_cache_key()
    assert statement()._generate_cache_key() != statement("c")._generate_cache_key()


def test_it_filters_by_attributes_of_its_entity(session, User):
    assert session.query(Bundle("b", User.id)).filter_by(age=20).count() == 1
    assert inspect(User).class_ is User
