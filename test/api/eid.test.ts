/** A Swedish eID card over the API, which knows nothing of such cards: what is on it, both PINs, signatures with each key, and a login. */
import { createHash, randomBytes, verify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Key } from '../../api-spec/schemas.ts';
import type { SignatureAlgorithm } from '../../apdu/token.ts';
import { createEidCard, PERSONA_NAMES, type EidCardState } from '../../drivers/simulated/cards/eid.ts';
import { verifyToken } from '../login/verifier.ts';
import { openDesk } from './eid-desk.ts';
import { INS, openBench, outcomeOf, resultOf, WatchedCard } from './support.ts';

const MESSAGE = Buffer.from('a receipt');
const ORIGIN = 'https://login.example';
const PERSONS = PERSONA_NAMES.filter((name) => !['renewable', 'reserve'].includes(name));

function isSignedBy(certificate: X509Certificate, algorithm: SignatureAlgorithm, signature: string): boolean {
  return verify(
    `sha${algorithm.slice(2)}`,
    MESSAGE,
    { key: certificate.publicKey, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64'),
  );
}

const firstAlgorithm = ({ signatureAlgorithms = [] }: Key): SignatureAlgorithm => signatureAlgorithms[0] ?? 'RS256';

describe.each(PERSONS)('the eID card of %s', (persona) => {
  it('tells two PINs, two keys and their certificates', async () => {
    await using bench = await openBench();
    const { api, id } = await openDesk(bench, persona);
    const { pins, keys, certificates } = resultOf(await api.call('card.read', { card: id }));
    expect(pins.map(({ label }) => label)).toEqual(['Legitimering', 'Underskrift']);
    expect(keys.map(({ usage, pinPolicy }) => [usage, pinPolicy])).toEqual([
      ['authentication', 'once'],
      ['signature', 'always'],
    ]);
    for (const { keyReference } of keys) expect(certificates.some((one) => one.keyReference === keyReference)).toBe(true);
  });

  it('signs with each key under its own PIN, and not under the other', async () => {
    await using bench = await openBench();
    const { api, id, pins } = await openDesk(bench, persona);
    const { keys, certificates } = resultOf(await api.call('card.read', { card: id }));
    for (const key of keys) {
      const algorithm = firstAlgorithm(key);
      const digest = createHash(`sha${algorithm.slice(2)}`)
        .update(MESSAGE)
        .digest('base64');
      const params = { card: id, keyReference: key.keyReference, algorithm, digest };
      const other = Object.entries(pins).find(([reference]) => reference !== key.pin)?.[1];
      expect(outcomeOf(await api.call('sign.digest', { ...params, pin: other }))).toBe('pin_rejected');
      const { signature } = resultOf(await api.call('sign.digest', { ...params, pin: pins[key.pin] }));
      const certificate = certificates.find(({ keyReference }) => keyReference === key.keyReference);
      expect(isSignedBy(new X509Certificate(Buffer.from(certificate?.certificate ?? '', 'base64')), algorithm, signature)).toBe(
        true,
      );
    }
  });

  it('logs its holder in with the PIN for legitimering', async () => {
    await using bench = await openBench();
    const { api, id, pins } = await openDesk(bench, persona);
    const nonce = randomBytes(32).toString('base64');
    const [pin] = Object.values(pins);
    const token = resultOf(await api.call('login.authenticate', { card: id, challenge: nonce, origin: ORIGIN, pin }));
    expect(verifyToken(token, { origin: ORIGIN, nonce })).toBeInstanceOf(X509Certificate);
  });

  it('has its PINs changed, blocked, and unblocked with the PUK', async () => {
    await using bench = await openBench();
    const { api, id, pins, puk } = await openDesk(bench, persona);
    const [[pinReference, pin] = ['', '']] = Object.entries(pins).reverse();
    const next = '864209';
    resultOf(await api.call('pin.change', { card: id, pinReference, pin, newPin: next }));
    expect(outcomeOf(await api.call('pin.verify', { card: id, pinReference, pin }))).toBe('pin_rejected');
    let outcome = '';
    for (let tries = 0; tries < 10 && outcome !== 'pin_blocked'; tries++)
      outcome = outcomeOf(await api.call('pin.verify', { card: id, pinReference, pin, allowLastTry: true }));
    expect(outcome).toBe('pin_blocked');
    resultOf(await api.call('pin.unblock', { card: id, pinReference, puk, newPin: pin }));
    expect(outcomeOf(await api.call('pin.verify', { card: id, pinReference, pin }))).toBe('ok');
  });

  it('is asked few questions: two when it is known, four for a signature', async () => {
    await using bench = await openBench();
    const { api, card, id, pins } = await openDesk(bench, persona);
    const { keys } = resultOf(await api.call('card.read', { card: id }));
    const [key] = keys;
    if (!key) throw new Error('there is no key');
    const algorithm = firstAlgorithm(key);
    const digest = createHash(`sha${algorithm.slice(2)}`)
      .update(MESSAGE)
      .digest('base64');
    const params = { card: id, keyReference: key.keyReference, algorithm, digest, pin: pins[key.pin] };
    resultOf(await api.call('sign.digest', params));
    card.forget();
    resultOf(await api.call('sign.digest', params));
    expect(card.count(INS.verify, 'with data')).toBe(1);
    expect(card.exchanges, card.commands.map((command) => command.slice(0, 8)).join(' ')).toBeLessThanOrEqual(4);
  });
});

describe('a card that lists fewer algorithms than its keys could do', () => {
  /** EF.CIAInfo that names CKM_RSA_PKCS alone (PKCS #15 v1.1, section 6.9), as long as the card's own file. */
  const INFORMATION =
    '304F020100040A9752269875000000001F0C074B6F72742041428013546AC3A46E7374656B6F72742028746573742903020470A21C301A02010102010105000302064006092A864886F70D010101020102';

  it('tells those alone, and is not asked for another', async () => {
    await using bench = await openBench();
    const state = createEidCard({ persona: 'anna' }).state();
    const name = '3f0050155032';
    const file = { ...state.files[name], content: Buffer.from(INFORMATION.padEnd(1_536, '0'), 'hex').toString('base64') };
    const card = new WatchedCard(createEidCard({ state: { ...state, files: { ...state.files, [name]: file } } as EidCardState }));
    const id = await bench.insert(card);
    const api = await bench.socket();
    const { keys } = resultOf(await api.call('card.read', { card: id }));
    expect(keys.map(({ signatureAlgorithms }) => signatureAlgorithms)).toEqual([
      ['RS256', 'RS384', 'RS512'],
      ['RS256', 'RS384', 'RS512'],
    ]);
    card.forget();
    const digest = createHash('sha256').update(MESSAGE).digest('base64');
    const params = { card: id, keyReference: keys[0]?.keyReference, digest, pin: '123456' };
    expect(outcomeOf(await api.call('sign.digest', { ...params, algorithm: 'PS256' }))).toBe('algorithm_unsupported');
    expect(card.count(INS.verify, 'with data')).toBe(0);
    expect(outcomeOf(await api.call('sign.digest', { ...params, algorithm: 'RS256' }))).toBe('ok');
  });
});
