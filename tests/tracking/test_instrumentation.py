"""Instrumentation composes with whatever a class does itself, and can be taken off again."""

from __future__ import annotations

import dataclasses

import attrs
import pytest
from sqlalchemy import event

from ormsession import exc
from ormsession.tracking.attributes import Attribute, WriteWatch
from ormsession.tracking.instrumentation import (
    instance_dict,
    instance_state,
    is_instrumented,
    manager_of_class,
    opt_manager_of_class,
    register_class,
    unregister_class,
)
from ormsession.tracking.registration import register_attribute, unregister_attribute
from ormsession.tracking.symbols import NO_VALUE

from .tracked import make_user, tracked


def test_a_loaded_value_is_read_from_the_dictionary_without_us():
    User = make_user()
    user = User()
    user.name = "ed"
    assert not hasattr(type(User.__dict__["name"]), "__set__")
    assert instance_dict(user)["name"] == "ed"


def test_untracked_attributes_are_not_tracked():
    user = make_user()()
    user.shoe_size = 43
    assert instance_state(user).committed_state == {}
    del user.shoe_size
    assert not hasattr(user, "shoe_size")


def test_replacing_the_whole_dictionary_works():
    user = make_user()()
    state = instance_state(user)
    user.__dict__ = {"_sa_instance_state": state, "name": "new"}
    assert user.name == "new"


class Shouting:
    def __setattr__(self, name, value):
        object.__setattr__(self, name, value.upper() if isinstance(value, str) else value)


def test_a_class_that_writes_behind_us_is_tracked_all_the_same():
    class Local(Shouting):
        pass

    tracked(Local, "name")
    local = Local()
    local.name = "ed"
    assert local.name == "ED"
    assert instance_state(local).committed_state == {"name": NO_VALUE}
    assert isinstance(Local.__dict__["name"], WriteWatch)
    assert isinstance(Local.name, Attribute)
    del local.name
    assert local.name is None


def test_an_unregistered_subclass_that_writes_behind_us_is_tracked_all_the_same():
    User = make_user()

    class Sub(User):
        def __setattr__(self, name, value):
            object.__setattr__(self, name, value)

    constructed, bare = Sub(), Sub.__new__(Sub)
    constructed.name = bare.name = "ed"
    assert instance_state(constructed).committed_state == {"name": NO_VALUE}
    assert instance_state(bare).committed_state == {"name": NO_VALUE}


def test_a_registered_subclass_that_writes_behind_us_sees_attributes_of_its_base():
    User = make_user()

    class Sub(User):
        def __setattr__(self, name, value):
            object.__setattr__(self, name, value)

    tracked(Sub, "level")
    register_attribute(User, "late")
    sub = Sub()
    sub.name, sub.level, sub.late = "ed", 1, 2
    assert set(instance_state(sub).committed_state) == {"name", "level", "late"}
    unregister_class(Sub)
    assert "name" not in Sub.__dict__


def test_a_class_with_two_tracked_bases_has_the_attributes_of_both():
    class One:
        pass

    class Two:
        pass

    class Both(One, Two):
        pass

    tracked(One, "a"), tracked(Two, "b"), register_class(Both)
    both = Both()
    both.a, both.b = 1, 2
    assert set(instance_state(both).committed_state) == {"a", "b"}


def test_a_class_with_delattr_of_its_own_is_tracked():
    class Careful:
        def __delattr__(self, name):
            object.__delattr__(self, name)

    tracked(Careful, "name")
    careful = Careful()
    careful.name = "x"
    instance_state(careful).commit_all(instance_dict(careful))
    del careful.name
    assert instance_state(careful).committed_state == {"name": "x"}


def test_a_class_with_getattr_of_its_own_still_answers():
    class Lenient:
        def __getattr__(self, name):
            if name.startswith("_"):
                raise AttributeError(name)
            return f"made up {name}"

    tracked(Lenient, "name")
    lenient = Lenient()
    assert lenient.name is None
    assert lenient.other == "made up other"


def test_a_dataclass_keeps_its_constructor_and_equality():
    @dataclasses.dataclass
    class Point:
        x: int
        y: int = 0

        def __post_init__(self):
            self.y += 1

    tracked(Point, "x", "y")
    point = Point(1, 2)
    assert (point.x, point.y) == (1, 3)
    assert point == Point(1, 2)
    assert set(instance_state(point).committed_state) == {"x", "y"}


def test_an_attrs_class_with_dictionary_is_tracked():
    @attrs.define(slots=False)
    class Point:
        x: int
        y: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))

    tracked(Point, "x", "y")
    point = Point(1)
    point.x = 5
    assert (point.x, point.y) == (5, 0)
    with pytest.raises(TypeError):
        point.y = "no"
    assert point.y == 0


def test_a_class_without_a_dictionary_is_refused_with_the_cure():
    class Slotted:
        __slots__ = ("__weakref__", "x")

    with pytest.raises(exc.InvalidRequestError, match=r"have no __dict__\. Define it without __slots__"):
        register_class(Slotted)
    assert opt_manager_of_class(Slotted) is None


def test_a_class_without_weak_references_is_refused_with_the_cure():
    class Slotted:
        __slots__ = ("__dict__",)

    with pytest.raises(exc.InvalidRequestError, match="have no __weakref__"):
        register_class(Slotted)


def test_registering_twice_gives_the_same_manager():
    User = make_user()
    assert register_class(User) is manager_of_class(User)


def test_unregistering_gives_the_class_back_as_it_was():
    class Plain:
        name = "default"

        def __init__(self):
            self.made = True

    before = dict(Plain.__dict__)
    tracked(Plain, "name")
    unregister_class(Plain)
    after = dict(Plain.__dict__)
    assert {key: after[key] for key in before} == before
    assert set(after) == set(before)
    assert Plain().name == "default"


def test_unregistering_twice_does_nothing():
    User = make_user()
    unregister_class(User)
    unregister_class(User)
    with pytest.raises(exc.UnmappedClassError, match="Can't locate an instrumentation manager for class"):
        manager_of_class(User)


def test_names_of_the_tracking_itself_cannot_be_attributes():
    User = make_user()
    with pytest.raises(KeyError, match="conflicts with instrumentation attribute"):
        register_attribute(User, "_sa_instance_state")


def test_an_attribute_can_be_taken_off_again():
    User = make_user()
    assert is_instrumented(User(), "name")
    unregister_attribute(User, "name")
    assert not is_instrumented(User(), "name")
    assert "name" not in User.__dict__
    assert is_instrumented(User(), "email")


def test_a_subclass_inherits_attributes_and_may_have_its_own():
    User = make_user()

    class Admin(User):
        pass

    tracked(Admin, "level")
    admin = Admin()
    admin.name, admin.level = "root", 9
    assert set(instance_state(admin).committed_state) == {"name", "level"}
    assert not is_instrumented(User(), "level")
    unregister_attribute(User, "name")
    assert not is_instrumented(admin, "name")


def test_an_attribute_added_to_a_base_reaches_existing_subclasses():
    User = make_user()

    class Admin(User):
        pass

    register_class(Admin)
    register_attribute(User, "late")
    admin = Admin()
    admin.late = 1
    assert instance_state(admin).committed_state == {"late": NO_VALUE}
    assert manager_of_class(User).subclass_managers(True) == [manager_of_class(Admin)]


def test_instances_of_an_untracked_subclass_are_tracked_as_the_base():
    User = make_user()

    class Special(User):
        pass

    special = Special()
    special.name = "x"
    assert instance_state(special).manager is manager_of_class(User)
    assert instance_state(special).class_ is Special


def test_an_object_made_without_constructor_gets_its_state_at_the_first_need():
    User = make_user()
    written = User.__new__(User)
    written.name = "ed"
    assert instance_state(written).committed_state == {"name": NO_VALUE}
    read = User.__new__(User)
    assert read.name is None
    assert instance_state(read)() is read


def test_the_manager_makes_instances_without_the_constructor():
    class Demanding:
        def __init__(self, needed):
            self.needed = needed

    tracked(Demanding, "needed")
    demanding = manager_of_class(Demanding).new_instance()
    assert demanding.needed is None
    assert manager_of_class(Demanding).has_state(demanding)


def test_constructor_events_come_in_order_and_may_change_the_arguments():
    heard = []

    class User:
        def __init__(self, name, **kw):
            heard.append("constructor")
            self.name = name
            self.extra = kw

    tracked(User, "name")
    event.listen(User, "first_init", lambda manager, cls: heard.append("first_init"))

    @event.listens_for(User, "init")
    def add_argument(target, args, kwargs):
        heard.append("init")
        kwargs["added"] = True

    assert User("ed").extra == {"added": True}
    User("jack")
    assert heard == ["first_init", "init", "constructor", "init", "constructor"]


def test_a_failing_constructor_is_told_and_raises():
    heard = []

    class User:
        def __init__(self):
            raise ValueError("no")

    register_class(User)
    event.listen(User, "init_failure", lambda target, args, kwargs: heard.append(type(target)))
    with pytest.raises(ValueError, match="no"):
        User()
    assert heard == [User]


def test_a_listener_that_arrives_after_the_first_construction_is_heard():
    User = make_user()
    User()
    heard = []
    event.listen(User, "init", lambda target, args, kwargs: heard.append(target))
    user = User()
    assert heard == [user]


def test_listeners_for_a_class_that_is_not_tracked_yet_are_kept_for_it_and_its_subclasses():
    class Base:
        pass

    class Below(Base):
        pass

    heard = []
    event.listen(Base, "init", lambda target, args, kwargs: heard.append(type(target)), propagate=True)
    event.listen(Base, "init", lambda target, args, kwargs: heard.append("not propagated"))
    register_class(Below)
    Below()
    assert heard == [Below]


def test_classes_that_get_and_lose_tracking_are_told():
    class Base:
        pass

    class Below(Base):
        pass

    heard = []
    event.listen(Base, "class_instrument", lambda cls: heard.append(("in", cls)))
    event.listen(Base, "class_uninstrument", lambda cls: heard.append(("out", cls)))
    event.listen(Base, "attribute_instrument", lambda cls, key, inst: heard.append((key, cls)))
    tracked(Below, "x")
    unregister_class(Below)
    make_user()
    assert heard == [("in", Below), ("x", Below), ("out", Below)]


def test_the_first_construction_runs_what_waits_for_it():
    User = make_user()
    manager = manager_of_class(User)
    ran = []

    def once():
        ran.append(1)
        manager.before_first_instance = None

    manager.before_first_instance = once
    User(), User()
    assert ran == [1]


def test_a_descriptor_on_the_class_is_the_attribute():
    User = make_user()
    assert isinstance(User.name, Attribute)
    assert str(User.name) == "User.name"
    assert repr(manager_of_class(User)) == "<ClassManager of User>"
    assert list(manager_of_class(User).attributes) == [User.name, User.email]


def test_listeners_of_a_construction_see_defaults_as_well_and_may_change_them():
    class User:
        def __init__(self, name, *, city="Rome"):
            self.described = f"{name} of {city}"

    manager = register_class(User)
    heard = []

    def note(target, args, kwargs):
        heard.append((args, dict(kwargs)))
        kwargs["city"] = "Pisa"

    event.listen(manager, "init", note)
    assert User("ed").described == "ed of Pisa"
    assert heard == [(("ed",), {"city": "Rome"})]


def test_listeners_of_a_construction_with_wrong_arguments_see_them_as_given():
    class User:
        def __init__(self, name):
            self.name = name

    manager = register_class(User)
    heard = []
    event.listen(manager, "init_failure", lambda target, args, kwargs: heard.append((args, kwargs)))
    with pytest.raises(TypeError):
        User("ed", city="Rome")
    assert heard == [(("ed",), {"city": "Rome"})]
