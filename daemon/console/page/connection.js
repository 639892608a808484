/**
 * The way to kortd: the code in the page's address buys a session, and the session opens the WebSocket on which prompts come. The token is kept in
 * sessionStorage, so that a reload finds it: no other site and no other tab can read that, it goes with the tab, and what a browser may have
 * written to its disk is worth nothing half a minute after the window closed. What is typed is never kept anywhere.
 */
/** @import { ToStation } from '../../prompt/station-messages.ts' */

const SUBPROTOCOL = 'kortd.prompt.v1';
const SESSION_SUBPROTOCOL = 'kortd.session.';
const STORED_SESSION = 'kortd.session';
/** As kortd closes: daemon/console/sessions.ts. */
const CLOSE_SESSION_OVER = 4001;
const CLOSE_REPLACED = 4002;
/** How long kortd keeps a session without its window. */
const GRACE_MS = 30_000;
const RETRY_MS = 1_000;
const OPEN_TIMEOUT_MS = 5_000;

/**
 * `refused`: the link was used, or too old. `closed`: opened without a link. `over`: the session ended. `replaced`: another window has the session.
 * @typedef {'connecting' | 'connected' | 'lost' | 'refused' | 'busy' | 'closed' | 'over' | 'replaced'} ConnectionState
 */

/**
 * @typedef {object} ConnectionEvents
 * @property {(state: ConnectionState, user: string) => void} onState
 * @property {(message: ToStation) => void} onMessage
 */

/** @typedef {{ token: string, user: string }} Session */

export class Connection {
  /** @type {ConnectionEvents} */
  #events;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {Session | undefined} */
  #session;
  /** @type {number | undefined} */
  #lostAt;

  /** @param {ConnectionEvents} events */
  constructor(events) {
    this.#events = events;
    this.#session = storedSession();
    window.addEventListener('hashchange', () => void this.start());
    // A page that is put aside must not answer, nor hold the session.
    window.addEventListener('pagehide', () => this.#leave());
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.#open();
    });
  }

  /** With the code in the address, else with the session of before the reload. */
  async start() {
    const code = takeCode();
    if (code !== '') {
      const outcome = await redeem(code);
      if (typeof outcome === 'object') this.#keep(outcome);
      else if (!this.#session) {
        this.#tell(outcome);
        return;
      }
    }
    if (this.#session) this.#open();
    else this.#tell('closed');
  }

  /**
   * @param {number} id
   * @param {'approved' | 'cancelled' | 'timed_out' | 'failed'} outcome
   */
  answer(id, outcome) {
    this.#socket?.send(JSON.stringify({ type: 'answer', id, outcome }));
  }

  /**
   * Wipes the message.
   * @param {Uint8Array<ArrayBuffer>} message
   */
  sendEntries(message) {
    this.#socket?.send(message);
    message.fill(0);
  }

  /**
   * A link to the page that shows the desk: good once. Undefined when kortd gives none.
   * @returns {Promise<string | undefined>}
   */
  async linkToDesk() {
    const answer = await fetch('/desk-link', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: this.#session?.token ?? '' }),
    });
    return answer.ok ? /** @type {{ url: string }} */ (await answer.json()).url : undefined;
  }

  #open() {
    const session = this.#session;
    if (!session) return;
    this.#leave();
    this.#tell(this.#lostAt === undefined ? 'connecting' : 'lost');
    const socket = new WebSocket(`ws://${location.host}/prompts`, [SUBPROTOCOL, SESSION_SUBPROTOCOL + session.token]);
    const timer = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
    this.#socket = socket;
    // Without a session the socket opens too, only to be closed with the reason: the first message or a moment tells.
    socket.addEventListener('open', () => {
      clearTimeout(timer);
      if (socket === this.#socket) this.#tell('connected');
    });
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket) this.#events.onMessage(JSON.parse(String(data)));
    });
    socket.addEventListener('close', ({ code }) => {
      clearTimeout(timer);
      if (socket === this.#socket) this.#onClose(code);
    });
  }

  /** @param {number} code */
  #onClose(code) {
    this.#socket = undefined;
    if (code === CLOSE_SESSION_OVER) this.#end('over');
    else if (code === CLOSE_REPLACED) this.#end('replaced');
    else {
      this.#lostAt ??= Date.now();
      if (Date.now() - this.#lostAt > GRACE_MS) {
        this.#end('over');
        return;
      }
      this.#tell('lost');
      setTimeout(() => {
        if (!this.#socket) this.#open();
      }, RETRY_MS);
    }
  }

  #leave() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** @param {Session} session */
  #keep(session) {
    this.#session = session;
    sessionStorage.setItem(STORED_SESSION, JSON.stringify(session));
  }

  /** @param {ConnectionState} state */
  #end(state) {
    this.#session = undefined;
    this.#lostAt = undefined;
    sessionStorage.removeItem(STORED_SESSION);
    this.#tell(state);
  }

  /** @param {ConnectionState} state */
  #tell(state) {
    if (state === 'connected') this.#lostAt = undefined;
    this.#events.onState(state, this.#session?.user ?? '');
  }
}

/** Out of the address bar and the history before anything else. */
function takeCode() {
  const code = location.hash.slice(1);
  if (location.href !== `${location.origin}/`) history.replaceState(null, '', '/');
  return code;
}

/**
 * @param {string} code
 * @returns {Promise<Session | 'refused' | 'busy' | 'closed'>}
 */
async function redeem(code) {
  try {
    const answer = await fetch('/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    });
    if (answer.ok) return /** @type {Session} */ (await answer.json());
    return answer.status === 429 ? 'busy' : 'refused';
  } catch {
    // kortd went between the page and its first question.
    return 'closed';
  }
}

/** @returns {Session | undefined} */
function storedSession() {
  const text = sessionStorage.getItem(STORED_SESSION);
  return text === null ? undefined : /** @type {Session} */ (JSON.parse(text));
}
