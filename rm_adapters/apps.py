from django.apps import AppConfig


class RMAdaptersConfig(AppConfig):
    name = "rm_adapters"
    verbose_name = "Hosted RMs"
