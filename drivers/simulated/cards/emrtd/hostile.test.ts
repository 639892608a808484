/** The simulated passport under commands that no reader sends: it answers every one, with a status word, and gives nothing away. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatHex } from '../../bytes.ts';
import { EMRTD_PERSONA_NAMES, createEmrtdCard } from '../emrtd.ts';
import { SELECT_APPLICATION, spokenChip } from './testing.ts';

const ROUNDS = 1_500;
const INSTRUCTIONS = [0x22, 0x82, 0x84, 0x86, 0x88, 0xa4, 0xb0, 0xb1, 0xc0, 0xca];
const PARAMETERS = [0x00, 0x01, 0x02, 0x04, 0x0c, 0x41, 0x9c, 0x9e, 0xa4, 0xa6, 0xc1];
const CLASSES = [0x00, 0x0c, 0x10, 0x1c, 0x80];

/** The same at every run. */
function bytesOf(seed: string, lengthBytes: number): Uint8Array {
  return new Uint8Array(
    createHash('shake256', { outputLength: Math.max(1, lengthBytes) })
      .update(seed)
      .digest(),
  ).subarray(0, lengthBytes);
}

function pick(values: readonly number[], at: number): number {
  return values[at % values.length] ?? 0;
}

/** Half of them any bytes, half of them commands with contents of any bytes. */
function hostileCommand(round: number): Uint8Array {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = bytesOf(`shape ${round}`, 5);
  if (a < 128) return bytesOf(`bytes ${round}`, e % 40);
  const data = bytesOf(`data ${round}`, e % 60);
  const frame = d < 128 ? [0x7c, data.length, ...data] : [...data];
  return Uint8Array.from([
    pick(CLASSES, a),
    pick(INSTRUCTIONS, b),
    pick(PARAMETERS, c),
    pick(PARAMETERS, d),
    frame.length,
    ...frame,
    0,
  ]);
}

describe('any bytes', () => {
  it.each(EMRTD_PERSONA_NAMES)(
    'at all are answered with a status word by the passport of %s, and open nothing',
    async (persona) => {
      const card = createEmrtdCard({
        persona,
        onInternalError: (error) => {
          throw error;
        },
      });
      for (let round = 0; round < ROUNDS; round++) {
        const answer = await card.process(hostileCommand(round));
        expect(answer.length).toBeGreaterThanOrEqual(2);
        expect(formatHex(answer)).not.toContain('5f1f58');
      }
      const chip = { send: async (command: string) => formatHex(await card.process(Buffer.from(command, 'hex'))) };
      await chip.send(SELECT_APPLICATION);
      expect(await chip.send('00b0820000')).toMatch(/^(6982|6a82)$/);
    },
  );
});

describe('a command cut off anywhere', () => {
  it.each([
    '0022c1a412800a04007f0007020204020283010184010d',
    '00a4040c07a000000247100100',
    '0082000028' + '00'.repeat(41),
    '10860000027c0000',
  ])('is answered, whatever is left of %s', (command) => {
    for (let length = 0; length < command.length; length += 2) {
      const chip = spokenChip();
      expect(chip.send(command.slice(0, length))).toMatch(/^([0-9a-f]{2})*[69][0-9a-f]{3}$/);
    }
  });
});
