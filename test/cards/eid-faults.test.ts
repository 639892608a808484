/** What kortd does with an eID card, one transaction each, disturbed at every point; and what the card holds afterwards. */
import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { certificateOf, publicKeyOf } from '../../drivers/simulated/cards/eid/testing.ts';
import { secret } from './card-desk.ts';
import { HASTY_CLOCK, LOSSES, describeDisturbed, disturb, flowNamed, type Way } from './disturb.ts';
import { EidDesk } from './eid-desk.ts';
import {
  DIGEST,
  FLOW_CARD,
  LOGIN,
  MESSAGE,
  NEW_CERTIFICATE,
  NEW_PIN,
  PERSONAS,
  PIN,
  flowsOf,
  pinOf,
  type Kind,
} from './eid-flows.ts';

interface EidWay extends Way<EidDesk> {
  readonly kind: Kind;
}

function wayOf(kind: Kind, name: string): EidWay {
  return {
    name,
    kind,
    flows: flowsOf(kind),
    openDesk: () => new EidDesk({ card: { state: FLOW_CARD[kind] }, clock: HASTY_CLOCK }),
    expectUsable: (desk) =>
      desk.use(async ({ token }) => expect((await token.pin(pinOf(kind))).attemptsRemaining).toBeTypeOf('number')),
  };
}

const WAYS: readonly EidWay[] = [
  wayOf('plain', 'a card with curves and extended length'),
  wayOf('nidel', 'a card with RSA and short length'),
];

describeDisturbed(WAYS);

describe.each(WAYS)('after a loss at any exchange, on $name,', (way) => {
  const { kind } = way;
  const markerOf = (desk: EidDesk): Promise<string | undefined> =>
    desk.use(async ({ application }) => await application.changeMarker?.());
  const OLD = new Uint8Array(certificateOf(PERSONAS[kind], 'legitimering').raw);

  /** What certificates the key has: "old", "new", "old new", "". Where they are others than before, the marker is too. */
  async function certificatesOn(desk: EidDesk): Promise<string> {
    const { certificates } = await desk.use(({ token }) => token.contents());
    const seen = certificates
      .filter(({ keyReference }) => keyReference === LOGIN)
      .map(({ der }) => ['old', 'new'][[OLD, NEW_CERTIFICATE].findIndex((one) => Buffer.compare(one, der) === 0)] ?? 'broken')
      .join(' ');
    expect(certificates.filter(({ keyReference }) => keyReference !== LOGIN)).toHaveLength(1);
    if (seen !== 'old') expect(await markerOf(desk)).not.toBe(await markerOf(way.openDesk()));
    return seen;
  }

  it.each([
    ['write a certificate', ['new', 'old']],
    ['add a certificate', ['old', 'old new']],
    ['delete the certificates', ['', 'old']],
  ] as const)('to %s, the certificates are those before or those after, whole', async (name, expected) => {
    for (const [, fault] of LOSSES) {
      const seen = new Set<string>();
      await disturb(way, flowNamed(way.flows, name), fault, async ({ desk }) => void seen.add(await certificatesOn(desk)));
      expect([...seen].sort()).toEqual(expected);
    }
  });

  it.each(LOSSES)('%s, a certificate can be written after all, and nothing of the first try is in its way', async (_, fault) => {
    await disturb(way, flowNamed(way.flows, 'write a certificate'), fault, async ({ desk }) => {
      await desk.transact(flowNamed(way.flows, 'write a certificate').run);
      expect(await certificatesOn(desk)).toBe('new');
    });
  });

  it.each(LOSSES)('%s, one of the two PINs is right, and no try was used', async (_, fault) => {
    await disturb(way, flowNamed(way.flows, 'change the PIN'), fault, async ({ desk }) => {
      await desk.use(async ({ token }) => {
        expect((await token.pin(pinOf(kind))).attemptsRemaining).toBe(3);
        await token.verifyPin(pinOf(kind), secret(NEW_PIN)).catch(() => token.verifyPin(pinOf(kind), secret(PIN)));
      });
    });
  });

  it.each(LOSSES)('%s, no later transaction finds the PIN verified', async (_, fault) => {
    await disturb(way, flowNamed(way.flows, 'sign'), fault, async ({ desk }) => {
      expect((await desk.use(({ token }) => token.pin(pinOf(kind)))).verified).toBe(false);
    });
  });
});

describe('after a loss while a key was made', () => {
  const [way] = WAYS;
  if (!way) throw new Error('there is no card with curves');

  it.each(LOSSES)('%s, the card tells the key that it has, or none', async (_, fault) => {
    const seen = new Set<string>();
    const before = publicKeyOf(PERSONAS.plain, 'legitimering');
    await disturb(way, flowNamed(way.flows, 'generate a key'), fault, async ({ desk }) => {
      const { told, signature } = await desk.use(async ({ token }) => {
        await token.verifyPin('81', secret(PIN));
        return {
          told: (await token.key(LOGIN))?.publicKey,
          signature: await token.sign({ keyReference: LOGIN, algorithm: 'P-256' }, 'ES256', DIGEST),
        };
      });
      const isOld = verify('sha256', MESSAGE, { key: before, dsaEncoding: 'ieee-p1363' }, signature);
      seen.add(`${isOld ? 'old' : 'new'} key, ${told ? 'told' : 'untold'}`);
      if (!told) return;
      const key = createPublicKey({ key: Buffer.from(told), format: 'der', type: 'spki' });
      expect(verify('sha256', MESSAGE, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    });
    expect(seen).toContain('old key, told');
    expect(seen).toContain('new key, untold');
  });
});
