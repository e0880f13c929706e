from django.apps import AppConfig


class FlexibilityConfig(AppConfig):
    name = "flexhub.flexibility"
    verbose_name = "Flexibility"
