"""What can keep a pool's flexibility from being told.

FlexibilityError
├── PoolTooSmall     fewer sites are enrolled than protect a single home: permanent until more are
└── TooFewConnected  enough are enrolled, too few are connected now: worth asking again
"""


class FlexibilityError(Exception):
    """Its text is for the API's caller."""


class PoolTooSmall(FlexibilityError):
    def __init__(self, enrolled: int, minimum: int) -> None:
        super().__init__(
            f"The pool has {enrolled} enrolled sites. Below {minimum}, figures could tell about a single home, so none "
            f"are given."
        )


class TooFewConnected(FlexibilityError):
    def __init__(self, available: int, minimum: int) -> None:
        super().__init__(
            f"Only {available} of the pool's sites are connected now. Below {minimum}, figures could tell about a "
            f"single home, so none are given. Ask again when more are."
        )
