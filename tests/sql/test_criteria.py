"""Criteria for every occurrence of an entity."""

from __future__ import annotations

import types

import pytest
from sqlalchemy import delete, event, exists, func, or_, select, text, union, update
from sqlalchemy.exc import ArgumentError

from ormsession import (
    Query,
    Session,
    aliased,
    inspect,
    join,
    joinedload,
    lazyload,
    selectinload,
    subqueryload,
    with_loader_criteria,
)

from .conftest import sql


def rest(statement):
    """The FROM clause and what follows."""
    return sql(statement).partition(" FROM ")[2]


@pytest.fixture
def not_x(model):
    return with_loader_criteria(model.Address, model.Address.email != "x")


class TestWhereTheyGo:
    @pytest.mark.parametrize(
        "statement",
        [
            lambda m: select(m.Address),
            lambda m: select(m.Address.id),
            lambda m: select(func.count(m.Address.id)),
            lambda m: select(func.count()).select_from(m.Address),
            lambda m: select(m.Address).with_only_columns(func.count(), maintain_column_froms=True),
        ],
    )
    def test_what_is_selected_is_restricted_in_where(self, model, not_x, statement):
        assert rest(statement(model).options(not_x)) == "addresses WHERE addresses.email != :email_1"

    def test_an_entity_that_only_criteria_name(self, model, not_x):
        assert rest(select(text("1")).where(model.Address.id == 3).options(not_x)) == (
            "addresses WHERE addresses.id = :id_1 AND addresses.email != :email_1"
        )

    @pytest.mark.parametrize(
        "statement",
        [
            lambda m: select(m.User).join(m.User.addresses),
            lambda m: select(m.User).join(m.Address),
            lambda m: select(m.User).select_from(join(m.User, m.Address, m.User.addresses)),
        ],
    )
    def test_what_is_joined_is_restricted_in_the_condition(self, model, not_x, statement):
        assert rest(statement(model).options(not_x)) == (
            "users JOIN addresses ON users.id = addresses.user_id AND addresses.email != :email_1"
        )

    def test_an_outer_join_stays_one(self, model):
        option = with_loader_criteria(model.Item, model.Item.name != "x")
        assert rest(select(model.User).outerjoin(model.User.items).options(option)) == (
            "users LEFT OUTER JOIN (owned AS owned_1 JOIN items ON items.id = owned_1.item_id "
            "AND items.name != :name_1) ON users.id = owned_1.user_id"
        )

    def test_the_left_side_of_a_join_is_restricted_in_where(self, model):
        option = with_loader_criteria(model.User, model.User.name != "x")
        assert rest(select(model.Address).select_from(model.User).join(model.User.addresses).options(option)) == (
            "users JOIN addresses ON users.id = addresses.user_id WHERE users.name != :name_1"
        )

    def test_inside_exists(self, model, not_x):
        expected = (
            "users WHERE EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id "
            "AND addresses.email != :email_1)"
        )
        assert rest(select(model.User).where(model.User.addresses.any()).options(not_x)) == expected
        nested = exists(1).where(model.User.id == model.Address.user_id)
        assert rest(select(model.User).where(nested).options(not_x)) == expected

    def test_inside_subqueries_and_unions(self, model, not_x):
        subquery = select(model.Address.id).subquery("s")
        assert rest(select(subquery).options(not_x)) == (
            "(SELECT addresses.id AS id FROM addresses WHERE addresses.email != :email_1) AS s"
        )
        both = union(select(model.Address.id), select(model.Address.id)).options(not_x)
        assert sql(both).count("WHERE addresses.email != ") == 2
        assert sql(select(model.Address).from_statement(both)).count("WHERE addresses.email != ") == 2

    def test_what_belongs_to_the_enclosing_statement_is_restricted_there_only(self, model):
        option = with_loader_criteria(model.User, model.User.name != "x")
        nested = select(model.Address.id).where(model.Address.user_id == model.User.id).exists()
        assert rest(select(model.User).where(nested).options(option)) == (
            "users WHERE (EXISTS (SELECT addresses.id FROM addresses WHERE addresses.user_id = users.id)) "
            "AND users.name != :name_1"
        )

    def test_update_and_delete(self, model, not_x):
        assert sql(delete(model.Address).options(not_x)) == "DELETE FROM addresses WHERE addresses.email != :email_1"
        assert sql(update(model.Address).where(model.Address.id == 1).values(email="y").options(not_x)).endswith(
            "WHERE addresses.id = :id_1 AND addresses.email != :email_1"
        )

    def test_a_query_that_is_counted(self, model, not_x):
        assert "WHERE addresses.email != " in str(Query(model.Address).options(not_x))

    def test_what_is_joined_along(self, model, not_x):
        assert rest(select(model.User.id, model.User).options(joinedload(model.User.addresses), not_x)).endswith(
            "ON users.id = addresses_1.user_id AND addresses_1.email != :email_1"
        )


class TestWhatTheyAreFor:
    def test_aliases_only_when_asked_for(self, model):
        alias = aliased(model.Address)
        criterion = model.Address.email != "x"
        assert "WHERE" not in sql(select(alias).options(with_loader_criteria(model.Address, criterion)))
        option = with_loader_criteria(model.Address, criterion, include_aliases=True)
        assert rest(select(alias).options(option)) == "addresses AS addresses_1 WHERE addresses_1.email != :email_1"

    def test_one_alias(self, model):
        alias, other = aliased(model.Address), aliased(model.Address)
        option = with_loader_criteria(alias, alias.email != "x")
        assert rest(select(alias.id, other.id).options(option)).count("!=") == 1
        assert "WHERE" not in sql(select(model.Address).options(option))

    def test_a_mapper(self, model):
        option = with_loader_criteria(inspect(model.Address), model.Address.email != "x")
        assert "WHERE addresses.email" in sql(select(model.Address).options(option))

    def test_all_classes_that_derive_from_one(self, mapping, users, addresses):
        class Numbered:
            pass

        A, B = types.new_class("A", (Numbered,)), types.new_class("B", (Numbered,))
        mapping.map_imperatively(A, users)
        mapping.map_imperatively(B, addresses)
        option = with_loader_criteria(Numbered, lambda cls: cls.id > 5)
        assert rest(select(A.name, B.email).where(A.id == B.user_id).options(option)).endswith(
            "AND users.id > :id_1 AND addresses.id > :id_2"
        )
        assert repr(option) == "<LoaderCriteriaOption for Numbered>"

    def test_what_is_neither_class_nor_alias_is_refused(self, users):
        with pytest.raises(ArgumentError, match="A mapped class or an alias of one was expected"):
            with_loader_criteria(5, users.c.id == 1)


class TestCriteriaWithSubqueries:
    def test_a_subquery_on_the_same_entity_is_not_restricted_by_itself(self, model):
        newest = select(func.max(model.Address.id)).scalar_subquery()
        option = with_loader_criteria(model.Address, model.Address.id == newest)
        assert rest(select(model.Address.id).options(option)) == (
            "addresses WHERE addresses.id = (SELECT max(addresses.id) AS max_1 FROM addresses)"
        )

    def test_two_entities_restricted_by_each_other(self, model):
        options = (
            with_loader_criteria(model.User, model.User.addresses.any()),
            with_loader_criteria(model.Address, model.Address.user.has(name="x")),
        )
        assert rest(select(model.User.id).options(*options)) == (
            "users WHERE EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id AND "
            "(EXISTS (SELECT 1 FROM users WHERE users.id = addresses.user_id AND users.name = :name_1)))"
        )


@pytest.fixture
def session(model, metadata, engine):
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add(model.User(id=1, name="ed", addresses=[model.Address(id=1, email="x"), model.Address(id=2)]))
        session.get(model.User, 1).addresses[1].email = "y"
        session.commit()
        yield session


class TestLoading:
    @pytest.mark.parametrize("strategy", [lazyload, joinedload, selectinload, subqueryload])
    def test_related_objects_are_restricted_however_they_are_loaded(self, model, session, not_x, strategy):
        user = session.scalars(select(model.User).options(strategy(model.User.addresses), not_x)).unique().one()
        assert [address.id for address in user.addresses] == [2]

    def test_objects_do_not_keep_what_is_not_to_be_kept(self, model, session):
        option = with_loader_criteria(model.Address, model.Address.email != "x", propagate_to_loaders=False)
        assert len(session.scalars(select(model.User).options(option)).one().addresses) == 2

    def test_get(self, model, session, not_x):
        session.expunge_all()
        assert session.get(model.Address, 1, options=[not_x]) is None
        assert session.get(model.Address, 2, options=[not_x]) is not None

    def test_a_listener_can_restrict_all_statements_of_a_session(self, model, session, not_x):
        @event.listens_for(session, "do_orm_execute")
        def restrict(execution):
            execution.statement = execution.statement.options(not_x)

        assert session.scalars(select(model.Address.id)).all() == [2]
        assert session.query(model.Address).count() == 1

    @pytest.mark.parametrize("synchronize", ["evaluate", "fetch"])
    def test_an_update_leaves_other_rows_and_objects_alone(self, model, session, not_x, synchronize):
        addresses = session.scalars(select(model.Address).order_by(model.Address.id)).all()
        statement = update(model.Address).values(email="z").options(not_x)
        session.execute(statement, execution_options={"synchronize_session": synchronize})
        assert [address.email for address in addresses] == ["x", "z"]
        assert session.scalars(select(model.Address.email).order_by(model.Address.id)).all() == ["x", "z"]


class TestCaching:
    def cached(self, session, statement):
        return session.connection().execute(statement).context.cache_hit.name == "CACHE_HIT"

    def test_an_expression_is_cached_whatever_its_values(self, model, session):
        for email, expected in (("x", [2]), ("y", [1])):
            option = with_loader_criteria(model.Address, model.Address.email != email)
            statement = select(model.Address.id).options(option)
            assert session.scalars(statement).all() == expected
        assert self.cached(session, statement)

    def test_a_lambda_is_cached_by_what_it_refers_to(self, model, session):
        def statement(email):
            criteria = with_loader_criteria(model.Address, lambda cls: or_(cls.email != email, cls.id == 9))
            return select(model.Address.id).options(criteria)

        assert session.scalars(statement("x")).all() == [2]
        assert session.scalars(statement("y")).all() == [1]
        assert self.cached(session, statement("y"))

    def test_a_lambda_that_calls_something_is_called_for_each_statement(self, model, session):
        emails = ["y", "x"]

        def statement():
            return select(model.Address.id).options(
                with_loader_criteria(model.Address, lambda cls: cls.email != emails.pop())
            )

        assert session.scalars(statement()).all() == [2]
        assert session.scalars(statement()).all() == [1]

    def test_a_lambda_that_calls_a_method_of_the_class_is_too(self, model, session):
        emails = ["y", "x"]
        model.Address.is_wanted = classmethod(lambda cls: cls.email != emails.pop())

        def statement():
            return select(model.Address.id).options(with_loader_criteria(model.Address, lambda cls: cls.is_wanted()))

        assert session.scalars(statement()).all() == [2]
        assert session.scalars(statement()).all() == [1]

    def test_untracked_variables_are_not_looked_at(self, model, session):
        def statement(email):
            return select(model.Address.id).options(
                with_loader_criteria(model.Address, lambda cls: cls.email != email, track_closure_variables=False)
            )

        assert session.scalars(statement("x")).all() == [2]
        assert self.cached(session, statement("x"))

    def test_default_arguments_are_looked_at(self, model, session):
        def statement(given):
            return select(model.Address.id).options(
                with_loader_criteria(model.Address, lambda cls, email=given: cls.email != email)
            )

        assert session.scalars(statement("x")).all() == [2]
        assert session.scalars(statement("y")).all() == [1]
        assert session.scalars(statement(func.lower("X"))).all() == [2]
        assert session.scalars(statement(func.lower("Y"))).all() == [1]
