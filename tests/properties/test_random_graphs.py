"""Random graphs of objects are flushed, and after each flush the database is what a plain Python model says."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Column, ForeignKey, Integer, String, Table, create_engine, event, select

from ormsession import Session, backref, registry, relationship
from ormsession.testing import check_invariants, recorded_sql

mapped = registry()
parents = Table(
    "parents",
    mapped.metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(20), unique=True),
)
children = Table(
    "children",
    mapped.metadata,
    Column("id", Integer, primary_key=True),
    Column("parent_id", ForeignKey("parents.id")),
    Column("friend_id", ForeignKey("children.id")),
)
parts = Table(
    "parts",
    mapped.metadata,
    Column("id", Integer, primary_key=True),
    Column("parent_id", ForeignKey("parents.id"), nullable=False),
)
tags = Table("tags", mapped.metadata, Column("id", Integer, primary_key=True))
parent_tags = Table(
    "parent_tags",
    mapped.metadata,
    Column("parent_id", ForeignKey("parents.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)


class Parent:
    pass


class Child:
    pass


class Part:
    pass


class Tag:
    pass


def map_classes():
    """Map the classes; once, unless another test has cleared all mappers."""
    if mapped.mappers:
        return
    mapped.map_imperatively(
        Parent,
        parents,
        properties={
            "children": relationship(Child, backref="parent"),
            "parts": relationship(Part, cascade="all, delete-orphan", backref="parent"),
            "tags": relationship(Tag, secondary=parent_tags, backref="parents"),
        },
    )
    mapped.map_imperatively(
        Child,
        children,
        properties={"friend": relationship(Child, remote_side=children.c.id, backref=backref("liked_by"))},
    )
    mapped.map_imperatively(Part, parts)
    mapped.map_imperatively(Tag, tags)


index = st.integers(0, 9)


class Model:
    """What rows there should be: objects are numbers, relations are dictionaries and sets of numbers."""

    def __init__(self):
        self.names = {}
        self.parent_of = {}
        self.friend_of = {}
        self.owner_of = {}
        self.tags = set()
        self.tagged = set()

    def copy(self):
        made = Model()
        for key, value in vars(self).items():
            setattr(made, key, value.copy())
        return made


class Graphs(RuleBasedStateMachine):
    """Objects are made, joined, moved and deleted on one side of a relationship or the other."""

    def __init__(self):
        super().__init__()
        map_classes()
        self.engine = create_engine("sqlite://")
        event.listen(self.engine, "connect", lambda connection, record: connection.execute("PRAGMA foreign_keys=ON"))
        mapped.metadata.create_all(self.engine)
        self.session = Session(self.engine, autoflush=False)
        self.model = Model()
        self.saved = Model()
        self.objects = {}
        self.saved_objects = {}
        self.numbers = iter(range(1, 10_000))

    # ------------------------------------------------------------ choosing objects

    def chosen(self, keys, number):
        found = sorted(keys)
        return found[number % len(found)]

    def new(self, class_, **values):
        key = next(self.numbers)
        self.objects[key] = class_(id=key, **values)
        self.session.add(self.objects[key])
        return key

    # ------------------------------------------------------------ changes

    @rule()
    def make_parent(self):
        key = self.new(Parent)
        self.objects[key].name = self.model.names[key] = f"n{key}"

    @rule()
    def make_child(self):
        key = self.new(Child)
        self.model.parent_of[key] = self.model.friend_of[key] = None

    @rule()
    def make_tag(self):
        self.model.tags.add(self.new(Tag))

    @precondition(lambda self: self.model.names)
    @rule(which=index)
    def make_part(self, which):
        parent = self.chosen(self.model.names, which)
        part = Part(id=next(self.numbers))
        self.objects[part.id] = part
        self.objects[parent].parts.append(part)
        self.model.owner_of[part.id] = parent

    @precondition(lambda self: self.model.owner_of)
    @rule(which=index)
    def lose_part(self, which):
        key = self.chosen(self.model.owner_of, which)
        self.objects[self.model.owner_of.pop(key)].parts.remove(self.objects.pop(key))

    @precondition(lambda self: self.model.names and self.model.parent_of)
    @rule(which=index, whose=index, other_side=st.booleans())
    def move_child(self, which, whose, other_side):
        child, parent = self.chosen(self.model.parent_of, which), self.chosen(self.model.names, whose)
        if not other_side:
            self.objects[child].parent = self.objects[parent]
        elif self.model.parent_of[child] != parent:
            self.objects[parent].children.append(self.objects[child])
        self.model.parent_of[child] = parent

    @precondition(lambda self: self.model.parent_of)
    @rule(which=index)
    def lose_child(self, which):
        child = self.chosen(self.model.parent_of, which)
        self.objects[child].parent = None
        self.model.parent_of[child] = None

    @precondition(lambda self: self.model.parent_of)
    @rule(which=index, whom=index)
    def befriend(self, which, whom):
        child, friend = self.chosen(self.model.friend_of, which), self.chosen(self.model.friend_of, whom)
        self.objects[child].friend = self.objects[friend]
        self.model.friend_of[child] = friend

    @precondition(lambda self: self.model.names and self.model.tags)
    @rule(which=index, tag=index, other_side=st.booleans())
    def tag_or_untag(self, which, tag, other_side):
        pair = self.chosen(self.model.names, which), self.chosen(self.model.tags, tag)
        parent, tag_object = (self.objects[key] for key in pair)
        collection, item = (tag_object.parents, parent) if other_side else (parent.tags, tag_object)
        if pair in self.model.tagged:
            collection.remove(item)
        else:
            collection.append(item)
        self.model.tagged ^= {pair}

    @precondition(lambda self: len(self.model.names) > 1)
    @rule(which=index, whose=index)
    def swap_names(self, which, whose):
        one, two = self.chosen(self.model.names, which), self.chosen(self.model.names, whose)
        names = self.model.names
        names[one], names[two] = names[two], names[one]
        # the value before is known: it was read
        self.objects[one].name, self.objects[two].name = self.objects[two].name, self.objects[one].name

    # ------------------------------------------------------------ deleting

    def flushed(self, keys):
        return [key for key in keys if self.objects[key] not in self.session.new]

    @precondition(lambda self: self.flushed(self.model.names))
    @rule(which=index)
    def delete_parent(self, which):
        self.flush()
        key = self.chosen(self.model.names, which)
        self.session.delete(self.objects.pop(key))
        self.session.flush()
        model = self.model
        del model.names[key]
        model.parent_of = {child: None if parent == key else parent for child, parent in model.parent_of.items()}
        for part in [part for part, parent in model.owner_of.items() if parent == key]:
            del model.owner_of[part]
            del self.objects[part]
        model.tagged = {pair for pair in model.tagged if pair[0] != key}
        self.compare()
        self.session.expire_all()

    @precondition(lambda self: self.flushed(self.model.parent_of))
    @rule(which=index)
    def delete_child(self, which):
        self.flush()
        key = self.chosen(self.model.parent_of, which)
        self.session.delete(self.objects.pop(key))
        self.session.flush()
        model = self.model
        del model.parent_of[key], model.friend_of[key]
        model.friend_of = {child: None if friend == key else friend for child, friend in model.friend_of.items()}
        self.compare()
        self.session.expire_all()

    # ------------------------------------------------------------ writing

    @rule()
    def flush(self):
        with recorded_sql(self.session) as planning:
            plan = self.session.plan_flush()
        assert planning.sql == []
        with recorded_sql(self.session) as sent:
            self.session.flush()
        written = sent.starting_with("INSERT", "UPDATE", "DELETE")
        kinds = list(dict.fromkeys(f"{batch.kind.value} {batch.table_name}" for batch in plan.batches))
        assert {statement.split()[0] for statement in written} == {kind.split()[0] for kind in kinds}
        self.compare()

    @rule()
    def commit(self):
        self.flush()
        self.session.commit()
        self.saved, self.saved_objects = self.model.copy(), dict(self.objects)

    @rule()
    def roll_back(self):
        self.session.rollback()
        self.session.expunge_all()
        self.model = self.saved.copy()
        self.objects = {}
        for class_, keys in (
            (Parent, self.model.names),
            (Child, self.model.parent_of),
            (Part, self.model.owner_of),
            (Tag, self.model.tags),
        ):
            self.objects.update({key: self.session.get_one(class_, key) for key in keys})

    def compare(self):
        def rows(*columns):
            return {tuple(row) for row in self.session.execute(select(*columns))}

        model = self.model
        assert rows(parents.c.id, parents.c.name) == set(model.names.items())
        assert rows(*children.c) == {(key, model.parent_of[key], model.friend_of[key]) for key in model.parent_of}
        assert rows(*parts.c) == set(model.owner_of.items())
        assert rows(tags.c.id) == {(key,) for key in model.tags}
        assert rows(*parent_tags.c) == model.tagged

    @invariant()
    def is_consistent(self):
        check_invariants(self.session)

    def teardown(self):
        self.session.close()
        self.engine.dispose()


TestGraphs = Graphs.TestCase
TestGraphs.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
