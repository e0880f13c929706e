from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from shutil import copytree

import numba.core.dispatcher
import numpy as np
import pytest

from cem_service.planners import kernels
from cem_service.planners.kernels import filling_kernel
from cem_service.planners.kernels.store_step import Floats
from cem_service.planners.kernels.warm import warm_up

ROOT = Path(__file__).parents[4]
SOURCE = Path(kernels.__file__).parent


def test_every_module_compiles_what_planners_call() -> None:
    for name in warm_up():
        module = import_module(f"{kernels.__name__}.{name}")
        found = [one for one in vars(module).values() if isinstance(one, numba.core.dispatcher.Dispatcher)]

        # Those that only other kernels call are compiled with these, and say nothing when they come from the cache.
        assert found
        assert not hasattr(module, "warm_up") or any(one.signatures for one in found)


def _returns_its_array(values: Floats) -> Floats:
    return values


def _makes_an_array(values: Floats) -> float:
    return float(values.copy()[0])


def test_a_filling_kernel_may_not_return_an_array_which_nobody_would_count() -> None:
    with pytest.raises(TypeError, match="_returns_its_array returns Floats"):
        filling_kernel(_returns_its_array)


def test_a_filling_kernel_can_make_no_array() -> None:
    made = filling_kernel(_makes_an_array)

    with pytest.raises(numba.core.errors.NumbaError, match="NRT required"):
        made(np.ones(1))


def test_kernels_load_where_nothing_can_be_written(tmp_path: Path) -> None:
    folder = copytree(SOURCE, tmp_path / "kernels", ignore=lambda *_: {"__pycache__"})
    (folder / "__pycache__").touch()  # A file, so that not even root can write into it.
    (folder / "probe.py").write_text("from kernels import kernel\n\n@kernel\ndef probe(x):\n    return x + 1\n")
    path = map(str, (tmp_path, ROOT, ROOT / "platform"))
    environment = {
        "HOME": "/dev/null",
        "PYTHONPATH": os.pathsep.join(path),
        "TMPDIR": str(tmp_path),
    }
    code = "from kernels.probe import probe, kernel; import numba; assert probe(1) == 2; print(numba.config.CACHE_DIR)"

    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert run.returncode == 0, run.stderr
    assert any(Path(run.stdout.strip()).rglob("*.nbi"))
