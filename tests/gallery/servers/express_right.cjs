"use strict";
// Express done right: the raw body decoded and parsed strictly, ajv without coercion, errors in the contract's form.

const Ajv = require("ajv");
const express = require("express");
const { CURRENCIES, PATH, STORES, isTrip, schema, wait } = require("./desk.cjs");

const validate = new Ajv().compile(schema);
const app = express();
app.disable("x-powered-by");

const refuse = (response, status, errorMsg, more = {}) => response.status(status).json({ errorMsg, ...more });

const parsed = (body) => {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  return JSON.parse(decoder.decode(body ?? new Uint8Array()));
};

app.post(PATH, express.raw({ type: () => true, limit: "4mb" }), (request, response) => {
  const provoked = request.get("X-Provoke");
  const seconds = wait(request.get("X-Client"), provoked);
  if (seconds) return refuse(response.set("Retry-After", String(seconds)), 429, "Too Many Requests");
  if (provoked === "500") throw new Error("provoked");
  if (provoked === "503") return refuse(response, 503, "ServiceUnavailableException", { retryAfter: "1" });
  let body;
  try {
    body = parsed(request.body);
  } catch {
    return refuse(response, 400, "BadRequestException");
  }
  if (!validate(body) || !STORES.has(body.storeId) || !CURRENCIES.has(body.amount.code)) {
    return refuse(response, 400, "BadRequestException");
  }
  if (!isTrip(body.shoppingTripId)) return refuse(response, 400, "UnknownShoppingTrip");
  response.status(200).end();
});

app.all(PATH, (_request, response) => refuse(response.set("Allow", "POST"), 405, "MethodNotAllowed"));
app.use((_request, response) => refuse(response, 404, "NotFound"));
app.use((problem, _request, response, _next) => {
  const status = problem.status ?? 500;
  refuse(response, status, status < 500 ? "BadRequestException" : "ServiceException");
});

app.listen(Number(process.argv[2]), "127.0.0.1");
