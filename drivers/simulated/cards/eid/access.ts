/** Who may do what with a file, and how that is written in it: compact security attributes (ISO/IEC 7816-4:2020, section 9.3.3). */

/** A number is the reference of the PIN that must be verified. */
export type Condition = 'always' | 'never' | number;

export interface Access {
  /** EF: READ BINARY. DF: DELETE FILE of what is in it. */
  readonly read: Condition;
  /** EF: UPDATE BINARY, and GENERATE for a key. DF: CREATE FILE in it. */
  readonly update: Condition;
  /** DELETE FILE of the file itself. */
  readonly remove: Condition;
}

/** Bits of the access mode byte, and the order in which their conditions follow (tables 34 and 35). */
const MODE_REMOVE = 0x40;
const MODE_UPDATE = 0x02;
const MODE_READ = 0x01;
/** Bits that this card has no commands for: terminate, activate, deactivate, write; in the same order. */
const UNUSED_MODES = [0x20, 0x10, 0x08, 0x04] as const;
/** Security condition byte (table 37): b5 is user authentication, b4 to b1 the environment that names the PIN: on this card, PIN n in environment n. */
const ALWAYS = 0x00;
const NEVER = 0xff;
const USER_AUTHENTICATION = 0x10;
const ENVIRONMENT = 0x0f;

export function encodeAccess(access: Access): Uint8Array {
  const mode = MODE_REMOVE | MODE_UPDATE | MODE_READ;
  return Uint8Array.of(mode, ...[access.remove, access.update, access.read].map(encodeCondition));
}

function encodeCondition(condition: Condition): number {
  if (condition === 'always') return ALWAYS;
  return condition === 'never' ? NEVER : USER_AUTHENTICATION | (condition & ENVIRONMENT);
}

/** What is not named is never allowed. Undefined for bytes that are no such attributes, or that name a PIN that the card has not. */
export function decodeAccess(bytes: Uint8Array, pins: Iterable<number>): Access | undefined {
  const [mode, ...rest] = bytes;
  if (mode === undefined || mode & 0x80) return undefined;
  const references = [...pins];
  const found = new Map<number, Condition>();
  let index = 0;
  for (const bit of [MODE_REMOVE, ...UNUSED_MODES, MODE_UPDATE, MODE_READ]) {
    if ((mode & bit) === 0) continue;
    const condition = decodeCondition(rest[index++], references);
    if (condition === undefined) return undefined;
    found.set(bit, condition);
  }
  if (index !== rest.length) return undefined;
  const of = (bit: number): Condition => found.get(bit) ?? 'never';
  return { read: of(MODE_READ), update: of(MODE_UPDATE), remove: of(MODE_REMOVE) };
}

function decodeCondition(byte: number | undefined, references: readonly number[]): Condition | undefined {
  if (byte === ALWAYS) return 'always';
  if (byte === NEVER) return 'never';
  if (byte === undefined || (byte & 0xf0) !== USER_AUTHENTICATION) return undefined;
  return references.find((reference) => (reference & ENVIRONMENT) === (byte & ENVIRONMENT));
}
