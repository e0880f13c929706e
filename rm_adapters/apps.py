from django.apps import AppConfig


class RMAdaptersConfig(AppConfig):
    name = "rm_adapters"
    verbose_name = "Hosted RMs"

    def ready(self) -> None:
        """Connect the signal that wakes the hosted RMs of a reactivated tenant."""
        from rm_adapters import services  # noqa: F401 - Imported for its receiver.
