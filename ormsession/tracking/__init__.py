"""Tracking: what happens to Python objects while a program runs.

This room knows classes, instances, attributes, changes and identity; it knows no tables and no SQL, and
could track any Python object.  Reading order:

``lifecycle``        the five states of an object and what moves it between them (pure)
``history``          what happened to one attribute (pure)
``symbols``          the words for passive access
``state``            the state of one object: a weak reference that remembers
``attributes``       how an attribute reads, writes and remembers
``instrumentation``  what a class gets when its instances are tracked
``identity``         the identity map: one object per row and session
``ownership``        which session owns which object
``access``           attribute access by name
"""
