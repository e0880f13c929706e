"""The one ASGI application: HTTP goes to Django, WebSockets to the S2 gateway.

`manage.py gateway` runs it under Daphne or uvicorn, with all that flexhub/gateway/server.py promises. Any other ASGI
server runs it too, with its own habits: `uvicorn flexhub.asgi:application`.
"""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexhub.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

from flexhub.request_size import bounded

# Django is set up before anything of ours is imported that reads models.
_django = bounded(get_asgi_application(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

# Pages and the API send tasks. Without this import, which makes it the default, Celery would make up an application of
# its own for them, with a broker that there is not, until some device has had the gateway send one.
from flexhub import celery  # noqa: E402  # See above.
from flexhub.gateway import routes  # noqa: E402  # See above.
from flexhub.gateway.refusals import Receive, Scope, Send  # noqa: E402  # See above.

# Whatever tasks are made of is read now. Left until one is sent, the first limit of a grid operator would wait for it.
celery.app.loader.import_default_modules()
celery.app.finalize()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    kind = scope["type"]
    if kind == "websocket":
        await routes.websocket(scope, receive, send)
    elif kind == "lifespan":
        await routes.lifespan(receive, send)
    else:
        await _django(scope, receive, send)
