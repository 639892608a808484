/** The authority of the bench, and what it is asked for: it issues by request, whoever asks. Needs no test runner. */
import { X509Certificate, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import type { Ceremony } from '../../api-spec/issuance.ts';
import type { DaemonOptions } from '../../daemon/daemon.ts';
import { benchAuthorities } from '../../drivers/simulated/cards/eid.ts';
import { issuePersonalCertificate } from '../../drivers/simulated/cards/eid/certificates.ts';
import type { CertificateName } from '../../drivers/simulated/certificate.ts';

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
} as const satisfies Pick<DaemonOptions, 'simulatedAdministrators' | 'simulatedAuthorities'>;

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

/** What the authority makes of a request, PEM or base64: PEM. */
export function issue(request: string, usage: 'authentication' | 'signature', options: IssueOptions = {}): string {
  const parsed = new Pkcs10CertificateRequest(request);
  const key = createPublicKey({ key: Buffer.from(parsed.publicKey.rawData), format: 'der', type: 'spki' });
  return issueTo(key, usage, { name: parsed.subjectName.getField('CN')[0] ?? '', ...options });
}

/** DER of both. The usage is told by the extension that it asks for: nonRepudiation is the second bit (RFC 5280, section 4.2.1.3). */
export function issueByUsage(request: Uint8Array, options: IssueOptions = {}): Uint8Array {
  const der = Buffer.from(request);
  const usage = /0603551d0f(?:0101ff)?040403020640/.test(der.toString('hex')) ? 'signature' : 'authentication';
  return new Uint8Array(new X509Certificate(issue(der.toString('base64'), usage, options)).raw);
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
