"""From rows to objects: everything that reads.

* :mod:`.context`: what one execution wants, and its progress;
* :mod:`.recipe`: which cursor column fills which attribute, as data;
* :mod:`.rows`: the row loop, made once per compiled statement; :mod:`.known`: rows of objects that are there;
* :mod:`.result`: Core results around the loops; :mod:`.frozen`: kept results merged into a session;
* :mod:`.statements`: the SELECTs that are kept per mapper;
* :mod:`.identity`: one object by key; :mod:`.refresh`: load again;
* :mod:`.expired`, :mod:`.deferred`, :mod:`.related`: the loaders of absent attributes; :mod:`.columns`: what they
  share; :mod:`.lazy_plan`: how related objects are found;
* :mod:`.eager`: related objects that are loaded at once, :mod:`.way`: where that ends; :mod:`.selectin`: one
  relationship of many objects; :mod:`.peers`: implicit loads for many objects, refused or reported;
* :mod:`.implementation`: what stands behind a relationship's attribute; :mod:`.write_only` and :mod:`.dynamic`:
  collections that are never loaded;
* :mod:`.options`, :mod:`.steps`: what a statement wants to be loaded otherwise than mapped.

The room is handed an owner (a session, of which it knows what ``tracking.ownership.Owner`` promises) and
never imports one.  Importing it fills the hooks of mapping for loaders.
"""

from __future__ import annotations

from . import expired as expired
from . import implementation as implementation
from .frozen import merge_frozen_result as merge_frozen_result
