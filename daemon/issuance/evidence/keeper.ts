/**
 * Evidence in a running daemon: of each ceremony that finishes a container is put together, sealed and kept; ceremonies are handed to other desks and taken over
 * from them. The seal and the libraries are opened when they are first needed.
 */
import type { X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { IssuancePolicy } from '../../access/issuance-policy.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Log } from '../../log.ts';
import type { Ceremony } from '../ceremony.ts';
import type { Journal, JournalEntry } from '../journal.ts';
import type { Routine } from '../routine.ts';
import { auditExcerpt } from './audit-excerpt.ts';
import { readCertificateFiles } from './certificate-files.ts';
import type { Attachment } from './container.ts';
import { keepUntil } from './retention-time.ts';
import { openSeal, type Seal } from './seal.ts';
import { EvidenceStore, type StoredEvidence } from './store.ts';
import type { Imported } from './transfer.ts';
import { startUpkeep } from './upkeep.ts';
import type { EvidenceReport } from './verify.ts';

export interface EvidenceKeeperOptions {
  /** The data folder. */
  readonly folder: string;
  readonly journal: Pick<Journal, 'entriesOf' | 'list'>;
  readonly routines: ReadonlyMap<string, Routine>;
  /** Throws ceremony_unknown. */
  readonly ceremony: (id: string) => Ceremony;
  /** Takes ended ceremonies out of the journal, with all that it says of people: they are over their time. */
  readonly forget: (ceremonies: readonly string[]) => void;
  readonly audit: Pick<AuditLog, 'head' | 'list'>;
  readonly policy: () => Pick<IssuancePolicy, 'evidenceRecipients' | 'trustedDesks'>;
  /** What was handed in for a ceremony: pictures, drawn signatures. */
  readonly attachmentsOf?: (ceremony: string) => readonly Attachment[];
  readonly now: () => Date;
  readonly log: Log;
  /** Until the act that finished a ceremony stands in the audit log. Default: 250. */
  readonly settleMs?: number;
}

const SETTLE_MS = 250;

export class EvidenceKeeper implements AsyncDisposable {
  readonly store: EvidenceStore;
  readonly #options: EvidenceKeeperOptions;
  readonly #stopped = new AbortController();
  readonly #upkeep: AsyncDisposable;
  #seal: Promise<Seal> | undefined;
  /** One at a time, by ceremony. */
  readonly #waiting = new Map<string, Promise<StoredEvidence>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: EvidenceKeeperOptions) {
    this.#options = options;
    const { folder, policy } = options;
    this.store = new EvidenceStore({ folder, recipients: () => readCertificateFiles(policy().evidenceRecipients) });
    this.#upkeep = startUpkeep({ ...options, store: this.store, keep: (id) => this.#keep(id) });
  }

  /** To be told of each change of a ceremony. Returns at once; what goes wrong is logged, and tried again the next day and at the next start. */
  changed(ceremony: Ceremony): void {
    if (ceremony.state === 'finished' && !this.#stopped.signal.aborted) void this.#keep(ceremony.id);
  }

  /** Of a finished ceremony, put together now unless it is there. Rejects when it cannot be kept as the policy says. */
  async evidenceOf(ceremony: Ceremony): Promise<StoredEvidence & { readonly content: Uint8Array }> {
    await this.#waiting.get(ceremony.id);
    const day = keepUntil(ceremony);
    const kept = await this.store.read(ceremony.id, day);
    if (kept) return kept;
    await this.#begin(ceremony.id);
    const fresh = await this.store.read(ceremony.id, day);
    if (!fresh) throw new Error(`reading the evidence of ${ceremony.id}: it was taken away`);
    return fresh;
  }

  async verify(container: Uint8Array): Promise<EvidenceReport> {
    const { verifyEvidence } = await import('./verify.ts');
    return verifyEvidence(container, { seals: await this.#seals() });
  }

  /** The seal of this desk; made when there is none. */
  async seal(): Promise<Seal> {
    const { folder, now } = this.#options;
    this.#seal ??= openSeal({ folder, now });
    try {
      return await this.#seal;
    } catch (error) {
      this.#seal = undefined;
      throw error;
    }
  }

  /** `entries`: all of them, the one that says that it was exported included. Attached CMS, DER. */
  async exportCeremony(ceremony: Ceremony, entries: readonly JournalEntry[]): Promise<Uint8Array> {
    const transfer = await import('./transfer.ts');
    return await transfer.exportCeremony({ ceremony, entries }, await this.seal());
  }

  /** Changes nothing: what is to be journalled is in the result. Throws transfer_*. */
  async importCeremony(bytes: Uint8Array): Promise<Imported> {
    const { journal, routines } = this.#options;
    const transfer = await import('./transfer.ts');
    return transfer.importCeremony(bytes, {
      ...{ seals: await this.#seals(), routines },
      ownEntries: (id) => journal.entriesOf(id),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#upkeep[Symbol.asyncDispose]();
    await this.#last;
  }

  async #seals(): Promise<readonly X509Certificate[]> {
    const { certificate } = await this.seal();
    return [certificate, ...readCertificateFiles(this.#options.policy().trustedDesks)];
  }

  /** Never rejects. */
  async #keep(id: string): Promise<void> {
    try {
      await this.#begin(id);
    } catch (error) {
      if (!this.#stopped.signal.aborted)
        this.#options.log.error({ err: error, ceremony: id }, 'the evidence of a ceremony could not be kept');
    }
  }

  async #begin(id: string): Promise<StoredEvidence> {
    const existing = this.#waiting.get(id);
    if (existing) return await existing;
    const next = this.#last.then(() => this.#make(id)).finally(() => this.#waiting.delete(id));
    this.#waiting.set(id, next);
    this.#last = next.catch(() => undefined); // told to whoever waits for it
    return await next;
  }

  async #make(id: string): Promise<StoredEvidence> {
    const { journal, audit, attachmentsOf = () => [], settleMs = SETTLE_MS, ceremony: find } = this.#options;
    const { signal } = this.#stopped;
    await pause(settleMs, undefined, { signal });
    const ceremony = find(id);
    const records = await auditExcerpt(audit, ceremony, { signal });
    const { buildContainer } = await import('./container.ts');
    const record = { ceremony, entries: journal.entriesOf(id), audit: records, attachments: attachmentsOf(id) };
    return await this.store.put(ceremony, await buildContainer(record, await this.seal()));
  }
}
