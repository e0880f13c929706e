"""Compiles all kernels: seconds with an empty cache, a fraction of one with a full one, and never under a plan.

A kernel is compiled when it is first called. That must not happen while a home waits for its plan, so a worker calls
this before it reports ready, and before it forks, so that its children share what was compiled. Where several workers
start on new code at once, `python -m cem_service.planners.kernels.warm` fills the cache before each of them does.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from cem_service.planners import kernels


def warm_up() -> tuple[str, ...]:
    """Let the modules of this folder warm up; their names. One without `warm_up` is compiled by those that call it."""
    names = tuple(sorted(each.name for each in pkgutil.iter_modules(kernels.__path__) if each.name != "warm"))
    for name in names:
        module = import_module(f"{kernels.__name__}.{name}")
        if hasattr(module, "warm_up"):
            module.warm_up()
    return names


if __name__ == "__main__":
    warm_up()
