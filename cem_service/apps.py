from django.apps import AppConfig


class CEMServiceConfig(AppConfig):
    name = "cem_service"
    verbose_name = "Hosted CEM"
