/**
 * A card office at a bench: four readers, two administrators with e-ID cards, a holder with a blank reserve card, and an authority that issues by request. People and
 * keys are those that come with the simulator.
 */
import { X509Certificate, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import type { Ceremony } from '../../api-spec/issuance.ts';
import {
  createEidCard,
  benchAuthorities,
  type EidCardDescription,
  type SimulatedEidCard,
} from '../../drivers/simulated/cards/eid.ts';
import type { CertificateName } from '../../drivers/simulated/certificate.ts';
import { issuePersonalCertificate } from '../../drivers/simulated/cards/eid/certificates.ts';
import { TestStation } from '../prompts/station.ts';
import { WatchedCard, openBench, resultOf, type Bench, type BenchOptions, type RpcSocket } from '../api/support.ts';

export type OfficeCard = WatchedCard<SimulatedEidCard>;
export const READERS = ['operator', 'secondOperator', 'holder', 'colleague'] as const;
export type OfficeReader = (typeof READERS)[number];

export const PINS = { legitimering: '471100', underskrift: '471101', puk: '47114711' };
export const RESERVE_NUMBER = '9752000000000000102';
export const HOLDER = { name: 'Cecilia Öberg', hsaId: 'SE2321000016-BENCH3', personalNumber: '198112189876' };
const AUTHORITY = 'BENCH e-id Person HSA-id 3 CA v1';
const LOA3 = '2.999.752.3';
const DAY_MS = 86_400_000;

/** Whom the office trusts, and who its administrators are. */
export const OFFICE_RULES = {
  simulatedAuthorities: {
    authorities: benchAuthorities(),
    assuranceLevels: [
      { policy: '2.999.752.2', level: 'LoA2' },
      { policy: LOA3, level: 'LoA3' },
    ],
  },
  simulatedAdministrators: ['SE2321000016-BENCH1', 'SE2321000016-BENCH2'],
} as const satisfies BenchOptions;

export interface Office extends AsyncDisposable {
  readonly bench: Bench;
  readonly api: RpcSocket;
  readonly station: TestStation;
  readonly cards: Readonly<Record<'anna' | 'bjorn' | 'cecilia' | 'reserve', OfficeCard>>;
  put(card: OfficeCard, reader: OfficeReader): Promise<string>;
  take(reader: OfficeReader): void;
  /** Moves the clock of issuance. */
  readonly clock: { now: Date };
}

export interface OfficeOptions extends Pick<BenchOptions, 'dataFolder' | 'policy' | 'log'> {
  readonly reserve?: EidCardDescription;
  /** No card is in a reader. */
  readonly isEmpty?: boolean;
}

export async function openOffice(options: OfficeOptions = {}): Promise<Office> {
  await using undo = new AsyncDisposableStack();
  const clock = { now: new Date() };
  const roles = Object.fromEntries(READERS.map((role) => [role, { reader: { serialNumber: `OFFICE-${role}` } }]));
  const bench = undo.use(
    await openBench({
      ...options,
      readers: READERS.map((role) => ({ name: `Office ${role} 00 00`, serialNumber: `OFFICE-${role}` })),
      policy: { roles, ...options.policy },
      ...OFFICE_RULES,
      now: () => clock.now,
    }),
  );
  const make = (description: EidCardDescription): OfficeCard => new WatchedCard(createEidCard({ pins: PINS, ...description }));
  const cards = {
    anna: make({ persona: 'anna', profile: 'myeid' }),
    bjorn: make({ persona: 'bjorn' }),
    cecilia: make({ persona: 'cecilia' }),
    reserve: make({ profile: 'plain', cardNumber: RESERVE_NUMBER, preparedKeys: 'P-256', ...options.reserve }),
  };
  const station = undo.use(await TestStation.open(bench));
  const api = await bench.socket();
  const put = (card: OfficeCard, reader: OfficeReader): Promise<string> => bench.insert(card, READERS.indexOf(reader));
  if (!options.isEmpty) {
    await put(cards.anna, 'operator');
    await put(cards.bjorn, 'secondOperator');
    await put(cards.reserve, 'holder');
  }
  const resources = undo.move();
  return {
    ...{ bench, api, station, cards, put, clock },
    take: (reader) => bench.reader(READERS.indexOf(reader)).remove(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

export interface IssueOptions {
  /** By a key that is not the authority's. */
  readonly isForged?: boolean;
  readonly name?: string;
  readonly validFrom?: Date;
  readonly validTo?: Date;
  readonly now?: Date;
  readonly hsaId?: string;
  readonly cardNumber?: string;
  readonly policies?: readonly string[];
  readonly authority?: string;
}

/** What the authority makes of a request: PEM. The usage is in the request. */
export function issue(request: string, usage: 'authentication' | 'signature', options: IssueOptions = {}): string {
  const parsed = new Pkcs10CertificateRequest(request);
  const key = createPublicKey({ key: Buffer.from(parsed.publicKey.rawData), format: 'der', type: 'spki' });
  return issueTo(key, usage, { name: parsed.subjectName.getField('CN')[0] ?? '', ...options });
}

/** PEM. */
export function issueTo(publicKey: KeyObject, usage: 'authentication' | 'signature', options: IssueOptions = {}): string {
  const { now = new Date(), authority = AUTHORITY } = options;
  const issuer = benchAuthorities().find(({ name }) => name === authority);
  if (!issuer) throw new Error(`there is no ${authority}`);
  const [givenName = '', surname = ''] = (options.name ?? HOLDER.name).split(' ');
  const der = issuePersonalCertificate({
    person: { givenName, surname, identifier: options.hsaId ?? HOLDER.hsaId },
    use: usage === 'signature' ? 'underskrift' : 'legitimering',
    publicKey,
    cardNumber: options.cardNumber ?? RESERVE_NUMBER,
    policies: options.policies ?? [LOA3],
    authority: {
      name: nameOf(authority),
      key: options.isForged
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
        : createPrivateKey({ key: Buffer.from(issuer.privateKey), format: 'der', type: 'pkcs8' }),
    },
    notBefore: options.validFrom ?? new Date(now.getTime() - 60_000),
    notAfter: options.validTo ?? new Date(now.getTime() + 30 * DAY_MS),
  });
  return new X509Certificate(der).toString();
}

function nameOf(commonName: string): CertificateName {
  return [
    ['C', 'SE'],
    ['O', 'BENCH kortd'],
    ['CN', commonName],
  ];
}

export function stepOf(ceremony: Ceremony, step: string): Ceremony['steps'][number] {
  const found = ceremony.steps.find((one) => one.step === step);
  if (!found) throw new Error(`there is no step ${step}`);
  return found;
}

/** Certificates for all requests of the job. */
export function issueAll(ceremony: Ceremony, step: string, options: IssueOptions = {}): readonly string[] {
  return (stepOf(ceremony, step).job?.keys ?? []).map(({ request = '', usage }) => issue(request, usage, options));
}

export function orderFields(now: Date): Readonly<Record<string, string>> {
  const inDays = (days: number): string => new Date(now.getTime() + days * DAY_MS).toISOString().slice(0, 10);
  return {
    holderName: HOLDER.name,
    personalNumber: HOLDER.personalNumber,
    hsaId: HOLDER.hsaId,
    cardNumber: RESERVE_NUMBER,
    validTo: inDays(60),
    documentKind: 'drivingLicence',
    documentNumber: 'SE-774411',
    documentValidTo: inDays(1_000),
  };
}

/** PINs are given in the call, as a native program may. */
export async function orderReserveCard({ api, clock }: Office, fields: Readonly<Record<string, string>> = {}): Promise<Ceremony> {
  const { ceremony } = resultOf(await api.call('issuance.start', { routine: 'reserve-card-loa3' }));
  resultOf(await api.call('issuance.record', { ceremony, step: 'order', fields: { ...orderFields(clock.now), ...fields } }));
  const sign = { ceremony, language: 'sv', pin: PINS.underskrift } as const;
  resultOf(await api.call('issuance.sign', { ...sign, step: 'ordered' }));
  resultOf(await api.call('issuance.sign', { ...sign, step: 'reviewed' }));
  return resultOf(await api.call('issuance.record', { ceremony, step: 'terms', fields: { accepted: 'yes' } }));
}

/** Keys, requests, certificates: everything but the receipt. */
export async function downloadReserveCard(office: Office, { ceremony }: Ceremony): Promise<Ceremony> {
  const { api } = office;
  resultOf(await api.call('issuance.enrol', { ceremony, step: 'download', pin: PINS.legitimering }));
  const requested = resultOf(await api.call('issuance.resume', { ceremony, pin: PINS.underskrift }));
  const certificates = [...issueAll(requested, 'download', { now: office.clock.now })];
  return resultOf(await api.call('issuance.writeCertificates', { ceremony, certificates, pin: PINS.legitimering }));
}
