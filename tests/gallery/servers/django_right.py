"""Django Ninja done right: a strict parser and schema, exception handlers in the contract's form."""

from collections.abc import Callable
from decimal import Decimal

import django
from desk import CURRENCIES, PATH, STORES, Windows, is_trip
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pydantic import ConfigDict
from strict import parse

settings.configure(
    DEBUG=False,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="right",
    MIDDLEWARE=[f"{__name__}.framed"],
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,  # else Ninja answers a larger body with 500
)
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


def framed(handler: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """What Django leaves to the HTTP server in front, and not every server does.

    Behind WSGI it reads no body without Content-Length (RFC 9112 section 6.3 lets a server ask for one), and its 405 to
    a HEAD has content (RFC 9110 section 9.3.2 forbids it).
    """

    def answer(request: HttpRequest) -> HttpResponse:
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            return error(request, 411, "LengthRequired")
        response = handler(request)
        if request.method == "HEAD":
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response

    return answer


urlpatterns = [path("", api.urls)]

app = get_wsgi_application()
