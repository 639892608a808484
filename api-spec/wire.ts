/**
 * What the reference tells of the wire beyond methods and events: addresses, headers, limits, close codes. A test holds the figures
 * against the daemon's own.
 */

export const DEFAULT_PORT = 27_150;
/** Under [::1] too, where the system has it. */
export const LOOPBACK_HOSTS = ['127.0.0.1', '[::1]'] as const;
export const WEB_SOCKET_PATH = '/v1/ws';
export const SUBPROTOCOL = 'kortd.v1';
/** Offered beside SUBPROTOCOL, with the access token behind it: a browser can set no other header. */
export const TOKEN_SUBPROTOCOL_PREFIX = 'kortd.token.';
export const TIMEOUT_HEADER = 'Kortd-Timeout-Ms';
export const IDEMPOTENCY_HEADER = 'Idempotency-Key';
/** Most characters of a JSON-RPC id that is a string, and of an idempotency key. */
export const MAX_ID_LENGTH = 128;

export interface Limit {
  readonly value: number;
  readonly summary: string;
}

/** Sorted by name. Those that system.info tells carry the same names there. */
export const LIMITS = {
  batchCalls: { value: 64, summary: 'Calls in one JSON-RPC batch.' },
  callsPerClient: { value: 4_096, summary: 'Messages of one WebSocket that may be under way.' },
  callsPerReader: { value: 64, summary: 'Calls that may wait for one reader.' },
  idempotencyMs: { value: 600_000, summary: 'How long an idempotency key is remembered, in milliseconds.' },
  leaseMs: { value: 60_000, summary: 'Longest lease, in milliseconds.' },
  messageBytes: { value: 262_144, summary: 'Bytes of one WebSocket message or REST body.' },
  replayEvents: { value: 1_024, summary: 'Latest events that are kept for replay.' },
  timeoutMs: { value: 300_000, summary: 'Longest deadline of a call, in milliseconds.' },
  webSockets: { value: 2_048, summary: 'WebSockets open at one time.' },
} as const satisfies Record<string, Limit>;

/** Close codes of a WebSocket that kortd sends (RFC 6455, section 7.4.1). Sorted by code. */
export const CLOSE_CODES = [
  { code: 1003, summary: 'A binary message came. kortd takes text messages only.' },
  { code: 1009, summary: `A message was larger than ${LIMITS.messageBytes.value} bytes.` },
  { code: 1013, summary: 'The answers are not read: too many bytes wait to be sent. Connect again and read as you write.' },
] as const;
