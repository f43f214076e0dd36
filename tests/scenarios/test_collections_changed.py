"""Collections that are replaced, dropped, or changed from the other side before they are loaded."""

from __future__ import annotations

import pickle

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, event
from sqlalchemy.exc import SAWarning

from ormsession import Session, attribute_keyed_dict, inspect, registry, relationship

metadata = MetaData()
shelf_table = Table("shelf", metadata, Column("id", Integer, primary_key=True))
box_table = Table(
    "box",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("shelf_id", ForeignKey("shelf.id")),
    Column("label", String(20)),
)


class Shelf:
    def __init__(self, boxes=None):
        if boxes is not None:
            self.boxes = boxes


class Box:
    def __init__(self, label, shelf=None):
        self.label = label
        if shelf is not None:
            self.shelf = shelf


@pytest.fixture
def mapped():
    """Map the classes; the collection as the test wants it."""
    mappings = registry()

    def map_classes(**collection):
        mappings.map_imperatively(
            Shelf,
            shelf_table,
            properties={"boxes": relationship("Box", back_populates="shelf", order_by=box_table.c.label, **collection)},
        )
        mappings.map_imperatively(Box, box_table, properties={"shelf": relationship("Shelf", back_populates="boxes")})
        mappings.configure()

    yield map_classes
    mappings.dispose()


@pytest.fixture
def session(engine):
    metadata.create_all(engine)
    with Session(engine) as session:
        yield session


def stored(session, *labels):
    shelf = Shelf([Box(label) for label in labels])
    session.add(shelf)
    session.commit()
    return shelf


def labels(shelf):
    return [box.label for box in shelf.boxes]


class TestCollectionsThatWereDropped:
    """An expired collection is nobody's value any more: what is done to it is done to a copy."""

    def test_adding_to_it_warns_and_does_not_reach_the_object(self, mapped, session):
        mapped()
        shelf = stored(session, "a")
        old = shelf.boxes
        session.expire(shelf)

        with pytest.warns(SAWarning, match="This collection has been invalidated"):
            old.append(Box("lost"))

        assert labels(shelf) == ["a"]

    def test_removing_from_it_warns_and_does_not_reach_the_object(self, mapped, session):
        mapped()
        shelf = stored(session, "a")
        old = shelf.boxes
        (box,) = old
        session.expire(shelf, ["boxes"])

        with pytest.warns(SAWarning, match="This collection has been invalidated"):
            old.remove(box)

        assert shelf.boxes == [box]

    def test_it_can_be_pickled_with_its_elements(self, mapped, session):
        mapped()
        shelf = stored(session, "a", "b")
        old = shelf.boxes
        assert [box.label for box in old] == ["a", "b"]
        session.expire(shelf, ["boxes"])

        copied = pickle.loads(pickle.dumps(old))

        assert [box.label for box in copied] == ["a", "b"]

    def test_a_replaced_collection_is_an_ordinary_list(self, mapped, session):
        mapped()
        shelf = stored(session, "a")
        old = shelf.boxes

        shelf.boxes = [Box("b")]
        old.append(Box("c"))
        session.flush()

        assert labels(shelf) == ["b"]
        assert session.query(Box).filter_by(label="c").count() == 0

    def test_a_deleted_collection_lets_its_elements_go(self, mapped, session):
        mapped()
        shelf = stored(session, "a")
        (box,) = shelf.boxes

        del shelf.boxes
        session.commit()

        assert box.shelf is None
        assert shelf.boxes == []

    def test_deleting_a_collection_that_nobody_read_is_no_error(self, mapped):
        mapped()
        shelf = Shelf()

        del shelf.boxes

        assert shelf.boxes == []


class TestAssignedCollections:
    @pytest.mark.parametrize("value", [{"a": 1}, 5, None])
    def test_another_kind_of_collection_is_refused_and_the_old_one_stays(self, mapped, value):
        mapped()
        box = Box("a")
        shelf = Shelf([box])

        with pytest.raises(TypeError, match="Incompatible collection type: .* is not list-like"):
            shelf.boxes = value

        assert shelf.boxes == [box]

    def test_elements_of_a_dictionary_are_kept_by_their_own_keys(self, mapped):
        mapped(collection_class=attribute_keyed_dict("label"))
        box = Box("a")

        assert Shelf({"b": box}).boxes == {"a": box}

    def test_the_collection_of_another_object_is_copied_and_its_elements_move(self, mapped, session):
        mapped()
        first, second = stored(session, "a", "b"), stored(session)

        second.boxes = first.boxes
        session.commit()

        assert labels(first) == []
        assert labels(second) == ["a", "b"]

    def test_listeners_see_collections_come_and_go(self, mapped):
        mapped()
        seen = []
        event.listen(Shelf.boxes, "init_collection", lambda target, collection, adapter: seen.append("init"))
        event.listen(Shelf.boxes, "dispose_collection", lambda target, collection, adapter: seen.append("dispose"))

        shelf = Shelf([])
        shelf.boxes = []

        assert seen[-1] == "dispose"
        assert seen.count("init") == seen.count("dispose") + 1


class TestChangesBeforeTheCollectionIsLoaded:
    def test_coming_and_going_leaves_no_change(self, mapped, session):
        mapped()
        shelf = stored(session, "a")
        with session.no_autoflush:
            box = Box("b")
            session.add(box)
            box.shelf = shelf
            box.shelf = None

            assert labels(shelf) == ["a"]

        assert not inspect(shelf).attrs.boxes.history.has_changes()

    def test_going_and_coming_back_leaves_no_change(self, mapped, session):
        mapped()
        shelf = stored(session, "a")
        box = session.query(Box).one()
        assert box.shelf is shelf
        with session.no_autoflush:
            box.shelf = None
            box.shelf = shelf

            assert shelf.boxes == [box]

        session.commit()
        assert labels(shelf) == ["a"]

    def test_what_came_and_what_went_is_merged_with_what_is_loaded(self, mapped, session):
        mapped()
        shelf = stored(session, "a", "b")
        first = session.query(Box).filter_by(label="a").one()
        assert first.shelf is shelf
        with session.no_autoflush:
            first.shelf = None
            session.add(Box("c", shelf))

            assert labels(shelf) == ["b", "c"]
            history = inspect(shelf).attrs.boxes.history

        assert [box.label for box in history.added] == ["c"]
        assert history.deleted == [first]

    def test_an_expiry_forgets_them(self, mapped, session):
        mapped()
        shelf = stored(session, "a")
        box = session.query(Box).one()
        with session.no_autoflush:
            box.shelf = None
            session.expire(box)
            session.expire(shelf)

            assert shelf.boxes == [box]


def test_removing_what_is_not_in_the_collection_is_an_error_and_changes_nothing(mapped, session):
    mapped()
    shelf = stored(session, "a")

    with pytest.raises(ValueError, match="not in list"):
        shelf.boxes.remove(Box("b"))

    assert labels(shelf) == ["a"]


def test_a_scalar_that_was_never_set_cannot_be_deleted(mapped):
    mapped()

    with pytest.raises(AttributeError, match="shelf"):
        del Box("a").shelf
