"""Sessions: the room where everything below comes together.

Reading order: ``session``, then the modules that its head names.
"""
