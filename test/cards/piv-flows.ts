/** What kortd does with a PIV card, one transaction each, for tests that disturb it at every point. Every flow begins by SELECT and is right on `FLOW_CARD`. */
import { MANAGEMENT_KEY_ALGORITHMS } from '../../apdu/cards/piv/management-key.ts';
import { attest, importKey, readMetadata, readVersion, resetApplication, setManagementKey } from '../../apdu/cards/piv/yubico.ts';
import { Secret } from '../../apdu/secret.ts';
import { createPivCard, type PivCardState } from '../../drivers/simulated/cards/piv.ts';
import type { Flow } from './disturb.ts';
import { authenticateFactoryKey, openPiv, secret, type PivAtHand } from './piv-desk.ts';
import { certify, describePrivateKey, makeEllipticKey, rsa2048Key } from './test-keys.ts';

export type { Flow };

const PIN = '80';
const KEY = makeEllipticKey('P-256');
export const OLD_CERTIFICATE = certify(KEY);
/** Longer than one short command. */
export const NEW_CERTIFICATE = certify(KEY, 300);
const DIGEST = new Uint8Array(32).fill(0x5a);
/** The base point of P-256 (SP 800-186, section 3.2.1.3), as a peer's public key. */
const PEER = new Uint8Array(
  Buffer.from(
    '046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    'hex',
  ),
);

function makeFlowCard(profile: 'yubikey' | 'plain'): PivCardState {
  const described = describePrivateKey(KEY, OLD_CERTIFICATE);
  const keys = { '9A': described, '9C': described, '9D': describePrivateKey(rsa2048Key()), '9E': describePrivateKey(KEY) };
  return createPivCard({ profile, firmware: '5.7.1', serialNumber: 1, keys }).state();
}

/** Cards that every flow goes through on, to be made anew for each run. */
export const FLOW_CARD: Readonly<Record<'yubikey' | 'plain', PivCardState>> = {
  yubikey: makeFlowCard('yubikey'),
  plain: makeFlowCard('plain'),
};

/** `async`, so that what is thrown at once rejects too. */
function flow(name: string, run: (piv: PivAtHand) => Promise<unknown>): Flow {
  return { name, run: async (channel) => await run(await openPiv(channel)) };
}

/** The work of a card office. */
export const FLOWS: readonly Flow[] = [
  flow('read the serial number', ({ application }) => application.serialNumber()),
  flow('read the contents', async ({ token }) => [await token.pins(), await token.contents()]),
  flow('tell of one PIN, PUK and key', async ({ token }) => [await token.pin(PIN), await token.pin('81'), await token.key('9A')]),
  flow('verify the PIN', ({ token }) => token.verifyPin(PIN, secret('123456'))),
  flow('change the PIN', ({ token }) => token.changePin(PIN, secret('123456'), secret('654321'))),
  flow('unblock the PIN', ({ token }) => token.unblockPin(PIN, secret('12345678'), secret('654321'))),
  flow('authenticate the management key', ({ management }) => authenticateFactoryKey(management)),
  flow('generate a key', async ({ management }) => {
    await authenticateFactoryKey(management);
    return await management.generateKey({ keyReference: '9A', algorithm: 'P-256' });
  }),
  flow('write a certificate', async ({ management }) => {
    await authenticateFactoryKey(management);
    await management.writeCertificate('9A', NEW_CERTIFICATE);
  }),
  flow('delete a certificate', async ({ management }) => {
    await authenticateFactoryKey(management);
    await management.deleteCertificate('9A');
  }),
  flow('sign by P-256', async ({ token }) => {
    await token.verifyPin(PIN, secret('123456'));
    return await token.sign({ keyReference: '9C', algorithm: 'P-256' }, 'ES256', DIGEST);
  }),
  flow('sign by RSA-2048', async ({ token }) => {
    await token.verifyPin(PIN, secret('123456'));
    return await token.sign({ keyReference: '9D', algorithm: 'RSA-2048' }, 'PS256', DIGEST);
  }),
  flow('agree on a secret', async ({ token }) => {
    await token.verifyPin(PIN, secret('123456'));
    return await token.agree?.('9A', 'P-256', PEER);
  }),
  flow('sign a block', async ({ token }) => {
    await token.verifyPin(PIN, secret('123456'));
    return await token.signBlock?.('9D', 'RSA-2048', new Uint8Array(256).fill(0x01));
  }),
  flow('decipher', async ({ token }) => {
    await token.verifyPin(PIN, secret('123456'));
    return await token.decipher?.('9D', 'RSA-2048', new Uint8Array(256).fill(0x01));
  }),
];

/** What only a YubiKey does. */
export const YUBICO_FLOWS: readonly Flow[] = [
  flow('tell of version and metadata', async ({ channel }) => [await readVersion(channel), await readMetadata(channel, 0x9a)]),
  flow('attest a key', ({ channel }) => attest(channel, '9A')),
  flow('import a key', async ({ channel, management }) => {
    await authenticateFactoryKey(management);
    await importKey(channel, '9A', { algorithm: 'P-256', scalar: Secret.take(new Uint8Array(32).fill(0x11)) });
  }),
  flow('set the management key', async ({ channel, management }) => {
    await authenticateFactoryKey(management);
    for (const algorithm of MANAGEMENT_KEY_ALGORITHMS.filter(({ name }) => name === 'AES-128'))
      await setManagementKey(channel, algorithm, Secret.take(new Uint8Array(16).fill(0x22)));
  }),
  flow('delete a key', async ({ management }) => {
    await authenticateFactoryKey(management);
    await management.deleteKey?.('9A');
  }),
  flow('reset the application', async ({ channel, token }) => {
    for (let tries = 3; tries > 0; tries--) await token.verifyPin(PIN, secret('000000')).catch(ignoreWrongPin);
    for (let tries = 3; tries > 0; tries--)
      await token.unblockPin(PIN, secret('00000000'), secret('654321')).catch(ignoreWrongPin);
    await resetApplication(channel);
  }),
];

function ignoreWrongPin(error: unknown): void {
  if (error instanceof Error && (error.name === 'PinRejectedError' || error.name === 'PinBlockedError')) return;
  throw error;
}
