"""Methods that check values, and methods that run when an object was loaded."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import InvalidRequestError

from ormsession import inspect, reconstructor, relationship, validates


def emit_load(instance):
    """What loading does when it has made an object from a row."""
    state = inspect(instance)
    state.manager.dispatch.load(state, None)


class TestValidators:
    def test_the_method_replaces_the_value(self, mapping, users):
        class User:
            @validates("name")
            def shout(self, key, value):
                return f"{key}:{value.upper()}"

        mapping.map_imperatively(User, users)
        user = User(name="ed")
        assert user.name == "name:ED"
        assert inspect(user).attrs.name.history.added == ["name:ED"]

    def test_what_it_raises_leaves_the_old_value(self, mapping, users):
        class User:
            @validates("age")
            def check(self, key, value):
                if value < 0:
                    raise ValueError("born in the future")
                return value

        mapping.map_imperatively(User, users)
        user = User(age=5)
        with pytest.raises(ValueError, match="born in the future"):
            user.age = -1
        assert user.age == 5

    def test_one_method_may_check_several_attributes(self, mapping, users):
        seen = []

        class User:
            @validates("name", "age")
            def note(self, key, value):
                seen.append(key)
                return value

        mapper = mapping.map_imperatively(User, users)
        User(age=1, name="ed", id=2)
        assert seen == ["age", "name"]
        assert set(mapper.validators) == {"name", "age"}

    def test_removals_are_seen_on_request(self, mapping, users):
        seen = []

        class User:
            @validates("name", include_removes=True)
            def note(self, key, value, is_removed):
                seen.append((value, is_removed))
                return value

        mapping.map_imperatively(User, users)
        user = User(name="ed")
        user.name = "jo"
        del user.name
        assert seen == [("ed", False), ("jo", False), ("jo", True)]

    def test_a_subclass_method_of_the_same_name_comes_instead(self, mapping, users):
        class Base:
            @validates("name")
            def check(self, key, value):
                return f"base {value}"

        class User(Base):
            @validates("name")
            def check(self, key, value):
                return f"sub {super().check(key, value)}"

        mapping.map_imperatively(User, users)
        assert User(name="ed").name == "sub base ed"

    def test_a_callable_object_may_check_as_well(self, mapping, users):
        class Check:
            def __call__(self, instance, key, value):
                return value * 2

        class User:
            check = validates("age")(Check())

        mapping.map_imperatively(User, users)
        assert User(age=4).age == 8

    def test_two_for_one_attribute_are_refused(self, mapping, users):
        class User:
            @validates("name")
            def one(self, key, value):
                return value

            @validates("id", "name")
            def two(self, key, value):
                return value

        with pytest.raises(InvalidRequestError, match=r"attribute 'name' on mapper Mapper\[User\(users\)\] already"):
            mapping.map_imperatively(User, users)
        assert "_sa_class_manager" not in vars(User)

    def test_an_attribute_that_is_mapped_later_is_checked_too(self, mapping, users):
        class User:
            @validates("title")
            def shout(self, key, value):
                return value.upper()

        mapper = mapping.map_imperatively(User, users)
        mapper.add_property("title", users.c.name)
        assert User(title="ed").title == "ED"

    def test_changes_from_the_other_side_can_be_left_out(self, mapping, users):
        seen = []

        class User:
            @validates("name", include_backrefs=False)
            def note(self, key, value):
                seen.append(value)
                return value

        mapping.map_imperatively(User, users)
        user = User(name="ed")
        state, impl = inspect(user), inspect(User).class_manager["age"].impl
        User.name.impl.set(state, vars(user), "jo", initiator=impl._replace_token)
        assert (seen, user.name) == (["ed"], "jo")

    def test_they_work_through_a_setattr_of_the_class(self, mapping, users):
        class User:
            def __setattr__(self, name, value):
                object.__setattr__(self, name, value)

            @validates("name")
            def shout(self, key, value):
                return value.upper()

        mapping.map_imperatively(User, users)
        assert User(name="ed").name == "ED"


class TestReconstructors:
    def test_the_method_runs_for_loaded_objects_only(self, mapping, users):
        class User:
            @reconstructor
            def restore(self):
                self.is_restored = True

        mapper = mapping.map_imperatively(User, users)
        user = User()
        assert not hasattr(user, "is_restored")
        emit_load(user)
        assert user.is_restored
        assert mapper.reconstructors == (vars(User)["restore"],)

    def test_the_constructor_may_be_the_method(self, mapping, users):
        made = []

        class User:
            @reconstructor
            def __init__(self):
                made.append(type(self).__name__)

        mapping.map_imperatively(User, users)
        emit_load(User())
        assert made == ["User", "User"]

    def test_one_of_a_base_that_is_not_mapped_runs(self, mapping, users):
        class Base:
            @reconstructor
            def restore(self):
                self.is_restored = True

        class User(Base):
            pass

        mapping.map_imperatively(User, users)
        user = User()
        emit_load(user)
        assert user.is_restored


class TestValidatorsOfRelationships:
    @pytest.fixture
    def seen(self):
        return []

    @pytest.fixture
    def classes(self, mapping, users, emails, seen):
        class Email:
            pass

        class User:
            @validates("emails", include_removes=True)
            def check(self, key, email, is_removed):
                seen.append((email.address, is_removed))
                if email.address == "bad":
                    raise ValueError("no such address")
                return email

        mapping.map_imperatively(Email, emails)
        mapping.map_imperatively(User, users, properties={"emails": relationship(Email, backref="user")})
        return User, Email

    def test_elements_are_checked_when_they_enter_and_seen_when_they_leave(self, classes, seen):
        User, Email = classes
        user, first = User(), Email(address="a")
        user.emails.append(first)
        user.emails.remove(first)
        assert seen == [("a", False), ("a", True)]
        with pytest.raises(ValueError, match="no such address"):
            user.emails.append(Email(address="bad"))
        assert user.emails == []

    def test_all_elements_of_a_new_collection_are_checked_once(self, classes, seen):
        User, Email = classes
        user, first, second, third = User(), Email(address="a"), Email(address="b"), Email(address="c")
        user.emails = [first, second]
        user.emails = [second, third]
        assert seen == [("a", False), ("b", False), ("b", False), ("c", False), ("a", True)]

    def test_changes_from_the_other_side_are_checked(self, classes, seen):
        User, Email = classes
        email, user = Email(address="a"), User()
        email.user = user
        assert seen == [("a", False)]
        assert user.emails == [email]

    def test_unless_that_is_not_wanted(self, mapping, users, emails):
        seen = []

        class Email:
            pass

        class User:
            @validates("emails", include_backrefs=False)
            def check(self, key, email):
                seen.append(email)
                return email

        mapping.map_imperatively(Email, emails)
        mapping.map_imperatively(User, users, properties={"emails": relationship(Email, backref="user")})
        user, email = User(), Email()
        email.user = user
        assert (seen, user.emails) == ([], [email])
        user.emails = [email]
        assert seen == [email]
