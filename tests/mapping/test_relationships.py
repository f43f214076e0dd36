"""Relationships are finished when mappers are configured, and refuse what makes no sense."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.exc import SADeprecationWarning

from ormsession import (
    MANYTOMANY,
    MANYTOONE,
    ONETOMANY,
    CascadeOptions,
    attribute_keyed_dict,
    backref,
    configure_mappers,
    exc,
    get_history,
    inspect,
    registry,
    relationship,
)


@pytest.fixture
def mapping():
    made = registry()
    metadata = made.metadata
    Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", String))
    Table(
        "addresses", metadata,
        Column("id", Integer, primary_key=True), Column("user_id", ForeignKey("users.id")), Column("email", String),
    )  # fmt: skip
    Table("tags", metadata, Column("id", Integer, primary_key=True))
    Table("user_tags", metadata, Column("user_id", ForeignKey("users.id")), Column("tag_id", ForeignKey("tags.id")))
    Table("nodes", metadata, Column("id", Integer, primary_key=True), Column("parent_id", ForeignKey("nodes.id")))
    yield made
    made.dispose(cascade=True)


class Classes:
    pass


@pytest.fixture
def classes():
    made = Classes()
    for name in ("User", "Address", "Tag", "Node"):
        setattr(made, name, type(name, (), {}))
    return made


def map_all(mapping, classes, user=(), address=(), node=()):
    tables = mapping.metadata.tables
    mapping.map_imperatively(classes.User, tables["users"], properties=dict(user))
    mapping.map_imperatively(classes.Address, tables["addresses"], properties=dict(address))
    mapping.map_imperatively(classes.Tag, tables["tags"])
    mapping.map_imperatively(classes.Node, tables["nodes"], properties=dict(node))


@pytest.mark.parametrize("form", ["class", "name", "function", "mapper"])
def test_the_target_can_be_given_in_several_forms(mapping, classes, form):
    argument = {
        "class": classes.Address,
        "name": "Address",
        "function": lambda: classes.Address,
        "mapper": lambda: inspect(classes.Address),
    }[form]
    map_all(mapping, classes, user={"addresses": relationship(argument)})
    prop = inspect(classes.User).relationships["addresses"]
    assert prop.mapper is inspect(classes.Address)
    assert prop.direction is ONETOMANY
    assert prop.uselist


def test_both_sides_know_each_other(mapping, classes):
    map_all(
        mapping,
        classes,
        user={"addresses": relationship("Address", back_populates="user")},
        address={"user": relationship("User", back_populates="addresses")},
    )
    user, address = classes.User(), classes.Address()
    address.user = user
    assert user.addresses == [address]
    down, up = inspect(classes.User).attrs.addresses, inspect(classes.Address).attrs.user
    assert (down._reverse_property, up._reverse_property) == ({up}, {down})
    assert (up.direction, up.uselist) == (MANYTOONE, False)


def test_a_backref_makes_the_other_side(mapping, classes):
    map_all(
        mapping,
        classes,
        user={"addresses": relationship("Address", backref=backref("user", lazy="joined"))},
        node={"children": relationship("Node", backref=backref("parent", remote_side="Node.id"))},
    )
    user, address = classes.User(), classes.Address()
    user.addresses = [address]
    assert address.user is user
    assert inspect(classes.Address).attrs.user.lazy == "joined"
    parent, child = classes.Node(), classes.Node()
    child.parent = parent
    assert parent.children == [child]


def test_many_to_many_works_from_both_sides(mapping, classes):
    map_all(mapping, classes, user={"tags": relationship("Tag", secondary="user_tags", backref="users")})
    user, tag = classes.User(), classes.Tag()
    tag.users.append(user)
    assert user.tags == [tag]
    assert inspect(classes.Tag).attrs.users.direction is MANYTOMANY
    assert str(inspect(classes.Tag).attrs.users.secondaryjoin) == "users.id = user_tags.user_id"


def test_the_other_side_of_one_that_is_only_read_does_not_follow_it(mapping, classes):
    map_all(
        mapping,
        classes,
        user={"addresses": relationship("Address", viewonly=True, back_populates="user", sync_backref=False)},
        address={"user": relationship("User", back_populates="addresses")},
    )
    user, address = classes.User(), classes.Address()
    address.user = user
    assert user.addresses == []


def test_attributes_can_be_listened_to_before_mappers_are_configured(mapping, classes):
    from sqlalchemy import event

    map_all(mapping, classes, user={"addresses": relationship("Address")})
    heard = []
    event.listen(classes.User.addresses, "append", lambda target, value, initiator: heard.append(value))
    user, address = classes.User(), classes.Address()
    user.addresses.append(address)
    assert heard == [address]
    assert get_history(user, "addresses").added == [address]


def test_a_collection_class_is_used(mapping, classes):
    map_all(
        mapping, classes, user={"addresses": relationship("Address", collection_class=attribute_keyed_dict("email"))}
    )
    user, address = classes.User(), classes.Address(email="e")
    user.addresses.set(address)
    assert user.addresses == {"e": address}


def test_one_to_one_holds_one_object(mapping, classes):
    map_all(mapping, classes, user={"address": relationship("Address", uselist=False)})
    user = classes.User()
    assert user.address is None
    user.address = address = classes.Address()
    assert user.address is address


def test_order_by_and_conditions_may_be_text(mapping, classes):
    map_all(
        mapping,
        classes,
        user={
            "addresses": relationship(
                "Address",
                primaryjoin="and_(User.id == foreign(Address.user_id), Address.email != 'x')",
                order_by="desc(Address.email)",
            )
        },
    )
    prop = inspect(classes.User).attrs.addresses
    assert [str(each) for each in prop.order_by] == ["addresses.email DESC"]
    assert "addresses.email != " in str(prop.primaryjoin)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lazy": "sometimes"}, "Unknown value 'sometimes' for 'lazy'"),
        ({"cascade": "fake"}, "Invalid cascade option"),
        ({"viewonly": True, "cascade": "all"}, "apply to persistence operations"),
        ({"viewonly": True, "sync_backref": True}, "sync_backref and viewonly cannot both be True"),
        ({"backref": "a", "back_populates": "b"}, "mutually exclusive"),
        ({"cascade_backrefs": True}, "may only be set to False"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(options, message):
    with pytest.raises(exc.ArgumentError, match=message):
        relationship("Address", **options)


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match="unexpected keyword argument 'casade'"):
        relationship("Address", casade="all")


@pytest.mark.parametrize(
    ("user", "address", "message"),
    [
        ({"x": relationship("Nowhere")}, {}, "failed to locate a name"),
        ({"x": relationship(5)}, {}, "expects a class or a mapper argument"),
        ({"x": relationship("Address", back_populates="email")}, {}, "that is not a relationship"),
        (
            {"x": relationship("Address", back_populates="y")},
            {"y": relationship("Tag", primaryjoin="foreign(Address.id) == Tag.id")},
            "does not reference mapper",
        ),
        ({"x": relationship("Address", backref="email")}, {}, "property of that name exists"),
        ({"x": relationship("Address", passive_deletes="all", cascade="all")}, {}, "can't set passive_deletes='all'"),
        ({}, {"user": relationship("User", cascade="all, delete-orphan")}, "delete-orphan cascade is normally"),
        ({"x": relationship("Tag")}, {}, "there are no foreign keys linking these tables"),
    ],
)
def test_what_cannot_be_configured_says_why(mapping, classes, user, address, message):
    map_all(mapping, classes, user=user, address=address)
    with pytest.raises(exc.SQLAlchemyError, match=message):
        configure_mappers()


def test_two_sides_of_the_same_direction_are_refused(mapping, classes):
    map_all(
        mapping,
        classes,
        node={
            "children": relationship("Node", back_populates="parent"),
            "parent": relationship("Node", back_populates="children"),
        },
    )
    with pytest.raises(exc.ArgumentError, match="are both of the same direction"):
        configure_mappers()


def test_a_class_as_secondary_table_is_refused(mapping, classes):
    map_all(mapping, classes, user={"tags": relationship("Tag", secondary=lambda: classes.Address)})
    with pytest.raises(exc.SQLAlchemyError):
        configure_mappers()


def test_a_relationship_of_a_mapper_that_failed_names_it(mapping, classes):
    map_all(mapping, classes, user={"x": relationship("Nowhere")})
    with pytest.raises(exc.InvalidRequestError):
        configure_mappers()
    with pytest.raises(exc.InvalidRequestError, match="User"):
        classes.Address()


def test_cascades_are_words_and_attributes():
    cascade = CascadeOptions("all, delete-orphan")
    assert cascade.delete
    assert cascade.delete_orphan
    assert "merge" in cascade
    assert CascadeOptions("none") == CascadeOptions(False) == frozenset()
    assert repr(CascadeOptions("merge, save-update")) == "CascadeOptions('merge,save-update')"
    with pytest.warns(exc.SAWarning, match="requires 'delete'"):
        CascadeOptions("delete-orphan")


def test_what_is_put_into_a_relationship_for_reading_only_is_no_change(mapping, users, emails):
    class Person:
        pass

    class Mail:
        pass

    mapping.map_imperatively(Mail, emails, properties={"owner": relationship(Person, viewonly=True)})
    mapping.map_imperatively(Person, users, properties={"mails": relationship(Mail, viewonly=True)})
    person, mail = Person(), Mail()
    person.mails.append(mail)
    mail.owner = person
    person.mails = [mail, Mail()]
    for instance, key in ((person, "mails"), (mail, "owner")):
        assert not inspect(instance).attrs[key].history.has_changes()
        assert not inspect(instance).modified


def test_a_backref_in_the_place_of_something_that_the_class_defines_is_warned_about(mapping, users, emails):
    class Person:
        def mails(self):
            return []

    class Mail:
        pass

    mapping.map_imperatively(Mail, emails, properties={"owner": relationship(Person, backref="mails")})
    mapping.map_imperatively(Person, users)
    with pytest.warns(SADeprecationWarning, match=r"User-placed attribute Person.mails on Mapper\[Person\(users\)\]"):
        mapping.configure()


def test_a_class_that_is_not_mapped_is_named(mapping, users):
    class Person:
        pass

    class Stranger:
        pass

    mapping.map_imperatively(Person, users, properties={"friend": relationship(Stranger)})
    with pytest.raises(exc.UnmappedClassError, match="Stranger' is not mapped"):
        mapping.configure()


@pytest.mark.parametrize("given", [5, lambda: object()])
def test_back_populates_has_to_be_a_name(mapping, users, emails, given):
    class Person:
        pass

    class Mail:
        pass

    mapping.map_imperatively(Mail, emails)
    mapping.map_imperatively(Person, users, properties={"mails": relationship(Mail, back_populates=given)})
    with pytest.raises(exc.ArgumentError, match="Invalid back_populates value"):
        mapping.configure()


def test_back_populates_may_be_a_function_or_an_attribute(mapping, users, emails):
    class Person:
        pass

    class Mail:
        pass

    mapping.map_imperatively(
        Mail, emails, properties={"owner": relationship(Person, back_populates=lambda: Person.mails)}
    )
    mapping.map_imperatively(Person, users, properties={"mails": relationship(Mail, back_populates="owner")})
    mail, person = Mail(), Person()
    mail.owner = person
    assert person.mails == [mail]
