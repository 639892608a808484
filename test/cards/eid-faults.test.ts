/** What kortd does with an eID card, one transaction each, disturbed at every point; and what the card holds afterwards. */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createEidCard, type EidCardState } from '../../drivers/simulated/cards/eid.ts';
import { certificateOf, publicKeyOf } from '../../drivers/simulated/cards/eid/testing.ts';
import { secret } from './card-desk.ts';
import { HASTY_CLOCK, LOSSES, describeDisturbed, disturb, flowNamed, type Flow, type Way } from './disturb.ts';
import { EidDesk, openEid, type EidAtHand } from './eid-desk.ts';
import { certify } from './test-keys.ts';
import { testKey } from '../api/cards.ts';

const LOGIN = '45';
const PIN = '123456';
const NEW_PIN = '654321';
const PUK = '12345678';
const MESSAGE = Buffer.from('what is signed');
const DIGEST = new Uint8Array(createHash('sha256').update(MESSAGE).digest());
/** The card does not care whose it is. */
const NEW_CERTIFICATE = certify(testKey('P-256', 'faults'), 300);

/** `plain` has keys on curves: making one takes no time. `nidel` is a card of short commands over T=0. */
const PERSONAS = { plain: 'david', nidel: 'anna' } as const;
type Kind = keyof typeof PERSONAS;

function makeState(persona: string): EidCardState {
  const pins = { legitimering: PIN, underskrift: PIN, puk: PUK };
  return createEidCard({ persona, authorities: [], pins }).state();
}
const STATES: Readonly<Record<Kind, EidCardState>> = {
  plain: makeState(PERSONAS.plain),
  nidel: makeState(PERSONAS.nidel),
};
const oldCertificate = (kind: Kind): Uint8Array => new Uint8Array(certificateOf(PERSONAS[kind], 'legitimering').raw);
const pinOf = (kind: Kind): string => (kind === 'plain' ? '81' : '01');

function flowsOf(kind: Kind): readonly Flow[] {
  const flow = (name: string, run: (eid: EidAtHand) => Promise<unknown>): Flow => ({
    name,
    run: async (channel) => await run(await openEid(channel)),
  });
  const pin = pinOf(kind);
  const changing = (name: string, run: (eid: EidAtHand) => Promise<unknown>): Flow =>
    flow(name, async (eid) => {
      await eid.token.verifyPin(pin, secret(PIN));
      return await run(eid);
    });
  const algorithm = kind === 'plain' ? 'P-256' : 'RSA-2048';
  return [
    flow('read the serial number and the marker', async ({ application }) => [
      await application.serialNumber(),
      await application.changeMarker?.(),
    ]),
    flow('read the contents', async ({ token }) => [await token.pins(), await token.contents()]),
    flow('tell of one PIN and key', async ({ token }) => [await token.pin(pin), await token.key(LOGIN)]),
    flow('verify the PIN', ({ token }) => token.verifyPin(pin, secret(PIN))),
    flow('change the PIN', ({ token }) => token.changePin(pin, secret(PIN), secret(NEW_PIN))),
    flow('unblock the PIN', ({ token }) => token.unblockPin(pin, secret(PUK), secret(NEW_PIN))),
    changing('sign', ({ token }) => token.sign({ keyReference: LOGIN, algorithm }, kind === 'plain' ? 'ES256' : 'RS256', DIGEST)),
    changing('write a certificate', ({ management }) => management.writeCertificate(LOGIN, NEW_CERTIFICATE)),
    changing('add a certificate', async ({ management }) => management.addCertificate?.(LOGIN, NEW_CERTIFICATE)),
    changing('delete the certificates', ({ management }) => management.deleteCertificate(LOGIN)),
    ...(kind === 'plain'
      ? [changing('generate a key', ({ management }) => management.generateKey({ keyReference: LOGIN, algorithm: 'P-256' }))]
      : []),
  ];
}

interface EidWay extends Way<EidDesk> {
  readonly kind: Kind;
}

function wayOf(kind: Kind, name: string): EidWay {
  return {
    name,
    kind,
    flows: flowsOf(kind),
    openDesk: () => new EidDesk({ card: { state: STATES[kind] }, clock: HASTY_CLOCK }),
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
  const OLD = oldCertificate(kind);

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
