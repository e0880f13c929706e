from django.apps import AppConfig


class PairingConfig(AppConfig):
    name = "flexhub.pairing"
    verbose_name = "Pairing"

    def ready(self) -> None:
        """Connect the signal that ends the sessions of a deleted token."""
        from flexhub.pairing import services  # noqa: F401 - Imported for its receiver.
