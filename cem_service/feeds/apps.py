from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "cem_service.feeds"
    label = "feeds"
    verbose_name = "Feeds"

    def ready(self) -> None:
        # They register themselves.
        from cem_service.feeds import checks  # noqa: F401
