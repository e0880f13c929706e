"""The planners' inner loops, compiled by numba: arrays in, arrays out, no Python objects.

Each module is one algorithm. Beside its kernels it has a thin typed wrapper, which planners call, and `warm_up`, which
calls every kernel on a tiny case through that wrapper, so that it is compiled for the very types that planners pass.
`warm.py` finds it there.

Compiled code is kept beside the source, or where NUMBA_CACHE_DIR says (`kernel_cache.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba
from numba.core import config

from cem_service.planners.kernel_cache import cache_for

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def kernel(function: Kernel) -> Kernel:
    """Compile on first use, or load what an earlier process compiled. A division by zero gives infinity, not an error.

    The decorated function keeps its type; mypy knows nothing of numba's.
    """
    return cast("Kernel", numba.njit(cache=True, error_model="numpy")(function))


def part_of_kernel(function: Kernel) -> Kernel:
    """Compile into every kernel that calls it. A call would count the references of each array that it passes, which
    costs more than what a small function does with them."""
    return cast("Kernel", numba.njit(cache=True, error_model="numpy", inline="always")(function))


config.CACHE_DIR = str(cache_for(Path(__file__).parent))  # type: ignore[attr-defined]  # numba makes it from a table.
