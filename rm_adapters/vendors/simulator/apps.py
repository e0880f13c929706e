from django.apps import AppConfig


class SimulatorConfig(AppConfig):
    name = "rm_adapters.vendors.simulator"
    label = "simulator"
    verbose_name = "Simulated devices"
