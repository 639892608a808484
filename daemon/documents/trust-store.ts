/**
 * The administrator's country signing certificates: section `passports` of the policy files names folders with certificates, revocation lists and master lists (DER or
 * PEM, told apart by what they hold), and who may sign master lists. Folders are looked at again when a document is read, and read again when something in them
 * changed. A file that is broken is left out and named: less is trusted then, never more.
 */
import { readdirSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { CertificateRevocationList } from 'pkijs';
import { readAdministratorBytes } from '../../drivers/administrator-file.ts';
import { certificateFacts, type CertificateFacts } from '../identity/certificate-facts.ts';
import type { Log } from '../log.ts';
import { DerError, orDerError, readDer } from '../signing/cms/asn1.ts';
import { countrySigners, kindOfDer, type CountrySigners } from './country-signers.ts';
import { readMasterList } from './master-list.ts';
import type { PassportsSection } from './passports-section.ts';

/** What a simulated desk brings with it. Its keys are public: it is never used beside real readers. */
export interface SimulatedCountrySigners {
  /** X.509, DER. */
  readonly certificates: readonly Uint8Array[];
  /** CertificateList, DER. */
  revocationLists(now: Date): readonly Uint8Array[];
}

export interface TrustStoreOptions {
  readonly sections: () => readonly PassportsSection[];
  readonly simulated: SimulatedCountrySigners | undefined;
  readonly log: Log;
  /** How long a look at the folders holds; for tests. */
  readonly lookMs?: number;
  readonly ownUid?: number | undefined;
}

export interface StoreProblem {
  readonly file: string;
  readonly problem: string;
}

const LOOK_MS = 1_000;
const MAX_FILES = 4_000;
/** Published master lists are below 2 MB, the largest revocation lists below 5. */
const MAX_FILE_BYTES = 16_777_216;
const MAX_ALL_BYTES = 134_217_728;
const MAX_CERTIFICATES = 20_000;
/** Files between two turns of the event loop. */
const FILES_PER_TURN = 16;

interface FoundFile {
  readonly file: string;
  readonly bytes: number;
  readonly changed: number;
}

interface Loaded {
  readonly key: string;
  readonly signers: CountrySigners;
  readonly problems: readonly StoreProblem[];
}

export class TrustStore {
  readonly #options: TrustStoreOptions;
  #lookedAt = -Infinity;
  #loading: Promise<Loaded> | undefined;
  #key = '';

  constructor(options: TrustStoreOptions) {
    this.#options = options;
  }

  /** As the folders stand. Never rejects because of what is in them. */
  async signers(): Promise<CountrySigners> {
    return (await this.#current()).signers;
  }

  async problems(): Promise<readonly StoreProblem[]> {
    return (await this.#current()).problems;
  }

  async #current(): Promise<Loaded> {
    const { lookMs = LOOK_MS } = this.#options;
    if (this.#loading && performance.now() - this.#lookedAt < lookMs) return await this.#loading;
    this.#lookedAt = performance.now();
    const look = lookAt(this.#options.sections());
    if (!this.#loading || look.key !== this.#key) {
      this.#key = look.key;
      this.#loading = load(look, this.#options);
    }
    return await this.#loading;
  }
}

interface Look {
  readonly key: string;
  readonly files: readonly FoundFile[];
  readonly listSigners: readonly string[];
  readonly problems: readonly StoreProblem[];
}

function lookAt(sections: readonly PassportsSection[]): Look {
  const problems: StoreProblem[] = [];
  const folders = [...new Set(sections.flatMap((section) => section.countrySigners ?? []))];
  const files = folders.flatMap((folder) => filesIn(folder, problems));
  if (files.length > MAX_FILES) problems.push({ file: folders.join(', '), problem: `more than ${MAX_FILES} files are not read` });
  const listSigners = [...new Set(sections.flatMap((section) => section.masterListSigners ?? []))];
  const known = listSigners.flatMap((file) => (isAbsolute(file) ? found(file) : []));
  return { key: JSON.stringify([files, known, listSigners, problems]), files: files.slice(0, MAX_FILES), listSigners, problems };
}

function filesIn(folder: string, problems: StoreProblem[]): readonly FoundFile[] {
  if (!isAbsolute(folder)) {
    problems.push({ file: folder, problem: 'it is no absolute path' });
    return [];
  }
  try {
    const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
    return names
      .toSorted()
      .slice(0, MAX_FILES + 1)
      .flatMap((name) => found(join(folder, name)));
  } catch (error) {
    problems.push({ file: folder, problem: messageOf(error) });
    return [];
  }
}

/** What is no plain file is passed over. */
function found(file: string): readonly FoundFile[] {
  const status = statSync(file, { throwIfNoEntry: false });
  return status?.isFile() ? [{ file, bytes: status.size, changed: status.mtimeMs }] : [];
}

async function load(look: Look, options: TrustStoreOptions): Promise<Loaded> {
  const reading = new StoreReading(look, options);
  await reading.run();
  for (const { file, problem } of reading.problems)
    options.log.error({ file, problem }, 'country signing certificates were not taken');
  return { key: look.key, signers: countrySigners(reading), problems: reading.problems };
}

class StoreReading {
  readonly certificates: Uint8Array[] = [];
  readonly revocationLists: CertificateRevocationList[] = [];
  readonly problems: StoreProblem[];
  readonly #look: Look;
  readonly #ownUid: number | undefined;
  readonly #simulated: SimulatedCountrySigners | undefined;
  #bytesLeft = MAX_ALL_BYTES;

  constructor(look: Look, { simulated, ...options }: TrustStoreOptions) {
    this.#look = look;
    this.problems = [...look.problems];
    this.#simulated = simulated;
    this.#ownUid = 'ownUid' in options ? options.ownUid : process.getuid?.();
  }

  async run(): Promise<void> {
    this.certificates.push(...(this.#simulated?.certificates ?? []));
    for (const list of this.#simulated?.revocationLists(new Date()) ?? []) this.#takeList(list);
    const listSigners = this.#look.listSigners.flatMap((file) => this.#orProblem(file, () => this.#listSigners(file)) ?? []);
    for (const [index, { file }] of this.#look.files.entries()) {
      if (index % FILES_PER_TURN === 0) await turn();
      this.#orProblem(file, () => {
        for (const der of this.#blocksOf(file)) this.#take(der, listSigners);
      });
    }
  }

  #listSigners(file: string): readonly CertificateFacts[] {
    if (!isAbsolute(file)) throw new Error('it is no absolute path');
    return this.#blocksOf(file).map((der) => {
      const facts = certificateFacts(der);
      if (!facts) throw new Error('it holds what is no certificate');
      return facts;
    });
  }

  #orProblem<R>(file: string, work: () => R): R | undefined {
    try {
      return work();
    } catch (error) {
      this.problems.push({ file, problem: messageOf(error) });
      return undefined;
    }
  }

  #blocksOf(file: string): readonly Uint8Array[] {
    const bytes = readAdministratorBytes(file, { maxBytes: MAX_FILE_BYTES, ownUid: this.#ownUid });
    this.#bytesLeft -= bytes.length;
    if (this.#bytesLeft < 0) throw new Error(`all files together are larger than ${MAX_ALL_BYTES} bytes`);
    return derBlocksOf(bytes);
  }

  #take(der: Uint8Array, listSigners: readonly CertificateFacts[]): void {
    switch (kindOfDer(der)) {
      case 'certificate':
        this.#takeCertificates([der]);
        return;
      case 'list':
        this.#takeList(der);
        return;
      case 'signed':
        this.#takeCertificates(readMasterList(der, listSigners));
        return;
      case undefined:
        throw new Error('it holds neither a certificate, nor a revocation list, nor a master list');
    }
  }

  #takeCertificates(ders: readonly Uint8Array[]): void {
    if (this.certificates.length + ders.length > MAX_CERTIFICATES)
      throw new Error(`there are more than ${MAX_CERTIFICATES} certificates`);
    this.certificates.push(...ders);
  }

  #takeList(der: Uint8Array): void {
    this.revocationLists.push(
      orDerError('it is no certificate revocation list', () => new CertificateRevocationList({ schema: readDer(der) })),
    );
  }
}

/** RFC 7468; text between the blocks is passed over. What has no such block is DER. */
function derBlocksOf(bytes: Uint8Array): readonly Uint8Array[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  if (!text.includes('-----BEGIN ')) return [bytes];
  const blocks = [...text.matchAll(/-----BEGIN (CERTIFICATE|X509 CRL|CMS|PKCS7)-----([A-Za-z0-9+/=\s]+)-----END \1-----/g)];
  if (blocks.length === 0) throw new Error('it holds no PEM of a kind that is known');
  return blocks.map(([, , base64 = '']) => new Uint8Array(Buffer.from(base64, 'base64')));
}

function messageOf(error: unknown): string {
  if (error instanceof DerError) return `it is no DER: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
