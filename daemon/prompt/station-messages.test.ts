import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import { SCOPES, type Scope } from '../../api-spec/scopes.ts';
import { Secret } from '../../apdu/secret.ts';
import { ENTRY_NAMES, EnteredPins, type EntryName } from './entered-pins.ts';
import { PromptProtocolError } from './errors.ts';
import type { Prompt } from './prompt.ts';
import {
  encodeAnswer,
  encodeEntries,
  encodeToStation,
  MAX_TEXT_LENGTH,
  parseAnswer,
  PROMPT_MESSAGE_BYTES,
  STATION_MESSAGE_BYTES,
  takeEntries,
} from './station-messages.ts';
import { parseToStation } from './station-prompts.ts';

const PIN = '739146';
const PROMPTS: readonly Prompt[] = [
  {
    kind: 'pin',
    action: 'unblock',
    asker: { kind: 'origin', name: 'https://portal.example' },
    card: 'SITHS 9752',
    purpose: 'sign order 4711',
    triesLeft: 3,
    pinLength: { min: 6, max: 8 },
    pukLength: { min: 8, max: 8 },
  },
  {
    kind: 'pin',
    action: 'verify',
    asker: { kind: 'program', name: 'ssh' },
    card: 'x',
    purpose: '',
    pinLength: { min: 4, max: 12 },
  },
  { kind: 'lastTry', entry: 'puk', asker: { kind: 'program', name: 'ssh' }, card: 'x', purpose: 'y', triesLeft: 1 },
  {
    kind: 'documents',
    asker: { kind: 'origin', name: 'https://å.example' },
    card: 'x',
    documents: { names: Array.from({ length: 1_000 }, (_, index) => `Kvitto ${index} å`), checksum: '1a2b 3c4d 5e6f 7081' },
    keypadFollows: true,
  },
  { kind: 'consent', asker: { kind: 'origin', name: 'https://å.example' }, scopes: ['sign'], reason: 'z', code: 'AB1' },
  { kind: 'consent', asker: { kind: 'origin', name: 'o' }, scopes: Object.keys(SCOPES) as Scope[], code: 'AB1' },
];

function entered(entries: Partial<Record<EntryName, string>>): EnteredPins {
  const pins = new EnteredPins();
  for (const name of ENTRY_NAMES) if (entries[name] !== undefined) pins.add(name, Secret.fromText(entries[name]));
  return pins;
}

function textOf(pins: EnteredPins, name: EntryName): string {
  return pins.require(name).use((bytes) => Buffer.from(bytes).toString());
}

describe('entries', () => {
  it.each<Partial<Record<EntryName, string>>>([
    { pin: PIN },
    { pin: 'å€🔑 %00', newPin: '\u0000\u0001' },
    { puk: '12345678', newPin: PIN },
    { pin: 'x'.repeat(255), newPin: 'y'.repeat(255), puk: 'z'.repeat(255) },
  ])('come out as they went in: %j', (entries) => {
    using pins = entered(entries);
    const message = encodeEntries(0xffff_fffe, pins);
    expect(message.length).toBeLessThanOrEqual(STATION_MESSAGE_BYTES);
    const { id, pins: taken } = takeEntries(message);
    expect(id).toBe(0xffff_fffe);
    expect(Object.fromEntries([...taken.secrets.keys()].map((name) => [name, textOf(taken, name)]))).toEqual(entries);
    taken[Symbol.dispose]();
  });

  it('have the bytes that are written down', () => {
    using pins = entered({ puk: '12', newPin: 'å' });
    expect(encodeEntries(258, pins).toString('hex')).toBe('000001020102c3a502023132');
  });

  it('leave nothing in the message that they came in, whatever it was', () => {
    const whole = Buffer.from('0000000100063733393134360000', 'hex');
    for (const length of [0, 3, 4, 5, 8, 11, 12, 13, 14]) {
      const message = Uint8Array.from(whole.subarray(0, length));
      try {
        takeEntries(message).pins[Symbol.dispose]();
      } catch (error) {
        expect(error).toBeInstanceOf(PromptProtocolError);
        expect(inspect(error)).not.toContain('7391');
      }
      expect(message).toEqual(new Uint8Array(length));
    }
  });

  it('come out of a message that is a part of a larger buffer, and the rest of that stays', () => {
    const buffer = Buffer.from('ffff0000000500023132ffff', 'hex');
    const { id, pins } = takeEntries(buffer.subarray(2, 10));
    expect([id, textOf(pins, 'pin')]).toEqual([5, '12']);
    expect(buffer.toString('hex')).toBe('ffff0000000000000000ffff');
    pins[Symbol.dispose]();
  });

  it.each([
    ['too short', ''],
    ['a number cut off', '000001'],
    ['a name that is none', '000000010306373339313436'],
    ['no length', '0000000100'],
    ['an empty entry', '000000010000'],
    ['an entry cut off', '0000000100063733393134'],
    ['the same entry twice', '00000001000237330002393100'],
    ['more after the last entry', '000000010006373339313436ff'],
  ])('are refused when the message has %s, and what was read is wiped', (_, hex) => {
    const taken = vi.spyOn(Secret, 'take');
    try {
      expect(() => takeEntries(Buffer.from(hex, 'hex'))).toThrow(PromptProtocolError);
      for (const [bytes] of taken.mock.calls) expect(bytes.every((byte) => byte === 0)).toBe(true);
    } finally {
      taken.mockRestore();
    }
  });

  it('are not encoded in part when one is too long', () => {
    using pins = entered({ pin: PIN, newPin: 'x'.repeat(256) });
    expect(() => encodeEntries(1, pins)).toThrow(RangeError);
  });
});

describe('an answer', () => {
  it.each([
    { id: 1, outcome: 'approved' },
    { id: 0xffff_ffff, outcome: 'failed', problem: 'no program' },
    { id: 2, outcome: 'no_entry' },
  ] as const)('comes out as it went in: %j', (answer) => {
    expect(parseAnswer(encodeAnswer(answer))).toEqual({ type: 'answer', ...answer });
  });

  it.each(['\u{10ffff}', '"', '\\', '\n', '\ud800', '\u2028', '\u202e', 'å', '€'])(
    'is never too long for the wire, and one line, with a problem full of %j',
    (character) => {
      const text = encodeAnswer({ id: 0xffff_ffff, outcome: 'timed_out', problem: character.repeat(5_000) });
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(STATION_MESSAGE_BYTES);
      expect(parseAnswer(text).problem).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
    },
  );

  it('loses the controls of its problem, which a terminal or a log could obey', () => {
    const text = JSON.stringify({ type: 'answer', id: 1, outcome: 'failed', problem: 'a\u001b[2J\r\nb\u202ec' });
    expect(parseAnswer(text).problem).toBe('a [2J b c');
  });

  it.each([
    '',
    PIN,
    'null',
    '[]',
    '{"type":"answer","id":1}',
    '{"type":"answer","id":-1,"outcome":"approved"}',
    '{"type":"answer","id":1.5,"outcome":"approved"}',
    '{"type":"answer","id":4294967296,"outcome":"approved"}',
    '{"type":"answer","id":"1","outcome":"approved"}',
    '{"type":"answer","id":1,"outcome":"yes"}',
    '{"type":"answer","id":1,"outcome":"approved","pin":"739146"}',
    '{"type":"answer","id":1,"outcome":"failed","problem":7}',
    `{"type":"answer","id":1,"outcome":"failed","problem":"${'x'.repeat(501)}"}`,
    `{"type":"answer","id":1,"outcome":"${PIN}`,
  ])('is refused without a word of it: %s', (text) => {
    let error: unknown;
    try {
      parseAnswer(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(PromptProtocolError);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(PIN);
  });
});

describe('a prompt', () => {
  it.each(PROMPTS)('comes out as it went in: $kind', (prompt) => {
    const message = { type: 'prompt', id: 7, timeoutMs: 60_000, prompt } as const;
    expect(parseToStation(encodeToStation(message))).toEqual(message);
  });

  it.each(['\u0000', '\ud800', '"', '€', '\u{1f511}'])(
    'with texts of a million %j is cut to what a station takes, the end of who asks kept',
    (character) => {
      for (const prompt of PROMPTS) {
        const name = `${character.repeat(1_000_000)}.example`;
        const long = `start ${character.repeat(1_000_000)}`;
        const texts = prompt.kind === 'consent' ? { reason: long, code: long } : { card: long, purpose: long };
        const text = encodeToStation({
          type: 'prompt',
          id: 7,
          timeoutMs: 60_000,
          prompt: { ...prompt, asker: { kind: 'origin', name }, ...texts } as Prompt,
        });
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(PROMPT_MESSAGE_BYTES);
        const read = parseToStation(text);
        expect(read.type === 'prompt' && read.prompt.asker.name.endsWith('.example')).toBe(true);
      }
    },
  );

  it('that is withdrawn comes out too', () => {
    expect(parseToStation(encodeToStation({ type: 'withdraw', id: 9 }))).toEqual({ type: 'withdraw', id: 9 });
  });

  it.each<[string, object]>([
    ['no kind', { kind: undefined }],
    ['an unknown kind', { kind: 'password' }],
    ['an unknown action', { action: 'reset' }],
    ['no card', { card: undefined }],
    ['a card that is no text', { card: { toString: 'x' } }],
    ['a text that is too long', { purpose: 'x'.repeat(MAX_TEXT_LENGTH + 1) }],
    ['no tries left', { triesLeft: 0 }],
    ['half a try', { triesLeft: 1.5 }],
    ['a length of nothing', { pinLength: { min: 0, max: 8 } }],
    ['a length that no entry can have', { pinLength: { min: 4, max: 256 } }],
    ['an asker of no kind', { asker: { name: 'x' } }],
    ['something that nobody knows', { extra: 1 }],
    ['a prototype', { ['__proto__x']: 1 }],
  ])('with %s is refused', (_, change) => {
    const message = { type: 'prompt', id: 7, timeoutMs: 60_000, prompt: { ...PROMPTS[0], ...change } };
    expect(() => parseToStation(JSON.stringify(message))).toThrow(PromptProtocolError);
  });

  it.each<object>([
    { type: 'prompt', id: 7, timeoutMs: 60_000 },
    { type: 'prompt', id: 7, timeoutMs: 0, prompt: PROMPTS[0] },
    { type: 'prompt', id: 7, timeoutMs: 2 ** 31, prompt: PROMPTS[0] },
    { type: 'prompt', id: -1, timeoutMs: 1, prompt: PROMPTS[0] },
    {
      type: 'prompt',
      id: 7,
      timeoutMs: 1,
      prompt: { kind: 'consent', asker: { kind: 'origin', name: 'x' }, scopes: [], code: 'x' },
    },
    {
      type: 'prompt',
      id: 7,
      timeoutMs: 1,
      prompt: { kind: 'consent', asker: { kind: 'origin', name: 'x' }, scopes: ['root'], code: 'x' },
    },
    { type: 'withdraw' },
    { type: 'restart', id: 1 },
    [],
  ])('message is refused: %j', (message) => {
    expect(() => parseToStation(JSON.stringify(message))).toThrow(PromptProtocolError);
  });
});
