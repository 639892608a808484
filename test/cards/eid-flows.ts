/** What kortd does with an eID card, one transaction each, for tests that disturb it at every point. Every flow finds the application first and is right on `FLOW_CARD`. */
import { createHash } from 'node:crypto';
import { createEidCard, type EidCardState } from '../../drivers/simulated/cards/eid.ts';
import { testKey } from '../api/cards.ts';
import { secret } from './card-desk.ts';
import type { Flow } from './disturb.ts';
import { openEid, type EidAtHand } from './eid-desk.ts';
import { certify } from './test-keys.ts';

export const LOGIN = '45';
export const PIN = '123456';
export const NEW_PIN = '654321';
const PUK = '12345678';
export const MESSAGE = Buffer.from('what is signed');
export const DIGEST = new Uint8Array(createHash('sha256').update(MESSAGE).digest());
/** The card does not care whose it is. */
export const NEW_CERTIFICATE = certify(testKey('P-256', 'faults'), 300);

/** `plain` has keys on curves: making one takes no time. `nidel` is a card of short commands over T=0. */
export const PERSONAS = { plain: 'david', nidel: 'anna' } as const;
export type Kind = keyof typeof PERSONAS;

function makeState(persona: string): EidCardState {
  const pins = { legitimering: PIN, underskrift: PIN, puk: PUK };
  return createEidCard({ persona, authorities: [], pins }).state();
}
export const FLOW_CARD: Readonly<Record<Kind, EidCardState>> = {
  plain: makeState(PERSONAS.plain),
  nidel: makeState(PERSONAS.nidel),
};
export const pinOf = (kind: Kind): string => (kind === 'plain' ? '81' : '01');

export function flowsOf(kind: Kind): readonly Flow[] {
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
      : [
          changing('decipher', async ({ token }) => token.decipher?.(LOGIN, 'RSA-2048', new Uint8Array(256).fill(0x01))),
          changing('sign a block', async ({ token }) => token.signBlock?.(LOGIN, 'RSA-2048', new Uint8Array(256).fill(0x01))),
        ]),
  ];
}
