from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "flexhub.telemetry"
    verbose_name = "Telemetry"
