"""Steps of rotations happen one after the other in the whole hub.

They lock data keys and then rows, services lock rows and then data keys; that ends well as long as no two rotations
meet in between.
"""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connections

# A number that means this in our database and nothing else.
_ROTATION = 0x5EA1


def await_turn() -> None:
    """It is ours until the transaction ends. Raises OperationalError after `lock_timeout`."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ROTATION])
