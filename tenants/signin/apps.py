from django.apps import AppConfig


class SignInConfig(AppConfig):
    name = "tenants.signin"
    label = "signin"
    verbose_name = "Sign-in"

    def ready(self) -> None:
        from tenants.signin import checks, sealed, trail  # noqa: F401 - They register themselves. Models are there by now.
