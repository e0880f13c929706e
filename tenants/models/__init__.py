"""Who owns what: tenants, members, households, API clients and quotas, and the trail of what was changed."""

from tenants.models.api_client import APIAccessToken, APIClient, APIClientSecret
from tenants.models.audit_entry import AuditEntry
from tenants.models.data_key import DataKey
from tenants.models.erasure import Erasure
from tenants.models.household import Household
from tenants.models.people import Membership, User
from tenants.models.quota import Quota
from tenants.models.retention import Retention
from tenants.models.tenant import Tenant

__all__ = [
    "APIAccessToken",
    "APIClient",
    "APIClientSecret",
    "AuditEntry",
    "DataKey",
    "Erasure",
    "Household",
    "Membership",
    "Quota",
    "Retention",
    "Tenant",
    "User",
]
