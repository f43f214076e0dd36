"""Collections tell of every element that enters or leaves, whatever method was used."""

from __future__ import annotations

import copy
import pickle
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import event

from ormsession import exc, get_history, init_collection, set_committed_value
from ormsession.tracking import symbols
from ormsession.tracking.access import has_parent
from ormsession.tracking.collections import (
    InstrumentedDict,
    InstrumentedList,
    attribute_keyed_dict,
    collection,
    collection_adapter,
    instrument_class,
    keyfunc_mapping,
    prepare_instrumentation,
)
from ormsession.tracking.instrumentation import instance_state, unregister_class

from .tracked import Holder, tracked


class Child:
    def __init__(self, name="child"):
        self.name = name

    def __repr__(self):
        return f"Child({self.name!r})"


class Parent:
    """At module level, so that it can be pickled."""


@pytest.fixture(autouse=True)
def tracked_classes():
    tracked(Child, "name")
    tracked(Parent, "children", useobject=True, uselist=True, trackparent=True)
    yield
    unregister_class(Parent)
    unregister_class(Child)


def parent_of(typecallable):
    class Local:
        pass

    return tracked(Local, "children", useobject=True, uselist=True, typecallable=typecallable)


def committed(obj):
    instance_state(obj).commit_all(obj.__dict__)
    return obj


def listen(attribute):
    """Element changes in order: ('+', element) and ('-', element)."""
    heard = []
    event.listen(attribute, "append", lambda target, value, initiator: heard.append(("+", value)))
    event.listen(attribute, "remove", lambda target, value, initiator: heard.append(("-", value)))
    return heard


class ListMachine(RuleBasedStateMachine):
    """A tracked list does what a list does, and its events add up to what it holds."""

    def __init__(self):
        super().__init__()
        Local = parent_of(list)
        self.parent = Local()
        self.list = self.parent.children
        self.model = []
        self.balance = {}
        event.listen(Local.children, "append", lambda target, value, initiator: self.count(value, 1))
        event.listen(Local.children, "remove", lambda target, value, initiator: self.count(value, -1))

    def count(self, value, by):
        self.balance[id(value)] = self.balance.get(id(value), 0) + by

    indexes = st.integers(-4, 4)
    children = st.lists(st.builds(Child), max_size=3)
    slices = st.builds(slice, st.none() | indexes, st.none() | indexes, st.sampled_from([None, 1, 2, -1]))

    def both(self, action):
        """Do it to both; what fails in one fails alike in the other, and changes nothing there."""
        try:
            expected = action(self.model)
        except (IndexError, ValueError) as error:
            with pytest.raises(type(error)):
                action(self.list)
        else:
            assert action(self.list) == expected

    @rule(children=children)
    def extend(self, children):
        self.both(lambda each: each.extend(children))

    @rule(child=st.builds(Child))
    def append(self, child):
        self.both(lambda each: each.append(child))

    @rule(index=indexes, child=st.builds(Child))
    def insert(self, index, child):
        self.both(lambda each: each.insert(index, child))

    @rule(index=indexes, child=st.builds(Child))
    def set_one(self, index, child):
        self.both(lambda each: each.__setitem__(index, child))

    @rule(part=slices, children=children)
    def set_slice(self, part, children):
        self.both(lambda each: each.__setitem__(part, children))

    @rule(part=slices | indexes)
    def delete(self, part):
        self.both(lambda each: each.__delitem__(part))

    @rule(index=indexes)
    def pop(self, index):
        self.both(lambda each: each.pop(index))

    @rule()
    def remove_first(self):
        if self.model:
            child = self.model[0]
            self.both(lambda each: each.remove(child))

    @rule()
    def clear(self):
        self.both(lambda each: each.clear())

    @rule()
    def reverse_and_sort_have_no_events(self):
        self.both(lambda each: each.reverse())

    @rule(children=children)
    def add_in_place(self, children):
        self.parent.children += children
        self.model += children

    @invariant()
    def both_are_equal_and_events_add_up(self):
        assert list(self.list) == self.model
        held = {}
        for child in self.model:
            held[id(child)] = held.get(id(child), 0) + 1
        assert {key: count for key, count in self.balance.items() if count} == held


def test_a_list_behaves_like_a_list():
    run_state_machine_as_test(ListMachine)


@given(st.lists(st.sampled_from(["a", "b", "c"])), st.lists(st.sampled_from(["b", "c", "d"])), st.integers(0, 7))
def test_a_set_behaves_like_a_set(first, second, which):
    operation = [
        lambda s: s.update(second),
        lambda s: s.difference_update(second),
        lambda s: s.intersection_update(second),
        lambda s: s.symmetric_difference_update(set(second)),
        lambda s: s.__ior__(set(second)),
        lambda s: s.__isub__(set(second)),
        lambda s: s.__iand__(set(second)),
        lambda s: s.__ixor__(set(second)),
    ][which]
    Local = parent_of(set)
    heard = listen(Local.children)
    parent, model = Local(), set(first)
    parent.children = set(first)
    operation(parent.children)
    operation(model)
    assert parent.children == model
    replayed = set()
    for sign, element in heard:
        replayed = replayed | {element} if sign == "+" else replayed - {element}
    assert replayed == model


def test_the_other_methods_of_a_set_tell_too():
    Local = parent_of(set)
    heard = listen(Local.children)
    again = []
    event.listen(Local.children, "append_wo_mutation", lambda target, value, initiator: again.append(value))
    parent = Local()
    parent.children.add("a")
    parent.children.add("a")
    parent.children.discard("nothing")
    parent.children.discard("a")
    parent.children.add("b")
    assert parent.children.pop() == "b"
    with pytest.raises(KeyError):
        parent.children.remove("nothing")
    parent.children.update({"x"}, {"y"})
    parent.children.clear()
    assert again == ["a"]
    assert [sign for sign, _ in heard] == ["+", "-", "+", "-", "+", "+", "-", "-"]
    with pytest.raises(TypeError):
        parent.children |= ["not a set"]


def test_a_keyed_dict_takes_its_keys_from_its_values():
    Local = parent_of(attribute_keyed_dict("name"))
    heard = listen(Local.children)
    parent, a, b, c = Local(), Child("a"), Child("b"), Child("c")
    parent.children.set(a)
    parent.children["b"] = b
    parent.children.update({"b": b}, c=c)
    assert parent.children == {"a": a, "b": b, "c": c}
    parent.children.remove(a)
    assert parent.children.pop("b") is b
    assert parent.children.pop("nothing", None) is None
    assert parent.children.setdefault("c", b) is c
    assert parent.children.setdefault("d", b) is b
    assert parent.children.popitem() == ("d", b)
    del parent.children["c"]
    assert parent.children == {}
    parent.children |= {"a": a}
    parent.children.clear()
    signs = [sign for sign, _ in heard]
    assert signs.count("+") == signs.count("-") == 5
    with pytest.raises(KeyError):
        parent.children.pop("nothing")
    with pytest.raises(KeyError):
        del parent.children["nothing"]


def test_a_value_without_a_key_is_refused_or_left_out():
    Strict, Lenient = (
        parent_of(attribute_keyed_dict("name")),
        parent_of(attribute_keyed_dict("name", ignore_unpopulated_attribute=True)),
    )
    child = Child()
    del child.name
    strict, lenient = Strict(), Lenient()
    with pytest.raises(exc.InvalidRequestError, match="is not populated"):
        strict.children.set(child)
    lenient.children.set(child)
    lenient.children.remove(child)
    assert lenient.children == {}


def test_a_value_whose_key_is_none_is_warned_about():
    Local = parent_of(attribute_keyed_dict("name"))
    parent = Local()
    with pytest.warns(exc.SAWarning, match="was None"):
        parent.children.set(Child(None))


def test_a_value_that_is_not_under_its_key_cannot_be_removed():
    Local = parent_of(keyfunc_mapping(lambda child: child.name))
    parent, child = Local(), Child("a")
    parent.children.set(child)
    child.name = "b"
    with pytest.raises(exc.InvalidRequestError, match="Can not remove"):
        parent.children.remove(child)


def test_replacing_a_collection_tells_only_of_elements_that_join_or_leave():
    heard = listen(Parent.children)
    parent, a, b, c = Parent(), Child("a"), Child("b"), Child("c")
    parent.children = [a, b]
    old = parent.children
    del heard[:]
    parent.children = [b, c]
    assert heard == [("+", c), ("-", a)]
    assert old == [a, b]
    old.append(c)
    assert heard == [("+", c), ("-", a)]
    assert collection_adapter(old) is None


def test_a_replacement_can_be_listened_to_and_changed_as_a_whole():
    a, b = Child("a"), Child("b")

    @event.listens_for(Parent.children, "bulk_replace")
    def only_b(target, values, initiator):
        values[:] = [b]

    parent = Parent()
    parent.children = [a]
    assert parent.children == [b]


def test_assigning_the_collection_to_itself_changes_nothing():
    parent = Parent()
    parent.children = [Child()]
    committed(parent)
    parent.children = parent.children
    assert not instance_state(parent).modified


@pytest.mark.parametrize("wrong", [None, {1}, {"a": 1}, 5, "text"])
def test_a_collection_of_another_kind_is_refused_and_changes_nothing(wrong):
    parent, child = Parent(), Child()
    parent.children = [child]
    with pytest.raises(TypeError, match="Incompatible collection type: .* is not list-like"):
        parent.children = wrong
    assert parent.children == [child]


def test_a_listener_that_refuses_a_replacement_leaves_the_old_collection():
    parent, child = Parent(), Child()
    parent.children = [child]

    @event.listens_for(Parent.children, "append")
    def refuse(target, value, initiator):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        parent.children = [Child()]
    assert parent.children == [child]
    with pytest.raises(ValueError, match="no"):
        Parent().children = [Child()]


def test_the_history_of_a_collection_names_elements_by_identity():
    parent, a, b, c = Parent(), Child(), Child(), Child()
    parent.children = [a, b]
    committed(parent)
    parent.children.append(c)
    parent.children.remove(a)
    assert get_history(parent, "children") == ([c], [b], [a])
    committed(parent)
    assert get_history(parent, "children") == ((), [b, c], ())


def test_an_empty_collection_becomes_the_value_with_its_first_element():
    parent, child = Parent(), Child()
    read = parent.children
    assert "children" not in parent.__dict__
    assert parent.children is read
    assert collection_adapter(read).empty
    with pytest.raises(exc.InvalidRequestError, match="special 'empty' collection"):
        collection_adapter(read).append_without_event(child)
    read.append(child)
    assert parent.__dict__["children"] is read


def test_deleting_a_collection_takes_its_elements_out():
    heard = listen(Parent.children)
    parent, child = Parent(), Child()
    parent.children = [child]
    committed(parent)
    del parent.children
    assert heard[-1] == ("-", child)
    assert get_history(parent, "children").deleted == [child]
    assert parent.children == []
    del parent.children


def test_a_collection_that_was_expired_warns_when_it_is_changed():
    parent = Parent()
    parent.children = [Child()]
    old = parent.children
    instance_state(parent).expire(parent.__dict__)
    with pytest.warns(exc.SAWarning, match="invalidated"):
        old.append(Child())
    with pytest.warns(exc.SAWarning, match="invalidated"):
        old.pop()
    assert not instance_state(parent).modified


def test_elements_know_whether_an_object_holds_them():
    parent, child = Parent(), Child()
    assert not has_parent(Parent, child, "children")
    assert has_parent(Parent, child, "children", optimistic=True)
    parent.children.append(child)
    assert has_parent(Parent, child, "children")
    parent.children.remove(child)
    assert not has_parent(Parent, child, "children", optimistic=True)


def test_an_element_that_moved_to_another_parent_keeps_it_when_the_first_lets_it_go():
    holder = Holder()
    one, two, child = Parent(), Parent(), Child()
    holder.take(one, 1), holder.take(two, 2)
    one.children = [child]
    two.children = [child]
    one.children.remove(child)
    assert has_parent(Parent, child, "children")


def test_both_sides_of_a_relationship_agree_whichever_is_changed():
    class Blog:
        pass

    class Post:
        pass

    tracked(Blog), tracked(Post)
    tracked(Blog, "posts", useobject=True, uselist=True, backref="blog")
    tracked(Post, "blog", useobject=True, backref="posts")
    blog, other, post = Blog(), Blog(), Post()
    blog.posts.append(post)
    assert post.blog is blog
    post.blog = other
    assert (blog.posts, other.posts) == ([], [post])
    other.posts = []
    assert post.blog is None
    post.blog = blog
    del post.blog
    assert blog.posts == []


def test_a_change_from_the_other_side_waits_for_the_collection_to_be_loaded():
    class Blog:
        pass

    class Post:
        pass

    loaded, asked = [], []

    def load(state, passive):
        asked.append(passive)
        return list(loaded) if passive & symbols.SQL_OK else symbols.PASSIVE_NO_RESULT

    tracked(Blog, "posts", useobject=True, uselist=True, backref="blog", callable_=load)
    tracked(Post, "blog", useobject=True, backref="posts")
    blog, stays, goes, comes, brief = Blog(), Post(), Post(), Post(), Post()
    loaded += [stays, goes]
    set_committed_value(goes, "blog", blog)
    comes.blog = blog
    goes.blog = None
    brief.blog = blog
    brief.blog = None
    assert not any(passive & symbols.SQL_OK for passive in asked)
    assert blog.posts == [stays, comes]
    assert get_history(blog, "posts") == ([comes], [stays], [goes])


def test_an_object_of_the_wrong_class_is_found_when_it_would_change_a_third_attribute():
    class A:
        pass

    class B:
        pass

    class C:
        pass

    tracked(C, "a", useobject=True, backref="c")
    from ormsession.tracking.registration import register_attribute

    register_attribute(C, "b", useobject=True, backref="c")
    tracked(A, "c", useobject=True, uselist=True, backref="a")
    tracked(B, "c", useobject=True, uselist=True, backref="b")
    with pytest.raises(ValueError, match='Passing object <B at .*> to attribute "C.a" triggers a modify event'):
        C().a = B()


@pytest.mark.parametrize("value", [5, "text"])
def test_what_is_not_tracked_cannot_be_on_the_other_side(value):
    class Blog:
        pass

    tracked(Blog, "posts", useobject=True, uselist=True, backref="blog")
    blog = Blog()
    with pytest.raises(exc.UnmappedInstanceError):
        blog.posts.append(value)
    with pytest.raises(exc.InvalidRequestError, match="has no mapped attribute named 'blog'"):
        blog.posts.append(Child())
    assert blog.posts == []


def test_a_class_takes_part_by_the_roles_of_its_methods():
    class Bag:
        def __init__(self):
            self.data = []

        @collection.appender
        def put(self, item):
            self.data.append(item)

        @collection.remover
        def take(self, item):
            self.data.remove(item)

        @collection.iterator
        def __iter__(self):
            return iter(self.data)

        @collection.adds("item")
        def push(self, where, item):
            self.data.append(item)

        @collection.removes(1)
        def drop(self, item):
            self.data.remove(item)

        @collection.replaces(1)
        def swap(self, item):
            self.data.append(item)
            return self.data.pop(0)

        @collection.removes_return()
        def draw(self):
            return self.data.pop() if self.data else None

    Local = parent_of(Bag)
    heard = listen(Local.children)
    parent = Local()
    bag = parent.children
    bag.put("a"), bag.push(1, item="b"), bag.push(1, "c"), bag.drop("a"), bag.swap("d"), bag.draw(), bag.take("c")
    assert bag.draw() is None
    assert heard == [
        ("+", "a"), ("+", "b"), ("+", "c"), ("-", "a"), ("+", "d"), ("-", "b"), ("-", "d"), ("-", "c")
    ]  # fmt: skip
    with pytest.raises(exc.ArgumentError, match="Missing argument item"):
        bag.push(1)


def test_a_listener_can_replace_the_element_that_a_custom_class_takes():
    class Bag:
        def __init__(self):
            self.data = []

        @collection.appender
        def put(self, item=None):
            self.data.append(item)

        @collection.remover
        def take(self, item):
            self.data.remove(item)

        @collection.iterator
        def __iter__(self):
            return iter(self.data)

    Local = parent_of(Bag)
    event.listen(Local.children, "append", lambda target, value, initiator: value.upper(), retval=True)
    parent = Local()
    bag = parent.children
    bag.put("a")
    bag.put(item="b")
    assert bag.data == ["A", "B"]


@pytest.mark.parametrize(
    ("missing", "role"), [("append", "an appender"), ("remove", "a remover"), ("__iter__", "an iterator")]
)
def test_a_class_without_a_role_is_refused(missing, role):
    methods = {"append": lambda self, item: None, "remove": lambda self, item: None, "__iter__": lambda self: iter(())}
    del methods[missing]
    cls = type("Broken", (), {**methods, "__emulates__": list})
    with pytest.raises(exc.ArgumentError, match=f"Type Broken must elect {role} method"):
        instrument_class(cls)


def test_a_plain_dict_has_no_appender():
    with pytest.raises(exc.ArgumentError, match="Type InstrumentedDict must elect an appender"):
        prepare_instrumentation(dict)


def test_a_factory_may_return_a_built_in_collection():
    made = prepare_instrumentation(lambda: ["x"])()
    assert type(made) is InstrumentedList
    assert made == ["x"]


def test_collections_are_pickled_with_their_object_and_stay_tracked():
    parent, child = Parent(), Child("x")
    parent.children = [child]
    committed(parent)
    restored = pickle.loads(pickle.dumps(parent))
    assert [each.name for each in restored.children] == ["x"]
    restored.children.append(Child("y"))
    assert instance_state(restored).modified
    assert not instance_state(parent).modified


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_a_copied_object_has_a_collection_of_its_own(copier):
    parent = Parent()
    parent.children = [Child("x")]
    committed(parent)
    copied = copier(parent)
    assert copied.children is not parent.children
    copied.children.append(Child("y"))
    assert len(parent.children) == 1
    assert instance_state(copied).modified
    assert not instance_state(parent).modified


def test_a_copied_collection_is_an_ordinary_one():
    parent = Parent()
    parent.children = [Child("x")]
    assert type(copy.copy(parent.children)) is list


def test_unlinked_collections_are_ordinary_ones():
    made = InstrumentedList()
    made.append(1)
    assert made == [1]
    assert made._sa_adapter is None
    assert InstrumentedDict(a=1) == {"a": 1}
    with pytest.raises(AttributeError, match="'InstrumentedList' object has no attribute 'nope'"):
        _ = made.nope


def test_a_collection_can_be_filled_as_if_it_had_been_loaded():
    parent, child = Parent(), Child()
    adapter = init_collection(parent, "children")
    adapter.append_without_event(child)
    adapter.append_multiple_without_event([Child()])
    assert len(adapter) == 2
    assert not instance_state(parent).modified
    adapter.remove_without_event(child)
    adapter.clear_without_event()
    assert parent.children == []
    adapter.append_with_event(child)
    adapter.clear_with_event()
    assert parent.children == []
    assert adapter == parent.children._sa_adapter
    assert len({adapter, parent.children._sa_adapter}) == 1


def test_a_stale_collection_says_nothing_when_it_is_only_read():
    parent = Parent()
    parent.children = [Child()]
    old = parent.children
    instance_state(parent).expire(parent.__dict__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(old) == 1


def test_a_collection_whose_object_is_gone_refuses_to_be_changed():
    children = Parent().children
    with pytest.raises(exc.ObjectDereferencedError, match="parent object of type <Parent> has been garbage collected"):
        children.append(Child())
