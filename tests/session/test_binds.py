"""Which engine serves what."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import ArgumentError, NoInspectionAvailable, UnboundExecutionError

from ormsession import Session, exc, inspect

from .conftest import tags, users


def test_a_session_without_a_bind_says_what_it_looked_for(User):
    session = Session()
    session.add(User(name="ed"))
    with pytest.raises(UnboundExecutionError, match=r"bind configured on mapper Mapper\[User\(users\)\]"):
        session.flush()
    session.rollback()
    with pytest.raises(UnboundExecutionError, match="bind configured on SQL expression or this Session"):
        session.execute(text("SELECT 1"))


def test_one_bind_serves_everything(engine, User):
    session = Session(engine)
    assert session.get_bind() is engine
    assert session.get_bind(User) is engine
    assert session.get_bind(clause=select(tags)) is engine


def test_a_bind_that_is_named_wins(engine, other_engine, User):
    session = Session(engine, binds={User: engine})
    assert session.get_bind(User, bind=other_engine) is other_engine


def test_a_class_has_its_own_and_the_rest_the_sessions(engine, other_engine, User, Tag):
    session = Session(engine, binds={Tag: other_engine})
    assert session.get_bind(User) is engine
    assert session.get_bind(inspect(Tag)) is other_engine
    assert session.get_bind(clause=select(Tag.word)) is other_engine
    assert session.get_bind(clause=insert(tags)) is other_engine
    assert session.get_bind(clause=select(users)) is engine


def test_the_bind_of_a_base_class_serves_the_classes_below(engine, mappings):
    class Base:
        pass

    class Person(Base):
        pass

    mappings.map_imperatively(Person, users)
    session = Session(binds={Base: engine})
    assert session.get_bind(Person) is engine
    with pytest.raises(UnboundExecutionError):
        session.get_bind(clause=select(tags))


def test_the_bind_of_a_table_serves_its_class(engine, User):
    session = Session(binds={users: engine})
    assert session.get_bind(User) is engine
    assert session.get_bind(clause=users.join(tags, users.c.name == tags.c.word)) is engine


def test_objects_of_two_databases_are_written_to_both(engine, other_engine, User, Tag):
    with Session(binds={User: engine, Tag: other_engine}) as session:
        session.add_all([User(name="ed"), Tag(word="a")])
        session.commit()
        assert session.query(User).one().name == "ed"
        assert session.query(Tag).one().word == "a"
    with engine.connect() as one, other_engine.connect() as other:
        assert one.execute(select(tags)).all() == []
        assert other.execute(select(users)).all() == []


def test_binds_are_replaced_and_never_changed_in_place(engine, User, Tag):
    session = Session(binds={User: engine})
    before = session.binds
    session.bind_mapper(Tag, engine)
    session.bind_table(users, engine)
    assert before == {User: engine, users: engine}
    assert session.binds == {User: engine, users: engine, Tag: engine, tags: engine}
    with pytest.raises(TypeError):
        session.binds[User] = engine


@pytest.mark.parametrize("target", ["a string", 5, object()])
def test_what_cannot_have_a_bind_is_refused(engine, target):
    session = Session()
    for bind in (session.bind_mapper, session.bind_table):
        with pytest.raises(ArgumentError, match="Not an acceptable bind target"):
            bind(target, engine)


def test_asking_for_the_bind_of_what_is_not_mapped_is_refused(User):
    class Unmapped:
        pass

    session = Session()
    with pytest.raises(exc.UnmappedClassError):
        session.get_bind(Unmapped)
    with pytest.raises(NoInspectionAvailable):
        session.get_bind("doh")


def test_the_bind_of_the_session_can_be_set_later(engine):
    session = Session()
    session.bind = engine
    assert session.scalar(text("SELECT 1")) == 1
    session.close()


def test_a_session_class_may_choose_the_bind_itself(engine, other_engine, User):
    class Routed(Session):
        def get_bind(self, mapper=None, **kw):
            return other_engine if mapper is not None else super().get_bind(mapper, **kw)

    with Routed(engine) as session:
        session.add(User(name="ed"))
        session.commit()
        assert session.get(User, 1).name == "ed"
        assert session.execute(users.select()).all() == []
