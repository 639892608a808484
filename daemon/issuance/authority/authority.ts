/**
 * Certification authorities that kortd asks itself, as the policy names them: EST or CMP. One call gets one certificate for one PKCS #10 request, within one deadline.
 * What comes is of the request's key; whether it says what was ordered is checked where certificates are written.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { AuthorityEntry } from '../../access/issuance-policy.ts';
import { ApiError } from '../../errors.ts';
import { unknown, unreachable, waits } from './errors.ts';
import type { CmpTransactions } from './cmp.ts';
import { readAuthorityFiles } from './files.ts';
import type { IssuedCertificate } from './issued.ts';
import { Patience, type AuthorityClock } from './patience.ts';

const DEFAULT_TIMEOUT_MS = 30_000;

export interface AuthorityOptions {
  /** The user of kortd, whose files may be trusted; undefined on systems without such numbers. */
  readonly ownUid?: number | undefined;
  readonly clock?: AuthorityClock;
  /** For trust in signed answers. */
  readonly today?: () => Date;
  readonly random?: (length: number) => Uint8Array;
}

export interface Authority {
  readonly name: string;
  /**
   * Throws the errors of errors.ts, and what the signal is aborted with. After authority_waits, asking for the same request again goes on where it was, as long as this
   * authority is open.
   */
  requestCertificate(pkcs10: Uint8Array, options: { readonly signal: AbortSignal }): Promise<IssuedCertificate>;
}

const SYSTEM_CLOCK: AuthorityClock = {
  now: () => performance.now(),
  wait: async (ms, signal) => {
    await wait(ms, undefined, { signal });
  },
};

/** Reads nothing and connects nowhere yet. */
export function openAuthority(entry: AuthorityEntry, options: AuthorityOptions = {}): Authority {
  const { clock = SYSTEM_CLOCK, today = () => new Date(), random = randomBytes } = options;
  const ownUid = 'ownUid' in options ? options.ownUid : process.getuid?.();
  const { name, protocol, timeoutMs = DEFAULT_TIMEOUT_MS } = entry;
  let transactions: CmpTransactions | undefined;
  return {
    name,
    async requestCertificate(pkcs10, { signal }) {
      using files = readAuthorityFiles(entry, ownUid);
      const late = AbortSignal.timeout(timeoutMs);
      const both = AbortSignal.any([signal, late]);
      const patience = new Patience(clock, timeoutMs, both);
      const how = { files, signal: both, patience };
      try {
        // What they read and write takes 15 MB of memory, and most workstations ask nobody.
        if (protocol === 'est') return await (await import('./est.ts')).enrolByEst(entry, pkcs10, how);
        const { CmpTransactions, enrolByCmp } = await import('./cmp.ts');
        transactions ??= new CmpTransactions();
        return await enrolByCmp(entry, pkcs10, { ...how, transactions, today, random });
      } catch (error) {
        signal.throwIfAborted();
        if (!late.aborted || error instanceof ApiError) throw error;
        const { lastWaitMs } = patience;
        throw lastWaitMs === undefined ? unreachable(`no certificate came within ${timeoutMs} ms`, error) : waits(lastWaitMs);
      }
    },
  };
}

/** The authorities of the policy in force. One stays open as long as its entry stays as it is: it remembers whom it waits for. */
export class Authorities {
  readonly #entries: () => readonly AuthorityEntry[];
  readonly #options: AuthorityOptions;
  readonly #open = new Map<string, { readonly entry: string; readonly authority: Authority }>();

  constructor(entries: () => readonly AuthorityEntry[], options: AuthorityOptions = {}) {
    this.#entries = entries;
    this.#options = options;
  }

  get entries(): readonly AuthorityEntry[] {
    return this.#entries();
  }

  /** Throws authority_unknown. */
  named(name: string): Authority {
    const entry = this.#entries().find((one) => one.name === name);
    if (!entry) throw unknown(name);
    const text = JSON.stringify(entry);
    const open = this.#open.get(name);
    if (open?.entry === text) return open.authority;
    const authority = openAuthority(entry, this.#options);
    this.#open.set(name, { entry: text, authority });
    return authority;
  }
}
