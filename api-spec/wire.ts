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
/** Bytes in and out, beside the calls. */
export const CONTENTS_PATH = '/v1/contents';
export const CONTENTS_SCOPE = 'sign';
export const IDEMPOTENCY_HEADER = 'Idempotency-Key';
/** Most characters of a JSON-RPC id that is a string, and of an idempotency key. */
export const MAX_ID_LENGTH = 128;

/** Of a request for access: letters and digits that are not mistaken for each other, 32 of them. */
export const ACCESS_CODE = { alphabet: 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789', length: 6 } as const;

export interface Limit {
  readonly value: number;
  readonly summary: string;
}

/**
 * Sorted by name; system.info tells all but idempotencyMs. "Origin": a web origin in the browser of one user. Programs of the user have no bounds but those that a mistake
 * alone can meet.
 */
export const LIMITS = {
  backlogBytes: {
    value: 33_554_432,
    summary: 'Bytes of answers and events that wait to be read by all WebSockets together. The longest backlog is cut.',
  },
  backlogBytesPerClient: { value: 16_777_216, summary: 'Bytes that wait to be read by one WebSocket, which is then cut.' },
  backlogBytesPerOrigin: {
    value: 8_388_608,
    summary: 'Bytes that wait to be read by the WebSockets of one origin. The longest backlog is cut.',
  },
  batchCalls: { value: 64, summary: 'Calls in one JSON-RPC batch.' },
  callsPerClient: { value: 4_096, summary: 'Calls of one WebSocket that may be under way.' },
  callsPerOrigin: { value: 64, summary: 'Calls of one origin that may be under way, over WebSockets and REST together.' },
  callsPerReader: { value: 64, summary: 'Calls that may wait for one reader.' },
  connections: { value: 4_096, summary: 'Connections open at each address.' },
  connectionsPerOrigin: { value: 64, summary: 'Connections of one origin, WebSockets among them.' },
  contentBytes: { value: 1_073_741_824, summary: 'Bytes of one upload to /v1/contents.' },
  contentMs: { value: 600_000, summary: 'How long an upload, or a result that waits, is remembered, in milliseconds.' },
  contents: { value: 1_024, summary: 'Uploads and waiting results that are remembered.' },
  contentsPerOwner: { value: 128, summary: 'The same, of one web origin of one user, or of the programs of one user.' },
  eventBacklogBytes: {
    value: 1_048_576,
    summary: 'Bytes that wait to be read by one WebSocket, which then loses events and is told which.',
  },
  headerBytes: { value: 16_384, summary: 'Bytes of the head of one request.' },
  headerLines: { value: 100, summary: 'Header lines of one request.' },
  headersMs: {
    value: 5_000,
    summary: 'In which the head of a request must come, and the first one of a connection be let in, in milliseconds.',
  },
  heartbeatMs: {
    value: 10_000,
    summary: 'How often each WebSocket is pinged, in milliseconds. One that has sent nothing by the next ping is ended.',
  },
  idempotencyMs: { value: 600_000, summary: 'How long an idempotency key is remembered, in milliseconds.' },
  keepAliveMs: { value: 5_000, summary: 'How long a connection is kept open for the next REST call, in milliseconds.' },
  keptBytes: { value: 33_554_432, summary: 'Bytes of uploads that are kept (keep=true), and as many of results that wait.' },
  keptBytesPerOrigin: { value: 16_777_216, summary: 'The same, of one web origin of one user.' },
  leaseLifeMs: { value: 600_000, summary: 'How long a lease may live, however often it is extended, in milliseconds.' },
  leaseMs: { value: 60_000, summary: 'Longest lease, in milliseconds.' },
  messageBurst: { value: 250, summary: 'Messages that one origin may send at once after a silence.' },
  messageBytes: { value: 262_144, summary: 'Bytes of one WebSocket message or REST body.' },
  messageFragments: { value: 1_024, summary: 'Fragments of one WebSocket message.' },
  messagesPerSecond: {
    value: 100,
    summary:
      'Messages a second that one origin may go on sending: WebSocket messages, pings, REST calls and each further call of a batch. Every 16384 bytes of a message count as one more.',
  },
  pipelinedRequests: { value: 64, summary: 'REST calls on one connection behind one that is not answered yet.' },
  replayEvents: { value: 1_024, summary: 'Latest events that are kept for replay.' },
  requestMs: { value: 30_000, summary: 'In which a whole request must come, in milliseconds.' },
  stalledMs: { value: 20_000, summary: 'After which a connection is cut of whose answers nothing is read, in milliseconds.' },
  timeoutMs: { value: 300_000, summary: 'Longest deadline of a call, in milliseconds.' },
  unknownConnections: {
    value: 256,
    summary: 'Connections from which no request was let in yet. When there is one more, the oldest of them is cut.',
  },
  unreadBytes: {
    value: 262_144,
    summary: 'Bytes that wait to be read by one WebSocket, of which nothing more is read until then.',
  },
  uploads: { value: 16, summary: 'Uploads under way.' },
  uploadsPerOwner: { value: 4, summary: 'The same, of one web origin of one user, or of the programs of one user.' },
  webConnections: { value: 256, summary: 'Connections of all origins together.' },
  webSockets: { value: 2_048, summary: 'WebSockets open at one time.' },
} as const satisfies Record<string, Limit>;

/** Close codes of a WebSocket that kortd sends (RFC 6455, section 7.4.1). Sorted by code. */
export const CLOSE_CODES = [
  { code: 1003, summary: 'A binary message came. kortd takes text messages only.' },
  {
    code: 1008,
    summary:
      'With the reason "access was revoked": the grant of the origin ended. Else: it went on sending although it was told that it sends too much; or a message came in too many parts.',
  },
  { code: 1009, summary: `A message was larger than ${LIMITS.messageBytes.value} bytes.` },
  { code: 1013, summary: 'The answers are not read: too many bytes wait to be sent. Connect again and read as you write.' },
] as const;
