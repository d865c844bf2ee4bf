"""Django Ninja done right: a strict parser and schema, exception handlers in the contract's form, gunicorn."""

import sys
from decimal import Decimal

import django
from desk import CURRENCIES, PATH, STORES, Windows, is_trip, port
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from gunicorn.app.base import BaseApplication
from pydantic import ConfigDict
from strict import parse

settings.configure(DEBUG=False, ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=__name__, SECRET_KEY="right", MIDDLEWARE=[])
django.setup()

from ninja import Field, NinjaAPI, Schema  # noqa: E402  reads the settings when imported
from ninja.errors import HttpError, ValidationError  # noqa: E402
from ninja.parser import Parser  # noqa: E402

windows = Windows()


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> object:
        return parse(request.body)


api = NinjaAPI(parser=StrictParser(), docs_url=None, openapi_url=None)


class Amount(Schema):
    model_config = ConfigDict(strict=True)
    amount: Decimal = Field(gt=0)
    code: str = Field(pattern="^[A-Z]{3}$")


class Charge(Schema):
    model_config = ConfigDict(strict=True)
    storeId: str = Field(max_length=255, pattern="^[0-9a-zA-Z_-]*$")  # noqa: N815
    shoppingTripId: str = Field(max_length=255, pattern="^[0-9a-zA-Z_-]+$")  # noqa: N815
    amount: Amount


def error(request: HttpRequest, status: int, message: str, **more: str) -> HttpResponse:
    return api.create_response(request, {"errorMsg": message, **more}, status=status)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, _problem: ValidationError) -> HttpResponse:
    return error(request, 400, "BadRequestException")


@api.exception_handler(HttpError)
def refused(request: HttpRequest, problem: HttpError) -> HttpResponse:
    return error(request, problem.status_code, "BadRequestException")


@api.exception_handler(Exception)
def crashed(request: HttpRequest, _problem: Exception) -> HttpResponse:
    return error(request, 500, "ServiceException")


@api.post(PATH)
def charge(request: HttpRequest, body: Charge) -> HttpResponse:
    provoked = request.headers.get("X-Provoke")
    wait = windows.wait(request.headers.get("X-Client"), provoked)
    if wait:
        answer = error(request, 429, "Too Many Requests")
        answer["Retry-After"] = str(wait)
        return answer
    if provoked == "500":
        raise RuntimeError("provoked")
    if provoked == "503":
        return error(request, 503, "ServiceUnavailableException", retryAfter="1")
    if body.storeId not in STORES or body.amount.code not in CURRENCIES:
        return error(request, 400, "BadRequestException")
    if not is_trip(body.shoppingTripId):
        return error(request, 400, "UnknownShoppingTrip")
    return HttpResponse()


urlpatterns = [path("", api.urls)]


class Server(BaseApplication):
    def load_config(self) -> None:
        settings = {"bind": f"127.0.0.1:{port()}", "worker_class": "gthread", "threads": 8, "keepalive": 30}
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> object:
        return get_wsgi_application()


if __name__ == "__main__":
    sys.exit(Server().run())
