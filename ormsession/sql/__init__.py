"""How mapped classes, their attributes and aliases speak SQL.

Core builds and compiles the statements; this room gives it what it asks for.  Reading order:

``entity``          what a mapped class stands for in a statement
``comparator``      what gives an attribute its operators
``attribute``       ``User.name``: a tracked attribute and a SQL expression
``alias``           ``aliased()``: a second name for an entity
``bundle``          several columns of a row under one name
``layout``          what the rows of a compiled statement hold; all that ``loading`` needs to know
``columns``         the columns clause: entities become columns
``compile``         the plugin that turns an entity SELECT into a Core SELECT
``from_statement``  entities made from the rows of another statement
``dml``             INSERT, UPDATE and DELETE of entities
``evaluator``       criteria of UPDATE and DELETE, decided in Python
``query``           ``Query``: the older way to write and run a ``select``; ``bulk_query`` its UPDATE and DELETE

Nothing here knows sessions, identity maps or objects.  Importing the room fills the slots of ``mapping.hooks``.
"""

from __future__ import annotations

from . import alias as alias
from . import attribute as attribute
from . import comparator as comparator
from . import compile as compile
from . import dml as dml
from . import entity as entity
from . import relationship as relationship
