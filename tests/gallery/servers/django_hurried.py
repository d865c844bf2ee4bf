"""Django Ninja in a hurry: a default schema, HttpError for everything, DEBUG left on, runserver."""

import sys
from uuid import UUID

from desk import CURRENCIES, LONG_TRIP, NO_TRIP, PATH, STORES, Windows, port
from django.conf import settings
from django.core.management import execute_from_command_line
from django.urls import path

settings.configure(DEBUG=True, ROOT_URLCONF=__name__, SECRET_KEY="hurried", MIDDLEWARE=[], USE_TZ=True)

from ninja import Field, NinjaAPI, Schema  # noqa: E402  reads the settings when imported
from ninja.errors import HttpError  # noqa: E402

windows = Windows()
api = NinjaAPI()


class Amount(Schema):
    amount: float
    code: str = Field(max_length=3, pattern="^[A-Z]{3}$")


class Charge(Schema):
    storeId: str = Field(max_length=255, pattern="^[0-9a-zA-Z_-]*$")  # noqa: N815
    shoppingTripId: str = Field(max_length=255, pattern="^[0-9a-zA-Z_-]+$")  # noqa: N815
    amount: Amount


def known(trip):
    try:
        return trip == LONG_TRIP or str(UUID(trip)) != NO_TRIP
    except ValueError:
        return False


@api.post(PATH)
def charge(request, body: Charge):
    provoked = request.headers.get("X-Provoke")
    if windows.wait(request.headers.get("X-Client"), provoked):
        raise HttpError(429, "Too Many Requests")
    if provoked == "500":
        raise RuntimeError("provoked")
    if provoked == "503":
        raise HttpError(503, "ServiceUnavailableException")
    if body.amount.amount <= 0 or body.storeId not in STORES or body.amount.code not in CURRENCIES:
        raise HttpError(400, "BadRequestException")
    if not known(body.shoppingTripId):
        raise HttpError(400, "UnknownShoppingTrip")


urlpatterns = [path("", api.urls)]

if __name__ == "__main__":
    execute_from_command_line([sys.argv[0], "runserver", str(port()), "--noreload", "--skip-checks"])
