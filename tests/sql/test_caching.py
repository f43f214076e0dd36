"""Core's compiled cache serves the second execution of every kind of entity statement."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, exists, func, insert, lambda_stmt, literal, select, text, union, update

from ormsession import Session, aliased, load_only

STATEMENTS = {
    "entity": lambda User, Address: select(User),
    "criteria": lambda User, Address: select(User).where(User.age > 5, User.name == "x"),
    "attributes": lambda User, Address: select(User.id, User.age),
    "function and literal": lambda User, Address: select(func.count(User.id), literal(3), User.name),
    "filter_by": lambda User, Address: select(User).filter_by(age=3),
    "in": lambda User, Address: select(User).where(User.id.in_([1, 2, 3])),
    "order, group, limit": lambda User, Address: select(User.name).group_by(User.name).order_by(User.name).limit(2),
    "join": lambda User, Address: select(User, Address).join(Address),
    "join with ON": lambda User, Address: select(User).outerjoin(Address, Address.user_id == User.id),
    "join_from": lambda User, Address: select(Address).join_from(User, Address),
    "select_from": lambda User, Address: select(func.count()).select_from(User),
    "alias": lambda User, Address: select(a := aliased(User)).where(a.id == 3),
    "named alias": lambda User, Address: select(aliased(User, name="u")),
    "alias of subquery": lambda User, Address: select(aliased(User, select(User).where(User.id > 1).subquery())),
    "alias of CTE": lambda User, Address: select(aliased(User, select(User).cte("c"))),
    "subquery": lambda User, Address: select(select(User.id).where(User.age == 1).subquery()),
    "scalar subquery": lambda User, Address: select(select(func.max(User.age)).scalar_subquery()),
    "exists": lambda User, Address: select(User).where(exists().where(Address.user_id == User.id)),
    "union": lambda User, Address: union(select(User), select(User)),
    "from_statement of text": lambda User, Address: select(User).from_statement(text("SELECT * FROM users")),
    "from_statement of union": lambda User, Address: select(User).from_statement(union(select(User), select(User))),
    "options": lambda User, Address: select(User).options(load_only(User.name)),
    "with_only_columns": lambda User, Address: select(User).where(User.id == 1).with_only_columns(User.name),
    "lambda": lambda User, Address: lambda_stmt(lambda: select(User).where(User.id == 1)),
    "insert": lambda User, Address: insert(User).values(name="x"),
    "insert returning": lambda User, Address: insert(User).values(name="x").returning(User),
    "update": lambda User, Address: update(User).where(User.age == 1).values(age=User.age + 1),
    "update returning": lambda User, Address: update(User).values(age=2).returning(User.id),
    "delete": lambda User, Address: delete(User).where(User.age == 100),
}


@pytest.fixture
def connection(engine, metadata, User, Address):
    metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection


@pytest.mark.parametrize("kind", STATEMENTS)
def test_the_second_execution_of_a_statement_is_a_cache_hit(connection, User, Address, kind):
    for _ in range(2):
        result = connection.execute(STATEMENTS[kind](User, Address))
    assert result.context.cache_hit.name == "CACHE_HIT"


@pytest.mark.parametrize("kind", ["entity", "join", "alias", "options", "from_statement of text"])
def test_what_loading_made_for_the_first_execution_serves_the_second(engine, connection, User, Address, kind):
    with Session(engine) as session:
        states = []
        for _ in range(2):
            result = session.execute(STATEMENTS[kind](User, Address))
            states.append(result.raw.context.compiled.compile_state)
    assert states[0] is states[1]


def test_a_query_is_served_by_the_cache(engine, connection, User):
    with Session(engine) as session:
        states = [
            session.execute(session.query(User).filter_by(age=age)._final_statement()).raw.context.compiled
            for age in (1, 2)
        ]
    assert states[0] is states[1]


def test_different_options_are_compiled_apart(connection, User):
    first = connection.execute(select(User)).context.compiled
    second = connection.execute(select(User).options(load_only(User.name))).context.compiled
    assert first is not second
    assert "age_int" in str(first)
    assert "age_int" not in str(second)
