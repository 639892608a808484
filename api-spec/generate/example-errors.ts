/** An example of each error. */
import { ERRORS, type ErrorCode, type ErrorDefinition, type WireError } from '../errors.ts';
import { HIGHEST_API_VERSION, LOWEST_API_VERSION } from '../versions.ts';
import { LIMITS } from '../wire.ts';
import { EXAMPLE_CEREMONY_ID } from './example-issuance.ts';
import { EXAMPLE_TRACE_FILE } from './example-trace.ts';

/** One value for each placeholder of the error texts. */
const DETAILS: NonNullable<WireError['details']> = {
  algorithm: 'SHA-1',
  attemptsRemaining: 2,
  authority: 'office',
  cardNumber: '9752000000000000102',
  ceremony: EXAMPLE_CEREMONY_ID,
  codePoint: 'U+0141',
  due: '2026-03-02T08:27:30.118Z',
  expected: '9752000000000000102',
  file: EXAMPLE_TRACE_FILE,
  fingerprint: '2F6B1C0A5D3E4F7A9B8C7D6E5F4A3B2C1D0E9F8A7B6C5D4E3F2A1B0C9D8E7F6A',
  highest: HIGHEST_API_VERSION,
  holder: 'program 5f0c2a71 (renewing a certificate)',
  known: 'loa2, loa3',
  last: '2026-03-02T08:12:30.118Z',
  next: 'receipt',
  organisation: '2321000016',
  otherRole: 'operator',
  participant: 'secondOperator',
  reason: 'same_person',
  readers: 'Example Reader 00 00, Example Reader 01 00',
  role: 'secondOperator',
  rule: 'cards',
  incidentId: '0d3f6c1e-6f0b-4c57-9f4e-3f1f0f7c2a55',
  limit: LIMITS.callsPerReader.value,
  limitBytes: LIMITS.messageBytes.value,
  lowest: LOWEST_API_VERSION,
  page: 9,
  problem: 'params: card is missing',
  routine: 'reserve-card-loa3',
  scope: 'pin.direct',
  state: 'finished',
  statusWord: '6A80',
  timeoutMs: 30_000,
  usage: 'signature',
  validTo: '2026-03-01',
  version: 1,
  waitMs: 540_000,
  what: 'card',
};

/** What a call without a known method gets; with one, the method's own phrase stands for "The call". */
export function errorExample(code: ErrorCode): WireError {
  const { retry, en, sv }: ErrorDefinition = ERRORS[code];
  const names = [...en.happened.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const details = Object.fromEntries(names.map((name) => [name, DETAILS[name] ?? '?']));
  const fill = (text: string): string => text.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
  return {
    code,
    message: `calling: ${fill(en.happened).replace(/\.$/, '')}`,
    retry,
    en: `The call failed: ${fill(en.happened)} ${en.action}`,
    sv: `Anropet misslyckades: ${fill(sv.happened)} ${sv.action}`,
    ...(names.length > 0 ? { details } : {}),
  };
}
