/**
 * How a browser window becomes a place where one user is asked: a link with a code that is good once and for a short time, and the session that
 * it is exchanged for. A session lives as long as its window, and a little longer so that the page can be loaded again. Codes and tokens are
 * kept as hashes, and only the user that they are for can use them.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** From the command to the open page; a browser that must start first takes its time. */
export const LINK_MS = 60_000;
/** Without its window: time for a reload, or for a computer that wakes up. */
export const GRACE_MS = 30_000;
/** A long working day. */
export const SESSION_MS = 12 * 60 * 60_000;
/** Windows of one user; the oldest makes room. */
export const SESSIONS_PER_USER = 4;
/** Wrong codes and tokens in a minute, by anybody: a person who opens old links makes a few. */
export const WRONG_TRIES = 10;
const WRONG_TRIES_MS = 60_000;
const CODE_BYTES = 32;

export class TooManyTriesError extends Error {
  override readonly name = 'TooManyTriesError';
}

/** Why a window is sent away: status codes of a WebSocket for private use (RFC 6455, section 7.4.2). The page has the same. */
export const CLOSE_SESSION_OVER = 4001;
export const CLOSE_REPLACED = 4002;

interface Link {
  readonly hash: Buffer;
  readonly user: string;
  readonly expiresAt: number;
}

interface Session extends Link {
  /** Ends the window that is open; undefined while there is none. */
  close: ((code: number) => void) | undefined;
  /** When the last window went, or the session began. */
  leftAt: number;
}

/** One window's hold on a session. Dispose of it when the window is gone. */
export interface SessionWindow extends Disposable {
  readonly user: string;
}

export class ConsoleSessions {
  readonly #now: () => number;
  #links: Link[] = [];
  #sessions: Session[] = [];
  #wrongTries: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The code of a new link for this user. */
  issueCode(user: string): string {
    this.sweep();
    const { text, hash } = newSecret();
    const others = this.#links.filter((link) => link.user !== user);
    const mine = this.#links.filter((link) => link.user === user).slice(-(SESSIONS_PER_USER - 1));
    this.#links = [...others, ...mine, { hash, user, expiresAt: this.#now() + LINK_MS }];
    return text;
  }

  /**
   * Takes the code, whatever comes of it, and begins a session: its token, or undefined for a code that is unknown, used, old, or not this user's.
   * Throws TooManyTriesError.
   */
  redeem(code: string, user: string | undefined): string | undefined {
    this.sweep();
    this.#requireTries();
    const link = find(this.#links, code);
    this.#links = this.#links.filter((other) => other !== link);
    if (!link || link.user !== user) {
      this.#wrongTries.push(this.#now());
      return undefined;
    }
    this.#makeRoom(user);
    const { text, hash } = newSecret();
    const now = this.#now();
    this.#sessions.push({ hash, user, expiresAt: now + SESSION_MS, close: undefined, leftAt: now });
    return text;
  }

  /**
   * A window comes with its token; the one that was open in the same session goes. Undefined when there is no such session. `close` is
   * called when the window must go. Throws TooManyTriesError.
   */
  enter(token: string, user: string | undefined, close: (code: number) => void): SessionWindow | undefined {
    this.sweep();
    this.#requireTries();
    const session = find(this.#sessions, token);
    if (!session || session.user !== user) {
      this.#wrongTries.push(this.#now());
      return undefined;
    }
    session.close?.(CLOSE_REPLACED);
    session.close = close;
    return {
      user,
      [Symbol.dispose]: () => {
        if (session.close !== close) return;
        session.close = undefined;
        session.leftAt = this.#now();
      },
    };
  }

  /** Whether the token is of a session of this user that has its window open. Throws TooManyTriesError. */
  isOpen(token: string, user: string | undefined): boolean {
    this.sweep();
    this.#requireTries();
    const session = find(this.#sessions, token);
    if (session?.user === user && session?.close) return true;
    this.#wrongTries.push(this.#now());
    return false;
  }

  /** Ends what is over: call it now and then. */
  sweep(): void {
    const now = this.#now();
    this.#links = this.#links.filter(({ expiresAt }) => expiresAt > now);
    this.#wrongTries = this.#wrongTries.filter((time) => time > now - WRONG_TRIES_MS);
    const over = this.#sessions.filter(
      ({ expiresAt, close, leftAt }) => expiresAt <= now || (!close && leftAt + GRACE_MS <= now),
    );
    this.#end(over);
  }

  #makeRoom(user: string): void {
    const mine = this.#sessions.filter((session) => session.user === user);
    const [first] = mine.length < SESSIONS_PER_USER ? [] : [...mine.filter(({ close }) => !close), ...mine];
    if (first) this.#end([first]);
  }

  #end(over: readonly Session[]): void {
    this.#sessions = this.#sessions.filter((session) => !over.includes(session));
    for (const { close } of over) close?.(CLOSE_SESSION_OVER);
  }

  #requireTries(): void {
    if (this.#wrongTries.length >= WRONG_TRIES)
      throw new TooManyTriesError(`checking a code: ${WRONG_TRIES} were wrong within ${WRONG_TRIES_MS} ms`);
  }
}

/** Every entry is compared, each in constant time. */
function find<E extends { readonly hash: Buffer }>(entries: readonly E[], text: string): E | undefined {
  const wanted = hashOf(text);
  return entries.filter(({ hash }) => timingSafeEqual(hash, wanted))[0];
}

function newSecret(): { readonly text: string; readonly hash: Buffer } {
  const text = randomBytes(CODE_BYTES).toString('base64url');
  return { text, hash: hashOf(text) };
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
