"""Every error of the package: the tree, and one constructor function per message.

::

    SQLAlchemyError                       (sqlalchemy.exc)
    +-- InvalidRequestError               (sqlalchemy.exc)
    |   +-- UnmappedError
    |   |   +-- UnmappedInstanceError
    |   |   +-- UnmappedClassError
    |   +-- UnmappedColumnError
    |   +-- ObjectDeletedError
    |   +-- LoaderStrategyException
    +-- ArgumentError                     (sqlalchemy.exc)
    |   +-- MappedAnnotationError
    +-- StaleDataError
    |       ConcurrentModificationError   (its older name)
    +-- FlushError
    +-- ObjectDereferencedError
    +-- DetachedInstanceError

A message says what happened (class, key, attribute), why that is not allowed and what to do instead.
Messages are worded here and nowhere else, so that the same mistake reads the same from every room: the
functions below *return* the exception, the caller raises it.  The module knows no room; what it is given
are classes, objects and names.

Long: one small function per message, and nothing else; a message is found by the name of its mistake.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

from sqlalchemy.exc import (
    AmbiguousForeignKeysError,
    ArgumentError,
    CircularDependencyError,
    IllegalStateChangeError,
    InvalidRequestError,
    MultipleResultsFound,
    NoForeignKeysError,
    NoResultFound,
    NoSuchColumnError,
    PendingRollbackError,
    ResourceClosedError,
    SADeprecationWarning,
    SAWarning,
    SQLAlchemyError,
    UnboundExecutionError,
)

__all__ = [
    "NO_STATE",
    "ArgumentError",
    "ConcurrentModificationError",
    "DetachedInstanceError",
    "FlushError",
    "IllegalStateChangeError",
    "InvalidRequestError",
    "LoaderStrategyException",
    "MappedAnnotationError",
    "MultipleResultsFound",
    "NoResultFound",
    "ObjectDeletedError",
    "ObjectDereferencedError",
    "PendingRollbackError",
    "SQLAlchemyError",
    "StaleDataError",
    "UnboundExecutionError",
    "UnmappedClassError",
    "UnmappedColumnError",
    "UnmappedError",
    "UnmappedInstanceError",
]

NO_STATE = (AttributeError, KeyError)
"""What asking an object for its state raises when it is not tracked."""


class StaleDataError(SQLAlchemyError):
    """A statement matched another number of rows than the objects that it was sent for."""


ConcurrentModificationError = StaleDataError


class FlushError(SQLAlchemyError):
    """The objects of a session cannot be written as they are."""


class ObjectDereferencedError(SQLAlchemyError):
    """An operation needs an object that has been garbage collected."""


class DetachedInstanceError(SQLAlchemyError):
    """An attribute has to be loaded, and its object belongs to no session."""

    code = "bhk3"


class UnmappedError(InvalidRequestError):
    """Something was expected to be mapped and is not."""


class UnmappedInstanceError(UnmappedError):
    """An instance of a mapped class was expected.

    :param obj: what was given instead.
    :param msg: another message than the usual one.
    """

    def __init__(self, obj: object, msg: str | None = None) -> None:
        super().__init__(msg or _unmapped_instance_text(obj))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (None, self.args[0])


class UnmappedClassError(UnmappedError):
    """A mapped class was expected.

    :param cls: what was given instead.
    :param msg: another message than the usual one.
    """

    def __init__(self, cls: Any, msg: str | None = None) -> None:
        super().__init__(msg or f"Class '{_class_name(cls)}' is not mapped")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (None, self.args[0])


class UnmappedColumnError(InvalidRequestError):
    """A column was expected to belong to a mapped attribute."""


class ObjectDeletedError(InvalidRequestError):
    """The row of an object is gone.

    :param state: the state of the object.
    :param msg: another message than the usual one.
    """

    def __init__(self, state: Any, msg: str | None = None) -> None:
        super().__init__(
            msg or f"Instance '{state_text(state)}' has been deleted, or its row is otherwise not present."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (None, self.args[0])


class LoaderStrategyException(InvalidRequestError):
    """A loading strategy does not exist for an attribute.

    :param msg: what was asked for.
    """

    def __init__(self, msg: str) -> None:
        super().__init__(msg)


class MappedAnnotationError(ArgumentError):
    """An annotation of a mapped class cannot be understood."""


# ---------------------------------------------------------------- how things are named in messages


def _class_name(cls: Any) -> str:
    return f"{cls.__module__}.{cls.__name__}" if isinstance(cls, type) else repr(cls)


def state_text(state: Any) -> str:
    """The object of *state* as messages show it: ``<User at 0x7f...>``."""
    return "None" if state is None else f"<{state.class_.__name__} at 0x{id(state()):x}>"


def instance_text(instance: Any) -> str:
    """Any object as messages show it: ``<User at 0x7f...>``."""
    return f"<{type(instance).__name__} at 0x{id(instance):x}>"


# ---------------------------------------------------------------- tracking


def _unmapped_instance_text(obj: object) -> str:
    cls = type(obj)
    if isinstance(obj, type):
        return (
            f"Class '{_class_name(obj)}' is not mapped; was a class ({_class_name(obj)}) supplied where an instance "
            f"was required?"
        )
    if hasattr(cls, "_sa_class_manager"):
        return (
            f"Class '{_class_name(cls)}' is mapped, but this instance lacks instrumentation. "
            f"This occurs when the instance is created before {_class_name(cls)} was mapped."
        )
    return f"Class '{_class_name(cls)}' is not mapped"


def no_manager(cls: Any) -> UnmappedClassError:
    """*cls* is not instrumented."""
    return UnmappedClassError(cls, f"Can't locate an instrumentation manager for class {cls}")


def unmapped_instance(obj: object) -> UnmappedInstanceError:
    """*obj* is no instance of a mapped class."""
    return UnmappedInstanceError(obj)


def unknown_attribute(cls: type, key: str) -> InvalidRequestError:
    """*key* is no tracked attribute of *cls*."""
    return InvalidRequestError(
        f"Class '{_class_name(cls)}' has no mapped attribute named '{key}'; "
        "use plain attribute access for attributes that are not mapped"
    )


def no_value_to_delete(attribute: Any) -> AttributeError:
    """``del`` of an attribute that has no value."""
    return AttributeError(f"{attribute} object does not have a value")


def not_associated(child: Any, parent_state: Any, key: str) -> ValueError:
    """*child* was to be removed from an attribute that does not hold it."""
    return ValueError(
        f"Object {instance_text(child)} not associated with {state_text(parent_state)} on attribute '{key}'"
    )


def cannot_flag_modified(key: str) -> InvalidRequestError:
    """``flag_modified`` for an attribute that is not loaded."""
    return InvalidRequestError(f"Can't flag attribute '{key}' modified; it's not present in the object state")


def reserved_attribute(key: str) -> KeyError:
    """A mapped attribute with a name that the tracking needs for itself."""
    return KeyError(f"{key!r}: requested attribute name conflicts with instrumentation attribute of the same name.")


def untrackable_class(cls: type, missing: str, cure: str) -> InvalidRequestError:
    """Instances of *cls* cannot carry a state."""
    return InvalidRequestError(f"Class '{_class_name(cls)}' can't be tracked: its instances have no {missing}. {cure}")


def unpickled_without_mapping(cls: type) -> UnmappedInstanceError:
    """A pickled object whose class is not mapped in this process."""
    return UnmappedInstanceError(
        cls,
        f"Cannot deserialize object of type <class '{_class_name(cls)}'> - no mapper() has been configured for this "
        f"class "
        "within the current Python process!",
    )


def key_taken(state: Any) -> InvalidRequestError:
    """The identity map already holds another object under the key of *state*."""
    return InvalidRequestError(
        f"Can't attach instance {state_text(state)}; another instance with key {state.key} is already present in this "
        f"session."
    )


def dereferenced(key: str, cls: type) -> ObjectDereferencedError:
    """An attribute of an object that is gone was to be changed."""
    return ObjectDereferencedError(
        f"Can't emit change event for attribute '{key}' - parent object of type <{cls.__name__}> has been garbage "
        f"collected."
    )


def loader_without_value(attribute: Any) -> KeyError:
    """A loader said that it put a value and did not."""
    return KeyError(f"Deferred loader for attribute {str(attribute.key)!r} failed to populate correctly")


def parents_not_tracked(attribute: Any) -> AssertionError:
    """``hasparent`` of an attribute that holds no objects."""
    return AssertionError(f"This AttributeImpl is not configured to track parents: {attribute}")


def detached_refresh(state: Any) -> DetachedInstanceError:
    """Expired attributes of an object without a session were asked for."""
    return DetachedInstanceError(
        f"Instance {state_text(state)} is not bound to a Session; attribute refresh operation cannot proceed"
    )


def not_a_collection(cls: type, key: str) -> ArgumentError:
    """A collection was asked of an attribute that holds none."""
    return ArgumentError(f"Attribute '{cls.__name__}.{key}' does not hold a collection")


def boolean_passive() -> ArgumentError:
    """``passive`` given as a boolean."""
    return ArgumentError("'passive' takes one of the PASSIVE_ flags, such as PASSIVE_NO_INITIALIZE, not a boolean")


# ------------------------------------------------------------ entities in SQL


def no_such_attribute_of_attribute(attribute: Any, name: str) -> AttributeError:
    """``User.name.nonsense``."""
    return AttributeError(
        f"Neither {type(attribute).__name__!r} object nor {type(attribute.comparator).__name__!r} object "
        f"associated with {attribute} has an attribute {name!r}"
    )


def column_not_in_result(column: Any) -> NoSuchColumnError:
    """A textual statement does not return a column that an object cannot do without."""
    return NoSuchColumnError(
        f"Could not locate column in row for column '{column}': the statement has to return it, "
        "under this name, for the entity that its rows become"
    )


def warn_alias_lacks(key: str, *, by_name: bool) -> None:
    """An attribute of an alias was used, and the subquery of the alias has no column for it."""
    cure = "ensure name is correct in expression" if by_name else "to match by name, use the adapt_on_names parameter"
    warnings.warn(f"Did not locate an expression in selectable for attribute {key!r}; {cure}", SAWarning, stacklevel=4)


def adapt_on_names_of_selectable() -> ArgumentError:
    """``aliased(table, adapt_on_names=True)``."""
    return ArgumentError("adapt_on_names only applies to ORM elements")


def unhashable_values(type_: Any) -> InvalidRequestError:
    """``result.unique()`` on rows with lists in them."""
    certainty = "the values returned appear to be" if type_.hashable else "this datatype produces"
    return InvalidRequestError(
        f"Can't apply uniqueness to row tuple containing value of type {type_!r}; {certainty} non-hashable values"
    )


def duplicate_names_in_dictionary() -> ArgumentError:
    """``DictBundle("pk", User.id, Address.id)``."""
    return ArgumentError("DictBundle does not support duplicate column names: label one of them")


def operator_of_relationship(prop: Any, operator: Any) -> NotImplementedError:
    """``User.addresses < 5``."""
    name = getattr(operator, "__name__", operator)
    return NotImplementedError(f"{prop} is a relationship, which has no operator {name}: use any(), has() or a join")


def in_of_relationship(prop: Any) -> NotImplementedError:
    """``Address.user.in_([...])``."""
    return NotImplementedError(
        f"in_() not yet supported for relationships.  For {prop}, use in_() against its foreign key columns instead."
    )


def any_of_scalar() -> InvalidRequestError:
    """``Address.user.any()``."""
    return InvalidRequestError("'any()' not implemented for scalar attributes. Use has().")


def has_of_collection() -> InvalidRequestError:
    """``User.addresses.has()``."""
    return InvalidRequestError("'has()' not implemented for collections. Use any().")


def contains_of_scalar() -> InvalidRequestError:
    """``Address.user.contains(user)``."""
    return InvalidRequestError("'contains' not implemented for scalar attributes.  Use ==")


def collection_compared() -> InvalidRequestError:
    """``User.addresses == address``."""
    return InvalidRequestError(
        "Can't compare a collection to an object or collection; use contains() to test for membership."
    )


def entity_expected(given: Any) -> ArgumentError:
    """``User.addresses.of_type(5)``."""
    return ArgumentError(f"A mapped class or an alias of one was expected, got: {given!r}")


def instance_expected_for_comparison(prop: Any) -> ArgumentError:
    """``Address.user == "ed"``."""
    return ArgumentError(
        "Mapped instance expected for relationship comparison to object.   "
        f"To compare {prop} with the rows of a statement, use has() or any() with criteria."
    )


def other_class_compared(prop: Any, instance: Any, mapper: Any) -> ArgumentError:
    """``Address.user == order``."""
    return ArgumentError(
        f"{prop} cannot be compared with {instance_text(instance)}: it takes objects of {mapper.class_.__name__}"
    )


def unresolved_value(column: Any, state: Any, *, was_set: bool) -> InvalidRequestError:
    """A statement compares with an object that has no value for a column of the relationship."""
    why = "the object is detached and the value was expired" if was_set else "no value has been set for this column"
    return InvalidRequestError(f"Can't resolve value for column {column} on object {state_text(state)}; {why}")


def warn_comparison_with_none(column: Any) -> None:
    """A statement compares with an object that has None for a column of the relationship."""
    warnings.warn(
        f"Got None for value of column {column}; in a comparison with an object it is compared as any value, "
        "so no row will be found. Compare the relationship with None to find rows without one.",
        SAWarning,
        stacklevel=2,
    )


def with_parent_of_string() -> ArgumentError:
    """``with_parent(user, "addresses")``."""
    return ArgumentError("with_parent() accepts class-bound mapped attributes, not strings")


def with_parent_of_other(prop: Any) -> ArgumentError:
    """``with_parent(user, User.name)``."""
    return ArgumentError(f"Expected relationship property for with_parent(), got {prop}")


def no_relationship_to_parent(instance: Any, cls: Any) -> InvalidRequestError:
    """``query(Item).with_parent(user)``."""
    return InvalidRequestError(
        "Could not locate a property which relates instances of class "
        f"'{cls.__name__}' to instances of class '{type(instance).__name__}'"
    )


def on_clause_for_relationship(target: Any) -> InvalidRequestError:
    """``select(User).join(User.orders, Order.items)``."""
    return InvalidRequestError(
        f"No 'on clause' argument may be passed when joining to a relationship path as a target: {target} is one"
    )


def join_target_is_column(target: Any) -> ArgumentError:
    """``select(User).join(Address.user_id)``."""
    return ArgumentError(f"Join target {target} does not refer to a mapped entity")


def other_join_target(entity: Any, attribute: Any) -> InvalidRequestError:
    """``select(User).join(Address, Address.user)``."""
    return InvalidRequestError(
        f"Join target {entity} does not correspond to the right side of join condition {attribute}"
    )


def other_left_side(entity: Any, attribute: Any) -> InvalidRequestError:
    """``select(User).join_from(User, Address, Order.address)``."""
    return InvalidRequestError(
        f"explicit from clause {entity} does not match left side of relationship attribute {attribute}"
    )


def join_to_itself(entity: Any) -> InvalidRequestError:
    """``select(Node).join(Node.children)``."""
    return InvalidRequestError(
        f"Can't construct a join from {entity} to {entity}, they are the same entity: name one of them with aliased()"
    )


_LEFT_SIDE_CURE = (
    "Please use the .select_from() method to establish an explicit left side, as well as providing an explicit ON "
    "clause if not present already to help resolve the ambiguity."
)


def several_left_sides() -> InvalidRequestError:
    """``select(u1, u2).select_from(u1, u2).join(User.addresses)``."""
    return InvalidRequestError(
        "Can't identify which entity in which to assign the left side of this join.   Please use a more specific "
        "ON clause."
    )


def ambiguous_left_side() -> InvalidRequestError:
    """``select(Order, Dingaling).join(Address)``."""
    return InvalidRequestError(
        "Can't determine which FROM clause to join from, there are multiple FROMS which can join to this entity. "
        + _LEFT_SIDE_CURE
    )


def cannot_join_to(target: Any) -> InvalidRequestError:
    """``select(Address).join(Item)`` without a foreign key between them."""
    return InvalidRequestError(f"Don't know how to join to {target!r}. {_LEFT_SIDE_CURE}")


def nothing_to_join_from() -> InvalidRequestError:
    """``select().join(Address)``."""
    return InvalidRequestError(
        "No entities to join from; please use select_from() to establish the left entity/selectable of this join"
    )


def query_has_statement() -> InvalidRequestError:
    """A query that runs a given statement cannot be changed or nested."""
    return InvalidRequestError("Can't call this method on a Query that uses from_statement()")


def query_has_limit(method: str) -> InvalidRequestError:
    """``query.limit(5).filter(...)``."""
    return InvalidRequestError(
        f"Query.{method}() being called on a Query which already has LIMIT or OFFSET applied.  "
        f"Call {method}() before limit() or offset() are applied."
    )


def query_has_criterion(method: str) -> InvalidRequestError:
    """``query.filter(...).get(5)``."""
    return InvalidRequestError(f"Query.{method}() being called on a Query with existing criterion. ")


def query_without_entities() -> InvalidRequestError:
    """A query that selects nothing has no attributes to filter by."""
    return InvalidRequestError("This Query selects nothing: give it entities, or name a FROM with select_from()")


def no_property_to_filter_by(entity: Any, name: str) -> InvalidRequestError:
    """``filter_by(nonsense=1)``."""
    return InvalidRequestError(f'Entity namespace for "{entity}" has no property "{name}"')


def query_get_needs_entity() -> InvalidRequestError:
    """``query(User.id).get(5)``."""
    return InvalidRequestError("get() can only be used against a single mapped class.")


def params_need_one_dictionary() -> ArgumentError:
    """``query.params({...}, {...})``."""
    return ArgumentError("params() takes zero or one positional argument, which is a dictionary.")


def negative_index() -> IndexError:
    """``query[-1]``."""
    return IndexError("negative indexes are not accepted by SQL index / slice operators")


def bulk_needs_entity(verb: str) -> ArgumentError:
    """``query(func.count()).delete()``."""
    return ArgumentError(f"Query.{verb}() needs a query on one mapped class, whose rows it is to {verb}")


def bulk_query_says_too_much(verb: str, method: str) -> InvalidRequestError:
    """``query.limit(5).delete()``."""
    return InvalidRequestError(
        f"Can't call Query.update() or Query.delete() when {method} has been called: "
        f"name the rows to {verb} with a subquery in filter()"
    )


def unknown_synchronization() -> ArgumentError:
    """``synchronize_session="nonsense"``."""
    return ArgumentError("Valid strategies for session synchronization are 'auto', 'evaluate', 'fetch', False")


def unevaluatable_criteria(error: Exception) -> InvalidRequestError:
    """``synchronize_session="evaluate"`` with criteria that only the database can decide."""
    return InvalidRequestError(
        f'Could not evaluate current criteria in Python: "{error}". '
        "Specify 'fetch' or False for the synchronize_session execution option."
    )


def attribute_not_synchronized(name: str) -> InvalidRequestError:
    """UPDATE names a column whose attribute has another name."""
    return InvalidRequestError(f"Attribute name not found, can't be synchronized back to objects: {name!r}")


def batch_with_criteria() -> InvalidRequestError:
    """UPDATE with criteria and a list of parameters: nobody can tell which row hit which object."""
    return InvalidRequestError(
        "bulk synchronize of persistent objects not supported when using bulk update with additional WHERE criteria "
        "right now.  add synchronize_session=None execution option to bypass synchronize of persistent objects."
    )


def batch_delete() -> InvalidRequestError:
    """DELETE with a list of parameters."""
    return InvalidRequestError("Bulk ORM DELETE not supported right now. Statement may be invoked at the Core level")


def batch_cannot_fetch() -> InvalidRequestError:
    """UPDATE by primary keys with ``synchronize_session="fetch"``."""
    return InvalidRequestError(
        "The 'fetch' synchronization strategy is not available for 'bulk' ORM updates (i.e. multiple parameter sets)"
    )


# ---------------------------------------------------------------- mapping


def class_expected(given: Any) -> ArgumentError:
    """Something that is no class was to be mapped or looked up."""
    return ArgumentError(f"Class object expected, got '{given!r}'.")


def already_mapped(cls: type) -> ArgumentError:
    """A class was mapped a second time."""
    return ArgumentError(
        f"Class '{_class_name(cls)}' already has a primary mapper defined; dispose of its registry, or call "
        "clear_mappers(), before it is mapped anew"
    )


def builtin_class(cls: type) -> ArgumentError:
    """A built-in type was to be mapped."""
    return ArgumentError(
        f"Class '{_class_name(cls)}' can't be mapped: it is a built-in type; map a class derived from it"
    )


def unmappable_class(cls: type, reason: str, cure: str) -> ArgumentError:
    """Instances of a class cannot be tracked."""
    return ArgumentError(f"Class '{_class_name(cls)}' can't be mapped: {reason}; {cure}")


def mapper_made_directly() -> InvalidRequestError:
    """``Mapper(...)`` was called by a user."""
    return InvalidRequestError(
        "The _mapper() function and Mapper() constructor may not be invoked directly; "
        "use registry.map_imperatively() to map a class"
    )


def no_table(cls: type) -> ArgumentError:
    """A class was mapped to None."""
    return ArgumentError(
        f"Mapper[{cls.__name__}(None)] has None for a primary table argument and does not specify 'inherits'; "
        "pass the table, join or subquery that its rows come from"
    )


def mapped_to_select(cls: type) -> ArgumentError:
    """A class was mapped to a SELECT that has no name."""
    return ArgumentError(
        f"Class '{_class_name(cls)}' can't be mapped to a select(); call .subquery() on the select first"
    )


def not_selectable(cls: type, given: Any) -> ArgumentError:
    """A class was mapped to something that has no rows."""
    return ArgumentError(f"Class '{_class_name(cls)}' is to be mapped to a table, a join or a subquery, got {given!r}")


def unknown_mapper_option(cls: type, name: str, valid: Iterable[str], cure: str | None) -> ArgumentError:
    """A mapping option that does not exist."""
    hint = f"; {cure}" if cure else ""
    return ArgumentError(
        f"{name!r} is no option for mapping class '{_class_name(cls)}'{hint}. Valid options: {', '.join(sorted(valid))}"
    )


def hierarchy_option(cls: type, name: str) -> ArgumentError:
    """An option of class hierarchies."""
    return ArgumentError(
        f"Class '{_class_name(cls)}' can't be mapped with {name!r}: class hierarchies are not supported; "
        "map each class to its own table or join"
    )


def bad_mapper_option(cls: type, name: str, value: Any, expected: str) -> ArgumentError:
    """A mapping option with a value of the wrong form."""
    return ArgumentError(f"Option {name!r} for mapping class '{_class_name(cls)}' expects {expected}, got {value!r}")


def option_column_not_mapped(mapper: Any, name: str, column: Any) -> ArgumentError:
    """An option names a column for which there is no attribute."""
    return ArgumentError(
        f"Option {name!r} of {mapper} names column '{column}', which is not mapped; "
        "do not leave it out by include_properties or exclude_properties"
    )


def no_primary_key(mapper: Any) -> ArgumentError:
    """Nothing tells the rows of a mapping apart."""
    table = str(mapper).partition("(")[2].rpartition(")")[0]
    return ArgumentError(
        f"Mapper {mapper} could not assemble any primary key columns for mapped table '{table}'; "
        "name the columns that tell its rows apart with primary_key=[...]"
    )


def primary_key_not_mapped(mapper: Any, column: Any) -> ArgumentError:
    """A primary key column was left out of a mapping."""
    return ArgumentError(
        f"Mapper {mapper} could not assemble any primary key columns: column '{column}' is not mapped; "
        "an object can't be told from others without it"
    )


def bad_property(mapper: Any, key: str, value: Any) -> ArgumentError:
    """A value in ``properties=`` that is neither a column nor a property."""
    return ArgumentError(
        f"Property {key!r} of {mapper} expects a column, a list of columns, or a property such as "
        f"column_property(...), "
        f"got {value!r}"
    )


def text_as_column(text: str) -> ArgumentError:
    """A string where a column or an SQL expression belongs."""
    return ArgumentError(
        f"Column expression expected for a column property, got {text!r}; pass the column itself, or literal({text!r}) "
        f"for a value"
    )


def column_not_in_selectable(mapper: Any, key: str, column: Any) -> ArgumentError:
    """A column of another table was mapped."""
    return ArgumentError(
        f"When configuring property {key!r} on {mapper}, column '{column}' is not represented in the mapper's table. "
        "Use column_property() to map an expression that is only read"
    )


def property_in_two_mappers(key: str, mapper: Any, owner: Any) -> ArgumentError:
    """One property object was given to two mappers."""
    return ArgumentError(f"The property {key!r} for {mapper} belongs to {owner} already; make one for each mapper")


def column_hidden_by_property(mapper: Any, key: str, column: Any, prop: Any) -> ArgumentError:
    """A property has the name that a column would get."""
    return ArgumentError(
        f"When configuring property {key!r} on {mapper}, column '{column}' conflicts with property {prop!r}; "
        "map the column under another name in properties, or leave it out with exclude_properties"
    )


def columns_combined_implicitly(first: Any, second: Any, key: str) -> InvalidRequestError:
    """Two columns would get one name."""
    return InvalidRequestError(
        f"Implicitly combining column {first} with column {second} under attribute '{key}' is not done; "
        "in properties, name both columns for one attribute if they hold the same value, else give each its own"
    )


def synonym_without_column(mapper: Any, key: str, name: str) -> ArgumentError:
    """``map_column=True`` for a name that no column has."""
    return ArgumentError(
        f"Can't compile synonym '{name}': no column on table '{mapper.local_table.description}' named '{key}'"
    )


def synonym_column_mapped_twice(key: str, name: str, column: Any) -> ArgumentError:
    """``map_column=True`` where the target is mapped already."""
    return ArgumentError(
        f"Can't call map_column=True for synonym {key!r}={name!r}, a ColumnProperty already exists "
        f"keyed to the name {name!r} for column '{column}'"
    )


def synonym_of_unmapped(cls: Any, name: str, target: Any) -> InvalidRequestError:
    """A synonym of something that is no mapped attribute."""
    return InvalidRequestError(
        f'synonym() attribute "{cls.__name__}.{name}" only supports ORM mapped attributes, got {target!r}'
    )


def validator_exists(mapper: Any, key: str) -> InvalidRequestError:
    """Two methods validate one attribute."""
    return InvalidRequestError(
        f"A validation function for mapped attribute {key!r} on mapper {mapper} already exists; "
        "let one method call the other"
    )


def no_property(mapper: Any, key: str) -> InvalidRequestError:
    """A mapper was asked for a property that it does not have."""
    return InvalidRequestError(f"Mapper '{mapper}' has no property '{key}'")


def unmapped_column(mapper: Any, column: Any) -> UnmappedColumnError:
    """A mapper was asked for the property of a column that it does not map."""
    return UnmappedColumnError(f"No column {column} is configured on mapper {mapper}")


def mapper_failed_before(mapper: Any, error: BaseException) -> InvalidRequestError:
    """A mapper could not be configured in an earlier run."""
    return InvalidRequestError(
        "One or more mappers failed to initialize - can't proceed with initialization of other mappers. "
        f"Triggering mapper: '{mapper}'. Original exception was: {error}"
    )


def registries_not_configured() -> InvalidRequestError:
    """A registry depends on another one that is not configured."""
    return InvalidRequestError(
        "configure was called with cascade=False but additional registries need to be configured; pass cascade=True"
    )


def dependent_registries() -> InvalidRequestError:
    """A registry was disposed of while others depend on it."""
    return InvalidRequestError(
        "Registry has dependent registries that are not disposed; pass cascade=True to clear these also"
    )


def identity_key_arguments(given: int) -> ArgumentError:
    """``identity_key`` with arguments that name no row, or two."""
    return ArgumentError(
        f"identity_key() takes a class with a primary key, a class with row=, or instance=; got {given} of its "
        f"arguments"
    )


# ------------------------------------------------------------ sessions: what belongs to one


def attached_elsewhere(state: Any, owner: int, here: int) -> InvalidRequestError:
    """An object of another session was added, deleted or merged."""
    return InvalidRequestError(
        f"Object '{state_text(state)}' is already attached to session '{owner}' (this is '{here}')"
    )


def already_deleted(state: Any) -> InvalidRequestError:
    """An object whose row was deleted was added."""
    return InvalidRequestError(
        f"Instance '{state_text(state)}' has been deleted.  "
        "Use the make_transient() function to send this object back to the transient state."
    )


def not_persisted(state: Any) -> InvalidRequestError:
    """A transient or pending object was to be deleted."""
    return InvalidRequestError(f"Instance '{state_text(state)}' is not persisted")


def not_in_session(state: Any) -> InvalidRequestError:
    """An object of no session, or of another one, was to be expunged."""
    return InvalidRequestError(f"Instance {state_text(state)} is not present in this Session")


def not_persistent(state: Any) -> InvalidRequestError:
    """An object that is not persistent in the session was to be expired or refreshed."""
    return InvalidRequestError(f"Instance '{state_text(state)}' is not persistent within this Session")


def must_be_transient(state: Any) -> InvalidRequestError:
    """``make_transient_to_detached`` of an object that has a key or a session."""
    return InvalidRequestError(f"Given object must be transient; {state_text(state)} has an identity key or a session")


def could_not_refresh(state: Any) -> InvalidRequestError:
    """The row of an object to refresh is gone."""
    return InvalidRequestError(f"Could not refresh instance '{state_text(state)}'")


def ambiguous_for_update() -> ArgumentError:
    """``with_for_update={}``."""
    return ArgumentError(
        "with_for_update should be the boolean value True, or a dictionary with options.  A blank dictionary is "
        "ambiguous."
    )


def row_required() -> NoResultFound:
    """``get_one`` found nothing."""
    return NoResultFound("No row was found when one was required")


IDENTITY_REPLACED = (
    "Identity map already had an identity for {}, replacing it with newly flushed object.   "
    "Are there load operations occurring inside of an event handler within the flush?"
)


# ------------------------------------------------------------ sessions: merge


def merge_of_transient() -> InvalidRequestError:
    """``merge(load=False)`` of an object without a row."""
    return InvalidRequestError(
        "merge() with load=False option does not support objects transient (i.e. unpersisted) objects.  "
        "flush() all changes on mapped instances before merging with load=False."
    )


def merge_of_dirty() -> InvalidRequestError:
    """``merge(load=False)`` of a changed object."""
    return InvalidRequestError(
        "merge() with load=False option does not support objects marked as 'dirty'.  "
        "flush() all changes on mapped instances before merging with load=False."
    )


def merged_version_differs(given: Any, state: Any, existing: Any) -> StaleDataError:
    """An object was merged that is older than its row."""
    return StaleDataError(
        f"Version id '{given}' on merged state {state_text(state)} does not match existing version '{existing}'. "
        "Leave the version attribute unset when merging to update the most recent version."
    )


MERGED_WHILE_PENDING = (
    "Instance {} is already pending in this Session yet is being merged again; this is probably not what you want to do"
)


# ------------------------------------------------------------ sessions: flush


def already_flushing() -> InvalidRequestError:
    """A flush inside a flush, or from a second thread."""
    return InvalidRequestError("Session is already flushing")


def flushing_in_another_thread() -> IllegalStateChangeError:
    """A session was used in one thread while another was flushing it."""
    return IllegalStateChangeError(
        "This Session is being flushed in another thread; a session and its objects belong to one thread at a time: "
        "give each thread a session of its own, for example with scoped_session",
        code="isce",
    )


def endless_flush(times: int) -> FlushError:
    """Each flush of a commit left something to flush."""
    return FlushError(
        f"Over {times} subsequent flushes have occurred within session.commit() - is an after_flush() hook creating "
        f"new objects?"
    )


AUTOFLUSH_DETAIL = (
    "raised as a result of Query-invoked autoflush; consider using a session.no_autoflush block "
    "if this flush is occurring prematurely"
)
CHANGES_IN_FLUSH_RESET = (
    "Attribute history events accumulated on {} previously clean instances within inner-flush event handlers have been "
    "reset, and will not result in database updates. Consider using set_committed_value() within inner-flush event "
    "handlers to avoid this warning."
)
USED_DURING_FLUSH = (
    "Usage of the '{}' operation is not currently supported within the execution stage of the flush process. "
    "Results may not be consistent.  Consider using alternative event listeners or connection-level operations instead."
)


# ------------------------------------------------------------ sessions: transactions


def operation_not_allowed(name: str, state: Any) -> IllegalStateChangeError:
    """A guarded method was called in a state that it does not allow."""
    return IllegalStateChangeError(f"Can't run operation '{name}()' when Session is in state {state!r}", code="isce")


def operation_in_progress(name: str, running: str, moves_to: Any) -> IllegalStateChangeError:
    """A guarded method was called inside another, or from a second thread."""
    return IllegalStateChangeError(
        f"Method '{name}()' can't be called here; method '{running}()' is already in progress and this would cause an "
        f"unexpected state change to {moves_to!r}",
        code="isce",
    )


def operation_not_expected(name: str, moves_to: Any, expected: Any) -> IllegalStateChangeError:
    """A guarded method announced one change and called a method that makes another."""
    return IllegalStateChangeError(
        f"Can't run operation '{name}()' here; will move to state {moves_to!r} where we are expecting {expected!r}",
        code="isce",
    )


def state_not_changed(name: str, moves_to: Any) -> IllegalStateChangeError:
    """A guarded method returned without the change that it declares."""
    return IllegalStateChangeError(f"Method '{name}()' failed to change state to {moves_to!r} as expected", code="isce")


def state_changed_unexpectedly(name: str, running: str | None, now: Any) -> IllegalStateChangeError:
    """A guarded method made another change than it declares."""
    before = f"While method '{running}()' was running, method" if running else "Method"
    return IllegalStateChangeError(f"{before} '{name}()' caused an unexpected state change to {now!r}", code="isce")


_TRANSACTION_REFUSALS = {
    "PREPARED": "This session is in 'prepared' state; no further SQL can be emitted within this transaction.",
    "COMMITTED": "This session is in 'committed' state; no further SQL can be emitted within this transaction.",
    "DEACTIVE": (
        "This session is in 'inactive' state, due to the SQL transaction being rolled back; "
        "no further SQL can be emitted within this transaction."
    ),
    "PROVISIONING_CONNECTION": (
        "This session is provisioning a new connection; concurrent operations are not permitted: "
        "a session belongs to one thread at a time."
    ),
}


def transaction_refused(name: str, state: Any) -> InvalidRequestError:
    """A transaction was used in a state in which it cannot do that."""
    if state.name == "CLOSED":
        return ResourceClosedError("This transaction is closed")
    text = _TRANSACTION_REFUSALS.get(state.name)
    return InvalidRequestError(text) if text is not None else operation_not_allowed(name, state)


def pending_rollback(original: BaseException) -> PendingRollbackError:
    """A session was used after a failed flush, before its rollback."""
    return PendingRollbackError(
        "This Session's transaction has been rolled back due to a previous exception during flush. To begin a new "
        "transaction "
        f"with this Session, first issue Session.rollback(). Original exception was: {original}",
        code="7s2a",
    )


def ended_in_block(original: BaseException | None) -> InvalidRequestError:
    """A session was used after its transaction ended, inside the block of that transaction."""
    cause = "" if original is None else f"The transaction was rolled back due to an exception: {original}.  "
    return InvalidRequestError(
        f"Can't operate on closed transaction inside context manager.  {cause}"
        "Please complete the context manager before emitting further commands."
    )


def transaction_not_current() -> InvalidRequestError:
    """A transaction was to be ended that is not among those of the session."""
    return InvalidRequestError("This transaction is not among the open ones of its session; it has been ended already")


def already_begun() -> InvalidRequestError:
    """``begin()`` while a transaction is open."""
    return InvalidRequestError("A transaction is already begun on this Session.")


def autobegin_disabled() -> InvalidRequestError:
    """A session with ``autobegin=False`` was used without ``begin()``."""
    return InvalidRequestError(
        "Autobegin is disabled on this Session; please call session.begin() to start a new transaction"
    )


def session_closed() -> InvalidRequestError:
    """A session with ``close_resets_only=False`` was used after ``close()``."""
    return InvalidRequestError(
        "This Session has been permanently closed and is unable to handle any more transaction requests."
    )


def cannot_prepare() -> InvalidRequestError:
    """``prepare()`` without ``twophase``, or of a savepoint."""
    return InvalidRequestError("'twophase' mode not enabled, or not root transaction; can't prepare.")


def invalid_join_mode(mode: Any) -> ArgumentError:
    """An unknown ``join_transaction_mode``."""
    return ArgumentError(
        f'invalid selection for join_transaction_mode: "{mode}"; choose "conditional_savepoint", "rollback_only", '
        '"control_fully" or "create_savepoint"'
    )


def engine_already_enlisted() -> InvalidRequestError:
    """A second connection of one engine was to take part in a transaction."""
    return InvalidRequestError("Session already has a Connection associated for the given Connection's Engine")


def no_connection_acquired(bind: Any) -> InvalidRequestError:
    """A transaction was asked for a connection that it has not used."""
    return InvalidRequestError(f"This transaction has not acquired a connection for bind {bind!r}")


CONNECTION_OPTIONS_IGNORED = "Connection is already established for the given bind; execution_options ignored"
CHANGED_WHILE_INACTIVE = "Session's state has been changed on a non-active transaction - this state will be discarded."


# ------------------------------------------------------------ sessions: binds, statements, scopes


def not_a_bind_target(target: Any) -> ArgumentError:
    """Something was bound that is no class, mapper or table."""
    return ArgumentError(f"Not an acceptable bind target: {target}")


def no_bind(mapper: Any, clause: Any) -> UnboundExecutionError:
    """No engine is known for a mapper or a statement."""
    subjects = [f"mapper {mapper}"] if mapper is not None else []
    if clause is not None:
        subjects.append("SQL expression")
    where = f"{', '.join(subjects)} or this Session" if subjects else "this Session"
    return UnboundExecutionError(f"Could not locate a bind configured on {where}.")


def parameter_sets_differ(given: int, listener: int) -> InvalidRequestError:
    """A ``do_orm_execute`` listener gave another number of parameter sets."""
    return InvalidRequestError(
        "Can't apply executemany parameters to statement; number of parameter sets passed to Session.execute() "
        f"({given}) does not match number of parameter sets given to ORMExecuteState.invoke_statement() ({listener})"
    )


def not_a_select() -> InvalidRequestError:
    """A property of SELECT statements was asked of another statement."""
    return InvalidRequestError("This ORM execution is not against a SELECT statement so there are no load options.")


def not_an_update_or_delete() -> InvalidRequestError:
    """A property of UPDATE and DELETE statements was asked of another statement."""
    return InvalidRequestError(
        "This ORM execution is not against an UPDATE or DELETE statement so there are no update options."
    )


def scope_occupied() -> InvalidRequestError:
    """A scoped session was called with arguments while its scope has a session."""
    return InvalidRequestError("Scoped session is already present; no new arguments may be specified.")


def not_a_session_factory() -> ArgumentError:
    """A scoped session was listened to whose factory is no session class or ``sessionmaker``."""
    return ArgumentError(
        "Session event listen on a scoped_session requires that its creation callable is associated with the Session "
        "class."
    )


SCOPE_OCCUPIED = (
    "At least one scoped session is already present.  configure() can not affect sessions that have "
    "already been created."
)


def unknown_lockmode(mode: Any) -> ArgumentError:
    """An unknown ``lockmode``."""
    return ArgumentError(
        f"Unknown lockmode {mode!r}; use with_for_update=, or one of 'read', 'update', 'update_nowait'"
    )


# ---------------------------------------------------------------- unit of work


def null_key_in_update(table: str, column: Any) -> FlushError:
    """A row cannot be found because part of its key is NULL."""
    return FlushError(f"Can't update table {table} using NULL for primary key value on column {column}")


def null_key_in_delete(table: str, column: Any) -> FlushError:
    """A row cannot be found because part of its key is NULL."""
    return FlushError(f"Can't delete from table {table} using NULL for primary key value on column {column}")


def null_identity(state: Any) -> FlushError:
    """A row was inserted and nobody knows its primary key."""
    return FlushError(
        f"Instance {state_text(state)} has a NULL identity key.  If this is an auto-generated value, check that the "
        "database table allows generation of new values and that the column says so; else give the object its key "
        "before the flush"
    )


def null_version(state: Any) -> FlushError:
    """A versioned object has no version to compare with."""
    return FlushError(
        f"Instance does not contain a non-NULL version value: {state_text(state)}; set it, or let a "
        f"version_id_generator "
        "or the database make it"
    )


def stale_rows(verb: str, table: str, expected: int, matched: int) -> StaleDataError:
    """An UPDATE or DELETE matched other rows than the objects stand for."""
    return StaleDataError(stale_rows_text(verb, table, expected, matched))


def stale_rows_text(verb: str, table: str, expected: int, matched: int) -> str:
    """The words for an UPDATE or DELETE that matched other rows than expected."""
    return f"{verb.upper()} statement on table '{table}' expected to {verb} {expected} row(s); {matched} were matched."


def rows_to_delete_missing_text(table: str, expected: int, matched: int) -> str:
    """The warning for a DELETE that found fewer rows than objects."""
    return (
        f"{stale_rows_text('delete', table, expected, matched)} The rows were deleted by someone else, or by the "
        f"database "
        "itself; map the class with confirm_deleted_rows=False when that is expected"
    )


def version_not_verified_text(dialect: Any, verb: str) -> str:
    """The warning for a versioned table on a database that does not count rows."""
    return f"Dialect {dialect.dialect_description} does not support {verb} rowcount - versioning cannot be verified."


def no_row_inserted(mapper: Any) -> FlushError:
    """An INSERT of one row answered without the key of the new row."""
    return FlushError(
        f"Single-row INSERT statement for {mapper} did not produce a new primary key; "
        "look for a trigger or rule that turns the INSERT into something else"
    )


def wrong_number_of_rows_inserted(mapper: Any, expected: int, returned: int) -> FlushError:
    """An INSERT of many rows answered with another number of keys."""
    return FlushError(
        f"Multi-row INSERT statement for {mapper} did not produce the correct number of rows: {expected} were sent and "
        f"{returned} came back; look for a trigger or rule that turns the INSERT into something else"
    )


def unsortable_keys(error: BaseException) -> InvalidRequestError:
    """Objects cannot be put in the order of their keys."""
    return InvalidRequestError(
        f"Could not sort objects by primary key; primary key values must be sortable in Python (was: {error})"
    )


def conflicting_identity_text(new: Any, known: Any) -> str:
    """The warning for a new object whose key the session already knows by another object."""
    return (
        f"New instance {state_text(new)} with identity key {known.key} conflicts with persistent instance "
        f"{state_text(known)}"
    )


def mapping_without_key(mapper: Any, attribute: str, mapping: Any) -> InvalidRequestError:
    """A dictionary for a bulk update that does not say which row it means."""
    return InvalidRequestError(
        f"A dictionary for the bulk update of {mapper} has no value for the primary key attribute '{attribute}': "
        f"{mapping!r}; "
        "every dictionary must hold the complete primary key"
    )


# ---------------------------------------------------------------- loading


def detached_deferred(state: Any, key: str) -> DetachedInstanceError:
    """A deferred attribute of an object without a session was asked for."""
    return DetachedInstanceError(
        f"Parent instance {state_text(state)} is not bound to a Session; "
        f"deferred load operation of attribute '{key}' cannot proceed"
    )


def detached_lazy(state: Any, key: str) -> DetachedInstanceError:
    """A relationship of an object without a session was asked for."""
    return DetachedInstanceError(
        f"Parent instance {state_text(state)} is not bound to a Session; "
        f"lazy load operation of attribute '{key}' cannot proceed"
    )


def raiseload_relationship(state: Any, key: str, lazy: str) -> InvalidRequestError:
    """A relationship that must not be loaded implicitly was asked for."""
    return InvalidRequestError(f"'{state.class_.__name__}.{key}' is not available due to lazy='{lazy}'")


def relationship_column_not_mapped(prop: Any, column: Any) -> UnmappedColumnError:
    """A relationship needs the value of a column that its class does not map."""
    return UnmappedColumnError(
        f"Can't load relationship {prop}: column '{column}' is part of its join condition and is not mapped by "
        f"{prop.parent.class_.__name__}; map it, or choose another primaryjoin"
    )


def warn_several_rows_for_one(state: Any, key: str) -> None:
    """More than one row was found for a relationship that holds one object."""
    warnings.warn(
        f"Multiple rows returned with uselist=False for lazily-loaded attribute '{state.class_.__name__}.{key}' ",
        SAWarning,
        stacklevel=2,
    )


def raiseload_column(state: Any, key: str) -> InvalidRequestError:
    """A column attribute that must not be loaded implicitly was asked for."""
    return InvalidRequestError(
        f"'{state.class_.__name__}.{key}' is not available due to raiseload=True; "
        f"load it with the object, by undefer({state.class_.__name__}.{key}), or by session.refresh(obj, ['{key}'])"
    )


def cannot_refresh_without_key(state: Any) -> InvalidRequestError:
    """Expired attributes of an object whose row cannot be found were asked for."""
    return InvalidRequestError(
        f"Instance {state_text(state)} cannot be refreshed - it's not persistent and does not contain a full primary "
        f"key."
    )


def pending_key_change(mapper: Any, keys: Any) -> InvalidRequestError:
    """``session.refresh`` of some attributes of an object whose primary key has a change that is not flushed."""
    names = "{" + ", ".join(repr(key) for key in keys) + "}"
    return InvalidRequestError(
        f"Please flush pending primary key changes on attributes {names} for mapper {mapper} before proceeding with a "
        f"refresh"
    )


def version_differs(state: Any, known: Any, found: Any) -> StaleDataError:
    """An object was locked whose row has been changed by somebody else since it was loaded."""
    return StaleDataError(
        f"Instance '{state_text(state)}' has version id '{known}' which does not match database-loaded version id "
        f"'{found}'. "
        "Refresh the object before it is locked."
    )


def identity_map_gone(cls: type) -> InvalidRequestError:
    """Rows were fetched from a result after its session was closed or emptied."""
    return InvalidRequestError(
        f"Object {cls.__name__} cannot be converted to 'persistent' state, as this identity map is no longer valid. "
        "Has the owning Session been closed? Fetch the rows before that, or use the execution option prebuffer_rows."
    )


def wrong_key_arity(mapper: Any) -> InvalidRequestError:
    """``session.get`` with a key of the wrong number of values."""
    columns = ", ".join(f"'{column}'" for column in mapper.primary_key)
    return InvalidRequestError(
        "Incorrect number of values in identifier to formulate primary key for session.get(); "
        f"primary key columns are {columns}"
    )


def wrong_key_names(mapper: Any) -> InvalidRequestError:
    """``session.get`` with a dictionary of other names than those of the key."""
    names = ", ".join(f"'{key}'" for key in mapper.pk_keys)
    return InvalidRequestError(
        "Incorrect names of values in identifier to formulate primary key for session.get(); "
        f"primary key attribute names are {names} (synonym names are also accepted)"
    )


def unexpected_keywords(operation: str, names: list[str]) -> TypeError:
    """A call was given keywords that it does not know."""
    return TypeError(f"{operation} got unexpected keyword arguments: {', '.join(map(repr, names))}")


def warn_several_rows_for_one_eagerly(prop: Any) -> None:
    """More than one row was found for a relationship that holds one object, while many were loaded."""
    warnings.warn(
        f"Multiple rows returned with uselist=False for eagerly-loaded attribute '{prop}' ", SAWarning, stacklevel=2
    )


def bad_chunk_size(size: Any) -> ArgumentError:
    """``selectinload(chunksize=...)`` that is no number of objects."""
    return ArgumentError(f"chunksize of selectinload(): please use a positive non-zero integer; got {size!r}")


def unique_required() -> InvalidRequestError:
    """A result with joined collections was fetched without ``unique()``."""
    return InvalidRequestError(
        "The unique() method must be invoked on this Result, as it contains results that need to be deduplicated: "
        "a collection was joined, and its object stands in a row for each element"
    )


def yield_per_of_joined_collections() -> InvalidRequestError:
    """``yield_per`` with joined collections."""
    return InvalidRequestError(
        "Can't use yield_per with eager loaders that require uniquing or row buffering, e.g. joinedload() against "
        "collections: one object may stand in rows of two chunks.  selectinload() works with it"
    )


# ---------------------------------------------------------------- loading: implicit loads


def unknown_fetch(word: Any, words: Any) -> ArgumentError:
    """``fetch=`` with an unknown word."""
    return ArgumentError(f"fetch must be one of {', '.join(repr(each) for each in words)}; got {word!r}")


def implicit_load_refused(state: Any, attribute: str, remedy: str) -> InvalidRequestError:
    """An absent attribute was used where implicit loads are refused."""
    return InvalidRequestError(
        f"'{attribute}' of {state_text(state)} is not loaded, and fetch='raise' refuses to load it implicitly; "
        f"load it along: {remedy}"
    )


def implicit_load_text(state: Any, attribute: str, remedy: str) -> str:
    """An absent attribute was used where implicit loads are warned of."""
    return f"'{attribute}' of {state_text(state)} is loaded implicitly; load it along: {remedy}"


# ---------------------------------------------------------------- loading: collections that are not loaded


def unloaded_collection_needs_many(prop: Any, word: str) -> InvalidRequestError:
    """``lazy="dynamic"`` or ``"write_only"`` was given to a relationship that holds one object."""
    return InvalidRequestError(
        f"On relationship {prop}, '{word}' loaders cannot be used with many-to-one/one-to-one relationships and/or "
        "uselist=False."
    )


def full_iteration_not_permitted(attribute: Any) -> InvalidRequestError:
    """Somebody needs all elements of a collection that is never loaded."""
    return InvalidRequestError(
        f"Attribute {attribute} can't load the existing state from the database for this operation; full iteration is "
        "not permitted.  Where this is a delete, set passive_deletes on the relationship and let the database do it"
    )


def implicit_iteration(attribute: Any) -> InvalidRequestError:
    """A collection that is never loaded was assigned to an object whose elements are in the database."""
    return InvalidRequestError(
        f'Collection "{attribute}" does not support implicit iteration; it cannot be replaced as a whole: '
        "add and remove elements"
    )


def no_iteration_of_write_only() -> TypeError:
    """A write-only collection was iterated."""
    return TypeError(
        "WriteOnly collections don't support iteration in-place; to query for collection items, use select() of the "
        "collection and run that with session.scalars()"
    )


def detached_dynamic(state: Any, key: str) -> DetachedInstanceError:
    """A dynamic collection of an object without a session was to be queried."""
    return DetachedInstanceError(
        f"Parent instance {state_text(state)} is not bound to a Session; "
        f"lazy load operation of attribute '{key}' cannot proceed: add the object to a session first"
    )


def dynamic_detached_text(state: Any) -> str:
    """A dynamic collection of a detached object was read."""
    return f"Instance {state_text(state)} is detached, dynamic relationship cannot ask its database: it seems empty"


# ---------------------------------------------------------------- loading: options


def string_in_option() -> ArgumentError:
    """A loader option with the name of an attribute."""
    return ArgumentError(
        "Strings are not accepted for attribute names in loader options; please use class-bound attributes directly."
    )


def option_cannot_follow(option: Any) -> ArgumentError:
    """``selectinload(User.addresses).options(with_loader_criteria(...))``."""
    return ArgumentError(
        f"Loader option {option!r} is not compatible with the Load.options() method. Give it to the statement itself"
    )


def option_needs_attribute(given: Any) -> ArgumentError:
    """A loader option with something that is no attribute of a mapped class."""
    return ArgumentError(
        f"expected ORM mapped attribute for loader strategy argument, such as User.name; got {given!r}"
    )


def wrong_kind_for_option(attribute: Any, prop: Any, strategy: str, wanted: str) -> LoaderStrategyException:
    """A loader option with an attribute of another kind."""
    kind = re.sub(r"property$", " property", type(prop).__name__.lower())
    return LoaderStrategyException(
        f'Can\'t apply "{strategy}" strategy to property "{attribute}", which is a "{kind}"; '
        f'this loader strategy is intended to be used with a "{wanted}".'
    )


def attribute_of_other_entity(attribute: Any, entity: Any, path: Any) -> ArgumentError:
    """``Load(A).defer(B.x)``, ``joinedload(A.bs).defer(C.x)``."""
    if path:
        return ArgumentError(
            f'ORM mapped entity or attribute "{attribute}" does not link from relationship "{path[-1]}", '
            f"which leads to {entity}; give options of other entities separately"
        )
    return ArgumentError(
        f'Attribute "{attribute}" does not link from "{entity}"; give options of other entities separately'
    )


def wildcard_for_several_entities() -> ArgumentError:
    """``load_only(A.x, B.y)``."""
    return ArgumentError(
        "Can't apply wildcard ('*') or load_only() loader option to multiple entities in the same option. "
        "Use separate options per entity."
    )


def option_without_entity(step: Any, root: Any, selected: list[str]) -> ArgumentError:
    """A loader option for an entity that the statement does not select."""
    if not selected:
        return ArgumentError(
            f"Query has only expression-based entities; attribute loader option {step} can't be applied here."
        )
    kind = "Aliased class" if root.is_aliased_class else "Mapped class"
    name = root if root.is_aliased_class else root.class_.__name__
    return ArgumentError(
        f"{kind} {name} referenced in option {step} does not apply to any of the root entities in this query, "
        f"e.g. {', '.join(selected)}. Please specify the full path from one of the root entities to the target "
        f"attribute. "
    )


def conflicting_options(step: Any, earlier: Any) -> InvalidRequestError:
    """Two loader options want different things of one attribute."""
    return InvalidRequestError(
        f"Loader strategy replacement {step} is in conflict with existing strategy {earlier}; give only one of them"
    )


def slice_sizes(given: int, wanted: int) -> ValueError:
    """An extended slice was assigned another number of elements."""
    return ValueError(f"attempt to assign sequence of size {given} to extended slice of size {wanted}")


def no_collection_role(cls: type, role: str) -> ArgumentError:
    """A collection class has no method for a role."""
    article = "an" if role[0] in "ai" else "a"
    return ArgumentError(f"Type {cls.__name__} must elect {article} {role} method to be a collection class")


def missing_collection_argument(place: int | str) -> ArgumentError:
    """A method of a collection class was called without the element."""
    return ArgumentError(f"Missing argument {place}")


def placeholder_collection(attribute: Any) -> InvalidRequestError:
    """A collection that only answered a read was changed without events."""
    return InvalidRequestError(
        f"This is a special 'empty' collection which cannot accommodate internal mutation operations: {attribute} has "
        f"no value yet"
    )


def unpopulated_key(value: Any, attribute: Any, keyfunc: Any) -> InvalidRequestError:
    """A value has no key for a keyed dictionary."""
    name = getattr(keyfunc, "attr_name", keyfunc)
    where = "unknown relationship" if attribute is None else str(getattr(attribute, "impl", attribute))
    return InvalidRequestError(
        f"In event triggered from population of attribute {where!r} (potentially from a backref), can't populate value "
        f"in "
        f"keyed dictionary; dictionary key {name!r} on {instance_text(value)} is not populated. Ensure appropriate "
        f"state is set up "
        f"on {instance_text(value)} before assigning to the {where!r} attribute, or set ignore_unpopulated_attribute"
    )


def warn_key_is_none(attribute: Any, keyfunc: Any) -> None:
    """A value has None as its key in a keyed dictionary."""
    where = "unknown relationship" if attribute is None else str(getattr(attribute, "impl", attribute))
    warnings.warn(
        f"Attribute keyed dictionary value for attribute {where!r} was None; this will raise in a future release. "
        f"To skip this assignment entirely, set ignore_unpopulated_attribute=True for {keyfunc.attr_name!r}.",
        SAWarning,
        stacklevel=4,
    )


def keyed_value_not_found(value: Any, collection: Any, key: Any) -> InvalidRequestError:
    """A keyed dictionary holds another value, or none, where one is to be removed."""
    return InvalidRequestError(
        f"Can not remove {value!r} from collection {collection!r} for key {key!r}. Possible remedies: set the key "
        f"attribute "
        "before the object is put into the collection, and do not change it while it is there"
    )


def other_collection_kind(value: Any, kind: type | None) -> TypeError:
    """A collection of one kind was assigned where another one is expected."""
    given = type(value).__name__ if value is not None else "None"
    return TypeError(f"Incompatible collection type: {given} is not {'object' if kind is None else kind.__name__}-like")


def warn_collection_invalidated() -> None:
    """A collection that was dropped is changed."""
    warnings.warn(
        "This collection has been invalidated: it is changed, and no object will know.", SAWarning, stacklevel=4
    )


def parent_gone(state: Any, parent_state: Any, key: str) -> StaleDataError:
    """An element leaves one parent while another one, which is gone, was the last to hold it."""
    return StaleDataError(
        f"Object {state_text(state)} not associated with {state_text(parent_state)} on attribute '{key}': "
        "the object that held it last has been garbage collected"
    )


def backref_conflict(child: Any, started: Any, next_: Any, own: Any) -> ValueError:
    """A change is repeated on an attribute that has nothing to do with where it began."""
    return ValueError(
        f'Bidirectional attribute conflict detected: Passing object {instance_text(child)} to attribute "{started}" '
        f'triggers a modify event on attribute "{next_}" via the backref "{own}".'
    )


# ---------------------------------------------------------------- relationships


def unknown_cascades(words: list[str], valid: tuple[str, ...]) -> ArgumentError:
    """A cascade that does not exist."""
    return ArgumentError(f"Invalid cascade option(s): {', '.join(map(repr, words))}; valid are {', '.join(valid)}, all")


def warn_orphan_without_delete() -> None:
    """delete-orphan alone."""
    warnings.warn("The 'delete-orphan' cascade option requires 'delete'.", SAWarning, stacklevel=4)


def cascade_on_viewonly(words: str) -> ArgumentError:
    """Cascades of writing on a relationship that is only read."""
    return ArgumentError(
        f'Cascade settings "{words}" apply to persistence operations and should not be combined with '
        f"a viewonly=True relationship."
    )


def unknown_lazy(lazy: Any, valid: tuple[str, ...]) -> ArgumentError:
    """A way of loading that does not exist."""
    return ArgumentError(f"Unknown value {lazy!r} for 'lazy'; valid are {', '.join(valid)}")


def viewonly_with_sync_backref() -> ArgumentError:
    """A relationship that is only read cannot follow its other side."""
    return ArgumentError("sync_backref and viewonly cannot both be True")


def backref_and_back_populates() -> ArgumentError:
    """Two ways to name the other side at once."""
    return ArgumentError("backref and back_populates keyword arguments are mutually exclusive")


def cascade_backrefs_removed() -> ArgumentError:
    """A behaviour that is gone."""
    return ArgumentError("The 'cascade_backrefs' parameter passed to relationship() may only be set to False.")


def relationship_target(prop: Any, argument: Any) -> ArgumentError:
    """A relationship leads to something that is not mapped."""
    return ArgumentError(f"relationship '{prop.key}' expects a class or a mapper argument (received: {type(argument)})")


def secondary_is_a_class(prop: Any, cls: type) -> ArgumentError:
    """A mapped class given as secondary table."""
    return ArgumentError(
        f"secondary argument {cls} passed to to relationship() {prop} must be a Table object or other FROM clause; "
        "can't send a mapped class directly as rows in 'secondary' are persisted independently of a class that is "
        "mapped to that same table."
    )


def warn_secondary_is_mapped(prop: Any) -> None:
    """The secondary table is that of a mapped class."""
    warnings.warn(
        f"Relationship {prop}: the secondary table is also mapped by one of its classes, and both write its rows",
        SAWarning,
        stacklevel=4,
    )


def column_expected(prop: Any, name: str, value: Any) -> ArgumentError:
    """An argument should be columns."""
    return ArgumentError(f"Column expression expected for argument {name!r}; got {value!r}. (relationship {prop})")


def no_foreign_keys(name: str, secondary: Any) -> SQLAlchemyError:
    """No foreign key leads from one side to the other."""
    via, cure = "", "a 'primaryjoin' expression."
    if secondary is not None:
        via, cure = f" via secondary table '{secondary}'", "'primaryjoin' and 'secondaryjoin' expressions."
    return NoForeignKeysError(
        f"Could not determine join condition between parent/child tables on relationship {name} - there are no foreign "
        f"keys "
        f"linking these tables{via}.  Ensure that referencing columns are associated with a ForeignKey or "
        f"ForeignKeyConstraint, "
        f"or specify {cure}"
    )


def ambiguous_foreign_keys(name: str, secondary: Any) -> SQLAlchemyError:
    """Several foreign keys lead from one side to the other."""
    via, whither = "", "to the parent table."
    if secondary is not None:
        via = f" via secondary table '{secondary}'"
        whither = "from the secondary table to each of the parent and child tables."
    return AmbiguousForeignKeysError(
        f"Could not determine join condition between parent/child tables on relationship {name} - there are multiple "
        f"foreign key "
        f"paths linking the tables{via}.  Specify the 'foreign_keys' argument, providing a list of those columns which "
        f"should be "
        f"counted as containing a foreign key reference {whither}"
    )


def remote_side_redundant(name: str) -> ArgumentError:
    """remote_side beside remote()."""
    return ArgumentError(
        f"remote_side argument is redundant against more detailed _local_remote_side argument or remote() on {name}."
    )


def no_column_pairs(name: str) -> ArgumentError:
    """Nothing in the condition tells local from remote."""
    return ArgumentError(
        f"Relationship {name} could not determine any unambiguous local/remote column pairs based on join condition "
        f"and remote_side "
        "arguments.  Consider using the remote() annotation to accurately mark those elements of the join condition "
        "that are on the "
        "remote side of the relationship."
    )


def no_equality(name: str, which: str, condition: Any) -> ArgumentError:
    """The condition has no column = column to write along."""
    return ArgumentError(
        f"Could not locate any simple equality expressions involving locally mapped foreign key columns for {which} "
        f"join condition "
        f"'{condition}' on relationship {name}.  Ensure that referencing columns are associated with a ForeignKey or "
        "ForeignKeyConstraint, or are annotated in the join condition with the foreign() annotation. To allow "
        "comparison operators "
        "other than '==', the relationship can be marked as viewonly=True."
    )


def no_relevant_foreign_keys(name: str, which: str, condition: Any) -> ArgumentError:
    """The condition has no column that refers."""
    return ArgumentError(
        f"Could not locate any relevant foreign key columns for {which} join condition '{condition}' on relationship "
        f"{name}.  Ensure "
        "that referencing columns are associated with a ForeignKey or ForeignKeyConstraint, or are annotated in the "
        "join condition "
        "with the foreign() annotation."
    )


def ambiguous_direction(name: str) -> ArgumentError:
    """Foreign columns on both sides."""
    return ArgumentError(
        f"Can't determine relationship direction for relationship '{name}' - foreign key columns within the join "
        f"condition are "
        "present in both the parent and the child's mapped tables.  Ensure that only those columns referring to a "
        "parent column "
        "are marked as foreign, either via the foreign() annotation or via the foreign_keys argument."
    )


def no_direction(name: str) -> ArgumentError:
    """Foreign columns on neither side."""
    return ArgumentError(
        f"Can't determine relationship direction for relationship '{name}' - foreign key columns are present in "
        f"neither the "
        "parent nor the child's mapped tables"
    )


def orphan_on_many_side(prop: Any) -> ArgumentError:
    """delete-orphan where an object can have several parents."""
    return ArgumentError(
        f"For {prop.direction.name.lower()} relationship {prop}, delete-orphan cascade is normally configured only on "
        f'the "one" side. '
        f"Set single_parent=True when each {prop.mapper.class_.__name__} is held by one {prop.parent.class_.__name__} "
        f"at a time."
    )


def passive_deletes_all_with_delete(prop: Any) -> ArgumentError:
    """Leaving all deletes to the database and deleting."""
    return ArgumentError(
        f"On {prop}, can't set passive_deletes='all' in conjunction with 'delete' or 'delete-orphan' cascade"
    )


def warn_passive_deletes_on_many_to_one(prop: Any) -> None:
    """passive_deletes where nothing is deleted."""
    warnings.warn(
        f"On {prop}, 'passive_deletes' is normally configured on one-to-many, one-to-one, many-to-many relationships "
        f"only.",
        SAWarning,
        stacklevel=4,
    )


def back_populates_no_relationship(prop: Any, other: Any) -> InvalidRequestError:
    """The other side is no relationship."""
    return InvalidRequestError(
        f"back_populates on relationship '{prop}' refers to attribute '{other}' that is not a relationship.  "
        "The back_populates parameter should refer to the name of a relationship on the target class."
    )


def back_populates_elsewhere(prop: Any, other: Any) -> ArgumentError:
    """The other side leads to a third class."""
    return ArgumentError(
        f"reverse_property '{other.key}' on relationship {prop} references relationship {other}, which does not "
        f"reference mapper {prop.parent}"
    )


def same_direction(prop: Any, other: Any) -> ArgumentError:
    """Both sides point the same way."""
    return ArgumentError(
        f"{prop} and back-reference {other} are both of the same direction {prop.direction!r}.  Did you mean to set "
        f"remote_side "
        "on the many-to-one side ?"
    )


def backref_name_taken(name: str, prop: Any, mapper: Any) -> ArgumentError:
    """The other side has an attribute of the backref's name."""
    return ArgumentError(
        f"Error creating backref '{name}' on relationship '{prop}': property of that name exists on mapper '{mapper}'"
    )


def secondaryjoin_without_secondary(prop: Any) -> ArgumentError:
    """A backref with a condition for a table that is not there."""
    return ArgumentError(f"Can't assign 'secondaryjoin' on a backref of {prop}, which has no secondary table")


def ambiguous_name(prop: Any, name: str, classes: Any) -> InvalidRequestError:
    """Several classes have the name."""
    found = ", ".join(sorted(f"{cls.__module__}.{cls.__name__}" for cls in classes))
    return InvalidRequestError(
        f'Multiple classes found for path "{name}" in the registry of {prop}: {found}. '
        f"Give the class itself, or a function that returns it."
    )


def unknown_name(prop: Any, text: str, error: Exception) -> InvalidRequestError:
    """A name means nothing."""
    return InvalidRequestError(
        f"When initializing mapper {prop.parent}, expression {text!r} failed to locate a name ({error}). If this is a "
        f"class name, "
        f"map the class before mappers are configured, in the same registry as {prop.parent.class_.__name__}."
    )


def sync_with_viewonly(prop: Any, viewonly: Any) -> InvalidRequestError:
    """A relationship that is only read was to be kept in step."""
    return InvalidRequestError(
        f"Relationship {prop} cannot specify sync_backref=True since {viewonly} includes viewonly=True."
    )


def wrong_class_in_attribute(prop: Any, cls: type) -> AssertionError:
    """A relationship holds an object of a class that it does not lead to."""
    return AssertionError(
        f"Attribute '{prop.key}' on class '{_class_name(prop.parent.class_)}' doesn't handle objects of type "
        f"'{_class_name(cls)}'"
    )


def not_in_session_text(child: Any, operation: str, prop: Any) -> str:
    """A related object belongs to no session."""
    return (
        f"Object of type <{child.class_.__name__}> not in session, {operation} operation along '{prop}' will not "
        f"proceed"
    )


def wrong_class_in_flush(child: Any, prop: Any) -> FlushError:
    """A relationship holds an object of another class."""
    return FlushError(
        f"Attempting to flush child of type {child.mapper} on {prop}: expected {prop.mapper} or a class derived from "
        f"it. "
        "Set enable_typechecks=False to allow any class"
    )


def unmapped_sync_column(prop: Any, column: Any, mapper: Any) -> UnmappedColumnError:
    """A column of a join condition has no attribute."""
    return UnmappedColumnError(
        f"Can't execute sync rule for column '{column}' of {prop}: {mapper} has no attribute for it. Map the column, "
        f"or set viewonly=True"
    )


def cannot_blank(parent: Any, child: Any, prop: Any, columns: tuple[Any, Any]) -> Exception:
    """A row would lose a foreign key that it must have; *columns* are what it refers to and what refers."""
    source, column = columns
    cure = (
        f"Add cascade='all, delete-orphan' to {prop} to delete the child, give it another parent, or set "
        f"passive_deletes='all' "
        "when the database takes care of it"
    )
    if column.primary_key:
        return AssertionError(
            f"Dependency rule on column '{source}' tried to blank-out primary key column '{column}' on instance "
            f"'{state_text(child)}', which {state_text(parent)} no longer holds in {prop}. {cure}"
        )
    return FlushError(
        f"{state_text(child)} can't lose its parent {state_text(parent)} ({prop}): column '{column}' is not nullable. "
        f"{cure}"
    )


def blank_primary_key(state: Any, prop: Any, columns: tuple[Any, Any]) -> AssertionError:
    """A primary key would become NULL; *columns* are what it refers to and what refers."""
    source, column = columns
    return AssertionError(
        f"Dependency rule on column '{source}' tried to blank-out primary key column '{column}' on instance "
        f"'{state_text(state)}', whose {prop} holds nothing. Delete the object, or give it another"
    )


def invalid_back_populates(value: Any) -> ArgumentError:
    """back_populates that is no name."""
    return ArgumentError(f"Invalid back_populates value: {value!r}; pass the name of the attribute on the other side")


def warn_remote_is_local(columns: Iterable[Any]) -> None:
    """Columns of the parent that are called remote."""
    names = ", ".join(str(column) for column in columns)
    warnings.warn(
        f"Expression {names} is marked as 'remote', but these column(s) are local to the local side. "
        "Mark the columns of the related rows; only where both sides are one table can these be the same",
        SAWarning,
        stacklevel=4,
    )


def circular_rows(state: Any, other: Any, column: Any) -> SQLAlchemyError:
    """Rows need each other's keys, and none can go first."""
    return CircularDependencyError(
        f"{state_text(state)} and {state_text(other)} need each other's keys, and '{column}' is not nullable. "
        "Make the column nullable, or set post_update=True on one of the relationships",
        {state, other},
        {(state, other)},
    )


def stale_associations(table: Any, expected: int, matched: int) -> StaleDataError:
    """Rows of a secondary table are not there."""
    return StaleDataError(
        f"DELETE statement on table '{table.description}' expected to delete {expected} row(s); Only {matched} were "
        f"matched."
    )


def warn_overlap(prop: Any, source: Any, written: Any, rivals: Any) -> None:
    """Several relationships write one column."""
    others = ", ".join(f"'{other}' (copies {copied} to {written})" for other, copied in rivals)
    names = ",".join(other.key for other, _ in rivals)
    warnings.warn(
        f"relationship '{prop}' will copy column {source} to column {written}, which conflicts with relationship(s): "
        f"{others}. "
        "Link two sides of one relationship with back_populates, or set viewonly=True on one that is only read; "
        f"overlaps=\"{names}\" on '{prop}' says that it is meant so",
        SAWarning,
        stacklevel=4,
    )


def second_parent(child: Any, prop: Any) -> InvalidRequestError:
    """An object with one parent only gets another."""
    return InvalidRequestError(
        f"Instance {instance_text(child)} is already associated with an instance of {prop.parent.class_} via its "
        f"{prop} attribute, "
        "and is only allowed a single parent."
    )


def none_in_collection(prop: Any) -> FlushError:
    """None is no row."""
    return FlushError(f"Can't flush None value found in collection {prop}")


def warn_backref_replaces(mapper: Any, name: str) -> None:
    """A backref takes the name of something that the class defines."""
    warnings.warn(
        f"User-placed attribute {mapper.class_.__name__}.{name} on {mapper} is replacing an existing class-bound "
        f"attribute of the "
        "same name.  Behavior is not fully defined in this case.  This use is deprecated and will raise an error in a "
        "future release",
        SADeprecationWarning,
        stacklevel=4,
    )


def no_key_columns() -> ArgumentError:
    """column_keyed_dict without columns."""
    return ArgumentError("Column expression expected for argument 'mapping_spec'; got no column at all")


def aliased_select(statement: Any) -> ArgumentError:
    """``aliased(select(...))``."""
    return ArgumentError(
        f"A {type(statement).__name__} can't be aliased as it is; use the .subquery() method to name it first"
    )
