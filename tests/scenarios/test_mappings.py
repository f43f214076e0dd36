"""Objects of unusual mappings are written, found again, changed and deleted, on every database."""

from __future__ import annotations

import abc
import dataclasses
from typing import Generic, NamedTuple, TypeVar

import attrs
import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, column, func, select, table, text
from sqlalchemy.exc import ArgumentError

from ormsession import (
    Session,
    column_property,
    deferred,
    inspect,
    reconstructor,
    registry,
    synonym,
    undefer,
    validates,
)


@pytest.fixture
def mapping():
    made = registry()
    yield made
    made.dispose()


@pytest.fixture
def metadata():
    return MetaData()


@pytest.fixture
def people(metadata):
    return Table("person", metadata, Column("id", Integer, primary_key=True), Column("full_name", String(40)))


@pytest.fixture
def staff(metadata, people):
    return Table(
        "staff",
        metadata,
        Column("person_id", ForeignKey("person.id"), primary_key=True),
        Column("salary", Integer),
    )


@pytest.fixture
def open_session(database, metadata, people, staff):
    """A function that opens a new session on a database with the tables."""
    metadata.create_all(database)
    return lambda: Session(database)


class Employee:
    """Mapped to two tables at once."""


def test_a_class_mapped_to_a_join_has_a_row_in_each_table(mapping, open_session, people, staff):
    mapping.map_imperatively(
        Employee, people.join(staff), properties={"id": column_property(people.c.id, staff.c.person_id)}
    )
    with open_session() as session:
        session.add(Employee(full_name="Ed", salary=10))
        session.commit()
    with open_session() as session:
        employee = session.scalars(select(Employee).where(Employee.salary > 5)).one()
        assert (employee.full_name, session.get(Employee, employee.id)) == ("Ed", employee)
        employee.salary = 20
        session.commit()
        assert session.execute(select(people)).one() == (employee.id, "Ed")
        assert session.execute(select(staff)).one() == (employee.id, 20)
        employee.full_name = "Edward"
        session.commit()
        session.delete(employee)
        session.commit()
        assert session.scalar(select(func.count()).select_from(people)) == 0
        assert session.scalar(select(func.count()).select_from(staff)) == 0


def test_a_class_mapped_to_a_subquery_writes_the_table_inside(mapping, open_session, people):
    class Person:
        pass

    named = select(people, func.length(people.c.full_name).label("length")).subquery()
    mapping.map_imperatively(Person, named)
    with open_session() as session:
        session.add_all([Person(full_name="Ed"), Person(full_name="Edward")])
        session.commit()
        longest = session.scalars(select(Person).order_by(Person.length.desc())).first()
        assert (longest.full_name, longest.length) == ("Edward", 6)
        longest.full_name = "E"
        session.commit()
        assert longest.length == 1


def test_a_view_is_read_by_the_key_that_the_mapping_names(mapping, open_session, people, staff, database):
    class Paid:
        pass

    view = table("paid", column("who", String), column("amount", Integer))
    mapping.map_imperatively(Paid, view, primary_key=[view.c.who])
    with open_session() as session:
        session.execute(people.insert(), {"id": 1, "full_name": "Ed"})
        session.execute(staff.insert(), {"person_id": 1, "salary": 10})
        session.execute(
            text(
                "CREATE VIEW paid AS SELECT full_name AS who, salary AS amount FROM person JOIN staff ON id = person_id"
            )
        )
        try:
            assert session.get(Paid, "Ed").amount == 10
            assert session.get(Paid, "Jo") is None
        finally:
            session.rollback()
            session.execute(text("DROP VIEW IF EXISTS paid"))
            session.commit()


def test_attributes_named_otherwise_than_their_columns_go_all_the_way(mapping, open_session, people):
    class Person:
        pass

    mapping.map_imperatively(
        Person,
        people,
        properties={
            "number": people.c.id,
            "name": people.c.full_name,
            "title": synonym("name"),
            "loud": column_property(func.upper(people.c.full_name)),
        },
    )
    with open_session() as session:
        person = Person(title="Ed")
        session.add(person)
        session.commit()
        assert person.loud == "ED"
        person.name = "Jo"
        session.commit()
        assert person.loud == "JO"
        found = session.scalars(select(Person).where(Person.title == "Jo").order_by(Person.number)).one()
        assert found is person
        assert session.execute(select(Person.title, Person.loud)).one()._mapping == {"title": "Jo", "loud": "JO"}


def test_a_deferred_column_is_loaded_when_it_is_used_or_asked_for(mapping, open_session, people):
    class Person:
        pass

    mapping.map_imperatively(Person, people, properties={"full_name": deferred(people.c.full_name)})
    with open_session() as session:
        session.add(Person(full_name="Ed"))
        session.commit()
    with open_session() as session:
        person = session.scalars(select(Person)).one()
        assert inspect(person).unloaded == {"full_name"}
        assert person.full_name == "Ed"
    with open_session() as session:
        person = session.scalars(select(Person).options(undefer(Person.full_name))).one()
        assert inspect(person).unloaded == set()


def test_validators_see_what_is_set_and_not_what_is_loaded(mapping, open_session, people):
    seen = []

    class Person:
        @validates("full_name")
        def strip(self, key, value):
            seen.append(value)
            return value.strip()

        @reconstructor
        def restore(self):
            self.is_restored = True

    mapping.map_imperatively(Person, people)
    with open_session() as session:
        session.add(Person(full_name=" Ed "))
        session.commit()
    with open_session() as session:
        person = session.scalars(select(Person)).one()
        assert (person.full_name, person.is_restored, seen) == ("Ed", True, [" Ed "])


def test_dataclasses_and_attrs_classes_are_loaded_without_their_constructor(mapping, open_session, people, staff):
    @dataclasses.dataclass
    class Person:
        full_name: str
        id: int | None = None
        nickname: str = dataclasses.field(default="none", compare=False)

        def __post_init__(self):
            self.nickname = self.full_name[:1]

    @attrs.define(slots=False)
    class Job:
        person_id: int
        salary: int = attrs.field(default=5, converter=int)

    mapping.map_imperatively(Person, people)
    mapping.map_imperatively(Job, staff)
    with open_session() as session:
        person = Person("Ed")
        session.add(person)
        session.flush()
        session.add(Job(person.id, "7"))
        session.commit()
        number = person.id
    with open_session() as session:
        person = session.get(Person, number)
        assert person == Person("Ed", number)
        assert person.nickname == "none"
        assert session.get(Job, number) == Job(number, 7)


def test_a_class_with_its_own_setattr_and_equality_is_tracked_and_written(mapping, open_session, people):
    class Person:
        def __setattr__(self, name, value):
            object.__setattr__(self, name, value.title() if isinstance(value, str) else value)

        def __eq__(self, other):
            raise AssertionError("compared")

        __hash__ = None

    mapping.map_imperatively(Person, people)
    with open_session() as session:
        person = Person(full_name="ed")
        session.add(person)
        session.commit()
        person.full_name = "jo"
        assert session.is_modified(person)
        session.commit()
        assert session.scalars(select(people.c.full_name)).all() == ["Jo"]


T = TypeVar("T")


class AbstractBase(abc.ABC):
    @abc.abstractmethod
    def act(self):
        """To be defined by subclasses."""


class OfAbstractBase(AbstractBase):
    def act(self):
        return 1


class OfGeneric(Generic[T]):
    pass


class OfException(Exception):
    pass


class OfDict(dict):
    pass


class WithRoomySlots:
    __slots__ = ("__dict__", "__weakref__")


class WithNew:
    def __new__(cls, *args, **kw):
        return super().__new__(cls)


class WithGetattribute:
    def __getattribute__(self, name):
        return object.__getattribute__(self, name)


class OfInt(int):
    pass


class OfTuple(tuple):
    __slots__ = ()


class OfNamedTuple(NamedTuple):
    id: int


@pytest.mark.parametrize(
    "kind", [OfAbstractBase, OfGeneric, OfException, OfDict, WithRoomySlots, WithNew, WithGetattribute]
)
def test_classes_of_every_kind_make_the_whole_round(mapping, people, engine, kind):
    mapping.map_imperatively(kind, people)
    people.create(engine)
    with Session(engine) as session:
        made = kind()
        made.full_name = "Ed"
        session.add(made)
        session.commit()
        number = made.id
        session.expunge_all()
        found = session.scalars(select(kind).where(kind.id == number)).one()
        assert found is not made
        found.full_name = "Jo"
        session.commit()
        session.refresh(found)
        assert found.full_name == "Jo"
        session.delete(found)
        session.commit()
        assert session.get(kind, number) is None


@pytest.mark.parametrize("kind", [OfInt, OfTuple, OfNamedTuple])
def test_classes_whose_instances_cannot_be_tracked_are_refused_by_name(mapping, people, kind):
    with pytest.raises(ArgumentError, match=rf"{kind.__name__}' can't be mapped: its instances have no __"):
        mapping.map_imperatively(kind, people)
