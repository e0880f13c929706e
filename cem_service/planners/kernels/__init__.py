"""The planners' inner loops, compiled by numba: arrays in, arrays out, no Python objects.

Each module is one algorithm. Beside its kernels it has a thin typed wrapper, which planners call, and `warm_up`, which
calls every kernel on a tiny case through that wrapper, so that it is compiled for the very types that planners pass.
`warm.py` finds it there.

Compiled code is kept beside the source, or where NUMBA_CACHE_DIR says. numba refuses to load a kernel when it can
write to neither of these nor to the user's own cache folder, as in a read-only container; then each program keeps its
own in a folder of its own, which its children inherit.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import TypeVar, cast

import numba
from numba.core.config import reload_config

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


def _nothing() -> None:
    return


def _see_to_a_cache() -> None:
    try:
        numba.njit(cache=True)(_nothing)
    except RuntimeError:  # "cannot cache function: no locator available"
        os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="flexhub-kernels-")
        reload_config()  # type: ignore[no-untyped-call]  # numba has types for some of its modules only.


_see_to_a_cache()
