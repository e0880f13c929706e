"""Measurements of all links: from the bus' stream into a table partitioned by UTC day.

`writer` moves rows, `queries` reads them back, `partitions` holds what PostgreSQL is taught by the migration: the
application role owns no table, so two functions of the owner make and drop partitions for it.
"""
