"""Compiles all kernels: seconds with an empty cache, a fraction of one with a full one, and never under a plan.

A kernel is compiled when it is first called. That must not happen while a home waits for its plan, so a worker calls
this before it reports ready, and before it forks, so that its children share what was compiled.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from cem_service.planners import kernels


def warm_up() -> tuple[str, ...]:
    """Let every module of this folder warm up its kernels; their names. Raises AttributeError for one that cannot."""
    names = tuple(sorted(each.name for each in pkgutil.iter_modules(kernels.__path__) if each.name != "warm"))
    for name in names:
        import_module(f"{kernels.__name__}.{name}").warm_up()
    return names
