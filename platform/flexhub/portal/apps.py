from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "flexhub.portal"
    verbose_name = "Portal"
