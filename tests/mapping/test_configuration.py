"""When mappers are configured, what happens then, and what when one of them cannot be."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import InvalidRequestError

import ormsession
from ormsession import (
    EXT_SKIP,
    ColumnProperty,
    Mapper,
    aliased,
    class_mapper,
    clear_mappers,
    configure_mappers,
    inspect,
)
from ormsession.events import InstrumentationEvents, MapperEvents
from ormsession.mapping import hooks


class Thing:
    """Mapped anew by each test."""


class Other:
    """Mapped anew by each test."""


@pytest.fixture
def listen():
    """``event.listen`` whose listeners are gone after the test."""
    listened = []

    def listen(target, name, function, **options):
        event.listen(target, name, function, **options)
        listened.append((target, name, function))

    yield listen
    for entry in listened:
        event.remove(*entry)


class Failing(ColumnProperty):
    """Cannot be finished."""

    def do_init(self):
        raise LookupError("cannot find the other end")


class TestWhen:
    def test_mapping_alone_does_not_configure(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users)
        assert not mapper.configured
        assert mapping.has_new_mappers
        assert list(mapper.iterate_properties)
        assert mapper.get_property("name")
        assert inspect(Thing) is mapper
        assert not mapper.configured

    @pytest.mark.parametrize(
        "use",
        [
            lambda: Thing(),
            lambda: class_mapper(Thing),
            lambda: Thing.__mapper__.attrs,
            lambda: Thing.__mapper__.column_attrs,
            lambda: aliased(Thing),
            lambda: str(select(Thing)),
            lambda: configure_mappers(),
        ],
    )
    def test_the_first_use_configures(self, mapping, users, use):
        mapper = mapping.map_imperatively(Thing, users)
        use()
        assert mapper.configured
        assert not mapping.has_new_mappers

    def test_a_class_in_use_configures_those_that_came_later(self, mapping, users, emails):
        mapping.map_imperatively(Thing, users)
        Thing()
        later = mapping.map_imperatively(Other, emails)
        assert not later.configured
        Thing()
        assert later.configured

    def test_a_mapper_may_be_looked_up_without(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users)
        assert class_mapper(Thing, configure=False) is mapper
        assert not mapper.configured

    def test_several_threads_configure_each_mapper_once(self, mapping, users, listen):
        configured = []
        listen(Mapper, "mapper_configured", lambda mapper, class_: configured.append(class_))
        mapping.map_imperatively(Thing, users)
        gate = threading.Barrier(4)

        def use():
            gate.wait()
            Thing()

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert configured == [Thing]

    def test_configuring_inside_a_run_leaves_it_to_the_run(self, mapping, users, emails):
        class Impatient(ColumnProperty):
            def post_instrument_class(self, mapper):
                configure_mappers()

        first = mapping.map_imperatively(Thing, users, properties={"name": Impatient(users.c.name)})
        second = mapping.map_imperatively(Other, emails)
        configure_mappers()
        assert first.configured
        assert second.configured


class TestLoaders:
    @pytest.fixture
    def installed(self, monkeypatch):
        seen = []
        monkeypatch.setattr(hooks, "install_loaders", lambda mapper: seen.append(mapper.props.keys()))
        return seen

    def test_are_installed_once_for_each_mapper(self, mapping, users, installed):
        mapper = mapping.map_imperatively(Thing, users)
        assert installed == []
        configure_mappers()
        configure_mappers()
        assert installed == [mapper.props.keys()]

    def test_are_installed_again_for_a_property_that_comes_later(self, mapping, users, installed):
        mapper = mapping.map_imperatively(Thing, users, exclude_properties=["age"])
        configure_mappers()
        mapper.add_property("age", users.c.age)
        assert [list(keys) for keys in installed] == [["id", "name"], ["id", "name", "age"]]

    def test_a_property_that_comes_before_configuration_waits_for_it(self, mapping, users, installed):
        mapper = mapping.map_imperatively(Thing, users, exclude_properties=["age"])
        mapper.add_property("age", users.c.age)
        assert installed == []
        configure_mappers()
        assert [list(keys) for keys in installed] == [["id", "name", "age"]]


class TestFailure:
    def test_the_error_goes_to_whoever_configures_first_and_names_the_mapper_afterwards(self, mapping, users, emails):
        mapping.map_imperatively(Thing, users, properties={"name": Failing(users.c.name)})
        mapping.map_imperatively(Other, emails)
        with pytest.raises(LookupError, match="cannot find the other end"):
            Other()
        for _ in range(2):
            with pytest.raises(InvalidRequestError) as caught:
                Other()
            assert "Triggering mapper: 'Mapper[Thing(users)]'" in str(caught.value)
            assert str(caught.value).endswith("Original exception was: cannot find the other end")
            assert isinstance(caught.value.__cause__, LookupError)

    def test_disposing_of_the_mapper_ends_it(self, mapping, users):
        mapping.map_imperatively(Thing, users, properties={"name": Failing(users.c.name)})
        with pytest.raises(LookupError):
            configure_mappers()
        mapping.dispose()
        configure_mappers()
        mapping.map_imperatively(Thing, users)
        assert Thing(name="ed").name == "ed"

    def test_other_registries_work_on(self, mapping, users, emails):
        mapping.map_imperatively(Thing, users, properties={"name": Failing(users.c.name)})
        elsewhere = ormsession.registry()
        elsewhere.map_imperatively(Other, emails)
        with pytest.raises(LookupError):
            mapping.configure()
        assert Other(address="a").address == "a"
        elsewhere.dispose()


class TestEvents:
    def test_they_come_in_order(self, mapping, users, listen):
        seen = []
        for name in ("instrument_class", "after_mapper_constructed", "before_mapper_configured", "mapper_configured"):
            listen(Mapper, name, lambda mapper, class_, name=name: seen.append((name, class_)))
        for name in ("before_configured", "after_configured"):
            listen(Mapper, name, lambda name=name: seen.append(name))
        listen(Thing, "class_instrument", lambda class_: seen.append(("class_instrument", class_)))
        mapping.map_imperatively(Thing, users)
        assert seen == [("instrument_class", Thing), ("class_instrument", Thing), ("after_mapper_constructed", Thing)]
        seen.clear()
        configure_mappers()
        assert seen == [
            "before_configured",
            ("before_mapper_configured", Thing),
            ("mapper_configured", Thing),
            "after_configured",
        ]

    def test_nothing_is_emitted_when_there_is_nothing_to_configure(self, mapping, users, listen):
        mapping.map_imperatively(Thing, users)
        configure_mappers()
        seen = []
        listen(Mapper, "before_configured", lambda: seen.append("before"))
        configure_mappers()
        Thing()
        assert seen == []

    def test_a_listener_may_let_a_mapper_wait(self, mapping, users, emails):
        waiting = mapping.map_imperatively(Thing, users)
        other = mapping.map_imperatively(Other, emails)
        answers = [EXT_SKIP, None]
        event.listen(waiting, "before_mapper_configured", lambda mapper, class_: answers.pop(0), retval=True)
        configure_mappers()
        assert (waiting.configured, other.configured, mapping.has_new_mappers) == (False, True, True)
        configure_mappers()
        assert (waiting.configured, mapping.has_new_mappers) == (True, False)

    def test_a_class_may_be_listened_to_before_it_is_mapped(self, mapping, users):
        seen = []

        class Base:
            pass

        class Late(Base):
            pass

        event.listen(Late, "mapper_configured", lambda mapper, class_: seen.append(("own", class_)))
        event.listen(Base, "instrument_class", lambda mapper, class_: seen.append(("base", class_)), propagate=True)
        event.listen(Base, "mapper_configured", lambda mapper, class_: seen.append("not for subclasses"))
        mapping.map_imperatively(Late, users)
        configure_mappers()
        assert seen == [("base", Late), ("own", Late)]

    def test_a_listener_may_change_the_class_before_it_is_instrumented(self, mapping, users):
        class Late:
            pass

        def add_constructor(mapper, class_):
            class_.__init__ = lambda self: setattr(self, "name", "made")

        event.listen(Late, "instrument_class", add_constructor)
        mapping.map_imperatively(Late, users)
        assert Late().name == "made"

    def test_a_property_may_be_added_by_a_listener(self, mapping, users):
        class Late:
            pass

        event.listen(Late, "after_mapper_constructed", lambda mapper, class_: mapper.add_property("nick", users.c.name))
        event.listen(Late, "mapper_configured", lambda mapper, class_: mapper.add_property("years", users.c.age))
        mapper = mapping.map_imperatively(Late, users)
        assert Late(nick="ed", years=3).years == 3
        assert set(mapper.attrs.keys()) == {"id", "name", "age", "nick", "years"}

    def test_a_property_may_be_added_before_the_class_is_instrumented(self, mapping, users):
        class Late:
            pass

        event.listen(Late, "instrument_class", lambda mapper, class_: mapper.add_property("nick", users.c.name))
        mapper = mapping.map_imperatively(Late, users)
        assert mapper.attrs.keys() == ["id", "nick", "age"]
        assert Late(nick="ed").nick == "ed"

    @pytest.mark.parametrize("name", ["before_configured", "after_configured"])
    def test_those_that_concern_all_mappers_are_not_offered_by_one(self, mapping, users, name):
        mapper = mapping.map_imperatively(Thing, users)
        for target in (mapper, Thing):
            with pytest.raises(InvalidRequestError, match=f"No such event '{name}' for target"):
                event.listen(target, name, lambda: None)


class TestClearMappers:
    def test_all_classes_are_plain_again(self, users, emails):
        first, second = ormsession.registry(), ormsession.registry()
        first.map_imperatively(Thing, users)
        second.map_imperatively(Other, emails)
        clear_mappers()
        assert first.mappers == second.mappers == frozenset()
        assert not hasattr(Thing, "__mapper__")
        assert not hasattr(Other, "address")


class TestRegistryEvents:
    def test_a_registry_hears_of_its_own_configuration(self, mapping, users):
        heard = []
        event.listen(mapping, "before_configured", lambda registry: heard.append(("before", registry)))
        event.listen(mapping, "after_configured", lambda registry: heard.append(("after", registry)))
        mapping.map_imperatively(Thing, users)
        mapping.configure()
        mapping.configure()
        assert heard == [("before", mapping), ("after", mapping)]

    def test_another_one_hears_nothing(self, mapping, users):
        heard = []
        other = ormsession.registry()
        event.listen(other, "before_configured", heard.append)
        mapping.map_imperatively(Thing, users)
        configure_mappers()
        assert heard == []


class TestHeldListeners:
    def test_reach_subclasses_that_were_mapped_before(self, mapping, users):
        class Base:
            pass

        class Derived(Base):
            pass

        heard = []
        mapper = mapping.map_imperatively(Derived, users)
        event.listen(Base, "before_insert", lambda mapper, connection, target: heard.append(target), propagate=True)
        event.listen(Base, "load", lambda target, context: heard.append(target), propagate=True)
        derived = Derived()
        mapper.dispatch.before_insert(mapper, None, inspect(derived))
        mapper.class_manager.dispatch.load(inspect(derived), None)
        assert heard == [derived, derived]

    def test_are_forgotten_when_removed(self, mapping, users, emails):
        class Base:
            pass

        class Derived(Base):
            pass

        class Late(Base):
            pass

        heard = []

        def listener(mapper, class_):
            heard.append(class_)

        event.listen(Base, "after_mapper_constructed", listener, propagate=True)
        mapping.map_imperatively(Derived, users)
        event.remove(Base, "after_mapper_constructed", listener)
        mapping.map_imperatively(Late, emails)
        assert heard == [Derived]

    def test_those_of_instances_of_all_mapped_classes_hear_each(self, mapping, users, listen):
        heard = []
        mapper = mapping.map_imperatively(Thing, users)
        listen(Mapper, "load", lambda target, context: heard.append(target))
        thing = Thing()
        mapper.class_manager.dispatch.load(inspect(thing), None)
        assert heard == [thing]

    def test_those_of_a_mapper_hear_its_instances(self, mapping, users):
        heard = []
        mapper = mapping.map_imperatively(Thing, users)
        event.listen(mapper, "load", lambda target, context: heard.append(target))
        thing = Thing()
        mapper.class_manager.dispatch.load(inspect(thing), None)
        assert heard == [thing]


def test_a_listener_that_raises_after_the_mapper_was_made_leaves_the_class_as_it_was(mapping, users, listen):
    def refuse(mapper, class_):
        raise LookupError("not this class")

    listen(Mapper, "after_mapper_constructed", refuse)
    before = dict(vars(Thing))
    with pytest.raises(LookupError, match="not this class"):
        mapping.map_imperatively(Thing, users)
    assert dict(vars(Thing)) == before
    assert mapping.mappers == frozenset()


class TestClearedListeners:
    def test_are_heard_no_more_whether_their_class_was_mapped_or_not(self, mapping, users):
        class Early:
            pass

        heard = []
        event.listen(Early, "mapper_configured", lambda mapper, class_: heard.append("held"))
        event.listen(Mapper, "mapper_configured", lambda mapper, class_: heard.append("all"))
        event.listen(Early, "class_instrument", lambda class_: heard.append("instrumented"))
        MapperEvents._clear()
        InstrumentationEvents._clear()
        mapping.map_imperatively(Early, users)
        mapping.configure()
        assert heard == []
