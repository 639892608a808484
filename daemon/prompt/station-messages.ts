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
import type { Prompt } from './prompt.ts';

/** Subprotocol of the WebSocket. */
export const STATION_SUBPROTOCOL = 'kortd.prompt.v1';
/** Longest message of a station: three entries of 255 bytes, or a short answer. */
export const STATION_MESSAGE_BYTES = 1_024;

const ID_BYTES = 4;

/** To the station. `withdraw`: whoever asked is gone; take the dialog away. */
export type ToStation =
  | { readonly type: 'prompt'; readonly id: number; readonly timeoutMs: number; readonly prompt: Prompt }
  | { readonly type: 'withdraw'; readonly id: number };

const OUTCOMES = ['approved', 'cancelled', 'failed', 'timed_out'] as const;
const Answer = Type.Object(
  {
    type: Type.Literal('answer'),
    id: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
    /** `approved` answers what asks for nothing to be typed; `failed`: no dialog could be shown. */
    outcome: Type.Enum(OUTCOMES),
    problem: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
);
export type StationAnswer = Static<typeof Answer>;

const validator = Compile(Answer);

/** Throws PromptProtocolError. */
export function parseAnswer(text: string): StationAnswer {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    throw new PromptProtocolError('reading an answer: not JSON', { cause: error });
  }
  if (!validator.Check(message)) throw new PromptProtocolError('reading an answer: it has not the form of one');
  return message;
}

/** The bytes hold the secrets: whoever sent them wipes them. Throws RangeError for an entry of more than 255 bytes. */
export function encodeEntries(id: number, pins: EnteredPins): Buffer {
  const entries = [...pins.secrets];
  const length = entries.reduce((sum, [, secret]) => sum + 2 + secret.lengthBytes, ID_BYTES);
  const message = Buffer.alloc(length);
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
export function takeEntries(message: Buffer): { readonly id: number; readonly pins: EnteredPins } {
  const pins = new EnteredPins();
  try {
    if (message.length < ID_BYTES) throw malformed();
    let offset = ID_BYTES;
    while (offset < message.length) {
      const name = ENTRY_NAMES[message[offset] ?? -1];
      const length = message[offset + 1] ?? 0;
      const end = offset + 2 + length;
      if (name === undefined || length === 0 || end > message.length || pins.secrets.has(name)) throw malformed();
      pins.add(name, Secret.take(Uint8Array.from(message.subarray(offset + 2, end))));
      offset = end;
    }
    return { id: message.readUInt32BE(), pins };
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
