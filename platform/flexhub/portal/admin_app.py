"""Django's admin with our site in it. Apart from `apps.py`, where Django looks for this package's own configuration."""

from django.contrib.admin.apps import AdminConfig


class HubAdminConfig(AdminConfig):
    default_site = "flexhub.portal.site.HubAdminSite"
