from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.backends.signals import connection_created
from django.utils.module_loading import autodiscover_modules

from tenants.guard import watch


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        from tenants import backends, checks  # noqa: F401 - They need models; the checks register themselves.

        connection_created.connect(watch)
        # Whichever app is ready first: a second receiver of this name is not taken.
        user_logged_in.disconnect(dispatch_uid="update_last_login")
        user_logged_in.connect(backends.note_sign_in, dispatch_uid="update_last_login")
        # What every app holds about a household.
        autodiscover_modules("personal")
