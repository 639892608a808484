/** What the tests of evidence share: ceremonies taken from their start to their end by the people of the simulated office, each statement signed with their own key. */
import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describePersona } from '../../../drivers/simulated/cards/eid/personas.ts';
import { SIGNATURE_SCHEMES } from '../../../apdu/signature-encoding.ts';
import { chainRecord, CHAIN_START, type AuditRecord } from '../../audit/record.ts';
import { addSigner, createSignedData, type NewSignature, type Sign } from '../../signing/cms/signed-data.ts';
import { Ceremonies } from '../ceremonies.ts';
import type { Ceremony } from '../ceremony.ts';
import type { JobEntry, PersonSeen } from '../entry.ts';
import { Journal } from '../journal.ts';
import { standardRoutines } from '../routines.ts';
import type { CeremonyRecord } from './documents.ts';
import { fingerprintOf } from './seal.ts';

/** People of the simulated office. */
export type OfficeName = 'anna' | 'bjorn' | 'cecilia';

export interface SimulatedPerson {
  readonly seen: PersonSeen;
  readonly certificate: X509Certificate;
  readonly authority: X509Certificate;
  readonly certificates: readonly { readonly keyReference: string; readonly der: string }[];
  sign(text: string, beside?: Uint8Array): Promise<Uint8Array>;
}

/** Of BENCH: everybody has the keys. */
export function simulatedPerson(name: OfficeName): SimulatedPerson {
  const { cardNumber = '', keys, authorities = [] } = describePersona({ persona: name });
  const [authentication, signature] = [keys?.['legitimering'], keys?.['underskrift']];
  if (!authentication?.certificate || !signature?.certificate || !signature.privateKey) throw new Error(`${name} has no keys`);
  const certificate = new X509Certificate(Buffer.from(signature.certificate, 'base64'));
  const subject = new Map(
    certificate.subject.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const key = createPrivateKey({ key: Buffer.from(signature.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
  const algorithm =
    key.asymmetricKeyType === 'rsa' ? 'RS256' : key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : 'ES256';
  const { hash } = SIGNATURE_SCHEMES[algorithm];
  const byKey: Sign = (_, message) => Promise.resolve(sign(hash, message, { key, dsaEncoding: 'ieee-p1363' }));
  const chain = authorities.map(({ certificate: der }) => new Uint8Array(Buffer.from(der, 'base64')));
  return {
    seen: {
      ...{ name: subject.get('CN') ?? '', hsaId: subject.get('serialNumber') ?? '', cardNumber, assuranceLevel: 'LoA3' },
      certificate: fingerprintOf(certificate),
    },
    certificate,
    authority: new X509Certificate(chain[0] ?? new Uint8Array()),
    certificates: [
      { keyReference: '1', der: authentication.certificate },
      { keyReference: '2', der: signature.certificate },
    ],
    sign: async (text, beside) => {
      const content = Buffer.from(text);
      const wanted: NewSignature = {
        contentDigest: createHash(hash).update(content).digest(),
        ...{ hash, profile: 'cades' },
        signer: { certificate: new Uint8Array(certificate.raw), chain, algorithm },
      };
      return beside ? (await addSigner(beside, wanted, byKey)).cms : await createSignedData({ ...wanted, content }, byKey);
    },
  };
}

const ORDER = {
  ...{ holderName: 'Cecilia Öberg <Öbs&Co>', personalNumber: '198112189876', cardNumber: '9752000000000000102' },
  ...{
    hsaId: 'SE2321000016-BENCH3',
    validTo: '2030-01-01',
    documentKind: 'drivingLicence',
    documentNumber: '123',
    documentValidTo: '2030-01-01',
  },
};
const CARD = { profile: 'eid', serialNumber: 'BENCH-102' };

/** A journal of its own, in a folder of its own. */
export class SimulatedOffice implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'kortd-evidence-'));
  readonly journal = new Journal(join(this.folder, 'issuance.sqlite'));
  readonly ceremonies: Ceremonies;
  /** A second later at each look. */
  #now = Date.parse('2026-03-01T08:00:00Z');

  constructor() {
    this.ceremonies = new Ceremonies({
      ...{ journal: this.journal, routines: standardRoutines(), onChange: () => undefined },
      now: () => new Date((this.#now += 1_000)),
      monotonicMs: () => 0,
      isAdministrator: () => true,
    });
  }

  [Symbol.dispose](): void {
    this.journal[Symbol.dispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Moves the clock. */
  skipTo(time: string): void {
    this.#now = Date.parse(time);
  }

  /** The routine at the highest level: two administrators, a download, a receipt. Stops after so many steps. */
  async highest(steps = 6): Promise<Ceremony> {
    const { ceremonies } = this;
    let ceremony = ceremonies.start('reserve-card-loa3', { isProtected: false });
    const cecilia = simulatedPerson('cecilia');
    const taken: readonly (() => Promise<Ceremony> | Ceremony)[] = [
      () => ceremonies.record(ceremony.id, 'order', ORDER),
      () => this.#sign(ceremony, 'ordered', simulatedPerson('anna')),
      () => this.#sign(ceremony, 'reviewed', simulatedPerson('bjorn')),
      () => ceremonies.record(ceremony.id, 'terms', { accepted: 'yes' }),
      () => this.#download(ceremony, cecilia),
      async () => {
        await this.#sign(ceremony, 'receipt', cecilia);
        return this.#job(ceremony, [{ type: 'job.confirming' }, { type: 'job.confirmed' }]);
      },
    ];
    for (const take of taken.slice(0, steps)) ceremony = await take();
    return ceremony;
  }

  /** Two colleagues sign one statement; four messages; a paper receipt. */
  async vouched(): Promise<Ceremony> {
    const { ceremonies } = this;
    let ceremony = ceremonies.start('reserve-card-vouched', { isProtected: false });
    const { seen } = simulatedPerson('cecilia');
    ceremonies.requireStep(ceremony, 'card', 'readCard');
    ceremony = ceremonies.note(ceremony, { type: 'step.read', step: 'card', person: seen });
    ceremony = ceremonies.record(ceremony.id, 'person', {
      holderName: 'Cecilia Öberg',
      personalNumber: '198112189876',
      hsaId: 'SE2321000016-BENCH3',
    });
    ceremony = await this.#sign(ceremony, 'vouched', simulatedPerson('anna'));
    ceremony = await this.#sign(ceremony, 'vouchedAgain', simulatedPerson('bjorn'));
    return ceremonies.record(ceremony.id, 'receipt', { signedOn: '2026-03-01', archiveReference: 'Pärm 3' });
  }

  recordOf(ceremony: Ceremony): CeremonyRecord {
    const attachments = [{ name: 'picture.jpg', mediaType: 'image/jpeg', content: new Uint8Array([0xff, 0xd8, 0xff, 0xd9]) }];
    return { ceremony, entries: this.journal.entriesOf(ceremony.id), audit: auditRecords(ceremony), attachments };
  }

  async #sign(ceremony: Ceremony, id: string, by: SimulatedPerson): Promise<Ceremony> {
    const step = this.ceremonies.requireStep(ceremony, id, 'sign');
    this.ceremonies.requireParticipant(ceremony, step, by.seen);
    const statement = this.ceremonies.statementOf(ceremony, step, 'sv');
    const earlier = step.with === undefined ? undefined : ceremony.done.get(step.with)?.cms;
    const cms = await by.sign(statement, earlier === undefined ? undefined : Buffer.from(earlier, 'base64'));
    const signed = { person: by.seen, statement, cms: Buffer.from(cms).toString('base64') };
    return this.ceremonies.note(ceremony, { type: 'step.signed', step: id, ...signed });
  }

  #download(ceremony: Ceremony, { certificates }: SimulatedPerson): Ceremony {
    return this.#job(ceremony, [
      {
        ...{ type: 'job.begun', card: CARD, before: { keys: [], certificates: [] }, replaces: [] },
        places: [
          { keyReference: '1', usage: 'authentication', algorithm: 'RSA-2048' },
          { keyReference: '2', usage: 'signature', algorithm: 'RSA-2048' },
        ],
      },
      { type: 'certificates.accepted', certificates },
      { type: 'job.finished' },
    ]);
  }

  #job(ceremony: Ceremony, entries: readonly JobEntry[]): Ceremony {
    let next = this.ceremonies.get(ceremony.id);
    const step = next.routine.steps.find((one) => one.kind === 'enrol');
    if (!step) throw new Error('the routine has no download');
    for (const entry of entries) next = this.ceremonies.noteJob(next, step, entry);
    return next;
  }
}

function auditRecords({ startedAt }: Ceremony): readonly AuditRecord[] {
  const act = { callerKind: 'native', caller: 'bench', outcome: 'ok', cardSerial: CARD.serialNumber } as const;
  const first = chainRecord({ ...act, time: startedAt, method: 'issuance.writeCertificates' }, CHAIN_START);
  return [first, chainRecord({ ...act, time: startedAt, method: 'sign.cms' }, first)];
}
