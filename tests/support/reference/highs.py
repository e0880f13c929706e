"""Models of HiGHS, all set up alike.

HiGHS keeps one pool of threads for a process and refuses to solve a model that asks for another number than the first
one did, so every reference takes its model from here.
"""

from __future__ import annotations

from typing import Any

import highspy

OPTIONS = {"output_flag": False, "threads": 1}


def new_model(*, seconds: float = 60.0, gap: float = 1e-5) -> Any:
    """An empty, silent model, solved within this time and to this relative gap. highspy has no types."""
    model = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in (*OPTIONS.items(), ("time_limit", seconds), ("mip_rel_gap", gap)):
        if model.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise ValueError(f"HiGHS does not take {name} = {value}")
    return model
