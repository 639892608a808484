/**
 * The way to kortd: the code in the page's address buys a session, whose token opens the WebSocket. The token is kept in sessionStorage, so that
 * a reload finds it; it is worth nothing half a minute after the window closed, nor ever at the page where prompts are answered.
 */
import { connect, type Client } from '../../../api-spec/client/client.ts';

/** As daemon/console/desk-channel.ts and console-server.ts have them. */
const SUBPROTOCOL = 'kortd.desk.v1';
const SESSION_SUBPROTOCOL = 'kortd.session.';
const STORED_SESSION = 'kortd.desk-session';
/** As kortd closes: daemon/console/sessions.ts. */
const ENDINGS: ReadonlyMap<number, EndState> = new Map([
  [4001, 'over'],
  [4002, 'replaced'],
]);

/** `refused`: the link was used, or too old. `closed`: opened without a link. `over`: the session ended. `replaced`: another window has the session. */
export type EndState = 'busy' | 'closed' | 'over' | 'refused' | 'replaced';
export type LinkState = 'connecting' | 'connected' | 'lost' | EndState;

export interface Session {
  readonly token: string;
  readonly user: string;
}

export class SessionEndedError extends Error {
  override readonly name = 'SessionEndedError';
  readonly state: EndState;

  constructor(state: EndState) {
    super(`opening the connection: ${state}`);
    this.state = state;
  }
}

/** With the code in the address, else with the session of before the reload. Throws SessionEndedError. */
export async function beginSession(code: string): Promise<Session> {
  const stored = storedSession();
  if (code === '') {
    if (!stored) throw new SessionEndedError('closed');
    return stored;
  }
  const outcome = await redeem(code);
  if (typeof outcome === 'object') {
    sessionStorage.setItem(STORED_SESSION, JSON.stringify(outcome));
    return outcome;
  }
  if (!stored) throw new SessionEndedError(outcome);
  return stored;
}

/** Opens the session's connection, again and again; it rejects with SessionEndedError once kortd has said that the session is no more. */
export function connectionsOf({ token }: Session): () => Promise<Client> {
  const ending = Promise.withResolvers<never>();
  let isEnded = false;
  const end = (state: EndState): void => {
    isEnded = true;
    sessionStorage.removeItem(STORED_SESSION);
    ending.reject(new SessionEndedError(state));
  };
  const openSocket = (): WebSocket => {
    const socket = new WebSocket(`ws://${location.host}/desk`, [SUBPROTOCOL, SESSION_SUBPROTOCOL + token]);
    socket.addEventListener('close', ({ code }) => {
      const state = ENDINGS.get(code);
      if (state) end(state);
    });
    return socket;
  };
  ending.promise.catch(() => undefined); // told to whoever opens the next one
  return () => Promise.race([ending.promise, ...(isEnded ? [] : [connect({ url: location.origin, openSocket })])]);
}

async function redeem(code: string): Promise<Session | EndState> {
  const answer = await fetch('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  });
  if (answer.ok) return (await answer.json()) as Session;
  return answer.status === 429 ? 'busy' : 'refused';
}

function storedSession(): Session | undefined {
  const text = sessionStorage.getItem(STORED_SESSION);
  return text === null ? undefined : (JSON.parse(text) as Session);
}
