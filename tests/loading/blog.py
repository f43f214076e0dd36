"""Writers, their posts and the topics of these: a mapped schema whose relationships each test chooses."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from ormsession import registry


class Blog:
    """A registry with its tables on a database; the classes are mapped by :meth:`map`."""

    def __init__(self, engine):
        self.engine = engine
        self.registry = registry()
        metadata = self.registry.metadata
        Table("writers", metadata, Column("id", Integer, primary_key=True), Column("name", String(30)))
        Table(
            "posts",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("writer_id", ForeignKey("writers.id")),
            Column("title", String(30)),
        )
        Table("topics", metadata, Column("id", Integer, primary_key=True), Column("name", String(30)))
        Table(
            "post_topics",
            metadata,
            Column("post_id", ForeignKey("posts.id"), primary_key=True),
            Column("topic_id", ForeignKey("topics.id"), primary_key=True),
        )
        metadata.create_all(engine)
        self.tables = metadata.tables
        self.Writer = self._new_class("Writer")
        self.Post = self._new_class("Post")
        self.Topic = self._new_class("Topic")

    @staticmethod
    def _new_class(name):
        def set_all(self, **values):
            for key, value in values.items():
                setattr(self, key, value)

        return type(name, (), {"__init__": set_all})

    def map(self, *, writer=None, post=None, topic=None):
        """Map the classes with these relationships."""
        for class_, table, properties in (
            (self.Writer, "writers", writer),
            (self.Post, "posts", post),
            (self.Topic, "topics", topic),
        ):
            self.registry.map_imperatively(class_, self.tables[table], properties=properties or {})
        return self

    def insert(self, table, *rows):
        """Rows that no session has written."""
        with self.engine.begin() as connection:
            connection.execute(self.tables[table].insert(), list(rows))

    def rows(self, session, table):
        """What the session's transaction sees."""
        found = self.tables[table]
        return [tuple(row) for row in session.execute(found.select().order_by(*found.primary_key))]
