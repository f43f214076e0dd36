"""What a change of a relationship means for rows, one module per direction.

``one_to_many``    the related rows refer: their foreign keys follow
``many_to_one``    the row itself refers: its foreign key follows
``many_to_many``   a third table refers: its rows come and go

Each has the same two functions: ``save(work, state, prop)`` for an object that is written and
``delete(work, state, prop)`` for one whose row goes.  They read the history of the relationship and tell
``work`` what else takes part in the flush, what is deleted along, and which values are linked.
"""
