/**
 * What front and core tell each other, beside what programs say: lines of JSON on the front's own socket. A connection there begins with one line, which makes it
 * the core's ("attach") or, from then on, the way of one program's calls to it ("claim").
 */

/** Longer than any line: some hundred slots. */
const MAX_LINE_BYTES = 65_536;
const MAX_SLOTS = 256;

/** A slot as a program sees it while no core is there: without a token. */
export interface KnownSlot {
  readonly id: number;
  readonly description: string;
}

export type ToFront =
  | { readonly kind: 'attach'; readonly version: string; readonly pid: number }
  /** With the key of a program that the core was told of. */
  | { readonly kind: 'claim'; readonly key: string }
  | { readonly kind: 'slots'; readonly slots: readonly KnownSlot[] }
  /** What the program sends is no message of the protocol: its connection is to end. */
  | { readonly kind: 'refuse'; readonly key: string }
  /** Another listens for programs now: this front ends with its last one. */
  | { readonly kind: 'retire' }
  /** The core ends, as somebody wanted. */
  | { readonly kind: 'bye' }
  | { readonly kind: 'pong' };

export type ToCore =
  | {
      readonly kind: 'front';
      readonly version: string;
      readonly isRetired: boolean;
      /** It gives answers again that are said to hold (rpc/lasting.ts). One of an earlier version does not. */
      readonly remembers: boolean;
    }
  | {
      readonly kind: 'program';
      readonly key: string;
      readonly pid: number | undefined;
      readonly uid: number | undefined;
      /** How many cores served it before. */
      readonly coresBefore: number;
    }
  /** No program has been there for long: the core may listen itself. */
  | { readonly kind: 'idle' }
  /** No program is there, or the core said goodbye and some are: it need not wait for the front to end. */
  | { readonly kind: 'staying' }
  | { readonly kind: 'problem'; readonly message: string }
  | { readonly kind: 'ping' };

export class FrontProtocolError extends Error {
  override readonly name = 'FrontProtocolError';
}

export function encodeLine(message: ToCore | ToFront): string {
  return `${JSON.stringify(message)}\n`;
}

/** Takes what comes in pieces of any size. */
export class LineReader {
  #rest = '';

  /** The lines that are whole. Throws FrontProtocolError. */
  push(piece: Uint8Array): readonly string[] {
    const lines = (this.#rest + Buffer.from(piece).toString('latin1')).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_BYTES || lines.some((line) => line.length > MAX_LINE_BYTES))
      throw new FrontProtocolError('reading a line: it is too long');
    return lines.map((line) => Buffer.from(line, 'latin1').toString());
  }
}

/** Throws FrontProtocolError. */
export function parseToFront(line: string): ToFront {
  const { kind, ...fields } = fieldsOf(line);
  switch (kind) {
    case 'attach':
      return { kind, version: text(fields['version']), pid: whole(fields['pid']) };
    case 'claim':
    case 'refuse':
      return { kind, key: text(fields['key']) };
    case 'slots':
      return { kind, slots: slotsOf(fields['slots']) };
    case 'retire':
    case 'bye':
    case 'pong':
      return { kind };
    default:
      throw new FrontProtocolError(`reading a line: ${JSON.stringify(kind)} is none that a core sends`);
  }
}

/** Throws FrontProtocolError. */
export function parseToCore(line: string): ToCore {
  const { kind, ...fields } = fieldsOf(line);
  switch (kind) {
    case 'front':
      return {
        kind,
        version: text(fields['version']),
        isRetired: fields['isRetired'] === true,
        remembers: fields['remembers'] === true,
      };
    case 'program':
      return {
        kind,
        key: text(fields['key']),
        pid: fields['pid'] === undefined ? undefined : whole(fields['pid']),
        uid: fields['uid'] === undefined ? undefined : whole(fields['uid']),
        coresBefore: whole(fields['coresBefore']),
      };
    case 'problem':
      return { kind, message: text(fields['message']) };
    case 'idle':
    case 'staying':
    case 'ping':
      return { kind };
    default:
      throw new FrontProtocolError(`reading a line: ${JSON.stringify(kind)} is none that a front sends`);
  }
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new FrontProtocolError('reading a line: it is no JSON', { cause: error });
  }
  return objectOf(value);
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new FrontProtocolError('reading a line: it is no object');
}

function slotsOf(value: unknown): readonly KnownSlot[] {
  if (!Array.isArray(value) || value.length > MAX_SLOTS)
    throw new FrontProtocolError('reading slots: they are none, or too many');
  return value.map((one: unknown) => {
    const { id, description } = objectOf(one);
    return { id: whole(id), description: text(description) };
  });
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new FrontProtocolError('reading a line: a text is missing');
}

function whole(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new FrontProtocolError('reading a line: a number is missing');
}
