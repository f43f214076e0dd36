"""Which classes can be mapped, what they are afterwards, and that refused ones stay as they were."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import attrs
import pytest
from sqlalchemy import literal, select
from sqlalchemy.exc import ArgumentError, NoInspectionAvailable

import ormsession
from ormsession import exc, inspect


class Picklable:
    """At module level, where pickle finds it."""


class TestConstructor:
    def test_a_class_without_one_takes_its_attributes_by_keyword(self, mapping, users):
        class User:
            pass

        mapping.map_imperatively(User, users)
        user = User(name="ed", age=5)
        assert (user.id, user.name, user.age) == (None, "ed", 5)

    def test_a_keyword_that_is_no_attribute_is_refused_by_name(self, mapping, users):
        class User:
            pass

        mapping.map_imperatively(User, users)
        with pytest.raises(TypeError, match="'nam' is an invalid keyword argument for User"):
            User(nam="ed")

    def test_the_constructor_of_the_class_is_kept(self, mapping, users):
        class User:
            def __init__(self, name, *, age=7):
                self.name = name
                self.age = age

        mapping.map_imperatively(User, users)
        assert User("ed").age == 7
        with pytest.raises(TypeError):
            User("ed", id=5)

    def test_an_inherited_constructor_is_kept(self, mapping, users):
        class Named:
            def __init__(self, name):
                self.name = name.upper()

        class User(Named):
            pass

        mapping.map_imperatively(User, users)
        assert User("ed").name == "ED"

    def test_a_registry_may_bring_another_constructor(self, users):
        def positional(self, name):
            self.name = name

        class User:
            pass

        made = ormsession.registry(constructor=positional)
        made.map_imperatively(User, users)
        assert User("ed").name == "ed"
        made.dispose()

    def test_a_registry_may_bring_none(self, users):
        class User:
            pass

        made = ormsession.registry(constructor=None)
        made.map_imperatively(User, users)
        with pytest.raises(TypeError):
            User(name="ed")
        made.dispose()

    def test_a_constructor_that_raises_passes_the_error_on(self, mapping, users):
        class User:
            def __init__(self):
                raise LookupError("no name left")

        mapping.map_imperatively(User, users)
        with pytest.raises(LookupError, match="no name left"):
            User()


class TestDataclasses:
    def test_a_default_of_a_field_does_not_hide_its_column(self, mapping, users):
        @dataclasses.dataclass
        class User:
            id: int | None = None
            name: str = "nobody"
            age: int = 0

        mapping.map_imperatively(User, users)
        assert User().name == "nobody"
        assert inspect(User).attrs.keys() == ["id", "name", "age"]
        assert inspect(User(name="ed")).attrs.name.history.added == ["ed"]

    def test_equality_representation_and_fields_work_on(self, mapping, users):
        @dataclasses.dataclass
        class User:
            id: int
            name: str
            age: int = 3

        mapping.map_imperatively(User, users)
        assert User(1, "ed") == User(1, "ed")
        assert repr(User(1, "ed")).endswith("User(id=1, name='ed', age=3)")
        assert dataclasses.asdict(User(1, "ed")) == {"id": 1, "name": "ed", "age": 3}
        assert dataclasses.replace(User(1, "ed"), name="jo") == User(1, "jo")

    def test_keyword_only_fields_and_post_init_run_through_tracking(self, mapping, users):
        @dataclasses.dataclass(kw_only=True)
        class User:
            id: int
            name: str
            age: int = dataclasses.field(init=False)

            def __post_init__(self):
                self.age = len(self.name)

        mapping.map_imperatively(User, users)
        user = User(id=1, name="edward")
        assert user.age == 6
        assert inspect(user).attrs.age.history.added == [6]
        with pytest.raises(TypeError):
            User(1, "ed")

    def test_a_frozen_one_is_refused_with_the_cure(self, mapping, users):
        @dataclasses.dataclass(frozen=True)
        class User:
            id: int

        with pytest.raises(ArgumentError, match=r"User' can't be mapped: it is frozen.*without frozen=True"):
            mapping.map_imperatively(User, users)

    def test_one_with_slots_is_refused_with_the_cure(self, mapping, users):
        @dataclasses.dataclass(slots=True)
        class User:
            id: int

        with pytest.raises(ArgumentError, match=r"no __dict__; .*slots=False"):
            mapping.map_imperatively(User, users)


class TestAttrsClasses:
    def test_they_are_mapped_as_they_are(self, mapping, users):
        @attrs.define(slots=False)
        class User:
            id: int
            name: str = "nobody"
            age: int = attrs.field(default=4, converter=int)

        mapping.map_imperatively(User, users)
        user = User(1, age="12")
        assert (user.name, user.age) == ("nobody", 12)
        user.name = "ed"
        assert inspect(user).attrs.name.history.added == ["ed"]
        assert inspect(User).attrs.keys() == ["id", "name", "age"]
        assert user == User(1, "ed", 12)

    def test_a_frozen_one_is_refused(self, mapping, users):
        @attrs.frozen(slots=False)
        class User:
            id: int

        with pytest.raises(ArgumentError, match="it is frozen"):
            mapping.map_imperatively(User, users)

    def test_one_with_slots_is_refused(self, mapping, users):
        @attrs.define
        class User:
            id: int

        with pytest.raises(ArgumentError, match="no __dict__"):
            mapping.map_imperatively(User, users)


class TestClassesWithSpecialMethods:
    def test_own_setattr_sees_every_write_and_tracking_too(self, mapping, users):
        written = []

        class User:
            def __setattr__(self, name, value):
                written.append(name)
                object.__setattr__(self, name, value)

        mapping.map_imperatively(User, users)
        user = User(name="ed")
        user.age = 5
        user.nickname = "e"
        assert written == ["name", "age", "nickname"]
        assert inspect(user).attrs.age.history.added == [5]
        assert user.nickname == "e"

    def test_own_equality_and_hash_are_never_asked(self, mapping, users):
        class User:
            def __eq__(self, other):
                raise AssertionError("compared")

            def __hash__(self):
                raise AssertionError("hashed")

            def __bool__(self):
                raise AssertionError("asked for truth")

        mapping.map_imperatively(User, users)
        user = User(name="ed")
        user.name = "jo"
        assert inspect(user).attrs.name.value == "jo"

    def test_own_getattr_is_asked_only_for_what_is_not_mapped(self, mapping, users):
        class User:
            def __getattr__(self, name):
                if name.startswith("__"):
                    raise AttributeError(name)
                return f"<{name}>"

        mapping.map_imperatively(User, users)
        user = User(name="ed")
        assert (user.name, user.age, user.shoe) == ("ed", None, "<shoe>")

    def test_a_finalizer_runs_as_soon_as_the_object_is_let_go(self, mapping, users):
        finalized = []

        class User:
            def __del__(self):
                finalized.append(self.name)

        mapping.map_imperatively(User, users)
        user = User(name="ed")
        user.name = "jo"
        assert finalized == []
        del user
        assert finalized == ["jo"]

    def test_copies_are_transient_objects_of_their_own(self, mapping, users):
        class User:
            pass

        mapping.map_imperatively(User, users)
        user = User(name="ed")
        other = copy.copy(user)
        other.name = "jo"
        assert (user.name, other.name) == ("ed", "jo")
        assert inspect(other) is not inspect(user)
        assert inspect(other).transient

    def test_pickled_objects_come_back_with_their_values(self, mapping, users):
        mapping.map_imperatively(Picklable, users)
        user = pickle.loads(pickle.dumps(Picklable(name="ed")))
        assert user.name == "ed"
        assert inspect(user).transient


class TestRefusals:
    @pytest.mark.parametrize("given", [5, "User", None, [int]])
    def test_what_is_no_class(self, mapping, users, given):
        with pytest.raises(ArgumentError, match="Class object expected, got"):
            mapping.map_imperatively(given, users)

    def test_a_builtin_type(self, mapping, users):
        with pytest.raises(ArgumentError, match=r"'builtins.dict' can't be mapped: it is a built-in type"):
            mapping.map_imperatively(dict, users)

    def test_slots_without_a_dictionary(self, mapping, users):
        class User:
            __slots__ = ("__weakref__", "id", "name")

        with pytest.raises(ArgumentError, match=r"its instances have no __dict__; .*add '__dict__'"):
            mapping.map_imperatively(User, users)

    def test_slots_without_weak_references(self, mapping, users):
        class User:
            __slots__ = ("__dict__",)

        with pytest.raises(ArgumentError, match=r"its instances have no __weakref__; add '__weakref__'"):
            mapping.map_imperatively(User, users)

    def test_a_class_that_is_mapped_already(self, mapping, users):
        class User:
            pass

        mapping.map_imperatively(User, users)
        with pytest.raises(ArgumentError, match=r"User' already has a primary mapper defined; dispose"):
            mapping.map_imperatively(User, users)
        assert User(name="ed").name == "ed"

    @pytest.mark.parametrize(
        ("selectable", "message"),
        [
            (None, r"Mapper\[User\(None\)\] has None for a primary table argument and does not specify 'inherits'"),
            (select(literal(1)), r"can't be mapped to a select\(\); call .subquery\(\) on the select first"),
            (select(literal(1)).union(select(literal(2))), r"call .subquery\(\)"),
            ("users", "to a table, a join or a subquery, got 'users'"),
        ],
    )
    def test_what_rows_cannot_be_selected_from(self, mapping, selectable, message):
        class User:
            pass

        with pytest.raises(ArgumentError, match=message):
            mapping.map_imperatively(User, selectable)

    @pytest.mark.parametrize("name", ["_sa_instance_state", "_sa_class_manager"])
    def test_a_name_that_tracking_needs_for_itself(self, mapping, users, name):
        class User:
            pass

        with pytest.raises(KeyError, match="conflicts with instrumentation attribute of the same name"):
            mapping.map_imperatively(User, users, properties={name: users.c.name})

    def test_a_refused_class_is_as_before_and_can_be_mapped_properly(self, mapping, users):
        class User:
            name = ""

        before = dict(vars(User))
        with pytest.raises(ArgumentError):
            mapping.map_imperatively(User, users, properties={"a": "nonsense"})
        with pytest.raises(KeyError):
            mapping.map_imperatively(User, users, properties={"_sa_instance_state": users.c.name})
        assert dict(vars(User)) == before
        assert mapping.mappers == frozenset()
        mapping.map_imperatively(User, users)
        assert User(name="ed").name == "ed"


class TestMarks:
    def test_the_class_leads_to_its_mapper_and_table(self, mapping, users):
        class User:
            pass

        mapper = mapping.map_imperatively(User, users)
        assert User.__mapper__ is mapper
        assert User.__table__ is users

    def test_the_class_stands_in_a_statement_and_its_instances_do_not(self, mapping, users):
        class User:
            pass

        mapping.map_imperatively(User, users)
        assert "FROM users" in str(select(User))
        assert not hasattr(User(), "__clause_element__")

    def test_a_subclass_that_is_not_mapped_does_not_stand_in_a_statement(self, mapping, users):
        class User:
            pass

        class Admin(User):
            pass

        mapping.map_imperatively(User, users)
        assert not hasattr(Admin, "__clause_element__")
        with pytest.raises(exc.UnmappedClassError, match="Admin' is not mapped"):
            ormsession.class_mapper(Admin)

    def test_its_own_way_into_statements_is_kept(self, mapping, users):
        class User:
            @classmethod
            def __clause_element__(cls):
                return users.alias("mine")

        mapping.map_imperatively(User, users)
        assert "FROM users AS mine" in str(select(User))

    def test_everything_goes_when_the_mapping_goes(self, users):
        class User:
            name = "default"

        before = dict(vars(User))
        made = ormsession.registry()
        made.map_imperatively(User, users, properties={"name": users.c.name, "login": ormsession.synonym("name")})
        user = User(name="ed")
        made.dispose()
        assert dict(vars(User)) == before
        assert User.name == "default"
        with pytest.raises(NoInspectionAvailable):
            inspect(User)
        with pytest.raises(NoInspectionAvailable):
            inspect(User())
        assert user.name == "ed"


class TestSubclassesThatAreNotMapped:
    def test_their_own_setattr_sees_what_the_keyword_constructor_sets(self, mapping, users):
        written = []

        class User:
            pass

        class Admin(User):
            def __setattr__(self, name, value):
                written.append(name)
                super().__setattr__(name, value)

        mapping.map_imperatively(User, users)
        assert Admin(name="ed").name == "ed"
        assert written == ["name"]

    def test_their_attributes_are_tracked(self, mapping, users):
        class User:
            pass

        class Admin(User):
            pass

        mapping.map_imperatively(User, users)
        assert inspect(Admin(name="ed")).attrs.name.history.added == ["ed"]
