"""What a process has loaded before the first request."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.early import ROOT

# A page is served in a thread of its own.
SENDER = """
import sys
import threading
import flexhub.asgi

print("cem_service.tasks" in sys.modules, "rm_adapters.tasks" in sys.modules)

def send():
    from cem_service import tasks
    print(tasks.react.app.main, tasks.react.app.conf.task_routes["cem_service.tasks.react"]["queue"])

thread = threading.Thread(target=send)
thread.start()
thread.join()
"""


# Nothing is asked of either.
NO_SERVERS = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}


def test_a_page_sends_its_tasks_to_our_own_queues_and_at_once_before_any_device_has_spoken() -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "platform")])

    done = subprocess.run(
        [sys.executable, "-c", SENDER],
        cwd=ROOT,
        env=os.environ | NO_SERVERS | {"DEBUG": "1", "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert done.stdout.split() == ["True", "True", "flexhub", "cem"]
