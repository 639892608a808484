/**
 * Bounds of the API, all told in system.info. They are of two kinds. Against accidents: what any program meets, those of the user as well, and
 * would not meet while it works. Against others: what web origins, and connections that have not yet said who they are, may take of the daemon.
 */

/** One WebSocket message or REST body. A raw extended APDU in hexadecimal fits. */
export const MESSAGE_BYTES = 262_144;
/** Calls in one JSON-RPC batch. */
export const BATCH_CALLS = 64;
/** Calls that one connection may have under way: those that fit one network read, and some. */
export const CALLS_PER_CLIENT = 4_096;
/** Requests on one connection behind one that is not answered yet. Browsers and libraries send none. */
export const PIPELINED_REQUESTS = 64;
/** Unsent bytes at which nothing more is read of a client: then it reads its answers, or waits. */
export const UNREAD_BYTES = 262_144;
/** At which it loses events, and at which it is cut off (calls that were under way may still be answered by as much). */
export const EVENT_BACKLOG_BYTES = 1_048_576;
export const BACKLOG_BYTES_PER_CLIENT = 16_777_216;
/** Of all WebSockets together: with the program's own 110 MB it stays under 250 MB. The longest backlog is cut. */
export const BACKLOG_BYTES = 33_554_432;
/** Open WebSockets. */
export const MAX_CLIENTS = 2_048;

/** Places where a person can be asked: a few sessions of a few users, each with an agent. */
export const MAX_STATIONS = 64;
/**
 * Parts that one message may come in: fragments, and reads of the network before it is whole. Each costs memory beside its bytes; browsers send one
 * fragment, and a read is 64 KiB unless the sender trickles.
 */
export const MESSAGE_PARTS = { maxFragments: 1_024, maxBufferedChunks: 4_096 };

/** Connections at one address. All but some hundred of them can only be of programs that the user trusts, which would have to leak them. */
export const CONNECTIONS = 4_096;
/** Connections that have said nothing yet that lets them in: 40 times what a browser opens to one host. When there is one more, the oldest goes. */
export const UNKNOWN_CONNECTIONS = 256;
/** One request's head: Node's own default, and browsers send the cookies of every other port of localhost with it. */
export const HEADER_BYTES = 16_384;
/** Header lines; browsers send about 20. */
export const HEADER_LINES = 100;
/** For a request's head, and for a connection to say who it is: it never leaves the machine, and people do not type it. */
export const HEADERS_MS = 5_000;
/** For a whole request: MESSAGE_BYTES at 9 kB/s. */
export const REQUEST_MS = 30_000;
/** A connection without a request is kept open for the next one. */
export const KEEP_ALIVE_MS = 5_000;
/** An answer of which nobody reads a byte. */
export const STALLED_ANSWER_MS = 20_000;
/** Each WebSocket is pinged so often, and ended when it has not answered by the next: half the time of a usual lease. */
export const HEARTBEAT_MS = 10_000;
/** Refusals of connections that nobody has let in; what comes faster is cut off without an answer. */
export const REFUSALS = { perSecond: 200, burst: 400 };

/** Connections of one web origin, WebSockets among them: two dozen tabs, each with a WebSocket and a call or two. */
export const CONNECTIONS_PER_ORIGIN = 64;
/** Of all web origins: each may keep one message of MESSAGE_BYTES half sent, 64 MiB in all. */
export const WEB_CONNECTIONS = 256;
/** One whole batch; one of them runs, and a place is left among the 64 that may wait for a reader. */
export const CALLS_PER_ORIGIN = 64;
/** Messages of one web origin. A page that fills a desk's screen sends 20. At 60 µs for a list of cards the burst costs others 15 ms. */
export const MESSAGES_PER_ORIGIN = { perSecond: 100, burst: 250 };
/** So many bytes of a message count as one more: 1.6 MB/s, and 4 MB at once. */
export const BYTES_PER_TOKEN = 16_384;
/** Messages beyond those that are answered with an error; after that a WebSocket is closed. */
export const ERRORS_PER_ORIGIN = { perSecond: 100, burst: 250 };
/** Unsent bytes of one web origin. The longest backlog is cut. */
export const BACKLOG_BYTES_PER_ORIGIN = 8_388_608;

/** Of all origins together that hold no grant: they can only ask for one, and 16 requests may wait for a person. */
export const CONNECTIONS_WITHOUT_GRANT = 32;
export const CALLS_WITHOUT_GRANT = 32;
export const MESSAGES_WITHOUT_GRANT = { perSecond: 4, burst: 32 };

/** One upload: what hashes within REQUEST_MS, and so much room. */
export const CONTENT_BYTES = 1_073_741_824;
/** From upload to signature a person looks at it and finds their card. */
export const CONTENT_MS = 600_000;
/** Uploads and results that are remembered, 300 bytes each without their own. */
export const CONTENTS = 1_024;
export const CONTENTS_PER_OWNER = 128;
/** Of uploads that are kept, and again of results that wait: 64 MiB in all. */
export const KEPT_BYTES = 33_554_432;
/** One page leaves as much to the others. */
export const KEPT_BYTES_PER_ORIGIN = 16_777_216;
/** Under way at one time. They share the one thread, so more are not faster. */
export const UPLOADS = 16;
export const UPLOADS_PER_OWNER = 4;
