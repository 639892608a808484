/** A session at a desk, to be recorded: three kinds of card are read and used, with PINs from a person and from a program. */
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../api-spec/client/client.ts';
import { parseTrace } from '../../daemon/trace/text.ts';
import type { Trace } from '../../daemon/trace/entry.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { GOOD_READING } from '../api/passport-provocations.ts';
import { makeCard } from '../api/provocation.ts';
import { certificateFor } from '../api/support.ts';
import type { TestStation } from '../prompts/station.ts';

export const PIV_PIN = '730915';
export const PIV_PUK = '48261057';
export const NEW_PIV_PIN = '20684917';
export const MANAGEMENT_KEY = '3f81c2d4a596e7087b1d2f4c5a6938e1d0c7b8a99586f3e2';
const SERIAL_NUMBER = 18_273_645;
export const EID_PIN = '591837';
export const NEW_EID_PIN = '408276';
const digest = Buffer.alloc(32, 9).toString('base64');

export function pivCard(): SimulatedCard {
  return makeCard({
    ...{ pin: PIV_PIN, puk: PIV_PUK, serialNumber: SERIAL_NUMBER },
    managementKey: { algorithm: 'AES-192', key: MANAGEMENT_KEY },
  });
}

export function eidCard(): SimulatedCard {
  return createEidCard({ persona: 'cecilia', pins: { legitimering: EID_PIN } });
}

/** What is on the cards and of a person, or of one card alone; and what was typed. */
export const PRIVATE_TEXTS: readonly string[] = [
  ...[PIV_PIN, PIV_PUK, NEW_PIV_PIN, EID_PIN, NEW_EID_PIN],
  ...['Cecilia', 'Öberg', 'ÖBERG', 'Lindqvist', 'LINDQVIST', 'Anna Maria', '198502149801', '850214', '1985', 'XA1200011'],
  ...['SE2321000016', '9752000000000000037', String(SERIAL_NUMBER)],
];
/** As the card gives it. */
export const SERIAL_BYTES = SERIAL_NUMBER.toString(16).padStart(8, '0');
const PRIVATE_BYTES: readonly string[] = [MANAGEMENT_KEY, SERIAL_BYTES];

/** Each as text, as bytes in hexadecimal in three alphabets, as packed digits, and as the block of ISO 9564-1 format 2. */
export function findPrivate(text: string): readonly string[] {
  const upper = text.toUpperCase();
  const hex = (value: string, encoding: BufferEncoding): string => Buffer.from(value, encoding).toString('hex').toUpperCase();
  const forms = PRIVATE_TEXTS.flatMap((value) => [
    [value, value.toUpperCase()] as const,
    [value, hex(value, 'utf8')] as const,
    [value, hex(value, 'latin1')] as const,
    [value, hex(value, 'utf16le')] as const,
    ...(/^\d+$/.test(value) ? [[value, `2${value.length.toString(16)}${value}`.toUpperCase()] as const] : []),
  ]);
  const bytes = PRIVATE_BYTES.map((value) => [value, value.toUpperCase()] as const);
  return [...forms, ...bytes].filter(([, form]) => upper.includes(form)).map(([value]) => value);
}

/** Cards are read anew: what is remembered of them holds for seconds, on which no trace here may depend. */
export interface SessionCall {
  readonly client: Pick<Client, 'call'>;
  /** Where prompts are answered. */
  readonly station: TestStation;
}

/** Everything with a PIV card: a person types its PIN, a program hands over its PUK and management key. */
export async function usePivCard({ client, station }: SessionCall, card: string): Promise<void> {
  await client.call('card.read', { card, refresh: true });
  const answered = client.call('sign.digest', { card, keyReference: '9A', algorithm: 'ES256', digest });
  station.type((await station.prompt()).id, { pin: PIV_PIN });
  await answered;
  await client.call('pin.unblock', { card, puk: PIV_PUK, newPin: NEW_PIV_PIN });
  const { key } = await client.call('key.generate', {
    ...{ card, keyReference: '9C', algorithm: 'P-256', managementKey: MANAGEMENT_KEY },
  });
  const spki = Buffer.from(key.publicKey ?? '', 'base64');
  await client.call('certificate.write', {
    ...{ card, keyReference: '9C', managementKey: MANAGEMENT_KEY },
    certificate: certificateFor(createPublicKey({ key: spki, format: 'der', type: 'spki' }), {
      ...{ name: 'Cecilia Öberg', hsaId: 'SE2321000016-TRACE' },
    }),
  });
}

/** The PIN of a Swedish card, changed by the person; a signature with the new one. */
export async function useEidCard({ client, station }: SessionCall, card: string): Promise<void> {
  await client.call('card.read', { card, refresh: true });
  const changed = client.call('pin.change', { card });
  station.type((await station.prompt()).id, { pin: EID_PIN, newPin: NEW_EID_PIN });
  await changed;
  const answered = client.call('sign.digest', { card, keyReference: '45', algorithm: 'RS256', digest });
  station.type((await station.prompt()).id, { pin: NEW_EID_PIN });
  await answered;
}

export async function readPassport({ client }: Pick<SessionCall, 'client'>, card: string): Promise<void> {
  await client.call('passport.read', { card, ...GOOD_READING });
}

/** The trace that was ended last. */
export async function stopTrace(
  client: Pick<Client, 'call'>,
  dataFolder: string,
): Promise<{ text: string; trace: Trace; path: string }> {
  const { file } = await client.call('trace.stop');
  const path = join(dataFolder, 'traces', file);
  const text = readFileSync(path, 'utf8');
  return { text, trace: parseTrace(text), path };
}
