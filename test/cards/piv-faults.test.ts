import { describe, expect, it } from 'vitest';
import { HASTY_CLOCK, LOSSES, describeDisturbed, disturb, flowNamed, type Way } from './disturb.ts';
import { PivDesk, secret } from './piv-desk.ts';
import { FLOWS, FLOW_CARD, NEW_CERTIFICATE, OLD_CERTIFICATE, YUBICO_FLOWS } from './piv-flows.ts';

function openDesk(profile: 'yubikey' | 'plain', readerCarriesExtendedLength: boolean): PivDesk {
  return new PivDesk({ card: { state: FLOW_CARD[profile] }, readerCarriesExtendedLength, clock: HASTY_CLOCK });
}

async function expectUsable(desk: PivDesk): Promise<void> {
  await desk.use(async ({ token }) => expect((await token.pin('80')).attemptsRemaining).toBeTypeOf('number'));
}

const WAYS: readonly Way<PivDesk>[] = [
  {
    name: 'a yubikey with extended length',
    flows: [...FLOWS, ...YUBICO_FLOWS],
    openDesk: () => openDesk('yubikey', true),
    expectUsable,
  },
  { name: 'a plain card with short length', flows: FLOWS, openDesk: () => openDesk('plain', false), expectUsable },
];

describeDisturbed(WAYS);

describe.each(WAYS)('after a loss at any exchange, on $name,', (way) => {
  const certificateOn = async (desk: PivDesk): Promise<Uint8Array | undefined> =>
    (await desk.use(({ token }) => token.contents())).certificates.find(({ keyReference }) => keyReference === '9A')?.der;

  it.each(LOSSES)('%s, the certificate is the old or the new one, whole', async (_, fault) => {
    const seen = new Set<string>();
    await disturb(way, flowNamed(FLOWS, 'write a certificate'), fault, async ({ desk }) => {
      const der = await certificateOn(desk);
      const which = [OLD_CERTIFICATE, NEW_CERTIFICATE].findIndex(
        (candidate) => Buffer.compare(candidate, der ?? new Uint8Array()) === 0,
      );
      seen.add(['old', 'new'][which] ?? 'broken');
    });
    expect([...seen].sort()).toEqual(['new', 'old']);
  });

  it.each(LOSSES)('%s, a certificate to be deleted is there, or not', async (_, fault) => {
    const seen = new Set<string>();
    await disturb(way, flowNamed(FLOWS, 'delete a certificate'), fault, async ({ desk }) => {
      const der = await certificateOn(desk);
      seen.add(der === undefined ? 'gone' : Buffer.compare(der, OLD_CERTIFICATE) === 0 ? 'there' : 'broken');
    });
    expect([...seen].sort()).toEqual(['gone', 'there']);
  });

  it.each(LOSSES)('%s, one of the two PINs is right, and no try was used', async (_, fault) => {
    await disturb(way, flowNamed(FLOWS, 'change the PIN'), fault, async ({ desk }) => {
      await desk.use(async ({ token }) => {
        expect((await token.pin('80')).attemptsRemaining).toBe(3);
        await token.verifyPin('80', secret('654321')).catch(() => token.verifyPin('80', secret('123456')));
      });
    });
  });

  it.each(LOSSES)('%s, no later transaction finds the PIN verified', async (_, fault) => {
    await disturb(way, flowNamed(FLOWS, 'sign by P-256'), fault, async ({ desk }) => {
      expect((await desk.use(({ token }) => token.pin('80'))).verified).toBe(false);
    });
  });
});
