import pytest

from tenants import audit
from tenants.audit_search import matching
from tenants.models import AuditEntry
from tenants.origin import Origin, Via, bound
from tenants.scope import platform_scope, tenant_scope
from tests.support.registry import make_member, make_tenant

pytestmark = pytest.mark.django_db

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
KEY = "0b9ce2a4-52d4-4a40-b8ad-6a0e7d7a9b11"


@pytest.mark.parametrize(
    "text",
    [
        TRACE,
        TRACE.upper(),
        f" {KEY} ",
        KEY.upper(),
        "devices.site.changed",
        "203.0.113.7",
        "203.0.113.0/24",
        "203.0.113.9/24",
        "elm",
        "Elm Str",
        "ANN",
    ],
)
def test_finds_a_row_by_whatever_is_known_of_it(text: str) -> None:
    alder = make_tenant("Alder")
    ann = make_member(alder, "ann")
    with bound(Origin(via=Via.ADMIN, ip="203.0.113.7", trace_id=TRACE)), tenant_scope(alder.pk):
        audit.entry(
            "devices.site.changed",
            tenant_id=alder.pk,
            object_type="devices.site",
            object_id=KEY,
            object_name="Elm Street 1",
            actor=ann,
        ).save()

    with platform_scope("test"):
        found = matching(AuditEntry.objects.exclude(object_type__startswith="tenants."), text)
        assert [row.object_name for row in found] == ["Elm Street 1"]


@pytest.mark.parametrize("text", ["street", "203.0.113.8", "devices.site", "%", "_lm", "12", "0" * 36, "1.2.3", "::/x"])
def test_finds_nothing_else(text: str) -> None:
    alder = make_tenant("Alder")
    with tenant_scope(alder.pk):
        audit.record("devices.site.changed", alder, actor=None)

    with platform_scope("test"):
        assert not matching(AuditEntry.objects.all(), text).exists()


def test_finds_all_that_somebody_did_by_the_number() -> None:
    alder = make_tenant("Alder")
    ann = make_member(alder, "ann")
    with tenant_scope(alder.pk):
        audit.record("x.y.done", alder, actor=ann)

        assert "x.y.done" in {row.action for row in matching(AuditEntry.objects.all(), str(ann.pk))}


def test_without_a_word_everything_is_meant() -> None:
    make_tenant("Alder")

    with platform_scope("test"):
        assert matching(AuditEntry.objects.all(), "  ").count() == AuditEntry.objects.count()
