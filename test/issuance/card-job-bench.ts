/** A card in a simulated reader, a journal that may break off, and an authority: one card job, as often as it takes. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { openChannel } from '../../apdu/card-channel.ts';
import type { CardProfile } from '../../apdu/card-profile.ts';
import { createEidProfile } from '../../apdu/cards/eid.ts';
import { createPivProfile } from '../../apdu/cards/piv.ts';
import { Secret } from '../../apdu/secret.ts';
import { openApplication } from '../../apdu/select.ts';
import type { KeyAlgorithm, TokenContents } from '../../apdu/token.ts';
import {
  confirm,
  foldJob,
  makeKeys,
  stateOf,
  undo,
  writeCertificates,
  type CardAtWork,
  type CardJob,
} from '../../daemon/issuance/card-job.ts';
import type { JobEntry, KeyPlace } from '../../daemon/issuance/entry.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { issuePersonalCertificate } from '../../drivers/simulated/cards/eid/certificates.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import type { Fault } from '../../drivers/simulated/faults.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';

export class Crash extends Error {
  override readonly name = 'Crash';
}

export interface CardKind {
  readonly name: string;
  readonly create: () => SimulatedCard;
  readonly profile: () => CardProfile;
  readonly places: readonly KeyPlace[];
  /** Or forgets them: other cards keep the new one, and tell of it, on the way back. */
  readonly deletesKeys: boolean;
}

const READER = 'Simulated Holder 00 00';
const authority = {
  key: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey,
  name: [
    ['C', 'SE'],
    ['CN', 'BENCH issuing CA'],
  ],
} as const;

function places(algorithm: KeyAlgorithm, authentication: string, signature: string): readonly KeyPlace[] {
  return [
    { keyReference: authentication, usage: 'authentication', algorithm },
    { keyReference: signature, usage: 'signature', algorithm },
  ];
}

export const CARD_KINDS: readonly CardKind[] = [
  {
    name: 'eID',
    create: () => createEidCard({ profile: 'plain', cardNumber: '9752000000000000102', preparedKeys: 'P-256' }),
    profile: createEidProfile,
    places: places('P-256', '45', '46'),
    deletesKeys: true,
  },
  {
    name: 'PIV (YubiKey)',
    create: () => createPivCard({ profile: 'yubikey', firmware: '5.7.1' }),
    profile: createPivProfile,
    places: places('P-256', '9A', '9C'),
    deletesKeys: true,
  },
  {
    name: 'PIV (YubiKey that deletes no keys)',
    create: () => createPivCard({ profile: 'yubikey', firmware: '5.4.3' }),
    profile: createPivProfile,
    places: places('P-256', '9A', '9C'),
    deletesKeys: false,
  },
  {
    name: 'PIV (plain)',
    create: () => createPivCard({ profile: 'plain' }),
    profile: createPivProfile,
    places: places('P-256', '9A', '9C'),
    deletesKeys: false,
  },
];

export class JobBench {
  readonly kind: CardKind;
  readonly entries: JobEntry[] = [];
  readonly #card: SimulatedCard;
  readonly #reader = new SimulatedReader({ name: READER, supportsExtendedLength: true });
  readonly #source = createSimulatedSource([this.#reader]);
  /** Writes to the journal until it breaks off; the last one is written or not. */
  #crashAt: { at: number; isWritten: boolean } | undefined;
  #notes = 0;

  constructor(kind: CardKind) {
    this.kind = kind;
    this.#card = kind.create();
    this.#reader.insert(this.#card);
  }

  get job(): CardJob | undefined {
    return foldJob(this.entries);
  }

  get notes(): number {
    return this.#notes;
  }

  crashAt(at: number, isWritten: boolean): void {
    this.#crashAt = { at, isWritten };
  }

  arm(fault: Fault): void {
    this.#reader.arm([fault]);
  }

  /** The daemon starts anew, the card is put in again. */
  restart(): void {
    this.#crashAt = undefined;
    this.#reader.disarm();
    this.#reader.insert(this.#card);
  }

  note(entry: JobEntry): void {
    this.#notes++;
    const crash = this.#crashAt?.at === this.#notes ? this.#crashAt : undefined;
    if (!crash || crash.isWritten) this.entries.push(entry);
    if (crash) throw new Crash(`at journal entry ${this.#notes}`);
  }

  async contents(): Promise<TokenContents> {
    return await this.#transact(({ token }) => token.contents());
  }

  /** Public halves of the job's places, where the card tells them. */
  async told(): Promise<readonly (Uint8Array | undefined)[]> {
    return await this.#transact(async ({ token }) => {
      const told: (Uint8Array | undefined)[] = [];
      for (const { keyReference } of this.kind.places) told.push((await token.key(keyReference))?.publicKey);
      return told;
    });
  }

  /** Another program makes a key of its own in the place; resolves with its public half. */
  async replaceKey(keyReference: string): Promise<Uint8Array> {
    return await this.#transact(async (work) => {
      await work.authorize(keyReference, 'key');
      return await work.management.generateKey({ keyReference, algorithm: 'P-256' });
    });
  }

  /** Another ceremony, on the same card. */
  beginAnew(): void {
    this.entries.length = 0;
  }

  /** From wherever the journal stands to the end. */
  async goOn(): Promise<void> {
    if (!this.job) await this.#begin();
    for (;;) {
      const job = this.#require();
      switch (job.phase) {
        case 'making':
          await this.#transact((work) => makeKeys(job, work));
          break;
        case 'waiting':
          this.note({ type: 'certificates.accepted', certificates: issue(job) });
          break;
        case 'writing':
          await this.#transact((work) => writeCertificates(job, work, { confirms: false }));
          break;
        case 'finished':
          this.note({ type: 'job.confirming' });
          break;
        case 'confirming':
          await this.#transact((work) => confirm(job, work));
          break;
        case 'undoing':
          await this.#transact((work) => undo(job, work));
          break;
        case 'confirmed':
        case 'undone':
        case 'abandoned':
          return;
      }
    }
  }

  /** Back to the state before. */
  async goBack(): Promise<void> {
    const job = this.job;
    if (!job) return;
    const isOver = job.phase === 'confirmed' || job.phase === 'confirming' || job.phase === 'undone';
    if (!isOver) this.note({ type: 'job.undoing', reason: 'test' });
    await this.goOn();
  }

  async #begin(): Promise<void> {
    const before = stateOf(await this.contents());
    const card = { profile: this.kind.profile().id, serialNumber: 'S' };
    this.note({ type: 'job.begun', card, before, places: this.kind.places, replaces: [] });
  }

  #require(): CardJob {
    const { job } = this;
    if (!job) throw new Error('no job was begun');
    return job;
  }

  async #transact<R>(work: (card: CardAtWork) => Promise<R>): Promise<R> {
    await using connection = await this.#source.connect(READER, { signal: AbortSignal.timeout(5_000) });
    const { token } = await openApplication(openChannel(connection), this.kind.profile());
    const management = token?.management;
    if (!token || !management) throw new Error('the card has a token that can be changed');
    const note = (entry: JobEntry): void => this.note(entry);
    return await work({
      ...{ token, management, note },
      authorize: (keyReference) => authorize(token, management, keyReference),
      request: () => Promise.resolve('PEM'),
      confirmWriting: () => Promise.resolve(),
    });
  }
}

async function authorize(token: CardAtWork['token'], management: CardAtWork['management'], keyReference: string): Promise<void> {
  if (management.managementKey) {
    using key = management.managementKey.factoryKey();
    await management.managementKey.authenticate(key);
    return;
  }
  for (const [reference, pin] of await eidPins(token, keyReference)) {
    using secret = Secret.fromText(pin);
    await token.verifyPin(reference, secret);
  }
}

/** Certificates are written under the first PIN, a key is made under its own. */
async function eidPins(token: CardAtWork['token'], keyReference: string): Promise<readonly (readonly [string, string])[]> {
  const [first, second] = await token.pins();
  if (!first || !second) throw new Error('an e-ID card has two PINs');
  return keyReference === '45'
    ? [[first.reference, '123456']]
    : [
        [first.reference, '123456'],
        [second.reference, '654321'],
      ];
}

function issue(job: CardJob): { keyReference: string; der: string }[] {
  return job.places.map(({ keyReference, usage }) => {
    const publicKey = createPublicKey({ key: Buffer.from(job.generated.get(keyReference) ?? []), format: 'der', type: 'spki' });
    const der = issuePersonalCertificate({
      person: { givenName: 'Cecilia', surname: 'Öberg', identifier: 'SE2321000016-BENCH3' },
      use: usage === 'signature' ? 'underskrift' : 'legitimering',
      publicKey,
      cardNumber: '9752000000000000102',
      policies: ['2.999.752.3'],
      authority: { name: authority.name, key: authority.key },
      notBefore: new Date('2026-01-01'),
      notAfter: new Date('2030-01-01'),
    });
    return { keyReference, der: Buffer.from(der).toString('base64') };
  });
}
