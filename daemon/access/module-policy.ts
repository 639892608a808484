/** Vendors' modules in the administrator's policy: which file, by its hash, and the cards that are used through it. */
import { isAbsolute } from 'node:path';
import Type, { type Static } from 'typebox';
import { parseHex } from '../../apdu/bytes.ts';
import type { CardPattern, ModuleConfiguration } from '../../drivers/pkcs11/configuration.ts';

const MAX_MODULES = 16;
const Hex = Type.String({ pattern: '^(?:[0-9A-Fa-f]{2}){2,33}$' });

const Entry = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }),
    path: Type.String({ minLength: 1, maxLength: 4_096 }),
    sha256: Type.String({ pattern: '^[0-9A-Fa-f]{64}$' }),
    cards: Type.Optional(
      Type.Array(Type.Object({ atr: Hex, mask: Type.Optional(Hex) }, { additionalProperties: false }), { maxItems: 100 }),
    ),
    environment: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,63}$' }), Type.String({ maxLength: 4_096 })),
    ),
  },
  { additionalProperties: false },
);

export const ModuleEntries = Type.Array(Entry, { maxItems: MAX_MODULES });
export type ModuleEntry = Static<typeof Entry>;

/** Settings of Node would change the process that the module runs in, not the module. */
const FORBIDDEN_VARIABLE = /^NODE_/;

/** Throws Error for what the schema cannot tell. What is in the file is looked at when it is loaded. */
export function parseModules(entries: readonly ModuleEntry[]): readonly ModuleConfiguration[] {
  const names = new Set<string>();
  return entries.map(({ name, path, sha256, cards, environment }) => {
    if (names.has(name)) throw new Error(`module ${name} is named twice`);
    names.add(name);
    if (!isAbsolute(path)) throw new Error(`module ${name}: ${path} is no absolute path`);
    const forbidden = Object.keys(environment ?? {}).find((variable) => FORBIDDEN_VARIABLE.test(variable));
    if (forbidden !== undefined) throw new Error(`module ${name}: ${forbidden} cannot be set for it`);
    return {
      name,
      path,
      sha256: sha256.toLowerCase(),
      ...(cards ? { cards: cards.map((card) => parsePattern(name, card)) } : {}),
      ...(environment ? { environment } : {}),
    };
  });
}

function parsePattern(name: string, { atr, mask }: { readonly atr: string; readonly mask?: string | undefined }): CardPattern {
  if (mask !== undefined && mask.length !== atr.length) throw new Error(`module ${name}: the mask of ${atr} has another length`);
  return { atr: parseHex(atr), ...(mask === undefined ? {} : { mask: parseHex(mask) }) };
}
