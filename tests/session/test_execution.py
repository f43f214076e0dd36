"""Executing statements of every kind."""

from __future__ import annotations

import pytest
from sqlalchemy import bindparam, delete, event, func, insert, literal_column, select, text, union_all, update
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import Session, inspect
from ormsession.testing import recorded_sql

from .conftest import users


@pytest.fixture
def stored_users(stored):
    stored("ed", "wendy")


class TestStatements:
    def test_core_statements_give_cores_results(self, session, stored_users):
        assert session.execute(select(users.c.name).order_by(users.c.id)).all() == [("ed",), ("wendy",)]
        assert session.execute(text("SELECT name FROM users WHERE id = :id"), {"id": 2}).scalar_one() == "wendy"
        assert session.scalar(select(func.count()).select_from(users)) == 2
        assert session.scalars(users.select().with_only_columns(users.c.id)).all() == [1, 2]

    def test_a_core_insert_takes_one_or_many_parameters(self, session, names_in_database):
        session.execute(users.insert(), [{"name": "a"}, {"name": "b"}])
        session.execute(users.insert(), {"name": "c"})
        session.commit()
        assert names_in_database() == ["a", "b", "c"]

    def test_a_select_of_an_entity_gives_objects(self, session, User, stored_users):
        ed, wendy = session.scalars(select(User).order_by(User.id))
        assert (ed.name, wendy.name) == ("ed", "wendy")
        assert session.get(User, 1) is ed

    def test_entities_and_columns_in_one_row(self, session, User, stored_users):
        row = session.execute(select(User, User.id + 10).order_by(User.id)).first()
        assert row[0].name == "ed"
        assert row[1] == 11

    def test_scalar_of_an_entity_gives_the_object_or_none(self, session, User, stored_users):
        assert session.scalar(select(User).where(User.id == 2)).name == "wendy"
        assert session.scalar(select(User).where(User.id == 3)) is None

    def test_statements_that_change_entities_return_what_they_are_asked_for(self, session, User, stored_users):
        assert session.scalars(insert(User).returning(User.id), [{"name": "new"}]).all() == [3]
        session.execute(update(User).where(User.id == 1).values(name="changed"))
        session.execute(delete(User).where(User.id == 2))
        assert sorted(user.name for user in session.query(User)) == ["changed", "new"]

    def test_what_cannot_be_executed_is_refused(self, session):
        with pytest.raises(ArgumentError):
            session.execute(object())

    def test_a_set_operation_of_entity_selects_is_an_entity_statement(self, session, User, stored_users):
        both = union_all(select(User.name).where(User.id == 1), select(User.name).where(User.id == 2))
        assert sorted(session.scalars(both)) == ["ed", "wendy"]


class TestOptions:
    def test_the_call_wins_over_the_statement_and_that_over_the_session(self, engine, User):
        seen = []
        with Session(engine, execution_options={"a": "session", "b": "session", "c": "session"}) as session:
            event.listen(session, "do_orm_execute", lambda state: seen.append(state.execution_options))
            statement = select(User).execution_options(b="statement", c="statement")
            session.execute(statement, execution_options={"c": "call"})
        assert seen == [{"a": "session", "b": "statement", "c": "call"}]

    def test_populate_existing_overwrites(self, session, User, stored_users):
        ed = session.get(User, 1)
        session.execute(text("UPDATE users SET name = 'changed' WHERE id = 1"))
        assert session.scalars(select(User).where(User.id == 1)).one().name == "ed"
        session.scalars(select(User), execution_options={"populate_existing": True}).all()
        assert ed.name == "changed"

    def test_no_flush_with_autoflush_off_for_one_statement(self, session, User):
        session.add(User(name="ed"))
        assert session.scalars(select(User), execution_options={"autoflush": False}).all() == []
        assert len(session.scalars(select(User)).all()) == 1

    def test_bind_arguments_choose_the_connection(self, engine, other_engine):
        session = Session(engine)
        session.execute(users.insert().values(name="other"), bind_arguments={"bind": other_engine})
        assert session.scalar(select(func.count()).select_from(users)) == 0
        session.close()


class TestGet:
    @pytest.mark.parametrize("ident", [1, (1,), [1], {"id": 1}])
    def test_by_a_key_in_any_form(self, session, User, stored_users, ident):
        assert session.get(User, ident).name == "ed"

    def test_an_object_that_is_there_costs_no_sql(self, session, User, stored_users):
        ed = session.get(User, 1)
        with recorded_sql(session) as recorded:
            assert session.get(User, 1) is ed
            assert session.get_one(User, 1) is ed
        assert len(recorded) == 0

    def test_get_one_insists(self, session, User):
        with pytest.raises(InvalidRequestError, match="No row was found when one was required"):
            session.get_one(User, 1)

    def test_an_expired_object_whose_row_is_gone_is_not_found_and_leaves(self, engine, session, User, stored_users):
        ed = session.get(User, 1)
        session.commit()
        with engine.begin() as connection:
            connection.execute(delete(users))
        assert session.get(User, 1) is None
        assert ed not in session
        assert inspect(ed).deleted

    @pytest.mark.parametrize(
        ("argument", "option", "is_reloaded"),
        [(None, None, False), (True, None, True), (None, True, True), (False, True, False), (True, False, True)],
    )
    def test_the_argument_wins_over_the_option(self, session, User, stored_users, argument, option, is_reloaded):
        ed = session.get(User, 1)
        session.execute(text("UPDATE users SET name = 'changed' WHERE id = 1"))
        options = {} if option is None else {"populate_existing": option}
        assert session.get(User, 1, populate_existing=argument, execution_options=options) is ed
        assert (ed.name == "changed") is is_reloaded

    def test_bind_arguments_choose_the_database(self, engine, other_engine, User):
        with other_engine.begin() as connection:
            connection.execute(users.insert().values(id=1, name="other"))
        with Session(engine) as session:
            assert session.get(User, 1) is None
            found = session.get(User, 1, bind_arguments={"bind": other_engine})
            assert found.name == "other"
            assert found in session

    @pytest.mark.parametrize(("lock", "statements"), [(True, 1), ({"read": True}, 1), (False, 0), (None, 0)])
    def test_a_lock_asks_the_database_again(self, session, User, stored_users, lock, statements):
        ed = session.get(User, 1)
        with recorded_sql(session) as recorded:
            assert session.get(User, 1, with_for_update=lock) is ed
        assert len(recorded) == statements


class TestListeners:
    """``do_orm_execute``."""

    @pytest.fixture
    def states(self, session):
        seen = []
        event.listen(session, "do_orm_execute", seen.append)
        return seen

    def test_sees_what_kind_of_statement_it_is(self, session, User, stored_users, states):
        session.execute(select(User).where(User.id == 1)).scalars().all()
        session.execute(text("SELECT 1"))
        session.execute(insert(User), [{"name": "a"}, {"name": "b"}])
        session.execute(update(User).values(age=1))
        session.execute(delete(User))
        session.execute(users.select())
        kinds = [
            (s.is_select, s.is_insert, s.is_update, s.is_delete, s.is_orm_statement, s.is_executemany) for s in states
        ]
        assert kinds == [
            (True, False, False, False, True, False),
            (False, False, False, False, False, False),
            (False, True, False, False, True, True),
            (False, False, True, False, True, False),
            (False, False, False, True, True, False),
            (True, False, False, False, False, False),
        ]
        assert [s.bind_mapper for s in states] == [
            inspect(User),
            None,
            inspect(User),
            inspect(User),
            inspect(User),
            None,
        ]
        assert states[0].all_mappers == [inspect(User)]
        assert states[1].all_mappers == []
        assert states[2].all_mappers == [inspect(User)]

    def test_sees_loads_of_single_objects(self, session, User, stored_users, states):
        ed = session.get(User, 1)
        session.expire(ed)
        assert ed.name == "ed"
        get, load = states
        assert (get.is_column_load, load.is_column_load) == (False, True)
        assert (get.is_relationship_load, load.is_relationship_load) == (False, False)
        assert load.bind_mapper is inspect(User)
        assert load.all_mappers == [inspect(User)]
        assert load.lazy_loaded_from is None

    def test_options_of_the_load_are_those_of_a_select_only(self, session, User, states):
        session.execute(select(User), execution_options={"yield_per": 5}).all()
        session.execute(text("SELECT 1"))
        session.execute(delete(User))
        assert states[0].load_options.yield_per == 5
        for ask in (lambda: states[1].load_options, lambda: states[1].lazy_loaded_from):
            with pytest.raises(InvalidRequestError, match="not against a SELECT"):
                ask()
        assert states[2].update_delete_options == {}
        with pytest.raises(InvalidRequestError, match="not against an UPDATE or DELETE"):
            _ = states[0].update_delete_options

    def test_may_change_options_parameters_and_the_statement(self, session, User, stored_users):
        @event.listens_for(session, "do_orm_execute")
        def change(state):
            state.update_execution_options(told=True)
            assert state.local_execution_options["told"]
            state.parameters["key"] = 2
            state.statement = state.statement.order_by(User.name)

        given = {"key": 1}
        result = session.execute(select(User).where(User.id == bindparam("key")), given)
        assert result.scalars().one().name == "wendy"
        assert given == {"key": 1}

    def test_may_answer_itself(self, session, User, stored_users):
        @event.listens_for(session, "do_orm_execute", retval=True)
        def answer(state):
            return state.invoke_statement(params={"key": 2})

        statement = select(User).where(User.id == bindparam("key"))
        assert session.execute(statement, {"key": 1}).scalars().one().name == "wendy"
        assert session.scalar(statement, {"key": 1}).name == "wendy"

    def test_may_answer_from_a_cache(self, session, User, stored_users):
        kept = {}

        @event.listens_for(session, "do_orm_execute", retval=True)
        def answer(state):
            if "all" not in kept:
                kept["all"] = state.invoke_statement().freeze()
            return kept["all"]()

        first = session.scalars(select(User)).all()
        with recorded_sql(session) as recorded:
            assert session.scalars(select(User)).all() == first
        assert len(recorded) == 0

    def test_each_listener_is_asked_once_also_when_one_invokes_the_statement(self, session):
        asked = []

        def listener(name, *, invokes):
            def listen(state):
                asked.append(name)
                state.update_execution_options(**{name: True})
                return state.invoke_statement(execution_options={"by": name}) if invokes else None

            event.listen(session, "do_orm_execute", listen)

        listener("one", invokes=False)
        listener("two", invokes=True)
        listener("three", invokes=False)
        result = session.execute(select(literal_column("1")))
        assert asked == ["one", "two", "three"]
        assert dict(result.context.execution_options) == {"one": True, "two": True, "three": True, "by": "two"}

    def test_parameters_of_an_executemany_are_changed_set_by_set(self, session, User, names_in_database):
        @event.listens_for(session, "do_orm_execute", retval=True)
        def rename(state):
            return state.invoke_statement(params=[{"name": "x"}, {"name": "y"}])

        session.execute(insert(User), [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
        session.commit()
        assert names_in_database() == ["x", "y"]
        with pytest.raises(InvalidRequestError, match=r"\(3\) does not match .*\(2\)"):
            session.execute(insert(User), [{"name": "a"}, {"name": "b"}, {"name": "c"}])

    def test_sees_get_and_its_options(self, session, User, stored_users, states):
        session.get(User, 1, execution_options={"told": True})
        session.expunge_all()
        session.get(User, 1, populate_existing=True)
        assert states[0].execution_options == {"told": True}
        assert states[1].execution_options == {"populate_existing": True}

    def test_a_session_without_listeners_makes_no_state(self, session, User, stored_users, monkeypatch):
        monkeypatch.setattr("ormsession.session.execution.ORMExecuteState", None)
        assert len(session.scalars(select(User)).all()) == 2
