from django.apps import AppConfig


class SignInConfig(AppConfig):
    name = "tenants.signin"
    label = "signin"
    verbose_name = "Sign-in"

    def ready(self) -> None:
        # They register themselves. Models are there by now.
        from tenants.signin import checks, invitations, notices, sealed, trail  # noqa: F401
