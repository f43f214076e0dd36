"""Criteria of UPDATE and DELETE, decided in Python.

After ``update(User).where(User.age > 60)`` the objects of the session must not show old values.  When the criteria
are simple enough, which objects were hit can be decided from their attributes, without asking the database again.
:class:`Evaluator` turns an expression into a function of an object's attribute values.

SQL's three values hold: a comparison with NULL is neither true nor false but None.  A fourth is our own:
:data:`UNKNOWN`, when the object does not have an attribute that the expression needs (it is expired or deferred).

What cannot be decided (other tables, subqueries, SQL functions, operators on types whose Python values behave
differently) raises :class:`UnevaluatableError` when the function is made, before anything is executed.
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

_COMPARISONS: dict[Any, Callable[[Any, Any], Any]] = {
    operators.eq: operator.eq,
    operators.ne: operator.ne,
    operators.lt: operator.lt,
    operators.le: operator.le,
    operators.gt: operator.gt,
    operators.ge: operator.ge,
    operators.startswith_op: lambda value, start: value.startswith(start),
    operators.endswith_op: lambda value, end: value.endswith(end),
    operators.in_op: lambda value, collection: value in collection,
    operators.not_in_op: lambda value, collection: value not in collection,
}
_MATH: dict[Any, Callable[[Any, Any], Any]] = {
    operators.add: operator.add,
    operators.sub: operator.sub,
    operators.mul: operator.mul,
    operators.truediv: operator.truediv,
    operators.mod: operator.mod,
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
        left, right = self.evaluation(clause.left), self.evaluation(clause.right)
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
