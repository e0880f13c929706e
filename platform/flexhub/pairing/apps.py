from django.apps import AppConfig


class PairingConfig(AppConfig):
    name = "flexhub.pairing"
    verbose_name = "Pairing"
