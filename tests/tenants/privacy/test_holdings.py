from tenants.privacy.holdings import holdings, reasons
from tenants.rls import protected_models


def test_every_owned_model_is_held_or_has_a_reason() -> None:
    """A model that fails here wants a line in the module `personal` of its app; see `tenants.privacy`."""
    held = {model._meta.label for holding in holdings() for model in holding.models}
    owned = {model._meta.label for model in protected_models()}

    assert held.isdisjoint(reasons()), "held, and said to be none of it"
    assert owned - held - reasons().keys() == set()
    assert all(len(reason) > 5 for reason in reasons().values())


def test_apps_are_in_order_from_the_bottom_up() -> None:
    """What is at the end is stopped and erased first: it hangs on what is before it."""
    first = [next(iter(holding.models))._meta.app_label for holding in holdings()]

    assert first[0] == "tenants"
    assert first.index("devices") < first.index("telemetry") < first.index("pairing") < first.index("cem_service")
    assert first.index("cem_service") < first.index("rm_adapters") < first.index("flexibility")
