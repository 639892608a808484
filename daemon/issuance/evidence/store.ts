/**
 * Where evidence is kept: `evidence/<last day>/<ceremony>.asice` in the data folder, `.asice.p7m` when it is encrypted. A file is there whole or not at all, only its
 * owner can read it, and it is never written again. What is over its time goes a day at a time.
 */
import type { X509Certificate } from 'node:crypto';
import { mkdirSync, type Dirent } from 'node:fs';
import { access, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ceremony } from '../ceremony.ts';
import { createDurably, UNFINISHED_PREFIX } from './durable-file.ts';
import { dayOf, keepUntil } from './retention-time.ts';

export const EVIDENCE_FOLDER = 'evidence';

/** Looked at together when nobody knows the day: ten years have some 2,500. */
const DAYS_AT_ONCE = 64;

const PLAIN = '.asice';
const ENCRYPTED = '.asice.p7m';
const DAY = /^\d{4,6}-\d{2}-\d{2}$/;
const FILE = /^(?<ceremony>[A-Za-z0-9][A-Za-z0-9-]{0,99})(?<kind>\.asice(?:\.p7m)?)$/;

export interface EvidenceStoreOptions {
  /** The data folder. */
  readonly folder: string;
  /** To whom it is encrypted, as the policy says at the moment; none: to nobody. Throws when the policy's files cannot be read. */
  readonly recipients: () => readonly X509Certificate[];
}

export interface StoredEvidence {
  readonly ceremony: string;
  /** YYYY-MM-DD, the last day. */
  readonly keepUntil: string;
  readonly isEncrypted: boolean;
  readonly lengthBytes: number;
}

export interface EvidenceFilter {
  readonly limit: number;
  /** Those after this one. */
  readonly after?: Pick<StoredEvidence, 'ceremony' | 'keepUntil'>;
}

export class EvidenceStore {
  readonly #folder: string;
  readonly #recipients: EvidenceStoreOptions['recipients'];

  constructor({ folder, recipients }: EvidenceStoreOptions) {
    this.#folder = join(folder, EVIDENCE_FOLDER);
    this.#recipients = recipients;
  }

  /** On the disk when it resolves. What is there for this ceremony already stays as it is. Rejects, and keeps nothing, when it cannot be encrypted as the policy says. */
  async put(ceremony: Ceremony, container: Uint8Array): Promise<StoredEvidence> {
    const day = keepUntil(ceremony);
    const existing = await this.#findOn(day, ceremony.id);
    if (existing) return existing;
    const recipients = this.#recipients();
    const content = recipients.length > 0 ? await encrypt(recipients, container) : container;
    const kind = recipients.length > 0 ? ENCRYPTED : PLAIN;
    mkdirSync(join(this.#folder, day), { recursive: true, mode: 0o700 });
    createDurably(join(this.#folder, day, `${ceremony.id}${kind}`), content);
    return { ceremony: ceremony.id, keepUntil: day, isEncrypted: kind === ENCRYPTED, lengthBytes: content.length };
  }

  /** As it is kept: encrypted, or the container itself. Undefined for a ceremony that has none. `day`: the last one, where it is known. */
  async read(ceremony: string, day?: string): Promise<(StoredEvidence & { readonly content: Uint8Array }) | undefined> {
    const found = await this.find(ceremony, day);
    return found && { ...found, content: new Uint8Array(await readFile(this.#fileOf(found))) };
  }

  /** Looks at `day` first, then at all others: routines change. */
  async find(ceremony: string, day?: string): Promise<StoredEvidence | undefined> {
    const expected = day === undefined ? undefined : await this.#findOn(day, ceremony);
    if (expected) return expected;
    const days = await this.#days();
    for (let start = 0; start < days.length; start += DAYS_AT_ONCE) {
      const looks = days.slice(start, start + DAYS_AT_ONCE).map((other) => this.#findOn(other, ceremony));
      const found = (await Promise.all(looks)).find((one) => one !== undefined);
      if (found) return found;
    }
    return undefined;
  }

  /** Of all that is kept: the ceremonies. */
  async ceremonies(): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    for (const day of await this.#days()) for (const each of await this.#filesOf(day)) found.add(each.ceremony);
    return found;
  }

  /** By last day and ceremony. */
  async list({ limit, after }: EvidenceFilter): Promise<readonly StoredEvidence[]> {
    const found: StoredEvidence[] = [];
    for (const day of await this.#days()) {
      if (after && day < after.keepUntil) continue;
      for (const each of await this.#filesOf(day)) {
        if (after?.keepUntil === day && each.ceremony <= after.ceremony) continue;
        if (found.length === limit) return found;
        found.push(await this.#measured(each));
      }
    }
    return found;
  }

  /** Drops what was to be kept until a day before today (UTC), and what a run that was cut short left behind. Resolves with how many containers. */
  async purge(now: Date, signal: AbortSignal): Promise<number> {
    const today = dayOf(now);
    let dropped = 0;
    for (const day of await this.#days()) {
      signal.throwIfAborted();
      if (day < today) {
        dropped += (await this.#filesOf(day)).length;
        await rm(join(this.#folder, day), { recursive: true, force: true });
      } else await this.#sweep(day);
    }
    return dropped;
  }

  async #findOn(day: string, ceremony: string): Promise<StoredEvidence | undefined> {
    if (!DAY.test(day) || !FILE.test(`${ceremony}${PLAIN}`)) return undefined;
    for (const kind of [PLAIN, ENCRYPTED]) {
      const found = { ceremony, keepUntil: day, isEncrypted: kind === ENCRYPTED };
      if (await isThere(this.#fileOf(found))) return await this.#measured(found);
    }
    return undefined;
  }

  async #days(): Promise<readonly string[]> {
    const entries = await entriesOf(this.#folder);
    return entries
      .filter((entry) => entry.isDirectory() && DAY.test(entry.name))
      .map(({ name }) => name)
      .sort();
  }

  async #filesOf(day: string): Promise<readonly Omit<StoredEvidence, 'lengthBytes'>[]> {
    const entries = await entriesOf(join(this.#folder, day));
    return entries
      .flatMap(({ name }) => {
        const { ceremony, kind } = FILE.exec(name)?.groups ?? {};
        return ceremony === undefined ? [] : [{ ceremony, keepUntil: day, isEncrypted: kind === ENCRYPTED }];
      })
      .sort((one, other) => (one.ceremony < other.ceremony ? -1 : 1));
  }

  async #sweep(day: string): Promise<void> {
    for (const { name } of await entriesOf(join(this.#folder, day)))
      if (name.startsWith(UNFINISHED_PREFIX) && !name.startsWith(`${UNFINISHED_PREFIX}${process.pid}-`))
        await rm(join(this.#folder, day, name), { force: true });
  }

  async #measured(found: Omit<StoredEvidence, 'lengthBytes'>): Promise<StoredEvidence> {
    return { ...found, lengthBytes: (await stat(this.#fileOf(found))).size };
  }

  #fileOf({ ceremony, keepUntil: day, isEncrypted }: Omit<StoredEvidence, 'lengthBytes'>): string {
    return join(this.#folder, day, `${ceremony}${isEncrypted ? ENCRYPTED : PLAIN}`);
  }
}

async function encrypt(recipients: readonly X509Certificate[], content: Uint8Array): Promise<Uint8Array> {
  const { encryptFor } = await import('./envelope.ts');
  return await encryptFor(recipients, content);
}

/** None of a folder that there is not. */
async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
