from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cem_service.planners import kernels
from cem_service.planners.kernel_cache import NAME, digest_of, first_writable


def test_a_change_of_any_module_is_another_folder(tmp_path: Path) -> None:
    for name in ("outer.py", "inner.py"):
        (tmp_path / name).write_text("RATE = 1")
    before = digest_of(tmp_path)
    (tmp_path / "inner.py").write_text("RATE = 2")

    assert digest_of(tmp_path) != before
    (tmp_path / "inner.py").write_text("RATE = 1")
    assert digest_of(tmp_path) == before


def test_a_folder_that_cannot_be_made_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert first_writable([tmp_path / "file" / "kernels", tmp_path / "new" / "kernels"]) == tmp_path / "new" / "kernels"
    assert first_writable([tmp_path / "file" / "kernels"]) is None


def test_keeps_kernels_where_the_operator_says(tmp_path: Path) -> None:
    program = "from cem_service.planners import kernels; print(kernels.config.CACHE_DIR)"
    environment = {**os.environ, NAME: str(tmp_path)}

    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str(tmp_path / digest_of(Path(kernels.__file__).parent))
