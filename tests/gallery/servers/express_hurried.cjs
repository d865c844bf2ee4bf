"use strict";
// Express in a hurry: express.json, ajv and its own list of errors, sendStatus, exceptions not caught.

const Ajv = require("ajv");
const express = require("express");
const { CURRENCIES, PATH, STORES, isTrip, schema, wait } = require("./desk.cjs");

const validate = new Ajv({ coerceTypes: true }).compile(schema);
const app = express();
app.use(express.json());

app.post(PATH, (request, response) => {
  const provoked = request.get("X-Provoke");
  const seconds = wait(request.get("X-Client"), provoked);
  if (seconds) return response.status(429).set("Retry-After", String(seconds)).json({ error: "Too Many Requests" });
  if (provoked === "500") throw new Error("provoked");
  if (provoked === "503") return response.status(503).json({ errorMsg: "ServiceUnavailableException", retryAfter: 1 });
  if (!validate(request.body)) return response.status(400).json({ errors: validate.errors });
  const { storeId, shoppingTripId, amount } = request.body;
  if (!STORES.has(storeId) || !CURRENCIES.has(amount.code)) return response.status(400).json({ errorMsg: "BadRequestException" });
  if (!isTrip(shoppingTripId)) return response.status(404).json({ errorMsg: "UnknownShoppingTrip" });
  response.sendStatus(200);
});

app.listen(Number(process.argv[2]), "127.0.0.1");
