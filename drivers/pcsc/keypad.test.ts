import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { CommandApduError } from '../../apdu/iso7816/command-apdu.ts';
import { DeviceCancelledError, DeviceError, DeviceProtocolError, DeviceRemovedError, DeviceTimeoutError } from '../errors.ts';
import { createBlockingCalls, limitCalls } from './blocking-calls.ts';
import { createFakeWinScard, type FakeControls, type FakeWinScard } from './fake-winscard.ts';
import { createPcscSource, type PcscSource } from './source.ts';

const GET_FEATURE_REQUEST = 0x42000d48;
const VERIFY = 0x42330006;
const MODIFY = 0x42330007;
const TLV_PROPERTIES = 0x42330012;
const PIV = { minLength: 6, maxLength: 8, blockLengthBytes: 8 };

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const VERIFY_COMMAND = hex(`00 20 00 80 08 ${'FF'.repeat(8)}`);
const CHANGE_COMMAND = hex(`00 24 00 80 10 ${'FF'.repeat(16)}`);
const VERIFY_AND_MODIFY = '06 04 42330006 07 04 42330007';

let fake: FakeWinScard;
let source: PcscSource;

beforeEach(() => {
  fake = createFakeWinScard();
  source = createPcscSource({ load: () => limitCalls(fake, createBlockingCalls(8)), keypadLanguageId: 0x0409 });
});

afterEach(async () => {
  await source[Symbol.asyncDispose]();
  expect({ contexts: fake.openContexts, handles: fake.openHandles }).toEqual({ contexts: 0, handles: 0 });
});

/** A reader with these features, which answers VERIFY and MODIFY with `answer`. */
function readerWith(features: string, answer: Uint8Array | number = hex('9000'), properties = ''): FakeControls {
  return (code) => {
    if (code === GET_FEATURE_REQUEST) return hex(features);
    if (code === TLV_PROPERTIES) return hex(properties);
    return code === VERIFY || code === MODIFY ? answer : 0x8010001f;
  };
}

async function open(controls: FakeControls, protocol: 1 | 2 = 2): Promise<CardConnection> {
  fake.addReader('Keypad', controls);
  fake.insert('Keypad', { protocol });
  return source.connect('Keypad', { signal: new AbortController().signal });
}

describe('keypad', () => {
  it('is absent on a reader without features', async () => {
    await using connection = await open(() => 0x8010001f);
    expect(connection).not.toHaveProperty('keypad');
  });

  it.each(['06 04 423300', '06 05 42330006 00', '06 04 42330006 FF', ''])(
    'is absent when the feature list is "%s"',
    async (features) => {
      await using connection = await open(readerWith(features));
      expect(connection).not.toHaveProperty('keypad');
    },
  );

  it('has no modifyPin on a reader that only verifies', async () => {
    await using connection = await open(readerWith('06 04 42330006'));
    expect(connection.keypad).toBeDefined();
    expect(connection.keypad).not.toHaveProperty('modifyPin');
  });

  it("gives the card's answer to VERIFY", async () => {
    await using connection = await open(readerWith(VERIFY_AND_MODIFY, hex('63C2')));
    expect(await connection.keypad?.verifyPin(VERIFY_COMMAND, PIV)).toEqual(hex('63C2'));
    expect(fake.controlInputs.at(-1)).toEqual(
      hex('1E 1E 82 08 00 08 06 02 01 09 04 00 00 00 00 0D 00 00 00 00 20 00 80 08 FF FF FF FF FF FF FF FF'),
    );
  });

  it("gives the card's answer to CHANGE REFERENCE DATA", async () => {
    await using connection = await open(readerWith(VERIFY_AND_MODIFY));
    expect(await connection.keypad?.modifyPin?.(CHANGE_COMMAND, PIV)).toEqual(hex('9000'));
    expect(fake.controlInputs.at(-1)?.subarray(24)).toEqual(CHANGE_COMMAND);
  });

  it.each([
    ['6400', DeviceTimeoutError, /nobody typed in time/],
    ['6401', DeviceCancelledError, /pressed cancel/],
    ['6402', DeviceError, /differ/],
    ['6403', DeviceError, /too short or too long/],
    ['6B80', DeviceProtocolError, /refused the parameters/],
    ['', DeviceProtocolError, /answered 0 bytes/],
  ])("makes the reader's answer %s an error", async (answer, ErrorClass, message) => {
    await using connection = await open(readerWith(VERIFY_AND_MODIFY, hex(answer)));
    const error: unknown = await connection.keypad?.verifyPin(VERIFY_COMMAND, PIV).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ErrorClass);
    expect((error as Error).message).toMatch(message);
    expect(error).toMatchObject({ device: 'Keypad', ...(answer === '' ? {} : { driverCode: answer }) });
  });

  it('says how long it waited for a key', async () => {
    await using connection = await open(readerWith(VERIFY_AND_MODIFY, hex('6400')));
    await expect(connection.keypad?.verifyPin(VERIFY_COMMAND, PIV)).rejects.toMatchObject({ timeoutMs: 30_000 });
  });

  it('ends the connection when the card is pulled while the person types', async () => {
    const connection = await open(readerWith(VERIFY_AND_MODIFY, 0x80100069));
    await expect(connection.keypad?.verifyPin(VERIFY_COMMAND, PIV)).rejects.toThrow(DeviceRemovedError);
    await expect(connection.transmit(VERIFY_COMMAND)).rejects.toThrow(DeviceRemovedError);
    await connection[Symbol.asyncDispose]();
  });

  it('resets the card afterwards, and does not send a command that it cannot describe', async () => {
    const connection = await open(readerWith(VERIFY_AND_MODIFY));
    const asked = fake.controlInputs.length;
    await expect(connection.keypad?.verifyPin(CHANGE_COMMAND, PIV)).rejects.toThrow(CommandApduError);
    expect(fake.controlInputs.length).toBe(asked);
    await connection.keypad?.verifyPin(VERIFY_COMMAND, PIV);
    await connection[Symbol.asyncDispose]();
    expect(fake.dispositions).toEqual(['Keypad 1']);
  });
});

describe('features', () => {
  it('are asked for once while the reader stays', async () => {
    await (await open(readerWith(VERIFY_AND_MODIFY)))[Symbol.asyncDispose]();
    const asked = fake.callCount('control');
    await using connection = await source.connect('Keypad', { signal: new AbortController().signal });
    expect(connection.keypad).toBeDefined();
    expect(fake.callCount('control')).toBe(asked);
  });

  it('are asked for again after the reader went and came back', async () => {
    const abort = new AbortController();
    const states = source.watch({ signal: abort.signal })[Symbol.asyncIterator]();
    await (await open(readerWith(VERIFY_AND_MODIFY)))[Symbol.asyncDispose]();
    await states.next();
    const removed = states.next();
    fake.removeReader('Keypad');
    expect((await removed).value).toMatchObject({ status: 'removed' });
    await using connection = await open(readerWith(''));
    expect(connection).not.toHaveProperty('keypad');
    abort.abort();
    await states.return?.();
  });

  it('are asked for again when the reader could not answer', async () => {
    fake.failNext('control', 0x8010002f);
    await (await open(readerWith(VERIFY_AND_MODIFY)))[Symbol.asyncDispose]();
    await using connection = await source.connect('Keypad', { signal: new AbortController().signal });
    expect(connection.keypad).toBeDefined();
  });
});

describe('supportsExtendedLength', () => {
  const TLV = '12 04 42330012';

  it.each([
    ['T=1, nothing said', '', '', 2, true],
    ['T=0, nothing said', '', '', 1, false],
    ['extended APDUs', TLV, '0A 04 00 00 01 00', 2, true],
    ['short APDUs only', TLV, '0A 04 00 00 00 00', 2, false],
    ['a malformed answer', TLV, '0A 04 00', 2, true],
    ['no such property', TLV, '01 02 10 02', 2, true],
  ] as const)('with %s', async (_, features, properties, protocol, supported) => {
    await using connection = await open(readerWith(features, hex('9000'), properties), protocol);
    expect(connection.supportsExtendedLength).toBe(supported);
  });
});
