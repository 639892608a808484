/**
 * The messages between kortd and a place where a person can answer (the agent, the console page), over one WebSocket. Prompts and answers are JSON
 * texts. What was typed comes in a binary message, so that it never is a string on our side: 4 bytes number of the prompt, then for each entry one byte
 * for its name (index in ENTRY_NAMES), one byte length, and the bytes in UTF-8.
 */
import { Buffer } from 'node:buffer';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { Secret } from '../../apdu/secret.ts';
import { ENTRY_NAMES, EnteredPins } from './entered-pins.ts';
import { PromptProtocolError } from './errors.ts';
import { offHeapBytes } from './off-heap.ts';
import type { Asker, Prompt } from './prompt.ts';

/** Of the WebSocket, on the daemon's Unix socket. */
export const PROMPTS_PATH = '/v1/prompts';
/** Subprotocol of the WebSocket. */
export const STATION_SUBPROTOCOL = 'kortd.prompt.v1';
/** Longest message of a station: three entries of 255 bytes, or a short answer. */
export const STATION_MESSAGE_BYTES = 1_024;
/**
 * Longest message to a station: four texts of MAX_TEXT_LENGTH and a statement, each character as an escape of 6 bytes, and the rest; and names of documents, which came in
 * one message of 262,144 bytes (daemon/api/limits.ts) and are no longer here.
 */
export const PROMPT_MESSAGE_BYTES = 98_304 + 262_144;
/** Characters of a text in a prompt. A dialog shows fewer, and a huge one must not cost the station its connection. */
export const MAX_TEXT_LENGTH = 1_000;
/** Of what is signed word for word: more than a routine's statements have (api-spec/routine.ts: 4,000, and what is filled in). */
export const MAX_STATEMENT_LENGTH = 8_000;
/** Of a list of documents, and characters of each name: as many as sign.batch takes. */
export const MAX_DOCUMENTS = 1_000;
export const MAX_NAME_LENGTH = 120;
/** Characters of a problem: STATION_MESSAGE_BYTES holds them whatever they are. */
export const MAX_PROBLEM_LENGTH = 200;

const ID_BYTES = 4;
const MAX_ENTRY_BYTES = 255;

/** To the station. `withdraw`: whoever asked is gone; take the dialog away. */
export type ToStation =
  | { readonly type: 'prompt'; readonly id: number; readonly timeoutMs: number; readonly prompt: Prompt }
  | { readonly type: 'withdraw'; readonly id: number };

const OUTCOMES = ['approved', 'cancelled', 'failed', 'no_entry', 'timed_out'] as const;
const Answer = Type.Object(
  {
    type: Type.Literal('answer'),
    id: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
    /** `approved` answers what asks for nothing to be typed; `failed`: no dialog could be shown; `no_entry`: nothing usable was typed, time and again. */
    outcome: Type.Enum(OUTCOMES),
    problem: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
);
export type StationAnswer = Static<typeof Answer>;

const validator = Compile(Answer);

/** Throws PromptProtocolError. The problem comes without characters that could rearrange a log or a terminal. */
export function parseAnswer(text: string): StationAnswer {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which a station in disorder may have put anything into.
    throw new PromptProtocolError('reading an answer: not JSON');
  }
  if (!validator.Check(message)) throw new PromptProtocolError('reading an answer: it has not the form of one');
  return message.problem === undefined ? message : { ...message, problem: plain(message.problem) };
}

/** One line of text, and no longer than every station can send and every side will take. */
export function encodeAnswer(answer: Omit<StationAnswer, 'type'>): string {
  const problem = answer.problem === undefined ? {} : { problem: plain(answer.problem) };
  return JSON.stringify({ type: 'answer', ...answer, ...problem });
}

/** Texts are cut to what a station takes; of who asks the end is kept, which tells whose a host name is. */
export function encodeToStation(message: ToStation): string {
  return JSON.stringify(message.type === 'prompt' ? { ...message, prompt: cutTexts(message.prompt) } : message);
}

/** The bytes hold the secrets: whoever sent them wipes them. Throws RangeError for an entry of more than 255 bytes. */
export function encodeEntries(id: number, pins: EnteredPins): Buffer {
  const entries = [...pins.secrets];
  if (entries.some(([, { lengthBytes }]) => lengthBytes > MAX_ENTRY_BYTES))
    throw new RangeError(`encoding entries: one of them has more than ${MAX_ENTRY_BYTES} bytes`);
  const length = entries.reduce((sum, [, secret]) => sum + 2 + secret.lengthBytes, ID_BYTES);
  const message = Buffer.from(offHeapBytes(length).buffer);
  let offset = message.writeUInt32BE(id);
  for (const [name, secret] of entries) {
    offset = message.writeUInt8(ENTRY_NAMES.indexOf(name), offset);
    offset = message.writeUInt8(secret.lengthBytes, offset);
    secret.use((bytes) => message.set(bytes, offset));
    offset += secret.lengthBytes;
  }
  return message;
}

/** Wipes the message, whatever comes of it. Throws PromptProtocolError. */
export function takeEntries(message: Uint8Array): { readonly id: number; readonly pins: EnteredPins } {
  const pins = new EnteredPins();
  try {
    if (message.length < ID_BYTES) throw malformed();
    let offset = ID_BYTES;
    while (offset < message.length) {
      const name = ENTRY_NAMES[message[offset] ?? -1];
      const length = message[offset + 1] ?? 0;
      const end = offset + 2 + length;
      if (name === undefined || length === 0 || end > message.length || pins.secrets.has(name)) throw malformed();
      const own = offHeapBytes(length);
      own.set(message.subarray(offset + 2, end));
      pins.add(name, Secret.take(own));
      offset = end;
    }
    return { id: new DataView(message.buffer, message.byteOffset).getUint32(0), pins };
  } catch (error) {
    pins[Symbol.dispose]();
    throw error;
  } finally {
    message.fill(0);
  }
}

function malformed(): PromptProtocolError {
  return new PromptProtocolError('reading entries: they have not the form of any');
}

function plain(text: string): string {
  const clean = text.toWellFormed().replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ');
  return Array.from(clean).slice(0, MAX_PROBLEM_LENGTH).join('');
}

function cutTexts(prompt: Prompt): Prompt {
  const asker = cutName(prompt.asker);
  if (prompt.kind !== 'consent') {
    const purpose = prompt.purpose === undefined ? {} : { purpose: cut(prompt.purpose) };
    const { documents } = prompt;
    const list = documents === undefined ? {} : { documents: { ...documents, names: documents.names.map(cutDocumentName) } };
    const pin = prompt.pinLabel === undefined ? {} : { pinLabel: cut(prompt.pinLabel) };
    const statement = prompt.statement === undefined ? {} : { statement: prompt.statement.slice(0, MAX_STATEMENT_LENGTH) };
    return { ...prompt, asker, card: cut(prompt.card), ...purpose, ...pin, ...statement, ...list };
  }
  const reason = prompt.reason === undefined ? {} : { reason: cut(prompt.reason) };
  return { ...prompt, asker, code: cut(prompt.code), ...reason };
}

function cut(text: string): string {
  return text.slice(0, MAX_TEXT_LENGTH);
}

function cutDocumentName(name: string): string {
  return name.slice(0, MAX_NAME_LENGTH);
}

function cutName({ kind, name }: Asker): Asker {
  return { kind, name: name.slice(-MAX_TEXT_LENGTH) };
}
