"""Criteria of UPDATE and DELETE, decided in Python.

After ``update(User).where(User.age > 60)`` the objects of the session must not show old values.  When the criteria
are simple enough, which objects were hit can be decided from their attributes, without asking the database again.
:class:`Evaluator` turns an expression into a function of an object's attribute values.

SQL's three values hold: a comparison with NULL is neither true nor false but None.  A fourth is our own:
:data:`UNKNOWN`, when the object does not have an attribute that the expression needs (it is expired or deferred).

What cannot be decided (other tables, subqueries, SQL functions, operators on types whose Python values behave
differently) raises :class:`UnevaluatableError` when the function is made, before anything is executed.

Text is where databases differ: whether ``'a' = 'A'``, ``'a' LIKE 'A%'`` or ``'B' < 'a'`` hold is a matter of the
collation.  What holds under every collation is decided here; the rest is UNKNOWN, so that the object is loaded again
instead of being trusted.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import types
from sqlalchemy.sql import operators

from .. import exc

Values = Mapping[str, Any]
Evaluation = Callable[[Values], Any]


class UnevaluatableError(exc.InvalidRequestError):
    """An expression cannot be decided in Python."""


class Unknown(enum.Enum):
    """The value of an expression over an attribute that the object does not have."""

    UNKNOWN = 0

    def __bool__(self) -> bool:
        return False


UNKNOWN = Unknown.UNKNOWN


def _is_equal(a: Any, b: Any) -> Any:
    if a == b:
        return True
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        parts = [_is_equal(*pair) for pair in zip(a, b, strict=True)]
        return False if False in parts else UNKNOWN
    if isinstance(a, str) and isinstance(b, str) and _is_alike(a, b):
        return UNKNOWN
    return False


def _is_alike(a: str, b: str) -> bool:
    """Whether some collation takes two texts for the same: it may ignore case, accents and spaces at the end."""
    if a.isascii() and b.isascii():
        return a.rstrip().casefold() == b.rstrip().casefold()
    return True


def _is_in(value: Any, collection: Any) -> Any:
    results = [None if each is None else _is_equal(value, each) for each in collection]
    if True in results:
        return True
    return UNKNOWN if UNKNOWN in results else None if None in results else False


def _in_order(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A comparison by order; of two different texts the collation decides which one is less."""

    def compared(a: Any, b: Any) -> Any:
        if isinstance(a, str) and isinstance(b, str) and a != b:
            return UNKNOWN
        return compare(a, b)

    return compared


def _affix(has_affix: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    """LIKE with the wildcard at one end."""

    def is_like(value: Any, pattern: Any) -> Any:
        if not (isinstance(value, str) and isinstance(pattern, str)):
            return has_affix(value, pattern)
        if not _WILDCARDS.isdisjoint(pattern):
            return UNKNOWN
        if has_affix(value, pattern):
            return True
        ignoring_case = has_affix(value.casefold(), pattern.casefold())
        return UNKNOWN if ignoring_case or not (value.isascii() and pattern.isascii()) else False

    return is_like


def _negated(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def negation(a: Any, b: Any) -> Any:
        result = compare(a, b)
        return result if result is None or result is UNKNOWN else not result

    return negation


def _quotient(a: Any, b: Any) -> Any:
    return a / b if b else UNKNOWN  # NULL for some databases, an error for others


def _remainder(a: Any, b: Any) -> Any:
    """SQL's remainder has the sign of the dividend, Python's that of the divisor."""
    if not b:
        return UNKNOWN
    remainder = abs(a) % abs(b)
    return -remainder if a < 0 else remainder


_WILDCARDS = frozenset("%_\\")
_COMPARISONS: dict[Any, Callable[[Any, Any], Any]] = {
    operators.eq: _is_equal,
    operators.ne: _negated(_is_equal),
    operators.lt: _in_order(operator.lt),
    operators.le: _in_order(operator.le),
    operators.gt: _in_order(operator.gt),
    operators.ge: _in_order(operator.ge),
    operators.startswith_op: _affix(lambda value, start: value.startswith(start)),
    operators.endswith_op: _affix(lambda value, end: value.endswith(end)),
    operators.in_op: _is_in,
    operators.not_in_op: _negated(_is_in),
}
_MATH: dict[Any, Callable[[Any, Any], Any]] = {
    operators.add: operator.add,
    operators.sub: operator.sub,
    operators.mul: operator.mul,
    operators.truediv: _quotient,
    operators.mod: _remainder,
}
_NUMBERS = (types.Integer, types.Numeric)


class Evaluator:
    """Makes functions that decide expressions over one mapped class.

    :param mapper: the mapper of the class.
    :param parameters: values of bound parameters given at execution, by name.
    """

    def __init__(self, mapper: Any, parameters: Mapping[str, Any] | None = None) -> None:
        self._mapper = mapper
        self._parameters = parameters or {}

    def all_of(self, criteria: Any) -> Evaluation:
        """A function that tells whether all criteria hold: True, False, None or UNKNOWN."""
        return _conjunction([self.evaluation(criterion) for criterion in criteria])

    def evaluation(self, clause: Any) -> Evaluation:
        """A function that gives the value of one expression.

        :raises UnevaluatableError: when it cannot be decided in Python.
        """
        method: Callable[[Any], Evaluation] | None = getattr(self, f"evaluate_{clause.__visit_name__}", None)
        if method is None:
            raise UnevaluatableError(f"Cannot evaluate {type(clause).__name__}")
        return method(clause)

    # ------------------------------------------------------------ operands

    def evaluate_grouping(self, clause: Any) -> Evaluation:
        """What is in the parentheses."""
        return self.evaluation(clause.element)

    def evaluate_null(self, clause: Any) -> Evaluation:
        """NULL."""
        return lambda values: None

    def evaluate_true(self, clause: Any) -> Evaluation:
        """TRUE."""
        return lambda values: True

    def evaluate_false(self, clause: Any) -> Evaluation:
        """FALSE."""
        return lambda values: False

    def evaluate_column(self, clause: Any) -> Evaluation:
        """The attribute that stands for a column."""
        entity = clause._annotations.get("parententity")
        key = clause._annotations.get("proxy_key")
        if entity is None:
            key = self._mapper.key_of(clause)
        elif entity.is_aliased_class or not self._mapper.isa(entity.mapper):
            key = None
        if key is None or key not in self._mapper.props:
            raise UnevaluatableError(f"Cannot evaluate column: {clause}")
        return lambda values: values.get(key, UNKNOWN)

    def evaluate_bindparam(self, clause: Any) -> Evaluation:
        """The value of a bound parameter."""
        if clause.key in self._parameters:
            value = self._parameters[clause.key]
        elif clause.callable:
            value = clause.callable()
        elif clause.required:
            raise UnevaluatableError(f"Cannot evaluate bound parameter {clause.key!r}, which has no value")
        else:
            value = clause.value
        return lambda values: value

    def evaluate_tuple(self, clause: Any) -> Evaluation:
        """Several values as one."""
        parts = [self.evaluation(each) for each in clause.clauses]

        def value_of_tuple(values: Values) -> Any:
            found = tuple(part(values) for part in parts)
            return _missing(*found) if _is_missing(*found) else found

        return value_of_tuple

    # ------------------------------------------------------------ operators

    def evaluate_clauselist(self, clause: Any) -> Evaluation:
        """AND, OR, and lists."""
        parts = [self.evaluation(each) for each in clause.clauses]
        if clause.operator is operators.and_:
            return _conjunction(parts)
        if clause.operator is operators.or_:
            return _disjunction(parts)
        if clause.operator is operators.comma_op:
            return lambda values: [part(values) for part in parts]
        raise UnevaluatableError(f"Cannot evaluate clauselist with operator {clause.operator}")

    def evaluate_expression_clauselist(self, clause: Any) -> Evaluation:
        """A chain of one operator: ``a + b + c``."""
        if clause.operator in (operators.and_, operators.or_):
            return self.evaluate_clauselist(clause)
        first, *rest = clause.clauses
        result = self.evaluation(first)
        left_type = first.type
        for each in rest:
            apply = self._operation(clause.operator, left_type, each.type)
            result = _binary(apply, result, self.evaluation(each))
        return result

    def evaluate_unary(self, clause: Any) -> Evaluation:
        """NOT."""
        if clause.operator is not operators.inv:
            raise UnevaluatableError(f"Cannot evaluate {type(clause).__name__} with operator {clause.operator}")
        inner = self.evaluation(clause.element)

        def negation(values: Values) -> Any:
            value = inner(values)
            return value if value is None or value is UNKNOWN else not value

        return negation

    def evaluate_binary(self, clause: Any) -> Evaluation:
        """An operator between two operands."""
        if clause.modifiers.get("escape"):
            raise UnevaluatableError(f"Cannot evaluate {clause.operator.__name__} with an escape character")
        left, right = self.evaluation(clause.left), self.evaluation(clause.right)
        if clause.operator in (operators.in_op, operators.not_in_op):
            return _membership(_COMPARISONS[clause.operator], left, right)
        if clause.operator in (operators.is_, operators.is_not):
            return _identity(left, right, negated=clause.operator is operators.is_not)
        return _binary(self._operation(clause.operator, clause.left.type, clause.right.type), left, right)

    def _operation(self, op: Any, left: Any, right: Any) -> Callable[[Any, Any], Any]:
        if op in _COMPARISONS:
            return _COMPARISONS[op]
        affinities = (left._type_affinity, right._type_affinity)
        if op in _MATH:
            if all(issubclass(affinity, _NUMBERS) for affinity in affinities):
                return _MATH[op]
            raise _wrong_types("math", op, left, right)
        if op is operators.concat_op:
            if all(issubclass(affinity, types.String) for affinity in affinities):
                return operator.add
            raise _wrong_types("concatenate", op, left, right)
        if isinstance(op, operators.custom_op):
            if op.python_impl is not None:
                return op.python_impl
            raise UnevaluatableError(
                f"Custom operator {op.opstring!r} can't be evaluated in Python unless it specifies a python_impl"
            )
        raise UnevaluatableError(f"Cannot evaluate operator {getattr(op, '__name__', op)}")


def _wrong_types(kind: str, op: Any, left: Any, right: Any) -> UnevaluatableError:
    return UnevaluatableError(f'Cannot evaluate {kind} operator "{op.__name__}" for datatypes {left!r}, {right!r}')


def _is_missing(*found: Any) -> bool:
    return any(value is None or value is UNKNOWN for value in found)


def _missing(*found: Any) -> Any:
    return UNKNOWN if any(value is UNKNOWN for value in found) else None


def _binary(apply: Callable[[Any, Any], Any], left: Evaluation, right: Evaluation) -> Evaluation:
    def operation(values: Values) -> Any:
        a, b = left(values), right(values)
        return _missing(a, b) if _is_missing(a, b) else apply(a, b)

    return operation


def _membership(apply: Callable[[Any, Any], Any], left: Evaluation, right: Evaluation) -> Evaluation:
    """IN: nothing is a member of an empty collection, not even NULL."""

    def is_member(values: Values) -> Any:
        value, collection = left(values), right(values)
        if _is_missing(collection):
            return _missing(value, collection)
        if _is_missing(value) and len(collection):
            return _missing(value)
        return apply(value, collection)

    return is_member


def _identity(left: Evaluation, right: Evaluation, *, negated: bool) -> Evaluation:
    def is_same(values: Values) -> Any:
        a, b = left(values), right(values)
        if a is UNKNOWN or b is UNKNOWN:
            return UNKNOWN
        # IS knows NULL and booleans, and a boolean may be kept as a number
        same = a is b if a is None or b is None else a == b
        return same is not negated

    return is_same


def _conjunction(parts: list[Evaluation]) -> Evaluation:
    def all_hold(values: Values) -> Any:
        result: Any = True
        for part in parts:
            value = part(values)
            if value is None or value is UNKNOWN:
                result = UNKNOWN if UNKNOWN in (value, result) else None
            elif not value:
                return False
        return result

    return all_hold


def _disjunction(parts: list[Evaluation]) -> Evaluation:
    def any_holds(values: Values) -> Any:
        result: Any = False
        for part in parts:
            value = part(values)
            if value is None or value is UNKNOWN:
                result = UNKNOWN if UNKNOWN in (value, result) else None
            elif value:
                return True
        return result

    return any_holds
