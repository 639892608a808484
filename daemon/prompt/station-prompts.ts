/** What a station reads of kortd: its prompts, checked before a word of them is shown. */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { SCOPES, type Scope } from '../../api-spec/scopes.ts';
import { PromptProtocolError } from './errors.ts';
import { MAX_DOCUMENTS, MAX_NAME_LENGTH, MAX_STATEMENT_LENGTH, MAX_TEXT_LENGTH, type ToStation } from './station-messages.ts';

/** setTimeout has no longer one. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
const EXACT = { additionalProperties: false } as const;

const Text = Type.String({ maxLength: MAX_TEXT_LENGTH });
const PinLength = Type.Object(
  { min: Type.Integer({ minimum: 1, maximum: 255 }), max: Type.Integer({ minimum: 1, maximum: 255 }) },
  EXACT,
);
const Asker = Type.Object({ kind: Type.Enum(['origin', 'program']), name: Text }, EXACT);
const Documents = Type.Object(
  {
    names: Type.Array(Type.String({ maxLength: MAX_NAME_LENGTH }), { minItems: 1, maxItems: MAX_DOCUMENTS }),
    checksum: Text,
  },
  EXACT,
);
const ofCard = {
  asker: Asker,
  card: Text,
  task: Type.Optional(Type.Object({ en: Text, sv: Text }, EXACT)),
  purpose: Type.Optional(Text),
  pinLabel: Type.Optional(Text),
  statement: Type.Optional(Type.String({ maxLength: MAX_STATEMENT_LENGTH })),
  triesLeft: Type.Optional(Type.Integer({ minimum: 1 })),
  documents: Type.Optional(Documents),
};
const PromptSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('pin'),
      ...ofCard,
      action: Type.Enum(['verify', 'change', 'unblock']),
      pinLength: PinLength,
      pukLength: Type.Optional(PinLength),
    },
    EXACT,
  ),
  Type.Object({ kind: Type.Literal('lastTry'), ...ofCard, entry: Type.Enum(['pin', 'puk']) }, EXACT),
  Type.Object({ kind: Type.Literal('documents'), ...ofCard, documents: Documents, keypadFollows: Type.Boolean() }, EXACT),
  Type.Object(
    {
      kind: Type.Literal('consent'),
      asker: Asker,
      scopes: Type.Array(Type.Enum(Object.keys(SCOPES) as Scope[]), { minItems: 1, maxItems: Object.keys(SCOPES).length }),
      reason: Type.Optional(Text),
      code: Text,
    },
    EXACT,
  ),
]);

const id = Type.Integer({ minimum: 0, maximum: 0xffff_ffff });
const timeoutMs = Type.Integer({ minimum: 1, maximum: MAX_TIMEOUT_MS });
const validator = Compile(
  Type.Union([
    Type.Object({ type: Type.Literal('prompt'), id, timeoutMs, prompt: PromptSchema }, EXACT),
    Type.Object({ type: Type.Literal('withdraw'), id }, EXACT),
  ]),
);

/** Throws PromptProtocolError, which quotes nothing of the text. */
export function parseToStation(text: string): ToStation {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new PromptProtocolError('reading a message of kortd: not JSON');
  }
  if (!validator.Check(message)) throw new PromptProtocolError('reading a message of kortd: it has not the form of one');
  return message;
}
