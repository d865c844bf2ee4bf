"""The first three common causes are the main defects of a hurried service: fixing only them removes most findings."""

from __future__ import annotations

import pytest

# For each service: the forms of its first three causes, and what a developer changes after reading only those.
REPAIRS = {
    "fastapi_hurried.py": (
        ("422 with application/json, an object with detail",
         "200 with application/json, the JSON text null",
         "400 with application/json, an object with detail"),
        (("app = FastAPI()\n", """app = FastAPI()

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as AnyException

@app.exception_handler(RequestValidationError)
def refused(request, error):
    return JSONResponse({"errorMsg": "BadRequestException"}, 400)

@app.exception_handler(AnyException)
def failed(request, error):
    return JSONResponse({"errorMsg": error.detail}, error.status_code, error.headers)
"""),
         ('HTTPException(400, "UnknownShoppingTrip")\n', 'HTTPException(400, "UnknownShoppingTrip")\n    return Response()\n')),
    ),
    "express_hurried.cjs": (
        ("400 with application/json, an object with errors",
         "200 with text/plain, text that is not JSON",
         "400 with text/html, an HTML page"),
        (("{ errors: validate.errors }", '{ errorMsg: "BadRequestException" }'),
         ("response.sendStatus(200)", "response.status(200).end()"),
         ("app.listen(", """app.use((error, request, response, next) => {
  const status = error.status || 500;
  response.status(status).json({ errorMsg: status === 500 ? "ServiceException" : "BadRequestException" });
});

app.listen(""")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("script", REPAIRS)
def test_the_first_three_causes_are_most_of_what_is_wrong(script, needs, judge_service, repaired):
    forms, changes = REPAIRS[script]
    needs(script.partition("_")[0])
    before = judge_service(script)
    assert tuple(cause["form"] for cause in before.causes[:3]) == forms
    assert all(cause["why"] for cause in before.causes[:3])
    after = judge_service(repaired(script, changes))
    assert after.errors == []
    assert len(after.violations) <= 0.3 * len(before.violations), (len(before.violations), after.evidence)
    assert not {cause["form"] for cause in after.causes} & set(forms)
