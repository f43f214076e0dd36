"""How classes and tables belong together.

``registry`` maps a class to a selectable; the result is a ``Mapper``, the hub from which every room above
reads its facts: which attribute stands for which column, what the primary key is, which tables a row is
spread over.  A mapper holds ``MapperProperty`` objects (columns, synonyms) and puts one attribute of the
tracking room on the class for each.

Mapping happens in two steps.  ``map_imperatively`` does everything that concerns one class alone and
refuses what cannot work.  ``configure`` runs later, once, for all mappers that are new: it does what may
need other mappers to exist, and lets the rooms above install their loaders (``hooks``).
"""
