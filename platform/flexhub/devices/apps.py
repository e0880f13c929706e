from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "flexhub.devices"
    verbose_name = "Devices"

    def ready(self) -> None:
        """Connect the signal that ends the session of a deleted link."""
        from flexhub.devices import sessions  # noqa: F401 - Imported for its receiver.
