/** Bounds of the API, all told in system.info. */

/** One WebSocket message or REST body. A raw extended APDU in hexadecimal fits. */
export const MESSAGE_BYTES = 262_144;
/** Calls in one JSON-RPC batch. */
export const BATCH_CALLS = 64;
/** Calls that one connection may have under way: those that fit one network read, and some. */
export const CALLS_PER_CLIENT = 4_096;
/** Unsent bytes at which a slow client loses events, and at which it is cut off. */
export const EVENT_BACKLOG_BYTES = 1_048_576;
export const MAX_BACKLOG_BYTES = 16_777_216;
/** Open WebSockets. */
export const MAX_CLIENTS = 2_048;
