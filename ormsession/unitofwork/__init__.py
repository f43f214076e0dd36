"""The unit of work: what has to be sent to the database so that its rows are what the objects say.

A flush is two steps.  ``plan`` turns the session's states into data, batches of operations in order, without
a connection and without changing anything; ``execution`` is a short loop that sends them and puts what the
server answered on the objects.  ``ordering`` (pure) and ``precedence`` say what comes before what, ``columns``
knows what a flush must know of each mapped table, ``collecting`` makes rows of states, ``statements`` keeps the
SQL constructs, ``assignment`` puts values on objects and can take them back.  ``bulk`` sends rows without states.

The room is handed states and something that gives connections (``tracking.ownership.Owner``); it does not know
what a session is and never imports ``loading``.
"""
