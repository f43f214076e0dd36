"""``Query``: the older way to write and run a ``select``."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    Integer,
    TypeDecorator,
    bindparam,
    event,
    exists,
    func,
    literal_column,
    select,
    text,
    type_coerce,
)
from sqlalchemy.exc import ArgumentError, LegacyAPIWarning, MultipleResultsFound, NoResultFound, SADeprecationWarning
from sqlalchemy.types import NullType

from ormsession import Query, Session, aliased, exc, inspect, load_only
from ormsession.testing import assert_sql, recorded_sql

from .conftest import sql


@pytest.fixture
def session(engine, metadata, User, Address):
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([User(id=n, name=name, age=age) for n, name, age in PEOPLE])
        session.add_all([Address(id=1, user_id=1, email="ed@x"), Address(id=2, user_id=1, email="ed@y")])
        session.commit()
        yield session


PEOPLE = [(1, "ed", 20), (2, "wendy", 30), (3, "mary", 40)]


def query_sql(query):
    return sql(query._final_statement())


class TestBuilding:
    def test_columns_are_labelled_with_the_table(self, User):
        assert query_sql(Query(User).filter(User.age > 5).order_by(User.id)) == (
            "SELECT users.id AS users_id, users.name AS users_name, users.age_int AS users_age_int "
            "FROM users WHERE users.age_int > :age_int_1 ORDER BY users.id"
        )

    def test_its_statement_is_a_plain_select(self, User):
        assert sql(Query([User.id]).statement) == "SELECT users.id FROM users"
        assert sql(Query([User.id]).set_label_style(Query(User)._final_statement()._label_style).statement) == (
            "SELECT users.id AS users_id FROM users"
        )

    def test_every_call_makes_a_new_query(self, User):
        query = Query(User)
        assert query.filter(User.id == 1) is not query
        assert query.whereclause is None

    def test_joins(self, User, Address):
        assert query_sql(Query(User.id).join(Address).filter_by(email="x")) == (
            "SELECT users.id AS users_id FROM users JOIN addresses ON users.id = addresses.user_id "
            "WHERE addresses.email = :email_1"
        )
        assert "LEFT OUTER JOIN addresses ON addresses.email = users.name" in query_sql(
            Query(User).outerjoin(Address, Address.email == User.name)
        )
        with pytest.raises(TypeError, match="positional arguments"):
            Query(User).join(Address, Address.user_id == User.id, Address)

    def test_the_rest_of_a_select(self, User):
        query = Query([User.name, func.count(User.id)]).group_by(User.name).having(func.count(User.id) > 1)
        query = query.distinct().limit(5).offset(2)
        assert query_sql(query) == (
            "SELECT DISTINCT users.name AS users_name, count(users.id) AS count_1 FROM users "
            "GROUP BY users.name HAVING count(users.id) > :count_2 LIMIT :param_1 OFFSET :param_2"
        )

    def test_order_and_group_can_be_taken_away(self, User):
        query = Query(User.id).order_by(User.name).group_by(User.age)
        assert query_sql(query.order_by(None).group_by(None)) == "SELECT users.id AS users_id FROM users"
        assert query_sql(query.order_by(False).group_by(False)) == "SELECT users.id AS users_id FROM users"

    def test_entities_can_be_exchanged_and_added(self, User, Address):
        query = Query(User).filter(User.age == 1)
        assert query_sql(query.with_entities(User.id)).startswith("SELECT users.id AS users_id FROM users WHERE")
        assert query_sql(Query(User.id).add_columns(User.age)) == (
            "SELECT users.id AS users_id, users.age_int AS users_age_int FROM users"
        )
        assert len(Query(User).add_entity(Address).column_descriptions) == 2
        alias = Query(User.id).add_entity(User, alias=User.__table__.alias("u"))
        assert "u.name AS u_name" in query_sql(alias)

    def test_select_from_hints_and_locks(self, User):
        assert query_sql(Query(func.count()).select_from(User)) == "SELECT count(*) AS count_1 FROM users"
        assert query_sql(Query(User.id).with_for_update()).endswith("FOR UPDATE")
        assert query_sql(Query(User.id).prefix_with("/* p */").suffix_with("/* s */")) == (
            "SELECT /* p */ users.id AS users_id FROM users /* s */"
        )

    def test_it_is_printed_as_its_sql(self, session, User):
        for query in (session.query(User.id), Query(User.id)):
            assert " ".join(str(query).split()) == "SELECT users.id AS users_id FROM users"


class TestInsideOtherStatements:
    def test_as_subquery_and_cte(self, User):
        query = Query(User.id).filter(User.age == 1)
        assert query.subquery("s").c.keys() == ["id"]
        assert query.subquery(with_labels=True).c.keys() == ["users_id"]
        assert sql(select(query.cte("c"))).startswith("WITH c AS (SELECT users.id AS id")

    def test_as_value(self, User):
        query = Query(func.max(User.age))
        assert sql(select(query.scalar_subquery())) == (
            "SELECT (SELECT max(users.age_int) AS max_1 FROM users) AS anon_1"
        )
        assert sql(select(query.label("oldest"))).endswith("AS oldest")
        with pytest.warns(LegacyAPIWarning):
            query.as_scalar()

    def test_in_a_criterion(self, User, Address):
        assert query_sql(Query(User.id).filter(User.id.in_(Query(Address.user_id)))) == (
            "SELECT users.id AS users_id FROM users WHERE users.id IN (SELECT addresses.user_id FROM addresses)"
        )

    def test_as_exists(self, User):
        assert sql(select(Query(User).filter(User.age == 1).exists())) == (
            "SELECT EXISTS (SELECT 1 FROM users WHERE users.age_int = :age_int_1) AS anon_1"
        )

    def test_core_sees_a_select_with_labels(self, User):
        assert sql(Query(User.id).selectable) == "SELECT users.id AS users_id FROM users"

    def test_its_parameters_go_along(self, session, User):
        inner = session.query(User.id).filter(User.name == bindparam("who")).params(who="mary").scalar_subquery()
        assert session.query(User).filter(User.id == inner).one().id == 3

    def test_columns_that_are_equal_can_be_reduced(self, User):
        other = aliased(User)
        query = Query([User.id, other.id, other.name]).filter(User.id == other.id)
        assert query.subquery(reduce_columns=True).c.keys() == ["id", "name"]


class TestSetOperations:
    def test_a_union_is_selected_from_as_a_subquery(self, User):
        query = Query(User.id).filter(User.age == 1).union(Query(User.id).filter(User.age == 2))
        assert query_sql(query) == (
            "SELECT anon_1.users_id AS anon_1_users_id FROM "
            "(SELECT users.id AS users_id FROM users WHERE users.age_int = :age_int_1 "
            "UNION SELECT users.id AS users_id FROM users WHERE users.age_int = :age_int_2) AS anon_1"
        )

    def test_what_is_said_about_the_entity_afterwards_is_said_about_the_subquery(self, User):
        query = Query(User).union(Query(User)).filter_by(age=5).order_by(User.name)
        assert query_sql(query).endswith("WHERE anon_1.users_age_int = :age_int_1 ORDER BY anon_1.users_name")

    @pytest.mark.parametrize(
        ("method", "words", "expected"),
        [
            ("union", "UNION", [1, 2, 3]),
            ("union_all", "UNION ALL", [1, 2, 2, 3]),
            ("intersect", "INTERSECT", [2]),
            ("except_", "EXCEPT", [1]),
        ],
    )
    def test_each_of_them_runs(self, session, User, method, words, expected):
        first, second = session.query(User.id).filter(User.id < 3), session.query(User.id).filter(User.id > 1)
        query = getattr(first, method)(second).order_by(User.id)
        assert f" {words} SELECT" in query_sql(query)
        assert [row.id for row in query] == expected

    @pytest.mark.parametrize("method", ["intersect_all", "except_all"])
    def test_those_of_other_databases_compile(self, User, method):
        words = method.replace("_", " ").upper()
        assert words in query_sql(getattr(Query(User.id), method)(Query(User.id)))

    def test_a_union_of_objects_gives_objects(self, session, User):
        query = session.query(User).filter(User.id == 1).union(session.query(User).filter(User.id == 3))
        assert [user.name for user in query.order_by(User.id)] == ["ed", "mary"]
        assert query.count() == 2

    def test_a_union_of_unions(self, session, User):
        one, two, three = (session.query(User).filter(User.id == n) for n in (1, 2, 3))
        assert [user.id for user in one.union(two).union(three).order_by(User.id)] == [1, 2, 3]

    def test_a_union_can_be_joined(self, session, User, Address):
        query = session.query(User).union(session.query(User)).join(Address, Address.user_id == User.id)
        assert [user.id for user in query] == [1]

    def test_a_union_of_plain_columns(self, User):
        query = Query(literal_column("1").label("n")).union(Query(literal_column("2").label("n")))
        assert query_sql(query) == "SELECT anon_1.n AS anon_1_n FROM (SELECT 1 AS n UNION SELECT 2 AS n) AS anon_1"

    def test_nothing_to_unite_with_changes_nothing(self, User):
        query = Query(User)
        assert query.union() is query


class TestRunning:
    def test_one_entity_gives_objects_and_columns_give_rows(self, session, User):
        assert [user.name for user in session.query(User).order_by(User.id)] == ["ed", "wendy", "mary"]
        assert session.query(User.id, User.age).order_by(User.id).first() == (1, 20)
        assert session.query(User.name).order_by(User.id).first() == ("ed",)

    def test_rows_have_plain_names(self, session, User):
        row = session.query(User.id, User.age).order_by(User.id).first()
        assert row._mapping.keys() == ["id", "age"]
        assert row.age == 20

    def test_an_object_that_several_rows_name_is_given_once(self, session, User, Address):
        assert len(session.query(User).join(Address).all()) == 1
        assert len(session.query(User.id).join(Address).all()) == 2

    def test_rows_can_be_asked_for(self, session, User):
        query = session.query(User).only_return_tuples(True)
        assert not query.is_single_entity
        assert query.first()[0].__class__ is User
        with pytest.warns(SADeprecationWarning, match="Row now behaves like a tuple"):
            assert not session.query(User).tuples().is_single_entity

    def test_one_insists_on_one_row(self, session, User):
        assert session.query(User).filter_by(name="ed").one().id == 1
        with pytest.raises(NoResultFound):
            session.query(User).filter_by(name="x").one()
        with pytest.raises(MultipleResultsFound):
            session.query(User).one()

    def test_one_or_none_and_scalar(self, session, User):
        assert session.query(User).filter_by(name="x").one_or_none() is None
        assert session.query(func.max(User.age)).scalar() == 40
        assert session.query(User.name).filter_by(id=9).scalar() is None
        assert session.query(User).filter_by(id=1).scalar().name == "ed"

    def test_count_counts_rows(self, session, User, Address):
        with recorded_sql(session) as recorded:
            assert session.query(User.id).filter(User.age > 20).count() == 2
        inner = "SELECT users.id AS users_id FROM users WHERE users.age_int > ?"
        expected = f"SELECT count(*) AS count_1 FROM ({inner}) AS anon_1"
        assert_sql(recorded, [(expected, (20,))])
        assert session.query(User, Address).join(Address).count() == 2

    def test_slices_become_limit_and_offset(self, session, User):
        query = session.query(User).order_by(User.id)
        assert query[1].name == "wendy"
        assert [user.id for user in query[1:3]] == [2, 3]
        assert [user.id for user in query[:2]] == [1, 2]
        assert [user.id for user in query[0:3:2]] == [1, 3]
        assert query[2:2] == []
        for index in (-1, slice(-2, None)):
            with pytest.raises(IndexError, match="negative"):
                query[index]

    def test_first_of_nothing_is_none(self, session, User):
        assert session.query(User).filter_by(id=9).first() is None

    def test_rows_with_values_that_cannot_be_hashed_are_all_given(self, session, User, Address, users):
        class Listed(TypeDecorator):
            impl = Integer
            cache_ok = True
            hashable = False

            def process_result_value(self, value, dialect):
                return [value]

        years = type_coerce(users.c.age_int, Listed).label("years")
        rows = session.query(User, years).join(Address).all()
        assert [row.years for row in rows] == [[20], [20]]
        with pytest.raises(exc.InvalidRequestError, match="non-hashable"):
            session.execute(select(User, years)).unique().all()

    def test_values_of_an_unknown_type_are_hashed_when_they_can_be(self, session, User, Address):
        unknown = type_coerce("same", NullType).label("unknown")
        assert len(session.query(User, unknown).join(Address).all()) == 1
        assert len(session.execute(select(User, unknown).join(Address)).unique().all()) == 1

    def test_it_can_be_transformed(self, session, User):
        assert session.query(User).with_transformation(lambda query: query.filter(User.id == 1)).one().name == "ed"

    def test_text_can_be_run(self, session, User):
        query = session.query(User).from_statement(text("SELECT * FROM users WHERE id = :id")).params(id=2)
        assert query.one().name == "wendy"
        assert query.first().name == "wendy"
        assert query.options(load_only(User.name)).all()[0].id == 2
        assert query.statement.is_from_statement

    def test_exists_can_be_asked(self, session, User):
        assert session.query(exists().where(User.id == 1)).scalar() is True

    def test_yield_per_streams(self, session, User):
        assert [user.id for user in session.query(User).order_by(User.id).yield_per(1)] == [1, 2, 3]

    def test_populate_existing_overwrites(self, session, User):
        user = session.get(User, 1)
        user.name = "changed"
        with session.no_autoflush:
            session.query(User).populate_existing().all()
        assert user.name == "ed"

    def test_autoflush_can_be_switched_off(self, session, User):
        session.add(User(id=9, name="new"))
        assert session.query(User).autoflush(False).count() == 3
        assert session.query(User).count() == 4

    def test_get_is_legacy(self, session, User):
        with pytest.warns(LegacyAPIWarning, match=r"Session\.get"):
            assert session.query(User).get(2).name == "wendy"
        with pytest.warns(LegacyAPIWarning), pytest.raises(exc.InvalidRequestError, match="single mapped class"):
            session.query(User.id).get(2)
        with pytest.warns(LegacyAPIWarning), pytest.raises(exc.InvalidRequestError, match="existing criterion"):
            session.query(User).filter_by(id=1).get(2)

    def test_another_session_can_run_it(self, session, User):
        assert Query(User.id).with_session(session).count() == 3

    def test_execution_options_are_collected(self, User):
        query = Query(User).execution_options(a=1).execution_options(b=2)
        assert query.get_execution_options() == {"a": 1, "b": 2}
        assert query.statement.get_execution_options() == {"a": 1, "b": 2}


class TestRefusals:
    @pytest.mark.parametrize("method", ["filter", "order_by", "group_by", "having"])
    def test_criteria_after_a_limit(self, User, method):
        query = Query(User).limit(1)
        with pytest.raises(exc.InvalidRequestError, match="LIMIT or OFFSET"):
            getattr(query, method)(User.id)
        assert getattr(query.enable_assertions(False), method)(User.id) is not query

    def test_a_join_after_a_limit(self, User, Address):
        with pytest.raises(exc.InvalidRequestError, match="LIMIT or OFFSET"):
            Query(User).offset(1).join(Address)

    def test_select_from_after_criteria(self, User):
        with pytest.raises(exc.InvalidRequestError, match="existing criterion"):
            Query(User).filter(User.id == 1).select_from(User)

    def test_criteria_on_a_given_statement(self, User):
        query = Query(User).from_statement(text("x"))
        for call in (lambda: query.filter(User.id == 1), lambda: query.subquery(), lambda: query.limit(1)):
            with pytest.raises(exc.InvalidRequestError, match="from_statement"):
                call()

    def test_filter_by_a_name_that_does_not_exist(self, User, users):
        with pytest.raises(exc.InvalidRequestError, match='has no property "nonsense"'):
            Query(User).filter_by(nonsense=1)
        with pytest.raises(exc.InvalidRequestError, match='has no property "nonsense"'):
            Query(users).filter_by(nonsense=1)

    def test_filter_by_without_anything_to_filter(self):
        with pytest.raises(exc.InvalidRequestError, match="selects nothing"):
            Query([]).filter_by(name="x")

    def test_params_in_two_dictionaries(self, User):
        with pytest.raises(ArgumentError, match="dictionary"):
            Query(User).params({}, {})


class TestBulk:
    def test_update_writes_the_rows_and_the_objects(self, session, User):
        wendy = session.get(User, 2)
        assert session.query(User).filter(User.age > 25).update({"age": User.age + 1}) == 2
        assert wendy.__dict__["age"] == 31

    def test_values_may_be_pairs_in_order(self, session, User):
        with recorded_sql(session) as recorded:
            session.query(User).update(
                [(User.name, "x"), (User.age, 1)], update_args={"preserve_parameter_order": True}
            )
        assert_sql(recorded, ["UPDATE users SET name=?, age_int=?"])
        session.query(User).update([("age", 7)])
        assert session.query(func.min(User.age)).scalar() == 7

    def test_delete_removes_the_rows_and_the_objects(self, session, User, Address):
        session.query(Address).delete()
        ed = session.get(User, 1)
        assert session.query(User).filter_by(name="ed").delete() == 1
        assert inspect(ed).deleted

    def test_a_plain_table_can_be_written(self, session, users):
        assert session.query(users).filter(users.c.id == 1).update({"name": "x"}) == 1

    def test_more_than_criteria_is_refused(self, session, User, Address):
        for query in (
            session.query(User).limit(1),
            session.query(User).order_by(User.id),
            session.query(User).distinct(),
            session.query(User).join(Address),
        ):
            with pytest.raises(exc.InvalidRequestError, match="when .* has been called"):
                query.delete()

    def test_a_query_without_an_entity_is_refused(self, session, User):
        with pytest.raises(ArgumentError, match="one mapped class"):
            session.query(func.count(User.id)).delete()


class TestEvents:
    def test_a_listener_can_add_criteria(self, session, User):
        @event.listens_for(Query, "before_compile", retval=True)
        def only_ed(query):
            return query.enable_assertions(False).filter(User.name == "ed")

        try:
            assert [user.name for user in session.query(User)] == ["ed"]
        finally:
            event.remove(Query, "before_compile", only_ed)
        assert session.query(User).count() == 3

    def test_listeners_of_update_and_delete_see_them(self, session, User, Address):
        seen = []
        event.listen(session, "after_bulk_update", lambda context: seen.append((context.mapper, context.rowcount)))
        event.listen(session, "after_bulk_delete", lambda context: seen.append((context.mapper, context.rowcount)))
        session.query(User).filter_by(id=1).update({"name": "x"})
        session.query(Address).delete()
        assert seen == [(inspect(User), 1), (inspect(Address), 2)]


def test_it_describes_its_columns(User, users):
    alias = aliased(User)
    assert [each["name"] for each in Query([User, User.age, alias]).column_descriptions] == ["User", "age", None]
    described = Query(users.c.id).column_descriptions
    assert [(each["name"], each["aliased"], each["entity"]) for each in described] == [("id", False, None)]
