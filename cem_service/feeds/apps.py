from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "cem_service.feeds"
    label = "feeds"
    verbose_name = "Feeds"
