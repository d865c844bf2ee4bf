"use strict";
// Shared by the Express services: stores, trips, currencies, and the windows that tests provoke.

exports.PATH = "/v1/capture/charge";
exports.STORES = new Set(["store-001", "store-002", "L".repeat(255), "S"]);
exports.CURRENCIES = new Set(["USD", "EUR", "JPY", "KWD"]);

const NO_TRIP = "00000000-0000-0000-0000-000000000000";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

exports.isTrip = (trip) => trip === "T".repeat(255) || (trip !== NO_TRIP && UUID.test(trip));

const ends = new Map();

/** Whole seconds until the caller is served again; 0 where it is served now. */
exports.wait = (caller = "", provoked = "") => {
  const now = performance.now();
  if (provoked === "429" && !ends.has(caller)) ends.set(caller, now + 1000);
  return Math.max(0, Math.ceil(((ends.get(caller) ?? now) - now) / 1000));
};

exports.schema = {
  type: "object",
  required: ["storeId", "shoppingTripId", "amount"],
  properties: {
    storeId: { type: "string", maxLength: 255, pattern: "^[0-9a-zA-Z_-]*$" },
    shoppingTripId: { type: "string", maxLength: 255, pattern: "^[0-9a-zA-Z_-]+$" },
    amount: {
      type: "object",
      required: ["amount", "code"],
      properties: {
        amount: { type: "number", exclusiveMinimum: 0 },
        code: { type: "string", maxLength: 3, pattern: "^[A-Z]{3}$" },
      },
    },
  },
};
