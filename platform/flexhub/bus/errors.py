"""What can go wrong on the bus.

BusError
└── BusUnavailable   Redis is down, too slow, full or still loading: worth retrying, nothing was promised
"""


class BusError(Exception):
    """Anything that the bus raises."""


class BusUnavailable(BusError):
    """Redis did not answer, or could not take the write. The caller keeps what it had and tries again later."""
