import { describe, expect, it } from 'vitest';
import { formatHex, parseHex } from './bytes.ts';
import { ManualClock } from './clock.ts';
import { EchoCard } from './echo-card.ts';
import { withFaults } from './faults.ts';

const COMMAND = parseHex('00cb3fff');

describe('withFaults', () => {
  it('leaves a card without faults as quick as it is', () => {
    const card = withFaults(new EchoCard(), []);
    expect(card.process(COMMAND)).toBeInstanceOf(Uint8Array);
  });

  it('spoils the exchange that is named, and no other', async () => {
    const card = withFaults(new EchoCard(), [
      { kind: 'statusWord', at: 2, statusWord: '6982' },
      { kind: 'truncate', at: 3, lengthBytes: 0 },
    ]);
    const answers = [];
    for (let exchange = 1; exchange <= 4; exchange++) answers.push(formatHex(await card.process(COMMAND)));
    expect(answers).toEqual(['00cb3fff9000', '6982', '', '00cb3fff9000']);
  });

  it('delays by the clock it is given', async () => {
    const clock = new ManualClock();
    const card = withFaults(new EchoCard(), [{ kind: 'delay', delayMs: 40, from: 2 }], { clock });
    await card.process(COMMAND);
    const late = Promise.resolve(card.process(COMMAND));
    await clock.advance(40);
    expect(formatHex(await late)).toBe('00cb3fff9000');
  });

  it('resets the card, and tells of a pull', async () => {
    const echo = new EchoCard();
    let pulls = 0;
    const card = withFaults(
      echo,
      [
        { kind: 'reset', at: 1, phase: 'after' },
        { kind: 'pull', at: 2 },
      ],
      { onPull: () => pulls++ },
    );
    await card.process(COMMAND);
    expect(echo.resets).toBe(1);
    void card.process(COMMAND);
    expect([pulls, echo.resets, echo.commands.length]).toEqual([1, 2, 1]);
  });

  it('refuses flapping, which is a reader', () => {
    expect(() => withFaults(new EchoCard(), [{ kind: 'flap', times: 1, periodMs: 1 }])).toThrow(RangeError);
  });
});
