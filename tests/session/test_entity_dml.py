"""INSERT, UPDATE and DELETE of entities, and what becomes of the objects that are there."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, case, delete, func, insert, select, text, update
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import aliased, inspect
from ormsession.testing import assert_sql, check_invariants, recorded_sql

from .conftest import users


@pytest.fixture
def people(session, User):
    session.add_all([User(id=1, name="ed", age=20), User(id=2, name="wendy", age=30), User(id=3, name="mary", age=40)])
    session.commit()
    return session.scalars(select(User).order_by(User.id)).all()


def loaded_ages(people):
    """What the objects have without asking the database."""
    return [inspect(user).dict.get("age") for user in people]


class TestUpdate:
    @pytest.mark.parametrize("strategy", ["auto", "evaluate", "fetch"])
    def test_objects_that_were_hit_have_the_new_values(self, session, User, people, strategy):
        statement = update(User).where(User.age > 25).values(age=User.age + 1)
        session.execute(statement, execution_options={"synchronize_session": strategy})
        assert loaded_ages(people) == [20, 31, 41]
        assert not session.dirty
        check_invariants(session)

    def test_criteria_decided_in_python_need_no_more_statements(self, session, User, people):
        with recorded_sql(session) as recorded:
            session.execute(update(User).where(User.name == "ed").values(age=5))
        assert_sql(recorded, ["UPDATE users SET age=? WHERE users.name = ?"])
        assert loaded_ages(people) == [5, 30, 40]

    def test_other_criteria_are_answered_by_the_same_statement(self, session, User, people):
        with recorded_sql(session) as recorded:
            session.execute(update(User).where(func.lower(User.name) == "ed").values(age=5))
        assert_sql(recorded, ["UPDATE users SET age=? WHERE lower(users.name) = ? RETURNING id"])
        assert loaded_ages(people) == [5, 30, 40]

    def test_a_new_value_that_only_the_database_knows_is_loaded_when_asked_for(self, session, User, people):
        session.execute(update(User).where(User.id == 1).values(name=func.upper(User.name)))
        assert "name" not in inspect(people[0]).dict
        assert people[0].name == "ED"

    def test_objects_stay_as_they_are_when_told_so(self, session, User, people):
        statement = update(User).values(age=1)
        session.execute(statement, execution_options={"synchronize_session": False})
        assert loaded_ages(people) == [20, 30, 40]

    def test_an_object_that_does_not_tell_whether_it_was_hit_is_loaded_again(self, session, User, people):
        session.expire(people[0], ["name"])
        session.execute(update(User).where(User.name == "ed").values(age=5))
        assert loaded_ages(people) == [None, 30, 40]
        assert people[0].age == 5

    def test_a_pending_change_of_the_same_attribute_is_dropped(self, session, User, people):
        with session.no_autoflush:
            people[0].age = 99
            session.execute(update(User).where(User.id == 1).values(age=5))
        assert people[0].age == 5

    def test_changes_are_flushed_before(self, session, User, people):
        people[0].name = "edward"
        session.execute(update(User).where(User.name == "edward").values(age=5))
        assert loaded_ages(people) == [5, 30, 40]

    def test_an_alias_is_synchronised_too(self, session, User, people):
        alias = aliased(User)
        session.execute(update(alias).where(alias.name == "ed").values(age=5))
        assert people[0].age == 5

    def test_parameters_of_the_execution_count(self, session, User, people):
        session.execute(update(User).where(User.name == bindparam("who")).values(age=5), {"who": "mary"})
        assert loaded_ages(people) == [20, 30, 5]

    def test_what_is_returned_becomes_objects(self, session, User, people):
        returned = session.scalars(update(User).where(User.id < 3).values(age=7).returning(User)).all()
        assert set(returned) == set(people[:2])
        assert loaded_ages(people) == [7, 7, 40]

    def test_a_rollback_brings_the_old_values_back(self, session, User, people):
        session.execute(update(User).values(age=1))
        session.rollback()
        assert [user.age for user in people] == [20, 30, 40]

    def test_a_failing_statement_changes_no_object(self, session, User, people):
        with pytest.raises(Exception, match="CHECK constraint"):
            session.execute(update(User).where(User.id == 1).values(name="refused", age=1))
        assert loaded_ages(people) == [20, 30, 40]
        session.rollback()
        assert people[0].name == "ed"


class TestDelete:
    @pytest.mark.parametrize("strategy", ["auto", "evaluate", "fetch"])
    def test_objects_that_were_hit_become_deleted(self, session, User, people, strategy):
        session.execute(delete(User).where(User.age > 25), execution_options={"synchronize_session": strategy})
        assert [inspect(user).deleted for user in people] == [False, True, True]
        check_invariants(session)
        session.commit()
        assert [inspect(user).detached for user in people] == [False, True, True]

    def test_a_rollback_brings_them_back(self, session, User, people):
        session.execute(delete(User))
        session.rollback()
        assert [user.name for user in people] == ["ed", "wendy", "mary"]
        assert all(user in session for user in people)

    def test_an_object_that_does_not_tell_whether_it_was_hit_finds_out(self, session, User, people):
        session.expire(people[0])
        session.execute(delete(User).where(User.name == "ed"))
        assert not inspect(people[0]).deleted
        assert session.get(User, 1) is None

    def test_what_is_returned_becomes_rows(self, session, User, people):
        assert session.execute(delete(User).where(User.id == 1).returning(User.name)).all() == [("ed",)]


class TestInsert:
    def test_dictionaries_name_attributes(self, session, User):
        session.execute(insert(User), [{"name": "a", "age": 1}, {"name": "b", "age": 2}])
        assert session.scalars(select(User.name).order_by(User.age)).all() == ["a", "b"]

    def test_rows_with_different_columns_are_sent_in_groups(self, session, User):
        with recorded_sql(session) as recorded:
            session.execute(insert(User), [{"name": "a", "age": 1}, {"name": "b"}, {"name": "c"}])
        assert recorded.sql == ["INSERT INTO users (name, age) VALUES (?, ?)", "INSERT INTO users (name) VALUES (?)"]

    def test_none_for_a_generated_key_means_that_it_is_generated(self, session, User):
        session.execute(insert(User), [{"id": None, "name": "a"}])
        assert session.scalars(select(User)).one().id == 1

    def test_what_is_returned_becomes_objects(self, session, User):
        statement = insert(User).returning(User, sort_by_parameter_order=True)
        made = session.scalars(statement, [{"name": "a"}, {"name": "b"}]).all()
        assert [user.name for user in made] == ["a", "b"]
        assert all(user in session for user in made)

    def test_one_row_by_values(self, session, User):
        result = session.execute(insert(User).values(name="a"))
        assert result.inserted_primary_key == (1,)


class TestBatches:
    def test_dictionaries_with_primary_keys_update_their_rows_and_objects(self, session, User, people):
        session.execute(update(User), [{"id": 1, "age": 5}, {"id": 3, "age": 6}])
        assert loaded_ages(people) == [5, 30, 6]
        assert session.scalars(select(User.age).order_by(User.id)).all() == [5, 30, 6]

    def test_objects_stay_as_they_are_when_told_so(self, session, User, people):
        session.execute(update(User), [{"id": 1, "age": 5}], execution_options={"synchronize_session": None})
        assert loaded_ages(people) == [20, 30, 40]

    def test_criteria_beside_a_list_are_refused(self, session, User, people):
        statement = update(User).where(User.name == bindparam("who")).values(age=bindparam("years"))
        parameters = [{"who": "ed", "years": 1}, {"who": "mary", "years": 2}]
        with pytest.raises(InvalidRequestError, match="synchronize_session=None"):
            session.execute(statement, parameters)
        session.execute(statement, parameters, execution_options={"synchronize_session": None})
        assert session.scalars(select(User.age).order_by(User.id)).all() == [1, 30, 2]

    def test_keys_cannot_be_fetched_for_a_list(self, session, User, people):
        with pytest.raises(InvalidRequestError, match="'fetch'"):
            session.execute(update(User), [{"id": 1, "age": 5}], execution_options={"synchronize_session": "fetch"})

    def test_a_list_cannot_be_deleted(self, session, User, people):
        with pytest.raises(InvalidRequestError, match="Bulk ORM DELETE"):
            session.execute(delete(User), [{"id": 1}])


class TestRefusals:
    def test_an_unknown_strategy(self, session, User):
        with pytest.raises(ArgumentError, match="'auto', 'evaluate', 'fetch', False"):
            session.execute(delete(User), execution_options={"synchronize_session": "sometimes"})

    def test_criteria_that_python_cannot_decide(self, session, User, people):
        statement = delete(User).where(case((User.age > 25, True), else_=False))
        with pytest.raises(InvalidRequestError, match="Could not evaluate current criteria in Python"):
            session.execute(statement, execution_options={"synchronize_session": "evaluate"})
        assert session.scalar(select(func.count(User.id))) == 3

    def test_a_column_that_is_no_attribute(self, session, mappings, people):
        class Person:
            pass

        mappings.map_imperatively(Person, users, properties={"years": users.c.age})
        person = session.get(Person, 1)
        with pytest.raises(InvalidRequestError, match="Attribute name not found.*'age'"):
            session.execute(update(Person).values(age=5))
        assert person.years == 20


def test_a_plain_table_is_cores_business(session, User, people):
    session.execute(update(users).where(User.id == 1).values(age=5))
    assert loaded_ages(people) == [20, 30, 40]


def test_text_leaves_objects_alone(session, User, people):
    session.execute(text("UPDATE users SET age = 1"))
    assert loaded_ages(people) == [20, 30, 40]
