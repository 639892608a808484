import { describe, expect, it } from 'vitest';
import { openChannel } from '../../apdu/card-channel.ts';
import { CARD_PROFILES } from '../../apdu/cards/index.ts';
import { ApplicationNotFoundError } from '../../apdu/errors.ts';
import { findApplication } from '../../apdu/select.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { PivDesk, openPiv, secret } from './piv-desk.ts';
import { certify, describePrivateKey, makeEllipticKey, rsa2048Key } from './test-keys.ts';

const KEY = makeEllipticKey('P-256');
/** As cards in offices are: a signature key of P-256, an authentication key of RSA-2048, each with its certificate. */
const OFFICE_CARD = {
  serialNumber: 12_345_678,
  keys: { '9A': describePrivateKey(rsa2048Key(), certify(rsa2048Key(), 600)), '9C': describePrivateKey(KEY, certify(KEY, 600)) },
};

/** A card that has no application at all. */
const STRANGER: SimulatedCard = {
  kind: 'stranger',
  atr: Uint8Array.of(0x3b, 0x00),
  powerUp: () => undefined,
  reset: () => undefined,
  process: () => Uint8Array.of(0x6a, 0x82),
};

describe('finding PIV', () => {
  it.each([['yubikey'], ['plain']] as const)('succeeds on a %s card', async (profile) => {
    await new PivDesk({ card: { profile } }).transact(async (channel) => {
      const found = await findApplication(channel, CARD_PROFILES);
      expect(found?.profile.id).toBe('piv');
    });
  });

  it('fails on a card without it, with nothing where it is only asked for', async () => {
    const reader = new SimulatedReader({ name: 'Simulated Holder 00 00' });
    reader.insert(STRANGER);
    await using connection = await reader.connect(AbortSignal.timeout(1000));
    const channel = openChannel(connection);
    expect(await findApplication(channel, CARD_PROFILES)).toBeUndefined();
    await expect(openPiv(channel)).rejects.toThrow(ApplicationNotFoundError);
  });
});

describe('the serial number', () => {
  it('of a plain card is the card UUID of its CHUID, and else its FASC-N, and else there is none', async () => {
    const serialOf = (chuid?: string): Promise<string | undefined> => {
      const objects = chuid === undefined ? {} : { '5FC102': Buffer.from(chuid, 'hex').toString('base64') };
      return new PivDesk({ card: { profile: 'plain', objects } }).use(({ application }) => application.serialNumber());
    };
    const fascN = 'D4E739DA739CED39CE739D836858210842108421C84210C3EB';
    expect(await serialOf()).toMatch(/^[0-9A-F]{12}4[0-9A-F]{19}$/);
    expect(await serialOf(`3019${fascN}341000112233445566778899AABBCCDDEEFF3E00FE00`)).toBe('00112233445566778899AABBCCDDEEFF');
    expect(await serialOf(`3019${fascN}3410${'00'.repeat(16)}3E00FE00`)).toBe(fascN);
    expect(await serialOf('')).toBeUndefined();
  });

  it('of a YubiKey before firmware 5 is the card UUID', async () => {
    const serial = await new PivDesk({ card: { firmware: '4.3.5' } }).use(({ application }) => application.serialNumber());
    expect(serial).toMatch(/^[0-9A-F]{32}$/);
  });
});

describe('how many exchanges', () => {
  const readWhole = (desk: PivDesk): Promise<void> =>
    desk.use(async ({ application, token }) => {
      expect(await application.serialNumber()).toBe('12345678');
      await token.pins();
      expect((await token.contents()).certificates).toHaveLength(2);
    });

  it('the first reading of a YubiKey with two certificates takes: at most 10 over extended length', async () => {
    const desk = new PivDesk({ card: OFFICE_CARD });
    expect(await desk.count(() => readWhole(desk))).toBeLessThanOrEqual(10);
    expect(desk.commands.filter((command) => command.startsWith('00C0'))).toEqual([]);
  });

  it('the same takes over short length: the parts of two certificates more', async () => {
    const desk = new PivDesk({ card: OFFICE_CARD, readerCarriesExtendedLength: false });
    const count = await desk.count(() => readWhole(desk));
    const parts = desk.commands.filter((command) => command.startsWith('00C0')).length;
    expect(count - parts).toBeLessThanOrEqual(10);
    expect(parts).toBeLessThanOrEqual(9);
  });

  it('looking again takes: SELECT and one for the PINs', async () => {
    const desk = new PivDesk({ card: OFFICE_CARD });
    expect(await desk.count(() => desk.use(({ token }) => token.pins()))).toBeLessThanOrEqual(2);
  });

  it.each([
    ['P-256', '9C', 'ES256'],
    ['RSA-2048', '9A', 'RS256'],
  ] as const)(
    'a signature by %s takes with its PIN: SELECT, VERIFY, GENERAL AUTHENTICATE',
    async (algorithm, keyReference, name) => {
      const desk = new PivDesk({ card: OFFICE_CARD });
      await desk.use(async ({ token }) => {
        await token.verifyPin('80', secret('123456'));
        await token.sign({ keyReference, algorithm }, name, new Uint8Array(32).fill(1));
      });
      expect(desk.commands.map((command) => command.slice(2, 4))).toEqual(['A4', '20', '87']);
    },
  );
});
