"""Serve an application of the gallery with one of the usual HTTP servers: `python host.py SERVER MODULE PORT`."""

import asyncio
import importlib
import sys
from collections.abc import Callable
from typing import Any
from wsgiref.simple_server import WSGIServer, make_server

HOST = "127.0.0.1"


def by_uvicorn(app: Any, port: int, http: str = "h11") -> None:
    import uvicorn

    uvicorn.run(app, host=HOST, port=port, http=http, log_level="warning")


def by_httptools(app: Any, port: int) -> None:
    by_uvicorn(app, port, "httptools")


def by_hypercorn(app: Any, port: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"{HOST}:{port}"]
    asyncio.run(serve(app, config))


def by_waitress(app: Any, port: int) -> None:
    from waitress import serve

    serve(app, host=HOST, port=port, threads=8)


def by_werkzeug(app: Any, port: int) -> None:
    from werkzeug.serving import run_simple

    run_simple(HOST, port, app, threaded=True)


def by_wsgiref(app: Any, port: int) -> None:
    WSGIServer.request_queue_size = 64
    make_server(HOST, port, app).serve_forever()


def by_gunicorn(app: Any, port: int, worker: str = "gthread", threads: int = 8) -> None:
    from gunicorn.app.base import BaseApplication

    settings = {
        "bind": f"{HOST}:{port}",
        "worker_class": worker,
        "threads": threads,
        "keepalive": 30,
        "control_socket_disable": True,
    }

    class Server(BaseApplication):
        def load_config(self) -> None:
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return app

    Server().run()


def by_gunicorn_sync(app: Any, port: int) -> None:
    by_gunicorn(app, port, "sync", 1)


def by_aiohttp(app: Any, port: int) -> None:
    from aiohttp import web

    web.run_app(app, host=HOST, port=port)


SERVERS: dict[str, Callable[[Any, int], None]] = {
    "uvicorn": by_uvicorn,
    "httptools": by_httptools,
    "hypercorn": by_hypercorn,
    "waitress": by_waitress,
    "werkzeug": by_werkzeug,
    "wsgiref": by_wsgiref,
    "gunicorn": by_gunicorn,
    "gunicorn-sync": by_gunicorn_sync,
    "aiohttp": by_aiohttp,
}

if __name__ == "__main__":
    server, module, port = sys.argv[1:]
    SERVERS[server](importlib.import_module(module).app, int(port))
