from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "flexhub.devices"
    verbose_name = "Devices"
