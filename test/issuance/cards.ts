/** Cards with certificates of the office's holder, made for one test: of any length of validity, with empty places beside them or without. */
import { createPrivateKey } from 'node:crypto';
import { benchAuthorities, describePersonalCard, type EidCardDescription } from '../../drivers/simulated/cards/eid.ts';
import type { CertificateName } from '../../drivers/simulated/certificate.ts';
import type { Ceremony } from '../../api-spec/issuance.ts';
import { resultOf } from '../api/support.ts';
import { RESERVE_NUMBER, type Office } from './office.ts';

export const DAY_MS = 86_400_000;
const AUTHORITY = 'BENCH e-id Person HSA-id 3 CA v1';

export interface HeldCard {
  /** Of its certificates, which began a day ago. */
  readonly days?: number;
  readonly hsaId?: string;
  readonly cardNumber?: string;
  readonly spareKeys?: 'P-256';
  readonly policy?: string;
}

/** With an e-ID in its first two places. */
export function heldCard(options: HeldCard = {}): EidCardDescription {
  const { days = 365, hsaId = 'SE2321000016-BENCH3', cardNumber = RESERVE_NUMBER, policy = '2.999.752.3' } = options;
  const issuer = benchAuthorities().find(({ name }) => name === AUTHORITY);
  if (!issuer) throw new Error(`there is no ${AUTHORITY}`);
  const name: CertificateName = [
    ['C', 'SE'],
    ['O', 'BENCH kortd'],
    ['CN', AUTHORITY],
  ];
  const notBefore = new Date(Date.now() - DAY_MS);
  return describePersonalCard({
    ...{ cardNumber, policies: [policy], notBefore, notAfter: new Date(notBefore.getTime() + days * DAY_MS) },
    person: { givenName: 'Cecilia', surname: 'Öberg', identifier: hsaId },
    authority: { name, key: createPrivateKey({ key: Buffer.from(issuer.privateKey), format: 'der', type: 'pkcs8' }) },
    authorityCertificates: [],
    algorithms: { legitimering: 'P-256', underskrift: 'P-256' },
    card: { profile: 'plain', ...(options.spareKeys === undefined ? {} : { spareKeys: options.spareKeys }) },
  });
}

/** Fingerprints of the certificates that the holder's card has now for its keys, by key reference. */
export async function fingerprintsOn({ api }: Office): Promise<ReadonlyMap<string, string>> {
  const { keys, certificates } = resultOf(await api.call('card.read', { card: { role: 'holder' }, refresh: true }));
  const own = certificates.filter((one) => keys.some(({ keyReference }) => keyReference === one.keyReference));
  return new Map(own.map(({ keyReference, parsed }) => [keyReference, parsed?.fingerprint ?? '']));
}

export async function startRoutine({ api }: Office, routine: string): Promise<Ceremony> {
  return resultOf(await api.call('issuance.start', { routine }));
}
