"""The planners' inner loops, compiled by numba: arrays in, arrays out, no Python objects.

Each module is one algorithm. Beside its kernels it has a thin typed wrapper, which planners call, and `warm_up`, which
calls every kernel on a tiny case through that wrapper, so that it is compiled for the very types that planners pass.
`warm.py` finds it there.

Compiled code is kept beside the source, or where NUMBA_CACHE_DIR says (`kernel_cache.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba
from numba.core import config

from cem_service.planners.kernel_cache import cache_for

Kernel = TypeVar("Kernel", bound=Callable[..., object])
_PLAIN = re.compile(r"None|bool|int|float|tuple\[((bool|int|float)(, )?)+\]")


def kernel(function: Kernel) -> Kernel:
    """Compile on first use, or load what an earlier process compiled. A division by zero gives infinity, not an error.

    The decorated function keeps its type; mypy knows nothing of numba's.
    """
    return cast("Kernel", numba.njit(cache=True, error_model="numpy")(function))


def filling_kernel(function: Kernel) -> Kernel:
    """As `kernel`, for what only fills in arrays that it is given: it can make none, and return none.

    So the references of arrays need not be counted, as numba does at each slice and each field of a tuple, which takes
    longer than most that is done with them. An array that is made here is an error when it is compiled. One that is
    returned would be freed too early: raises TypeError if it is annotated with anything but plain values.
    """
    returned = function.__annotations__["return"]
    if not _PLAIN.fullmatch(returned):
        raise TypeError(f"{function.__name__} returns {returned}, where a filling kernel returns plain values only")
    # numba's own kernels have this option, though its types do not know it.
    compile_it = numba.njit(cache=True, error_model="numpy", _nrt=False)  # type: ignore[call-overload]
    return cast("Kernel", compile_it(function))


def part_of_kernel(function: Kernel) -> Kernel:
    """Compile into every kernel that calls it. A call would pass each field of each array by itself, which costs more
    than what a small function does with them."""
    return cast("Kernel", numba.njit(cache=True, error_model="numpy", inline="always")(function))


config.CACHE_DIR = str(cache_for(Path(__file__).parent))  # type: ignore[attr-defined]  # numba makes it from a table.
