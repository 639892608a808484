/** What a broken or hostile prompt program may send, by chance: the codec takes it or refuses it, and keeps and tells nothing of it. */
import { expect, it } from 'vitest';
import {
  decodeLine,
  encodeCommand,
  escapeText,
  LineReader,
  MAX_LINE_BYTES,
  unescapeData,
} from '../../daemon/prompt/pinentry/assuan.ts';
import { PromptProtocolError } from '../../daemon/prompt/errors.ts';
import { sanitise } from '../../daemon/prompt/pinentry/sanitise.ts';
import { forSeeds, FUZZ_TIMEOUT_MS } from '../fuzz/seeded.ts';

const ANSWERS = [
  'OK',
  'OK Pleased to meet you',
  'ERR 83886179 cancelled',
  'S PIN_REPEATED',
  'INQUIRE CHECKPIN 739146',
  '# hi',
  'D 73%2591%34',
];
const encoder = new TextEncoder();

it('any line is read or refused without a word of it, whatever was done to it', { timeout: FUZZ_TIMEOUT_MS }, async () => {
  await forSeeds({ first: 1, rounds: 5_000 }, (random) => {
    const valid = encoder.encode(ANSWERS[random.below(ANSWERS.length)]);
    const line = random.below(2) === 0 ? random.damage(valid) : random.bytes(random.below(40));
    try {
      const read = decodeLine(line);
      if (read.kind === 'data') unescapeData(read.escaped, new Uint8Array(random.below(20)), 0);
    } catch (error) {
      expect(error).toBeInstanceOf(PromptProtocolError);
      expect(String(error)).not.toMatch(/7391|91%34/);
    }
  });
});

it('lines come out the same however the bytes were cut into chunks', { timeout: FUZZ_TIMEOUT_MS }, async () => {
  await forSeeds({ first: 10_000, rounds: 500 }, (random) => {
    const sent = Array.from({ length: 1 + random.below(6) }, () => ANSWERS[random.below(ANSWERS.length)] ?? '');
    const stream = encoder.encode(sent.map((line) => `${line}${random.below(2) === 0 ? '\n' : '\r\n'}`).join(''));
    const reader = new LineReader();
    const lines: string[] = [];
    for (let at = 0; at < stream.length;) {
      const chunk = stream.slice(at, at + 1 + random.below(9));
      at += chunk.length;
      reader.push(chunk, (line) => lines.push(Buffer.from(line).toString()));
      expect(chunk.every((byte) => byte === 0)).toBe(true);
    }
    expect(lines).toEqual(sent);
  });
});

it('an endless line is refused as soon as it is too long', { timeout: FUZZ_TIMEOUT_MS }, async () => {
  await forSeeds({ first: 20_000, rounds: 50 }, (random) => {
    const reader = new LineReader();
    let taken = 0;
    const flood = (): void => {
      for (;;) {
        const chunk = random.bytes(1 + random.below(300)).map((byte) => (byte === 0x0a ? 0x20 : byte));
        reader.push(chunk, () => undefined);
        taken += chunk.length;
      }
    };
    expect(flood).toThrow(PromptProtocolError);
    expect(taken).toBeLessThanOrEqual(MAX_LINE_BYTES + 1);
  });
});

it('any bytes of an entry come back from their escaped form', { timeout: FUZZ_TIMEOUT_MS }, async () => {
  await forSeeds({ first: 30_000, rounds: 500 }, (random) => {
    const text = Array.from({ length: random.below(60) }, () => String.fromCodePoint(random.below(0xd800))).join('');
    const into = new Uint8Array(400);
    expect(Buffer.from(into.subarray(0, unescapeData(escapeText(text), into, 0))).toString()).toBe(text);
  });
});

it('any text of a page becomes one line of bounded length that fits into a command', { timeout: FUZZ_TIMEOUT_MS }, async () => {
  await forSeeds({ first: 40_000, rounds: 500 }, (random) => {
    const text = Array.from({ length: random.below(500) }, () =>
      String.fromCharCode(random.below(random.pick([0x80, 0x3000, 0x10000]))),
    ).join('');
    const clean = sanitise(text, { cut: random.pick(['start', 'end']) });
    expect(clean).not.toMatch(/[\p{C}\p{Zl}\p{Zp}“”"<>]|\s\s/u);
    expect(encodeCommand('SETDESC', clean).length).toBeLessThanOrEqual(220);
  });
});
