import { describe, expect, it } from 'vitest';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { parseAtr } from '../../apdu/iso7816/atr.ts';
import {
  DeviceBusyError,
  DeviceCancelledError,
  DeviceError,
  DeviceProtocolError,
  DeviceRemovedError,
  DeviceResetError,
  DeviceTimeoutError,
  NoCardError,
} from '../errors.ts';
import { formatHex, parseHex } from './bytes.ts';
import { ManualClock } from './clock.ts';
import { EchoCard } from './echo-card.ts';
import { createMuteCard } from './faults.ts';
import type { KeypadPrompt } from './keypad.ts';
import { SimulatedReader, type SimulatedReaderOptions } from './reader.ts';

const COMMAND = parseHex('00cb3fff00');
const ANSWER = '00cb3fff009000';
const never = new AbortController().signal;

function desk(options: Partial<SimulatedReaderOptions> = {}): { reader: SimulatedReader; card: EchoCard; clock: ManualClock } {
  const clock = new ManualClock();
  const reader = new SimulatedReader({ name: 'Bench 00 00', clock, ...options });
  const card = new EchoCard();
  reader.insert(card);
  return { reader, card, clock };
}

async function transmit(connection: CardConnection): Promise<string> {
  return formatHex(await connection.transmit(COMMAND));
}

describe('a connection', () => {
  it('carries commands and resets nothing when none was sensitive', async () => {
    const { reader, card } = desk();
    expect(parseAtr(card.atr).checksumValid).toBe(true);
    const resets = card.resets;
    {
      await using connection = await reader.connect(never);
      expect(connection.atr).toEqual(card.atr);
      expect(await transmit(connection)).toBe(ANSWER);
    }
    expect(card.resets).toBe(resets);
  });

  it('resets the card at its end after a sensitive command, once', async () => {
    const { reader, card } = desk();
    const connection = await reader.connect(never);
    await connection.transmit(COMMAND, { sensitive: true });
    const resets = card.resets;
    await connection[Symbol.asyncDispose]();
    await connection[Symbol.asyncDispose]();
    expect(card.resets).toBe(resets + 1);
    await expect(connection.transmit(COMMAND)).rejects.toThrow(DeviceProtocolError);
  });

  it('dies with its card, also in the midst of an exchange, and another card does not wake it', async () => {
    const { reader, card } = desk();
    const connection = await reader.connect(never);
    card.gate = new Promise(() => undefined);
    const waiting = connection.transmit(COMMAND);
    reader.remove();
    await expect(waiting).rejects.toThrow(DeviceRemovedError);
    reader.insert(new EchoCard());
    await expect(connection.transmit(COMMAND)).rejects.toThrow(DeviceRemovedError);
    await connection[Symbol.asyncDispose]();
    await using next = await reader.connect(never);
    expect(await transmit(next)).toBe(ANSWER);
  });

  it('dies when the card is reset under it', async () => {
    const { reader } = desk();
    await using connection = await reader.connect(never);
    reader.resetCard();
    await expect(connection.transmit(COMMAND)).rejects.toThrow(DeviceResetError);
    await expect(connection.transmit(COMMAND)).rejects.toThrow(DeviceResetError);
  });

  it('carries one command at a time, in the order given, and ends after the last', async () => {
    const { reader, card } = desk();
    const connection = await reader.connect(never);
    const gate = Promise.withResolvers<undefined>();
    card.gate = gate.promise;
    const answers = [1, 2, 3].map((p1) => connection.transmit(Uint8Array.of(0, 1, p1, 0)));
    expect(card.commands).toHaveLength(1);
    const closing = connection[Symbol.asyncDispose]();
    gate.resolve(undefined);
    expect(formatHex((await answers[0]) ?? new Uint8Array())).toBe('000101009000');
    await Promise.allSettled(answers);
    await closing;
    expect(card.commands.map((command) => command[2])).toEqual([1, 2, 3]);
  });

  it('refuses what no reader carries', async () => {
    const { reader } = desk({ supportsExtendedLength: false });
    await using connection = await reader.connect(never);
    await expect(connection.transmit(new Uint8Array(3))).rejects.toThrow(DeviceProtocolError);
    await expect(connection.transmit(new Uint8Array(300))).rejects.toThrow(DeviceProtocolError);
  });
});

describe('connecting', () => {
  it('waits its turn, first come first served', async () => {
    const { reader } = desk();
    const order: number[] = [];
    const first = await reader.connect(never);
    const waiting = [1, 2, 3].map(async (number) => {
      await using connection = await reader.connect(never);
      order.push(number);
      await transmit(connection);
    });
    await first[Symbol.asyncDispose]();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3]);
  });

  it('gives up waiting when the signal fires, and the next one is served', async () => {
    const { reader } = desk();
    using occupied = await reader.occupy();
    const abort = new AbortController();
    const impatient = reader.connect(abort.signal);
    const patient = reader.connect(never);
    abort.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    await expect(reader.connect(abort.signal)).rejects.toThrow('enough');
    occupied[Symbol.dispose]();
    await (await patient)[Symbol.asyncDispose]();
  });

  it('says why it cannot', async () => {
    const { reader } = desk();
    {
      using held = reader.holdExclusively();
      expect(reader.state().heldElsewhere).toBe(true);
      await expect(reader.connect(never)).rejects.toThrow(DeviceBusyError);
      held[Symbol.dispose]();
    }
    reader.remove();
    await expect(reader.connect(never)).rejects.toThrow(NoCardError);
    reader.insert(createMuteCard());
    expect(reader.state().status).toBe('mute');
    await expect(reader.connect(never)).rejects.toThrow(DeviceTimeoutError);
    reader.unplug();
    expect(reader.state().status).toBe('removed');
    await expect(reader.connect(never)).rejects.toThrow(DeviceRemovedError);
  });

  it('finds out that the card went while it waited', async () => {
    const { reader } = desk();
    const first = await reader.connect(never);
    const second = reader.connect(never);
    reader.remove();
    await first[Symbol.asyncDispose]();
    await expect(second).rejects.toThrow(NoCardError);
    reader.insert(new EchoCard());
    await (await reader.connect(never))[Symbol.asyncDispose]();
  });
});

describe('faults', () => {
  it('pull and reset at the exchange that they name, before or after the card worked', async () => {
    for (const [kind, error] of [
      ['pull', DeviceRemovedError],
      ['reset', DeviceResetError],
    ] as const) {
      for (const [phase, reached] of [
        ['before', 2],
        ['after', 3],
      ] as const) {
        const { reader, card } = desk();
        reader.arm([{ kind, at: 3, phase }]);
        await using connection = await reader.connect(never);
        await transmit(connection);
        await transmit(connection);
        await expect(connection.transmit(COMMAND)).rejects.toThrow(error);
        await expect(connection.transmit(COMMAND)).rejects.toThrow(error);
        expect(card.commands).toHaveLength(reached);
        expect(reader.state().status).toBe(kind === 'pull' ? 'empty' : 'present');
      }
    }
  });

  it('count from the moment when they are armed, over connections', async () => {
    const { reader } = desk();
    await using first = await reader.connect(never);
    await transmit(first);
    reader.arm([{ kind: 'statusWord', at: 2, statusWord: '6F00' }]);
    await transmit(first);
    await first[Symbol.asyncDispose]();
    await using second = await reader.connect(never);
    expect(await transmit(second)).toBe('6f00');
    expect(await transmit(second)).toBe(ANSWER);
  });

  it('spoil answers', async () => {
    const { reader } = desk();
    reader.arm([
      { kind: 'garbage', at: 1, response: '0102' },
      { kind: 'truncate', at: 2, lengthBytes: 1 },
      { kind: 'garbage', at: 3 },
    ]);
    await using connection = await reader.connect(never);
    expect(await transmit(connection)).toBe('0102');
    expect(await transmit(connection)).toBe('00');
    expect(await transmit(connection)).toBe('a5'.repeat(32));
    expect(await transmit(connection)).toBe(ANSWER);
  });

  it('delay answers, and fall mute until the time is over', async () => {
    const { reader, clock } = desk({ muteTimeoutMs: 5_000 });
    reader.arm([
      { kind: 'delay', delayMs: 300 },
      { kind: 'mute', from: 2 },
    ]);
    await using connection = await reader.connect(never);
    const late = transmit(connection);
    await clock.advance(299);
    expect(clock.waiting).toBe(1);
    await clock.advance(1);
    expect(await late).toBe(ANSWER);
    const mute = expect(connection.transmit(COMMAND)).rejects.toMatchObject({ name: 'DeviceTimeoutError', timeoutMs: 5_000 });
    await clock.advance(5_300);
    await mute;
    const pulled = expect(connection.transmit(COMMAND)).rejects.toThrow(DeviceRemovedError);
    await clock.advance(300);
    reader.remove();
    await pulled;
    await clock.advance(0);
    expect(clock.waiting).toBe(0);
  });

  it('make a reader flap, and leave it plugged in with a new insertion', async () => {
    const { reader, clock } = desk();
    const statuses: string[] = [];
    using watching = reader.watch(() => statuses.push(reader.state().status));
    const before = reader.state().insertion ?? 0;
    reader.arm([{ kind: 'flap', times: 2, periodMs: 50 }]);
    await clock.advance(1_000);
    expect(statuses).toEqual(['removed', 'present', 'removed', 'present']);
    expect(reader.state().insertion).toBeGreaterThan(before);
    reader.arm([{ kind: 'flap', times: 9, periodMs: 50 }]);
    reader.disarm();
    await clock.advance(0);
    expect(reader.state().status).toBe('present');
    watching[Symbol.dispose]();
  });
});

describe('a keypad', () => {
  const format = { minLength: 6, maxLength: 8, blockLengthBytes: 8 };
  const verify = parseHex('0020008008ffffffffffffffff');

  it('completes VERIFY and CHANGE, and counts as sensitive', async () => {
    const prompts: KeypadPrompt[] = [];
    const typed = ['123456', '123456', '7654321', '7654321'];
    const { reader, card } = desk({
      keypad: (prompt) => {
        prompts.push(prompt);
        return typed[prompts.length - 1] ?? 'timeout';
      },
    });
    expect(reader.state().hasKeypad).toBe(true);
    const connection = await reader.connect(never);
    expect(formatHex((await connection.keypad?.verifyPin(verify, format)) ?? new Uint8Array())).toBe(
      '0020008008313233343536ffff9000',
    );
    const change = parseHex(`0024008010${'ff'.repeat(16)}`);
    await connection.keypad?.modifyPin?.(change, format);
    expect(formatHex(card.commands[1] ?? new Uint8Array())).toBe('0024008010313233343536ffff37363534333231ff');
    expect(prompts.map(({ asks }) => asks)).toEqual(['pin', 'pin', 'newPin', 'newPinAgain']);
    const resets = card.resets;
    await connection[Symbol.asyncDispose]();
    expect(card.resets).toBe(resets + 1);
  });

  it.each([
    ['cancel', DeviceCancelledError, '6401'],
    ['timeout', DeviceTimeoutError, '6400'],
    ['12345', DeviceError, '6403'],
  ] as const)('answers "%s" with an error, and the card sees nothing', async (typed, error, driverCode) => {
    const { reader, card } = desk({ keypad: () => typed });
    await using connection = await reader.connect(never);
    const entry = connection.keypad?.verifyPin(verify, format);
    await expect(entry).rejects.toThrow(error);
    await expect(entry).rejects.toMatchObject({ driverCode, device: 'Bench 00 00' });
    expect(card.commands).toHaveLength(0);
  });

  it('refuses two new PINs that differ', async () => {
    const { reader } = desk({ keypad: ({ asks }) => (asks === 'newPinAgain' ? '111111' : '222222') });
    await using connection = await reader.connect(never);
    await expect(connection.keypad?.modifyPin?.(parseHex(`0024008010${'ff'.repeat(16)}`), format)).rejects.toMatchObject({
      driverCode: '6402',
    });
  });
});
