/**
 * What kind of certificate is asked for: level of assurance and how long it is valid. Issuers are named as those of SITHS e-id are, one for each level and
 * kind of number; how long real certificates are valid is not public, and the days are invented.
 */
import { AuthorityError } from './errors.ts';

export interface CertificateProfile {
  readonly name: string;
  /** As the scenario's `assuranceLevels` call it. */
  readonly assuranceLevel: string;
  readonly days: number;
  /** Names of the authorities that issue: under an HSA-id, under a personal identity number. */
  readonly issuers: { readonly hsaId: string; readonly personalNumber: string };
}

const LEVEL_2 = {
  assuranceLevel: 'LoA2',
  issuers: { hsaId: 'BENCH e-id Person HSA-id 2 CA v1', personalNumber: 'BENCH e-id Person ID 2 CA v1' },
} as const;
const LEVEL_3 = {
  assuranceLevel: 'LoA3',
  issuers: { hsaId: 'BENCH e-id Person HSA-id 3 CA v1', personalNumber: 'BENCH e-id Person ID 3 CA v1' },
} as const;

export const CERTIFICATE_PROFILES: readonly CertificateProfile[] = [
  { name: 'loa3', days: 1826, ...LEVEL_3 },
  { name: 'loa2', days: 1826, ...LEVEL_2 },
  { name: 'reserve', days: 180, ...LEVEL_3 },
  { name: 'reserve-loa2', days: 180, ...LEVEL_2 },
];

/** Unless another is asked for. */
export const DEFAULT_PROFILE = 'loa3';

export const DAY_MS = 86_400_000;
const MAX_DAYS = 3_653;

/** "loa2", or "reserve-30" with its own days: as EST labels say it. Throws AuthorityError (profile_unknown, input_invalid). */
export function parseLabel(label: string): { readonly profile: CertificateProfile; readonly days?: number } {
  const named = CERTIFICATE_PROFILES.find(({ name }) => name === label);
  if (named) return { profile: named };
  const { name, days } = /^(?<name>[a-z0-9-]+)-(?<days>\d{1,4})$/.exec(label)?.groups ?? {};
  if (name === undefined || days === undefined) throw unknown(label);
  return { profile: findProfile(name), days: requireDays(Number(days)) };
}

export function findProfile(name: string): CertificateProfile {
  const profile = CERTIFICATE_PROFILES.find((one) => one.name === name);
  if (!profile) throw unknown(name);
  return profile;
}

export function requireDays(days: number): number {
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new AuthorityError('input_invalid', `choosing the validity: days is a number from 1 to ${MAX_DAYS}`);
}

function unknown(name: string): AuthorityError {
  const names = CERTIFICATE_PROFILES.map((profile) => profile.name).join(', ');
  return new AuthorityError('profile_unknown', `choosing a profile: there is no ${JSON.stringify(name)} (there is: ${names})`);
}
