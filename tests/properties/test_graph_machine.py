"""Random work on a graph of objects, compared after each step with a plain model of its rows.

Households have children, who cannot be without one (delete-orphan), and guests, who can; guests have tags and at
most one friend among the guests.  The model holds what each foreign key and each link should be: in `wanted` as
the objects say it, in `flushed` as the database does.
"""

from __future__ import annotations

import copy
import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, Table, create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import StaticPool

from ormsession import Session, backref, registry, relationship
from ormsession.testing import check_invariants

metadata = MetaData()
household_table = Table(
    "household",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("mood", Integer, CheckConstraint("mood >= 0"), nullable=False),
)
child_table = Table(
    "child",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("household_id", ForeignKey("household.id"), nullable=False),
)
guest_table = Table(
    "guest",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("host_id", ForeignKey("household.id")),
    Column("friend_id", ForeignKey("guest.id")),
)
tag_table = Table("tag", metadata, Column("id", Integer, primary_key=True, autoincrement=False))
guest_tag_table = Table(
    "guest_tag",
    metadata,
    Column("guest_id", ForeignKey("guest.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Household:
    pass


class Child:
    pass


class Guest:
    pass


class Tag:
    pass


@pytest.fixture(autouse=True, scope="module")
def mapped():
    mappings = registry()
    mappings.map_imperatively(
        Household,
        household_table,
        properties={
            "children": relationship(Child, backref="household", cascade="all, delete-orphan"),
            "guests": relationship(Guest, backref="host"),
        },
    )
    mappings.map_imperatively(Child, child_table)
    mappings.map_imperatively(
        Guest,
        guest_table,
        properties={
            "tags": relationship(Tag, secondary=guest_tag_table, backref="guests", collection_class=set),
            "friend": relationship(Guest, remote_side=guest_table.c.id, backref=backref("fans", collection_class=set)),
        },
    )
    mappings.map_imperatively(Tag, tag_table)
    yield
    mappings.dispose()


class Rows:
    """The model: every row, by its key."""

    def __init__(self) -> None:
        self.households: set[int] = set()
        self.children: dict[int, int] = {}  # to their household
        self.guests: dict[int, tuple[int | None, int | None]] = {}  # to their host and their friend
        self.tags: set[int] = set()
        self.links: set[tuple[int, int]] = set()  # guest, tag

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other)

    def __repr__(self) -> str:
        return repr(vars(self))

    def copy(self) -> Rows:
        return copy.deepcopy(self)

    @classmethod
    def of_database(cls, connection) -> Rows:
        rows = cls()
        rows.households = set(connection.scalars(select(household_table.c.id)))
        rows.children = dict(map(tuple, connection.execute(select(child_table))))
        rows.guests = {key: (host, friend) for key, host, friend in connection.execute(select(guest_table))}
        rows.tags = set(connection.scalars(select(tag_table)))
        rows.links = set(map(tuple, connection.execute(select(guest_tag_table))))
        return rows


def empty_database():
    """SQLite that checks foreign keys, and whose transactions begin when SQLAlchemy says so."""
    engine = create_engine("sqlite://", poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def prepare(connection, record):
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection):
        connection.exec_driver_sql("BEGIN")

    metadata.create_all(engine)
    return engine


choice = some.integers(0, 99)


class GraphMachine(RuleBasedStateMachine):
    """The steps that objects and model take side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = itertools.count(1)
        self.engine = empty_database()
        self.session = Session(self.engine)
        self.committed, self.flushed, self.wanted = Rows(), Rows(), Rows()
        self.savepoints: list[tuple[object, Rows]] = []

    # ------------------------------------------------------------ finding

    def find(self, cls, key):
        """The object for a key, pending or not, without a flush on the way."""
        with self.session.no_autoflush:
            pending = [entity for entity in self.session.new if type(entity) is cls and entity.id == key]
            return pending[0] if pending else self.session.get(cls, key)

    def some_key(self, keys, number) -> int | None:
        ordered = sorted(keys)
        return ordered[number % len(ordered)] if ordered else None

    def none_or_key(self, keys, number) -> int | None:
        """None for one number in four."""
        return None if number % 4 == 0 else self.some_key(keys, number)

    def read(self, guest):
        """Load host and friend: only a value that is known can be taken out of the other side's collection."""
        assert (guest.host and guest.host.id, guest.friend and guest.friend.id) == self.wanted.guests[guest.id]

    # ------------------------------------------------------------ growing

    @rule()
    def new_household(self):
        household = Household(id=next(self.keys), mood=1)
        self.session.add(household)
        self.wanted.households.add(household.id)

    @rule(number=choice, by_collection=some.booleans())
    def new_child(self, number, by_collection):
        key = self.some_key(self.wanted.households, number)
        if key is not None:
            child, household = Child(id=next(self.keys)), self.find(Household, key)
            with self.session.no_autoflush:
                if by_collection:
                    household.children.append(child)
                else:
                    child.household = household
                    self.session.add(child)
            self.wanted.children[child.id] = key

    @rule(number=choice)
    def new_guest(self, number):
        host = self.none_or_key(self.wanted.households, number)
        with self.session.no_autoflush:
            guest = Guest(id=next(self.keys), host=None if host is None else self.find(Household, host))
        self.session.add(guest)
        self.wanted.guests[guest.id] = (host, None)

    @rule()
    def new_tag(self):
        tag = Tag(id=next(self.keys))
        self.session.add(tag)
        self.wanted.tags.add(tag.id)

    # ------------------------------------------------------------ changing

    @rule(which=choice, where=choice, by_collection=some.booleans())
    def move_child(self, which, where, by_collection):
        key, to = self.some_key(self.wanted.children, which), self.some_key(self.wanted.households, where)
        if key is not None:
            child, household = self.find(Child, key), self.find(Household, to)
            if child in self.session.new:
                self.flush()  # a new object that leaves its only parent leaves the session with it
            with self.session.no_autoflush:
                if not by_collection:
                    assert child.household.id == self.wanted.children[key]
                    child.household = household
                elif child not in household.children:
                    household.children.append(child)
            self.wanted.children[key] = to

    @rule(which=choice)
    def a_child_leaves_home(self, which):
        key = self.some_key(self.wanted.children, which)
        if key is not None:
            with self.session.no_autoflush:
                child = self.find(Child, key)
                child.household.children.remove(child)
            del self.wanted.children[key]
            self.flush()

    @rule(which=choice, where=choice)
    def change_host(self, which, where):
        key, host = self.some_key(self.wanted.guests, which), self.none_or_key(self.wanted.households, where)
        if key is not None:
            with self.session.no_autoflush:
                guest = self.find(Guest, key)
                self.read(guest)
                guest.host = None if host is None else self.find(Household, host)
            self.wanted.guests[key] = (host, self.wanted.guests[key][1])

    @rule(which=choice, whom=choice)
    def change_friend(self, which, whom):
        key, friend = self.some_key(self.wanted.guests, which), self.none_or_key(self.wanted.guests, whom)
        # a ring of new rows has no order: it would need post_update
        if key is not None and (friend is None or friend < key):
            with self.session.no_autoflush:
                guest = self.find(Guest, key)
                self.read(guest)
                guest.friend = None if friend is None else self.find(Guest, friend)
            self.wanted.guests[key] = (self.wanted.guests[key][0], friend)

    @rule(which=choice, what=choice, from_tag=some.booleans())
    def change_tag(self, which, what, from_tag):
        key, tag_key = self.some_key(self.wanted.guests, which), self.some_key(self.wanted.tags, what)
        if key is not None and tag_key is not None:
            guest, tag = self.find(Guest, key), self.find(Tag, tag_key)
            link = (key, tag_key)
            with self.session.no_autoflush:
                if link in self.wanted.links:
                    if from_tag:
                        tag.guests.remove(guest)
                    else:
                        guest.tags.remove(tag)
                elif from_tag:
                    tag.guests.append(guest)
                else:
                    guest.tags.add(tag)
            self.wanted.links ^= {link}

    # ------------------------------------------------------------ deleting

    def delete(self, cls, key):
        """Delete and flush; what objects still hold of the deleted one is loaded again."""
        self.session.delete(self.find(cls, key))
        self.flush()
        self.session.expire_all()

    @rule(which=choice)
    def delete_household(self, which):
        key = self.some_key(self.wanted.households, which)
        if key is not None:
            self.flush()
            self.wanted.households.remove(key)
            self.wanted.children = {child: home for child, home in self.wanted.children.items() if home != key}
            for guest, (host, friend) in self.wanted.guests.items():
                self.wanted.guests[guest] = (None if host == key else host, friend)
            self.delete(Household, key)

    @rule(which=choice)
    def delete_guest(self, which):
        key = self.some_key(self.wanted.guests, which)
        if key is not None:
            self.flush()
            del self.wanted.guests[key]
            for guest, (host, friend) in self.wanted.guests.items():
                self.wanted.guests[guest] = (host, None if friend == key else friend)
            self.wanted.links = {link for link in self.wanted.links if link[0] != key}
            self.delete(Guest, key)

    @rule(which=choice)
    def delete_tag(self, which):
        key = self.some_key(self.wanted.tags, which)
        if key is not None:
            self.flush()
            self.wanted.tags.remove(key)
            self.wanted.links = {link for link in self.wanted.links if link[1] != key}
            self.delete(Tag, key)

    # ------------------------------------------------------------ transactions

    @rule()
    def flush(self):
        self.session.flush()
        self.flushed = self.wanted.copy()

    @rule()
    def flush_and_expire(self):
        self.flush()
        self.session.expire_all()

    @rule()
    def commit(self):
        self.session.commit()
        self.flushed, self.committed = self.wanted.copy(), self.wanted.copy()
        self.savepoints.clear()

    @rule()
    def roll_back(self):
        self.session.rollback()
        self.flushed, self.wanted = self.committed.copy(), self.committed.copy()
        self.savepoints.clear()

    @precondition(lambda self: len(self.savepoints) < 2)
    @rule()
    def begin_a_savepoint(self):
        nested = self.session.begin_nested()
        self.flushed = self.wanted.copy()
        self.savepoints.append((nested, self.flushed.copy()))

    @precondition(lambda self: self.savepoints)
    @rule()
    def roll_back_to_the_savepoint(self):
        nested, rows = self.savepoints.pop()
        nested.rollback()
        self.flushed, self.wanted = rows.copy(), rows.copy()

    @rule(number=choice)
    def a_flush_that_fails_and_a_rollback(self, number):
        key = self.some_key(self.wanted.households, number)
        if key is not None:
            self.find(Household, key).mood = -1
            with pytest.raises(IntegrityError):
                self.session.flush()
            self.roll_back()

    # ------------------------------------------------------------ comparing

    @invariant()
    def the_session_keeps_its_promises(self):
        check_invariants(self.session)

    @invariant()
    def the_database_holds_what_was_flushed(self):
        assert Rows.of_database(self.session.connection()) == self.flushed

    @rule()
    def both_sides_of_every_relationship_say_what_is_wanted(self):
        wanted = self.wanted
        with self.session.no_autoflush:
            for key in wanted.households:
                household = self.find(Household, key)
                assert {child.id for child in household.children} == {c for c, h in wanted.children.items() if h == key}
                assert {guest.id for guest in household.guests} == {
                    g for g, (h, _) in wanted.guests.items() if h == key
                }
            for key, home in wanted.children.items():
                assert self.find(Child, key).household.id == home
            for key, (host, friend) in wanted.guests.items():
                guest = self.find(Guest, key)
                assert (guest.host and guest.host.id, guest.friend and guest.friend.id) == (host, friend)
                assert {tag.id for tag in guest.tags} == {tag for g, tag in wanted.links if g == key}
                assert {fan.id for fan in guest.fans} == {g for g, (_, f) in wanted.guests.items() if f == key}
            for key in wanted.tags:
                assert {guest.id for guest in self.find(Tag, key).guests} == {g for g, t in wanted.links if t == key}

    def teardown(self) -> None:
        self.session.close()
        with self.engine.connect() as connection:
            assert Rows.of_database(connection) == self.committed
        self.engine.dispose()


TestGraphMachine = GraphMachine.TestCase
TestGraphMachine.settings = settings(max_examples=60, stateful_step_count=30)
