/** sign.cms, sign.addSigner and signature.verify over the API, with simulated cards of both kinds; OpenSSL verifies what comes out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHash } from 'node:crypto';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import {
  INS,
  PIN,
  openBench,
  outcomeOf,
  resultOf,
  watchedPivCard,
  WatchedCard,
  type Bench,
  type WatchedPivCard,
} from '../api/support.ts';
import { stateOf } from '../api/cards.ts';
import { postContent, getContent } from './content-requests.ts';
import { TSA_EXTENSIONS, createPki, type Pki, type PkiKeyKind, type PkiSigner } from './pki.ts';
import { openTsa } from './tsa.ts';

const content = Buffer.from('A receipt for card 4711.');
const data = content.toString('base64');
let pki: Pki;
let anchor: string;
const signers: Partial<Record<PkiKeyKind, PkiSigner>> = {};

beforeAll(async () => {
  pki = await createPki();
  await pki.file('content.bin', content);
  anchor = pki.root.certificate.toString();
  for (const kind of ['P-256', 'P-384', 'RSA-2048', 'RSA-1024'] as const)
    signers[kind] = await pki.issue(`Card ${kind}`, { kind });
});
afterAll(() => pki[Symbol.asyncDispose]());

/** A PIV card with this signer's key and certificate as 9C. */
function cardOf(kind: PkiKeyKind, reference = '9C'): WatchedPivCard {
  const signer = signers[kind];
  if (!signer) throw new RangeError(`no signer with ${kind}`);
  const privateKey = signer.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  return watchedPivCard({ keys: { [reference]: { privateKey, certificate: Buffer.from(signer.der).toString('base64') } } });
}

async function opensslVerify(
  cms: string,
  how: 'attached' | 'detached',
  trust = ['-CAfile', pki.root.certificateFile, '-purpose', 'any', '-cades'],
): Promise<void> {
  const input = await pki.file('api.der', Buffer.from(cms, 'base64'));
  const given = how === 'detached' ? ['-content', pki.path('content.bin')] : [];
  const common = ['-verify', '-binary', '-inform', 'DER', '-in', input];
  await pki.openssl('cms', ...common, ...trust, ...given, '-out', pki.path('api.out'));
  expect(Buffer.from(await pki.read('api.out')).equals(content)).toBe(true);
}

describe.each([
  ['P-256', 'ES256'],
  ['P-384', 'ES384'],
  ['RSA-2048', 'RS256'],
  ['RSA-2048', 'PS512'],
] as const)('a PIV card with %s signs by %s', (kind, algorithm) => {
  it.each(['attached', 'detached'] as const)('%s, and OpenSSL verifies it', async (how) => {
    await using bench = await openBench();
    const card = await bench.insert(cardOf(kind));
    const api = await bench.socket();
    const params = { card, keyReference: '9C', algorithm, content: { data }, detached: how === 'detached', pin: PIN };
    const result = resultOf(await api.call('sign.cms', { ...params, certificates: [pki.sub.certificate.toString()] }));
    expect(result).toMatchObject({ algorithm, keyReference: '9C', signerIndex: 0 });
    await opensslVerify(result.cms ?? '', how);
    const given = how === 'detached' ? { content: { data } } : {};
    const report = resultOf(await api.call('signature.verify', { cms: { data: result.cms }, ...given, trustAnchors: [anchor] }));
    expect(report).toMatchObject({ verdict: 'valid', detached: how === 'detached', signers: [{ algorithm, chain: 'trusted' }] });
  });
});

it('an eID card signs with its key for signatures, under the PIN for signatures', async () => {
  await using bench = await openBench();
  const eid = new WatchedCard(createEidCard({ persona: 'anna' }));
  const card = await bench.insert(eid);
  const api = await bench.socket();
  const { keys } = resultOf(await api.call('card.read', { card }));
  const key = keys.find(({ usage }) => usage === 'signature');
  const pin = Buffer.from(eid.inner.state().pins.underskrift.block.replace(/(?:00|ff)+$/i, ''), 'hex').toString();
  const params = { card, keyReference: key?.keyReference, content: { data }, detached: true, pin };
  const { cms = '' } = resultOf(await api.call('sign.cms', params));
  await opensslVerify(cms, 'detached', ['-noverify']);
  expect(resultOf(await api.call('signature.verify', { cms: { data: cms }, content: { data } })).signers).toMatchObject([
    { digest: 'match', signature: 'good', signingCertificate: 'match', chain: 'untrusted' },
  ]);
});

it('a second person signs with another card, later; then a third cannot when anything was changed', async () => {
  await using bench = await openBench({ readers: [{}, {}] });
  const [first, second] = [await bench.insert(cardOf('P-256'), 0), await bench.insert(cardOf('RSA-2048'), 1)];
  const api = await bench.socket();
  const one = resultOf(
    await api.call('sign.cms', { card: first, keyReference: '9C', content: { data }, detached: true, pin: PIN }),
  );
  const more = { card: second, keyReference: '9C', content: { data }, pin: PIN };
  const two = resultOf(await api.call('sign.addSigner', { ...more, cms: { data: one.cms } }));
  expect(two.signerIndex).toBe(1);
  const intermediate = { certificates: [pki.sub.certificate.toString()], trustAnchors: [anchor] };
  const report = resultOf(await api.call('signature.verify', { cms: { data: two.cms }, content: { data }, ...intermediate }));
  expect(report.signers.map(({ verdict }) => verdict)).toEqual(['valid', 'valid']);
  const changed = Buffer.from(two.cms ?? '', 'base64');
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  expect(outcomeOf(await api.call('sign.addSigner', { ...more, cms: { data: changed.toString('base64') } }))).toBe(
    'signature_invalid',
  );
});

it('the time is stamped by the server that a policy names, when the call asks for it', async () => {
  await using tsa = await openTsa(pki, await pki.issue('Time', { kind: 'RSA-2048', extensions: TSA_EXTENSIONS }));
  const timeStamp = { url: tsa.url, trustAnchors: [pki.root.certificateFile] };
  const identity = { trustAnchors: [pki.root.certificateFile], intermediates: [pki.sub.certificateFile] };
  await using bench = await openBench({ policy: { timeStamp, identity } });
  const card = await bench.insert(cardOf('P-256'));
  const api = await bench.socket();
  const params = { card, keyReference: '9C', content: { data }, detached: true, pin: PIN };
  resultOf(await api.call('sign.cms', params));
  expect(tsa.asked()).toBe(0);
  const { cms, timeStamp: stamp } = resultOf(await api.call('sign.cms', { ...params, timeStamp: true }));
  expect(stamp).toMatchObject({ authority: 'CN=Time,C=SE' });
  await opensslVerify(cms ?? '', 'detached');
  expect(resultOf(await api.call('signature.verify', { cms: { data: cms }, content: { data } }))).toMatchObject({
    verdict: 'valid',
    signers: [{ validity: { source: 'time_stamp', at: stamp?.time }, timeStamp: { verdict: 'valid' } }],
  });
  tsa.mood = 'garbage';
  expect(outcomeOf(await api.call('sign.cms', { ...params, timeStamp: true }))).toBe('time_stamp_failed');
});

describe('what cannot be signed', () => {
  const digest = (hash: string): object => ({ digest: { hash, value: createHash(hash).update(content).digest('base64') } });

  it.each<[string, object, string]>([
    ['a digest, attached', { content: digest('sha256'), detached: false }, 'invalid_params'],
    ['a digest of the wrong length', { content: { digest: { hash: 'sha384', value: 'AAAA' } } }, 'invalid_params'],
    ['a digest that the key does not sign', { content: digest('sha512') }, 'invalid_params'],
    ['two contents at once', { content: { data, upload: 'x' } }, 'invalid_params'],
    ['no content', { content: {} }, 'invalid_params'],
    ['an upload that is not there', { content: { upload: 'x' } }, 'content_not_found'],
    ['with a chain of nothing', { certificates: ['none'] }, 'certificate_invalid'],
    ['with a time stamp of nobody', { timeStamp: true }, 'time_stamp_unavailable'],
  ])('%s: the card is left alone, and nobody is asked for a PIN', async (_, changes, code) => {
    await using bench = await openBench();
    const watched = cardOf('P-256');
    const card = await bench.insert(watched);
    const before = stateOf(watched);
    const api = await bench.socket();
    const params = { card, keyReference: '9C', content: { data }, detached: true, pin: PIN, ...changes };
    expect(outcomeOf(await api.call('sign.cms', params))).toBe(code);
    expect(watched.count(INS.verify, 'with data')).toBe(0);
    expect(stateOf(watched)).toEqual(before);
  });

  it.each<[string, object, string]>([
    ['no CMS', { cms: { data } }, 'cms_invalid'],
    ['nothing', { cms: { data: '' } }, 'cms_invalid'],
    ['without the content that is signed', { content: undefined }, 'invalid_params'],
    ['over other content', { content: { data: 'AAAA' } }, 'signature_invalid'],
    ['over a digest that the first signer has not', { content: digest('sha512') }, 'invalid_params'],
  ])('after %s: the card is left alone, and nobody is asked for a PIN', async (_, changes, code) => {
    await using bench = await openBench();
    const watched = cardOf('P-256');
    const card = await bench.insert(watched);
    const api = await bench.socket();
    const params = { card, keyReference: '9C', content: { data }, pin: PIN };
    const { cms } = resultOf(await api.call('sign.cms', { ...params, detached: true }));
    const before = stateOf(watched);
    watched.forget();
    expect(outcomeOf(await api.call('sign.addSigner', { ...params, cms: { data: cms }, ...changes }))).toBe(code);
    expect(watched.count(INS.verify, 'with data')).toBe(0);
    expect(stateOf(watched)).toEqual(before);
  });

  it('with RSA of 1024 bits: nobody is asked for a PIN', async () => {
    await using bench = await openBench();
    const watched = cardOf('RSA-1024');
    const card = await bench.insert(watched);
    const api = await bench.socket();
    const params = { card, keyReference: '9C', content: { data }, detached: true, pin: PIN };
    expect(outcomeOf(await api.call('sign.cms', params))).toBe('algorithm_not_allowed');
    expect(watched.count(INS.verify, 'with data')).toBe(0);
  });
});

describe('content that was uploaded', () => {
  it('is signed by its digest, and verified by it', async () => {
    await using bench = await openBench();
    const card = await bench.insert(cardOf('P-384'));
    const api = await bench.socket();
    const { content: upload } = await postContent(bench, content);
    const params = { card, keyReference: '9C', content: { upload }, pin: PIN };
    const { cms = '', algorithm } = resultOf(await api.call('sign.cms', { ...params, detached: true }));
    expect(algorithm).toBe('ES384');
    await opensslVerify(cms, 'detached', ['-noverify']);
    expect(resultOf(await api.call('signature.verify', { cms: { data: cms }, content: { upload } })).signers).toMatchObject([
      { digest: 'match', signature: 'good' },
    ]);
    expect(outcomeOf(await api.call('sign.cms', { ...params, detached: false }))).toBe('invalid_params');
  });

  it('and kept goes into a signature that is too long for an answer, and is fetched', async () => {
    await using bench = await openBench();
    const long = Buffer.alloc(3_000_000, 'long ');
    const card = await bench.insert(cardOf('P-256'));
    const api = await bench.socket();
    const { content: upload } = await postContent(bench, long, '?keep=true');
    const params = { card, keyReference: '9C', content: { upload }, pin: PIN, detached: false };
    const { cms, content: waiting = '', size } = resultOf(await api.call('sign.cms', params));
    expect(cms).toBeUndefined();
    const fetched = await getContent(bench, waiting);
    expect(fetched.length).toBe(size);
    await pki.file('long.der', fetched);
    const common = ['-verify', '-binary', '-noverify', '-inform', 'DER', '-in', pki.path('long.der')];
    await pki.openssl('cms', ...common, '-out', pki.path('long.out'));
    expect(Buffer.from(await pki.read('long.out')).equals(long)).toBe(true);
    expect(await verifyUploaded(bench, waiting)).toBe('good');
  });
});

/** What waits to be fetched can be named as an upload. */
async function verifyUploaded(bench: Bench, id: string): Promise<string | undefined> {
  const api = await bench.socket();
  return resultOf(await api.call('signature.verify', { cms: { upload: id } })).signers[0]?.signature;
}
