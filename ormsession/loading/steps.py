"""What loader options want, one step per wish.

A :class:`Step` says what is wanted for one attribute, for a group of deferred attributes or for all attributes
(``"*"``) of an entity, and where that entity stands: directly in the statement, or behind some relationships.
Options are chains of steps (:mod:`.options`); the steps of a statement are sorted into what ``sql`` must know
about columns and what the row loop must know about relationships.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..mapping.relationship import RelationshipProperty
from ..sql.columns import ColumnChoice

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper

EVERYTHING = "*"
CONTAINED = "contained"
"""Said by an option: the statement joins the related rows itself."""
EAGER = frozenset(("joined", "selectin", "subquery", "immediate", CONTAINED))
"""The words that ask for related objects along with their object."""
IN_ROW = frozenset(("joined", CONTAINED))
"""Those for which the related objects stand in the same rows; a statement given as text or a RETURNING has none."""


@dataclass(frozen=True, slots=True)
class RelatedChoice:
    """What an option wants for a relationship: a word such as ``relationship(lazy=...)`` takes."""

    lazy: str
    inner: bool | str | None = None
    """Of a join: there always are related objects; None when the option does not say."""
    size: int | None = None
    """How many keys one statement asks for."""
    target: Any = None
    """What stands for the related entity, as ``of_type()`` says; None for the mapped one."""
    criteria: tuple[Any, ...] = field(default=(), compare=False)
    """What related rows must fulfil beside the join condition, as ``User.addresses.and_(...)`` says."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is wanted for one attribute, group or all attributes of an entity."""

    name: str
    """The option that was called, as error messages show it."""
    path: tuple[str, ...]
    """The relationships that lead from an entity of the statement to the one that the step is about."""
    entity: Any
    """The mapper or alias it is about; None for every entity of the statement."""
    word: str
    """The key of an attribute, ``"group:<name>"`` or ``"*"``; see ``sql.columns``."""
    choice: ColumnChoice | RelatedChoice

    @property
    def is_related(self) -> bool:
        """Whether the step is about relationships."""
        return isinstance(self.choice, RelatedChoice)

    def below(self, key: str) -> Step | None:
        """The same wish as seen from the far end of a relationship; None when it lies elsewhere."""
        return replace(self, path=self.path[1:]) if self.path and self.path[0] == key else None

    def __str__(self) -> str:
        word = self.word.removeprefix("group:")
        return f"{self.name}({word!r})" if self.entity is None else f"{self.name}({entity_name(self.entity)}.{word})"


def entity_name(entity: Any) -> str:
    """An entity as messages show it."""
    return str(entity) if entity.is_aliased_class else entity.class_.__name__


def relationships_of(mapper: Mapper) -> list[RelationshipProperty]:
    """The relationships of a mapped class."""
    return [prop for prop in mapper.props.values() if isinstance(prop, RelationshipProperty)]


def related_words(mapper: Mapper, choices: Mapping[str, RelatedChoice]) -> dict[str, str]:
    """How each relationship of an entity is to be loaded: as an option says, else as it is mapped.

    :param mapper: of the entity.
    :param choices: what options want, by attribute or ``"*"``; the more special word wins.
    """
    words: dict[str, str] = {}
    for prop in relationships_of(mapper):
        choice = choices.get(prop.key) or choices.get(EVERYTHING)
        words[prop.key] = prop.lazy if choice is None else choice.lazy
    return words


def choices_of(options: Iterable[Any], mapper: Mapper) -> dict[str, RelatedChoice]:
    """What the options that an object was loaded with want for its own relationships."""
    return {
        step.word: step.choice
        for option in options
        for step in getattr(option, "steps", ())
        if not step.path
        and isinstance(step.choice, RelatedChoice)
        and (step.entity is None or step.entity.mapper is mapper)
    }


def criteria_of(options: Iterable[Any], mapper: Mapper, key: str) -> tuple[Any, ...]:
    """What options want of the rows that a relationship leads to, beside its join condition.

    :param options: those of the statement that is executed; a compiled form is shared by other values.
    """
    choice = choices_of(options, mapper).get(key)
    return () if choice is None else choice.criteria
