/**
 * Certification authorities that kortd asks itself, as the policy names them: EST or CMP. One call gets one certificate for one PKCS #10 request, within one deadline.
 * What comes is of the request's key; whether it says what was ordered is checked where certificates are written.
 */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { AuthorityEntry } from '../../access/issuance-policy.ts';
import { ApiError } from '../../errors.ts';
import { misconfigured, unknown, unreachable, waits } from './errors.ts';
import type { CmpTransactions } from './cmp.ts';
import type { AskOptions } from './est.ts';
import { readAuthorityFiles } from './files.ts';
import type { Confirmation, IssuedCertificate, Told } from './issued.ts';
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
   * authority is open. While `onReceived` fails (a full disk), what EST issued is remembered for the next call, which asks nobody.
   */
  requestCertificate(pkcs10: Uint8Array, options: RequestOptions): Promise<IssuedCertificate>;
  /** Of a certificate that an earlier call received and could not confirm. Throws the errors of errors.ts; authority_refused: it does not count. */
  confirmCertificate(
    certificate: Uint8Array,
    confirmation: Confirmation,
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
}

export interface RequestOptions extends Partial<Told> {
  readonly signal: AbortSignal;
}

const SYSTEM_CLOCK: AuthorityClock = {
  now: () => performance.now(),
  wait: async (ms, signal) => {
    await wait(ms, undefined, { signal });
  },
};

/** Reads nothing and connects nowhere yet. */
export function openAuthority(entry: AuthorityEntry, options: AuthorityOptions = {}): Authority {
  const { today = () => new Date(), random = randomBytes } = options;
  const { name, protocol } = entry;
  const unkept = new Unkept();
  let transactions: CmpTransactions | undefined;
  return {
    name,
    requestCertificate: (pkcs10, { signal, onAsking = () => undefined, onReceived = () => undefined }) =>
      within(entry, options, signal, async (how) => {
        // What they read and write takes 15 MB of memory, and most workstations ask nobody.
        if (protocol === 'est') {
          const { enrolByEst } = await import('./est.ts');
          const issued = unkept.take(pkcs10) ?? (await enrolByEst(entry, pkcs10, { ...how, onAsking }));
          unkept.put(pkcs10, issued);
          onReceived({ certificate: issued.certificate });
          unkept.take(pkcs10);
          return issued;
        }
        const { CmpTransactions, enrolByCmp } = await import('./cmp.ts');
        transactions ??= new CmpTransactions();
        return await enrolByCmp(entry, pkcs10, { ...how, transactions, today, random, onAsking, onReceived });
      }),
    confirmCertificate: (certificate, confirmation, { signal }) =>
      within(entry, options, signal, async (how) => {
        if (protocol !== 'cmp') throw misconfigured(`${name} is to confirm a certificate of CMP, and is another protocol's`);
        const { confirmByCmp } = await import('./cmp.ts');
        await confirmByCmp(entry, certificate, confirmation, { ...how, today, random });
      }),
  };
}

/** With the files of the policy, within the time that one certificate has. */
async function within<R>(
  entry: AuthorityEntry,
  { clock = SYSTEM_CLOCK, ...options }: AuthorityOptions,
  signal: AbortSignal,
  work: (how: AskOptions) => Promise<R>,
): Promise<R> {
  const ownUid = 'ownUid' in options ? options.ownUid : process.getuid?.();
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = entry;
  using files = readAuthorityFiles(entry, ownUid);
  const late = AbortSignal.timeout(timeoutMs);
  const both = AbortSignal.any([signal, late]);
  const patience = new Patience(clock, timeoutMs, both);
  try {
    return await work({ files, signal: both, patience });
  } catch (error) {
    signal.throwIfAborted();
    if (!late.aborted || error instanceof ApiError) throw error;
    const { lastWaitMs } = patience;
    throw lastWaitMs === undefined ? unreachable(`no certificate came within ${timeoutMs} ms`, error) : waits(lastWaitMs);
  }
}

const MAX_UNKEPT = 64;

/** What was issued and could not be kept, by request: the same request gets it, and no other is issued. In memory alone. */
class Unkept {
  readonly #issued = new Map<string, IssuedCertificate>();

  put(pkcs10: Uint8Array, issued: IssuedCertificate): void {
    this.#issued.set(keyOf(pkcs10), issued);
    for (const key of this.#issued.keys()) if (this.#issued.size > MAX_UNKEPT) this.#issued.delete(key);
  }

  take(pkcs10: Uint8Array): IssuedCertificate | undefined {
    const key = keyOf(pkcs10);
    const issued = this.#issued.get(key);
    this.#issued.delete(key);
    return issued;
  }
}

function keyOf(pkcs10: Uint8Array): string {
  return createHash('sha256').update(pkcs10).digest('hex');
}

/** The authorities of the policy in force. One stays open as long as its entry stays as it is: it remembers whom it waits for. */
export class Authorities implements Disposable {
  readonly #entries: () => readonly AuthorityEntry[];
  readonly #options: AuthorityOptions;
  readonly #closed = new AbortController();
  readonly #open = new Map<string, { readonly entry: string; readonly authority: Authority }>();

  constructor(entries: () => readonly AuthorityEntry[], options: AuthorityOptions = {}) {
    this.#entries = entries;
    this.#options = options;
  }

  get entries(): readonly AuthorityEntry[] {
    return this.#entries();
  }

  /** Aborted when kortd ends. What an authority is asked for outlives the caller: its answer is kept. */
  get signal(): AbortSignal {
    return this.#closed.signal;
  }

  [Symbol.dispose](): void {
    this.#closed.abort(new ApiError('call_cancelled', 'asking the authority: kortd is ending'));
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
