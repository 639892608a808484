import { describe, expect, it } from 'vitest';
import { openChannel } from '../../apdu/card-channel.ts';
import type { CardConnection } from '../../apdu/card-connection.ts';
import { SecurityStatusError } from '../../apdu/errors.ts';
import { PivDesk, READER_NAME, authenticateFactoryKey } from './piv-desk.ts';
import { FLOWS, FLOW_CARD, YUBICO_FLOWS, type Flow } from './piv-flows.ts';

/** Commands of a flow on a YubiKey with extended length, by INS; those marked ! are sensitive. */
const EXPECTED: Readonly<Record<string, string>> = {
  'read the serial number': 'A4 F8',
  'read the contents': 'A4 20 CB CB CB CB CB F7 F7', // metadata of the RSA-2048 key are longer than a short answer
  'tell of one PIN, PUK and key': 'A4 20 F7 F7',
  'verify the PIN': 'A4 20!',
  'change the PIN': 'A4 24!',
  'unblock the PIN': 'A4 2C!',
  'authenticate the management key': 'A4 F7 87! 87!',
  'generate a key': 'A4 F7 87! 87! 47!',
  'write a certificate': 'A4 F7 87! 87! DB CB',
  'delete a certificate': 'A4 F7 87! 87! CB DB CB',
  'sign by P-256': 'A4 20! 87',
  'sign by RSA-2048': 'A4 20! 87',
  'agree on a secret': 'A4 20! 87!',
  'sign a block': 'A4 20! 87',
  decipher: 'A4 20! 87!',
  'tell of version and metadata': 'A4 FD F7',
  'attest a key': 'A4 F9',
  'import a key': 'A4 F7 87! 87! FE!',
  'set the management key': 'A4 F7 87! 87! FF!',
  'delete a key': 'A4 F7 87! 87! F6!',
  'reset the application': 'A4 20! 20! 20! 2C! 2C! 2C! FB',
};
const ALL_FLOWS: readonly Flow[] = [...FLOWS, ...YUBICO_FLOWS];

function makeDesk(): PivDesk {
  return new PivDesk({ card: { state: FLOW_CARD.yubikey } });
}

describe('what is kept out of traces', () => {
  it('is told of every flow', () => {
    expect(Object.keys(EXPECTED)).toEqual(ALL_FLOWS.map(({ name }) => name));
  });

  it.each(ALL_FLOWS)(
    'is every command with a PIN, a key or a secret in it or in its answer, and no other: $name',
    async ({ name, run }) => {
      const sent: string[] = [];
      await using connection = await makeDesk().source.connect(READER_NAME, { signal: AbortSignal.timeout(1000) });
      const noting: CardConnection = {
        atr: connection.atr,
        supportsExtendedLength: connection.supportsExtendedLength,
        transmit: (command, options) => {
          sent.push(`${(command[1] ?? 0).toString(16).padStart(2, '0').toUpperCase()}${options?.sensitive ? '!' : ''}`);
          return connection.transmit(command, options);
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
      await run(openChannel(noting));
      expect(sent.join(' ')).toBe(EXPECTED[name]);
    },
  );
});

describe('what is wiped', () => {
  const WIPED = ['verify the PIN', 'change the PIN', 'unblock the PIN', 'import a key', 'set the management key'];

  it.each(ALL_FLOWS.filter(({ name }) => WIPED.includes(name)))(
    'is the data field of the last command to $name',
    async ({ run }) => {
      let last: Uint8Array = new Uint8Array();
      await makeDesk().transact((channel) =>
        run({
          ...channel,
          exchange: (command) => {
            last = command.data ?? new Uint8Array();
            return channel.exchange(command);
          },
        }),
      );
      expect(last.length).toBeGreaterThan(7);
      expect(last.every((byte) => byte === 0)).toBe(true);
    },
  );
});

describe('what is gone with the transaction', () => {
  it('is the proof of the management key', async () => {
    const desk = makeDesk();
    await desk.use(({ management }) => authenticateFactoryKey(management));
    const outcome = desk.use(({ management }) => management.generateKey({ keyReference: '9A', algorithm: 'P-256' }));
    await expect(outcome).rejects.toThrow(SecurityStatusError);
  });
});
