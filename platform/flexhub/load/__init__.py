"""A load generator that ships: `manage.py s2load`, and `python -m flexhub.load` where there is no database.

engine/       opens sessions and counts: asyncio, websockets and s2, nothing of Django, so it runs on any machine
registry.py   the devices that it plays, as rows of a tenant
"""
