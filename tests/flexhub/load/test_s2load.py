"""The three parts of the command, against a real gateway process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from flexhub.devices.models import Site
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.support.early import ROOT
from tests.support.gateway import running_gateway
from tests.support.registry import make_tenant


def sites_of(tenant: Tenant) -> int:
    with tenant_scope(tenant.pk):
        return Site.objects.count()


def run(environment: dict[str, str], url: str, targets: str) -> dict[str, Any]:
    """What a run of one second says; it has to end without complaint."""
    arguments = ("--url", url, "--targets", targets, "--rate", "100", "--seconds", "1", "--json")
    finished = subprocess.run(
        (sys.executable, "manage.py", "s2load", "run", *arguments),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    counted: dict[str, Any] = json.loads(finished.stdout)
    return counted


@pytest.mark.parametrize("building_cems", [False, True])
def test_prepares_runs_and_cleans(
    transactional_db: None, service_environment: dict[str, str], tmp_path: Path, building_cems: bool
) -> None:
    alder = make_tenant("Alder")
    out = str(tmp_path / "targets.jsonl")
    more = ["--building-cems"] if building_cems else []
    call_command("s2load", "prepare", "--tenant=Alder", "--devices=10", "--per-site=5", f"--out={out}", "--yes", *more)

    with running_gateway(service_environment) as gateway:
        counted = run(service_environment, f"ws://127.0.0.1:{gateway.port}", out)
        gateway.stop()
    call_command("s2load", "clean", "--tenant=Alder", "--yes")

    sessions = 20 if building_cems else 10
    assert (counted["opened"], counted["acknowledged"], counted["lost"]) == (sessions, 100, 0)
    # A building's CEM selects by itself; the hosted one has no worker here that would.
    assert counted["controlled"] == (sessions if building_cems else 0)
    assert not counted["findings"]
    assert sites_of(alder) == 0


@pytest.mark.parametrize("part", [("prepare", "--devices=1", "--out=nothing"), ("clean",)])
def test_changes_nothing_without_a_yes(db: None, part: tuple[str, ...]) -> None:
    alder = make_tenant("Alder")

    with pytest.raises(CommandError, match="Say --yes"):
        call_command("s2load", *part, "--tenant=Alder")

    assert sites_of(alder) == 0


def test_keeps_a_file_that_may_hold_tokens(db: None, tmp_path: Path) -> None:
    alder = make_tenant("Alder")
    (tmp_path / "out").write_text("tokens")

    with pytest.raises(CommandError, match="exists already"):
        call_command("s2load", "prepare", "--tenant=Alder", "--devices=1", f"--out={tmp_path / 'out'}", "--yes")

    assert sites_of(alder) == 0
    assert (tmp_path / "out").read_text() == "tokens"


def test_says_that_nothing_was_registered(db: None, tmp_path: Path) -> None:
    alder = make_tenant("Alder")

    with pytest.raises(CommandError, match="Nothing was registered"):
        call_command("s2load", "prepare", "--tenant=Alder", "--devices=1", f"--out={tmp_path / 'no' / 'out'}", "--yes")

    assert sites_of(alder) == 0


def test_says_that_there_is_no_such_tenant(db: None) -> None:
    with pytest.raises(CommandError, match="no tenant 'Birch'"):
        call_command("s2load", "clean", "--tenant=Birch", "--yes")
