/** The people whose cards come with the simulator, and the authorities that issued them; `make-personas.ts` made the file. */
import Type from 'typebox';
import { parseBase64 } from '../../bytes.ts';
import { SimulationFileError } from '../../errors.ts';
import { check } from '../../schema.ts';
import file from './personas.json' with { type: 'json' };
import { eidCardDescriptionSchema } from './schema.ts';
import type { EidCardDescription } from './state.ts';

/** A test key: everybody has it. */
export interface BenchAuthority {
  readonly name: string;
  /** X.509, DER. */
  readonly certificate: Uint8Array;
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array;
}

export const PERSONA_NAMES: readonly string[] = Object.keys(file.cards);

const cards = new Map<string, EidCardDescription>();

/** The description with what its persona stands for filled in. Throws SimulationFileError for a persona that there is not. */
export function describePersona(description: EidCardDescription): EidCardDescription {
  const { persona, ...own } = description;
  if (persona === undefined) return own;
  if (cards.size === 0) readCards();
  const card = cards.get(persona);
  if (!card) throw new SimulationFileError(`persona: there is no ${persona}`, { field: 'persona' });
  return { ...card, ...own };
}

function readCards(): void {
  const schema = Type.Record(Type.String(), eidCardDescriptionSchema([]));
  for (const [name, card] of Object.entries(check(schema, file.cards))) cards.set(name, card as EidCardDescription);
}

/** The root first. */
export function benchAuthorities(): readonly BenchAuthority[] {
  return file.authorities.map(({ name, certificate, privateKey }) => ({
    name,
    certificate: parseBase64(certificate),
    privateKey: parseBase64(privateKey),
  }));
}
