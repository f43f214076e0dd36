"""What may be called when, what rolls back what, and what the caller is told."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import (
    ArgumentError,
    IllegalStateChangeError,
    IntegrityError,
    InvalidRequestError,
    PendingRollbackError,
    ResourceClosedError,
    SAWarning,
)

from ormsession import Session, SessionTransactionOrigin, exc
from ormsession.session.transaction import CALLS, SessionTransaction
from ormsession.testing import check_invariants, recorded_sql


@pytest.fixture
def transactions(engine):
    """What the database was told about transactions, in order."""
    told = []
    for name in ("begin", "commit", "rollback", "savepoint", "release_savepoint", "rollback_savepoint"):

        def tell(*received, name=name):
            told.append(name)

        event.listen(engine, name, tell)
    return told


class TestBeginning:
    def test_a_new_session_is_in_no_transaction(self, session):
        assert not session.in_transaction()
        assert session.get_transaction() is None
        assert session.is_active

    def test_the_first_statement_begins_one(self, session, transactions):
        session.execute(text("SELECT 1"))
        assert session.in_transaction()
        assert session.get_transaction().origin is SessionTransactionOrigin.AUTOBEGIN
        assert transactions == ["begin"]

    def test_adding_an_object_begins_one_without_a_connection(self, session, User, transactions):
        session.add(User(name="ed"))
        assert session.in_transaction()
        assert transactions == []

    def test_changing_an_object_begins_one(self, session, User, stored):
        stored("ed")
        user = session.get(User, 1)
        session.commit()
        assert user.name == "ed"
        session.commit()
        user.name = "wendy"
        assert session.in_transaction()

    def test_an_empty_flush_begins_none(self, session):
        session.flush()
        assert not session.in_transaction()

    def test_begin_twice_is_refused(self, session):
        session.begin()
        with pytest.raises(InvalidRequestError, match="already begun"):
            session.begin()

    def test_without_autobegin_everything_waits_for_begin(self, engine, User, stored):
        stored("ed")
        session = Session(engine, autobegin=False)
        for use in (lambda: session.execute(text("SELECT 1")), lambda: session.add(User()), session.commit):
            with pytest.raises(InvalidRequestError, match="Autobegin is disabled"):
                use()
        with session.begin():
            user = session.get(User, 1)
        with pytest.raises(InvalidRequestError, match="Autobegin is disabled"):
            user.name = "x"
        check_invariants(session)
        with session.begin():
            user.name = "wendy"
        with session.begin():
            assert user.name == "wendy"

    def test_a_connection_that_cannot_be_begun_is_given_back(self, engine, session):
        opened = []

        @event.listens_for(engine, "begin")
        def fail(connection):
            opened.append(connection)
            raise RuntimeError("no transaction today")

        with pytest.raises(RuntimeError, match="no transaction today"):
            session.execute(text("SELECT 1"))
        assert opened[0].closed

    def test_options_for_a_connection_in_use_are_ignored_with_a_warning(self, session):
        session.connection(execution_options={"logging_token": "a"})
        with pytest.warns(SAWarning, match="execution_options ignored"):
            connection = session.connection(execution_options={"logging_token": "b"})
        assert connection.get_execution_options()["logging_token"] == "a"

    def test_options_of_the_session_are_those_of_its_connections(self, engine):
        with Session(engine, execution_options={"logging_token": "mine"}) as session:
            assert session.connection().get_execution_options() == {"logging_token": "mine"}


class TestEnding:
    def test_commit_writes_and_commits(self, session, User, transactions, names_in_database):
        session.add(User(name="ed"))
        session.commit()
        assert not session.in_transaction()
        assert transactions == ["begin", "commit"]
        assert names_in_database() == ["ed"]

    def test_rollback_without_a_transaction_does_nothing(self, session, transactions):
        session.rollback()
        assert transactions == []

    def test_close_rolls_back_and_gives_the_connection_back(self, session, User, names_in_database):
        connection = session.connection()
        session.add(User(name="ed"))
        session.flush()
        session.close()
        assert connection.closed
        assert names_in_database() == []

    def test_invalidate_closes_the_driver_connection(self, engine):
        session = Session(engine)
        driver_connection = session.connection().connection
        session.invalidate()
        assert not driver_connection.is_valid
        assert not session.in_transaction()

    def test_a_closed_transaction_refuses_everything_but_close(self, session):
        transaction = session.begin()
        transaction.rollback()
        for call in (transaction.commit, transaction.rollback, transaction.connection):
            with pytest.raises(ResourceClosedError, match="This transaction is closed"):
                call()
        transaction.close()

    def test_a_commit_that_the_database_refuses_rolls_everything_back(self, engine, session, User, stored):
        stored("ed")
        ed, new = session.get(User, 1), User(name="new")
        ed.name = "changed"
        session.add(new)

        @event.listens_for(engine, "commit")
        def refuse(connection):
            raise RuntimeError("disk full")

        with pytest.raises(RuntimeError, match="disk full"):
            session.commit()
        event.remove(engine, "commit", refuse)
        assert not session.in_transaction()
        assert new not in session
        assert "id" not in new.__dict__
        assert ed.name == "ed"

    def test_objects_are_expired_after_a_commit_unless_told_otherwise(self, engine, User, stored):
        stored("ed")
        for expire in (True, False):
            with Session(engine, expire_on_commit=expire) as session:
                user = session.get(User, 1)
                session.commit()
                assert ("name" in user.__dict__) is not expire

    def test_no_sql_after_the_commit_in_its_event(self, session):
        @event.listens_for(session, "after_commit")
        def use(session):
            session.execute(text("SELECT 1"))

        with pytest.raises(InvalidRequestError, match="in 'committed' state"):
            session.commit()

    def test_no_sql_after_the_rollback_in_its_event(self, session):
        session.connection()

        @event.listens_for(session, "after_rollback")
        def use(session):
            session.execute(text("SELECT 1"))

        with pytest.raises(InvalidRequestError, match="in 'inactive' state"):
            session.rollback()

    def test_a_listener_that_always_adds_something_is_stopped(self, session, User):
        @event.listens_for(session, "after_flush_postexec")
        def add_another(session, context):
            session.add(User(name="another"))

        session.add(User(name="first"))
        with pytest.raises(exc.FlushError, match="Over 100 subsequent flushes"):
            session.commit()
        session.rollback()

    def test_what_a_listener_adds_once_is_committed_too(self, session, User, names_in_database):
        waiting = [User(name="second")]

        @event.listens_for(session, "after_flush_postexec")
        def add_another(session, context):
            if waiting:
                session.add(waiting.pop())

        session.add(User(name="first"))
        session.commit()
        assert names_in_database() == ["first", "second"]


class TestSavepoints:
    def test_a_savepoint_writes_what_was_before_it_first(self, session, User, transactions):
        session.add(User(name="ed"))
        session.begin_nested()
        assert not session.new
        session.connection()
        assert transactions == ["begin", "savepoint"]

    def test_rolling_it_back_keeps_what_was_before(self, session, User, names_in_database):
        session.add(User(name="before"))
        savepoint = session.begin_nested()
        session.add(User(name="inside"))
        session.flush()
        savepoint.rollback()
        session.commit()
        assert names_in_database() == ["before"]

    def test_the_session_knows_its_innermost_savepoint(self, session):
        root = session.begin()
        first = session.begin_nested()
        second = session.begin_nested()
        assert session.get_nested_transaction() is second
        assert (second.parent, first.parent, root.parent) == (first, root, None)
        assert second.nested
        assert session.get_transaction() is root
        second.rollback()
        assert session.get_nested_transaction() is first
        first.commit()
        assert not session.in_nested_transaction()
        assert session.in_transaction()

    def test_commit_and_rollback_of_the_session_end_all_levels(self, session, User, names_in_database):
        session.begin_nested()
        session.add(User(name="ed"))
        session.begin_nested()
        session.commit()
        assert not session.in_transaction()
        assert names_in_database() == ["ed"]
        session.begin_nested()
        session.add(User(name="wendy"))
        session.rollback()
        assert not session.in_transaction()
        assert names_in_database() == ["ed"]

    def test_rolling_back_an_outer_savepoint_takes_the_inner_ones_with_it(self, session, User, names_in_database):
        outer = session.begin_nested()
        session.begin_nested()
        inner_user = User(name="inner")
        session.add(inner_user)
        session.flush()
        outer.rollback()
        assert inner_user not in session
        assert "id" not in inner_user.__dict__
        check_invariants(session)
        session.commit()
        assert names_in_database() == []

    def test_closing_one_undoes_it(self, session, User, names_in_database):
        savepoint = session.begin_nested()
        user = User(name="ed")
        session.add(user)
        session.flush()
        savepoint.close()
        assert user not in session
        session.commit()
        assert names_in_database() == []

    def test_a_failing_flush_rolls_back_to_the_savepoint_only(self, session, User, names_in_database):
        session.add(User(name="kept"))
        savepoint = session.begin_nested()
        session.add(User(name="refused"))
        with pytest.raises(IntegrityError):
            session.flush()
        with pytest.raises(PendingRollbackError):
            session.flush() if session.new else session.connection()
        savepoint.rollback()
        session.commit()
        assert names_in_database() == ["kept"]


class TestAfterAFailedFlush:
    @pytest.fixture
    def failed(self, session, User):
        session.add(User(name="refused"))
        with pytest.raises(IntegrityError):
            session.flush()
        return session

    def test_each_use_names_the_original_error_until_rollback(self, failed):
        for use in (failed.connection, failed.commit, lambda: failed.execute(text("SELECT 1"))):
            with pytest.raises(PendingRollbackError, match=r"issue Session\.rollback\(\).*CHECK constraint failed"):
                use()
        assert not failed.is_active
        failed.rollback()
        assert failed.is_active
        assert failed.scalar(text("SELECT 1")) == 1

    def test_closing_is_as_good_as_rolling_back(self, failed):
        failed.close()
        assert failed.scalar(text("SELECT 1")) == 1

    def test_changes_made_meanwhile_are_discarded_with_a_warning(self, failed, User):
        late = User(name="late")
        failed.add(late)
        with pytest.warns(SAWarning, match="changed on a non-active transaction"):
            failed.rollback()
        assert late not in failed


class TestBlocks:
    def test_a_block_commits_at_its_end(self, session, User, names_in_database):
        with session.begin() as transaction:
            assert isinstance(transaction, SessionTransaction)
            session.add(User(name="ed"))
        assert names_in_database() == ["ed"]
        assert not session.in_transaction()

    def test_an_error_rolls_it_back_and_goes_on(self, session, User, names_in_database):
        with pytest.raises(ZeroDivisionError), session.begin():
            session.add(User(name="ed"))
            session.flush()
            raise ZeroDivisionError
        assert names_in_database() == []
        assert not session.in_transaction()

    def test_a_failing_commit_at_the_end_leaves_no_transaction(self, session, User):
        with pytest.raises(IntegrityError), session.begin():
            session.add(User(name="refused"))
        assert not session.in_transaction()
        assert session.is_active

    @pytest.mark.parametrize("end", ["commit", "rollback"])
    def test_once_ended_inside_the_block_nothing_more_can_be_done_in_it(self, session, User, end):
        with session.begin():
            getattr(session, end)()
            for use in (lambda: session.add(User(name="x")), session.begin, lambda: session.execute(text("SELECT 1"))):
                with pytest.raises(InvalidRequestError, match="closed transaction inside context manager"):
                    use()
        assert session.scalar(text("SELECT 1")) == 1

    def test_the_refusal_names_the_failure_that_ended_it(self, session, User):
        with pytest.raises(IntegrityError), session.begin():
            session.add(User(name="refused"))
            try:
                session.flush()
            except IntegrityError:
                with pytest.raises(InvalidRequestError, match="rolled back due to an exception: .*CHECK"):
                    session.connection()
                raise

    def test_a_savepoint_block_inside_a_block(self, session, User, names_in_database):
        with session.begin():
            with pytest.raises(ZeroDivisionError), session.begin_nested():
                session.add(User(name="lost"))
                raise ZeroDivisionError
            with session.begin_nested():
                session.add(User(name="kept"))
        assert names_in_database() == ["kept"]

    def test_a_session_block_closes_without_commit(self, engine, User, names_in_database):
        with Session(engine) as session:
            session.add(User(name="ed"))
            session.flush()
        assert not session.in_transaction()
        assert names_in_database() == []


class TestJoiningAConnectionInATransaction:
    @pytest.mark.parametrize(
        ("mode", "end", "is_left_alone"),
        [
            ("conditional_savepoint", "commit", True),
            ("conditional_savepoint", "rollback", False),
            ("rollback_only", "commit", True),
            ("rollback_only", "close", True),
            ("rollback_only", "rollback", False),
            ("create_savepoint", "rollback", True),
            ("create_savepoint", "commit", True),
            ("control_fully", "commit", False),
            ("control_fully", "rollback", False),
            ("control_fully", "close", False),
        ],
    )
    def test_the_mode_says_who_ends_it(self, engine, mode, end, is_left_alone):
        with engine.connect() as connection:
            outside = connection.begin()
            session = Session(connection, join_transaction_mode=mode)
            session.connection()
            getattr(session, end)()
            assert outside.is_active is is_left_alone
            assert not connection.closed

    def test_inside_a_savepoint_the_conditional_mode_makes_its_own(self, engine, transactions):
        with engine.connect() as connection:
            connection.begin()
            outside = connection.begin_nested()
            session = Session(connection)
            session.connection()
            session.rollback()
            assert outside.is_active
        assert transactions.count("savepoint") == 2

    def test_a_connection_without_a_transaction_is_begun_and_committed(self, engine, User, names_in_database):
        with engine.connect() as connection:
            session = Session(connection)
            session.add(User(name="ed"))
            session.commit()
            assert not connection.in_transaction()
            assert not connection.closed
        assert names_in_database() == ["ed"]

    def test_an_unknown_mode_is_refused_with_the_valid_ones(self):
        with pytest.raises(ArgumentError, match='"bogus".*"rollback_only"'):
            Session(join_transaction_mode="bogus")

    def test_two_connections_of_one_engine_are_refused(self, engine):
        with engine.connect() as one, engine.connect() as other:
            session = Session(one)
            session.connection()
            with pytest.raises(InvalidRequestError, match="already has a Connection associated"):
                session.connection(bind_arguments={"bind": other})
            session.close()


class TestConnections:
    def test_the_connections_of_a_transaction_are_known_also_afterwards(self, session):
        connection = session.connection()
        transaction = session.get_transaction()
        session.commit()
        assert transaction.connections == {connection}
        assert transaction.bound_connection() is connection

    def test_asking_for_one_that_was_not_used_opens_none(self, session):
        transaction = session.begin()
        with pytest.raises(InvalidRequestError, match="has not acquired a connection"):
            transaction.bound_connection()
        assert transaction.connections == frozenset()

    def test_a_savepoint_has_its_own(self, session):
        connection = session.connection()
        savepoint = session.begin_nested()
        assert savepoint.connections == frozenset()
        assert savepoint.connection() is connection
        assert savepoint.connections == {connection}


class TestTwoPhases:
    def test_prepare_needs_the_mode(self, session):
        with pytest.raises(InvalidRequestError, match="'twophase' mode not enabled"):
            session.prepare()

    def test_after_prepare_no_sql_is_possible(self, engine):
        session = Session(engine, twophase=True)
        session.prepare()
        with pytest.raises(InvalidRequestError, match="in 'prepared' state"):
            session.execute(text("SELECT 1"))
        session.rollback()
        assert session.get_transaction() is None

    def test_both_databases_commit_or_none(self, engine):
        """Covered with a stand-in: SQLite has no two-phase transactions."""
        told = []

        class Prepared:
            is_active = True

            def prepare(self):
                told.append("prepare")
                raise RuntimeError("cannot prepare")

            def rollback(self):
                told.append("rollback")

            def close(self):
                told.append("close")

        session = Session(engine, twophase=True)
        with session.begin() as transaction:
            from ormsession.session.enlistment import Enlistment

            with engine.connect() as connection:
                transaction._connections[engine] = Enlistment(connection, Prepared(), True, False)
                with pytest.raises(RuntimeError, match="cannot prepare"):
                    session.prepare()
        assert told[:2] == ["prepare", "rollback"]


class TestOneThreadAtATime:
    def test_a_second_thread_is_told_while_a_connection_is_being_opened(self, engine, session):
        told = []

        @event.listens_for(engine, "begin")
        def meanwhile(connection):
            def use():
                for call in (session.close, lambda: session.execute(text("SELECT 1"))):
                    try:
                        call()
                    except Exception as error:
                        told.append(error)

            thread = threading.Thread(target=use)
            thread.start()
            thread.join()

        session.execute(text("SELECT 1"))
        closing, executing = told
        assert isinstance(closing, IllegalStateChangeError)
        assert "'_connection_for_bind()' is already in progress" in str(closing)
        assert "one thread at a time" in str(executing)

    def test_a_second_thread_is_told_while_a_flush_is_running(self, engine, session, User):
        told = []

        @event.listens_for(session, "after_flush")
        def meanwhile(session, context):
            def use():
                execute = lambda: session.execute(text("SELECT 1"))  # noqa: E731
                for call in (session.flush, session.commit, session.rollback, session.close, execute):
                    try:
                        call()
                    except (InvalidRequestError, IllegalStateChangeError) as error:
                        told.append(str(error))

            thread = threading.Thread(target=use)
            thread.start()
            thread.join()

        session.add(User(name="ed"))
        session.flush()
        assert told[0] == "Session is already flushing"
        assert ["flushed in another thread" in each for each in told[1:]] == [True] * 4
        assert session.scalar(text("SELECT count(*) FROM users")) == 1


def test_the_events_of_one_commit_come_in_order(session, User):
    told = []
    for name in (
        "after_transaction_create", "before_commit", "before_flush", "after_begin", "after_flush",
        "after_flush_postexec", "after_commit", "after_transaction_end",
    ):  # fmt: skip
        event.listen(session, name, lambda *received, name=name: told.append(name))
    session.add(User(name="ed"))
    session.commit()
    assert told == [
        "after_transaction_create",
        "before_commit",
        "before_flush",
        "after_transaction_create",
        "after_begin",
        "after_flush",
        "after_flush_postexec",
        "after_transaction_end",
        "after_commit",
        "after_transaction_end",
    ]


def test_the_table_of_calls_names_methods_that_exist():
    assert all(callable(getattr(SessionTransaction, name)) for name in CALLS)


def test_a_statement_uses_the_connection_of_the_transaction(engine, session, User):
    with recorded_sql(session) as recorded:
        session.connection().execute(text("SELECT 1"))
        session.execute(select(User.id)).all()
    assert recorded.sql == ["SELECT 1", "SELECT users.id FROM users"]
