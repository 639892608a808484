/**
 * The whole way, on real parts: the built daemon over its API, the real pcscd, a simulated card behind vpcd, and programs that are not ours
 * (openssl, OpenSC, yubico-piv-tool) on that very card.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../api-spec/client/client.ts';
import type { Result } from '../../api-spec/methods/index.ts';
import { ecdsaToDer } from '../../apdu/signature-encoding.ts';
import { createOpensslCa, type OpensslCa } from '../support/openssl-ca.ts';
import { startPcscd, type Pcscd } from '../support/pcscd.ts';
import { insertSimulatedCard, startProgram, tool, type RunningDaemon } from '../support/program.ts';

const PIN = '123456';
const MESSAGE = Buffer.from('what is signed on a card must verify anywhere');
const DIGEST = createHash('sha256').update(MESSAGE).digest('base64');
const DEADLINE_MS = 20_000;

const stack = new AsyncDisposableStack();
let pcscd: Pcscd;
let daemon: RunningDaemon;
let ca: OpensslCa;
let client: Client;
let readerName: string;

beforeAll(async () => {
  pcscd = stack.use(await startPcscd(2));
  const [reader] = pcscd.readers;
  if (!reader) throw new Error('pcscd has no reader');
  readerName = reader.name;
  stack.use(await insertSimulatedCard(reader.port));
  daemon = stack.use(await startProgram([]));
  client = daemon.client;
  ca = stack.use(await createOpensslCa());
});
afterAll(async () => {
  await stack.disposeAsync();
});

type Card = Result<'card.list'>['cards'][number];

/** The card in the first reader, as soon as kortd knows what it is. */
async function readyCard(): Promise<Card> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const { readers } = await client.call('reader.list');
    const { cards } = await client.call('card.list');
    const reader = readers.find((candidate) => candidate.name === readerName);
    const card = cards.find((candidate) => candidate.reader === reader?.id && candidate.status === 'ready');
    if (card) return card;
    if (Date.now() > deadline) throw new Error(`no card became ready: ${JSON.stringify({ readers, cards })}`);
    await delay(20);
  }
}

async function enrol(keyReference: string, algorithm: 'P-256' | 'RSA-2048', subject: string): Promise<string> {
  const { id } = await readyCard();
  await client.call('key.generate', { card: id, keyReference, algorithm, managementKey: 'default' }, { timeoutMs: 60_000 });
  const { request } = await client.call('certificate.request', { card: id, keyReference, subject, pin: PIN });
  const certificate = await ca.issue(request);
  await client.call('certificate.write', { card: id, keyReference, certificate, managementKey: 'default' });
  return certificate;
}

/** OpenSC's name for the key in each slot (piv: 9A is 01, 9C is 02, 9D is 03). */
const OPENSC_ID: Readonly<Record<string, string>> = { '9A': '01', '9C': '02' };

async function signWithOpenSc(keyReference: string, mechanism: string, format: readonly string[]): Promise<Buffer> {
  const input = await ca.file('opensc.msg', MESSAGE);
  const output = join(ca.folder, `opensc-${keyReference}.sig`);
  const id = OPENSC_ID[keyReference] ?? '';
  const login = ['--login', '--pin', PIN, '--sign', '--id', id, '--mechanism', mechanism];
  await tool('pkcs11-tool', [...login, ...format, '--input-file', input, '--output-file', output]);
  return await readFile(output);
}

describe('a card behind the real pcscd', () => {
  let rsa: string;
  let elliptic: string;

  it('gets RSA-2048 and P-256 keys whose requests openssl accepts and whose certificates an OpenSSL CA issued', async () => {
    rsa = await enrol('9A', 'RSA-2048', 'CN=Anna Andersson,O=Region Test,C=SE');
    elliptic = await enrol('9C', 'P-256', 'CN=Anna Andersson signature,O=Region Test,C=SE');
    const { certificates } = await client.call('certificate.list', { card: (await readyCard()).id });
    expect(certificates.map(({ keyReference, parsed }) => [keyReference, parsed?.subject])).toEqual([
      ['9A', expect.stringContaining('CN=Anna Andersson')],
      ['9C', expect.stringContaining('CN=Anna Andersson signature')],
    ]);
  });

  it('signs through the API so that openssl verifies', async () => {
    const { id } = await readyCard();
    const first = await client.call('sign.digest', {
      card: id,
      keyReference: '9A',
      algorithm: 'RS256',
      digest: DIGEST,
      pin: PIN,
    });
    await ca.verify(rsa, MESSAGE, Buffer.from(first.signature, 'base64'));
    const second = await client.call('sign.digest', {
      card: id,
      keyReference: '9C',
      algorithm: 'ES256',
      digest: DIGEST,
      pin: PIN,
    });
    await ca.verify(elliptic, MESSAGE, ecdsaToDer(Buffer.from(second.signature, 'base64')));
  });

  it('shows both certificates to pkcs15-tool', async () => {
    const listing = await tool('pkcs15-tool', ['--reader', readerName, '--list-certificates']);
    expect(listing.match(/X\.509 Certificate/g)).toHaveLength(2);
    const read = await tool('pkcs15-tool', ['--reader', readerName, '--read-certificate', '01']);
    expect(read.replaceAll(/\s/g, '')).toContain(rsa.replaceAll(/\s|-----[A-Z ]+-----/g, ''));
  });

  it('signs through pkcs11-tool with both keys so that openssl verifies', async () => {
    await ca.verify(rsa, MESSAGE, await signWithOpenSc('9A', 'SHA256-RSA-PKCS', []));
    await ca.verify(elliptic, MESSAGE, await signWithOpenSc('9C', 'ECDSA-SHA256', ['--signature-format', 'openssl']));
  });

  it('passes the signature test of yubico-piv-tool', async () => {
    const certificate = await ca.file('yubico.pem', rsa);
    const answer = await tool('yubico-piv-tool', [
      '-r',
      readerName,
      '-a',
      'verify-pin',
      '-P',
      PIN,
      '-a',
      'test-signature',
      '-s',
      '9a',
      '-i',
      certificate,
    ]);
    expect(answer).toMatch(/Successful (RSA|ECDSA) verification/);
  });

  it('is read right after another program changed it, and what that made is used through the API', async () => {
    const before = await client.call('card.read', { card: (await readyCard()).id });
    expect(before.certificates.map((certificate) => certificate.keyReference)).toEqual(['9A', '9C']);
    const publicKey = await tool('yubico-piv-tool', ['-r', readerName, '-a', 'generate', '-s', '9d', '-A', 'ECCP256']);
    const pem = /-----BEGIN PUBLIC KEY-----[^]*-----END PUBLIC KEY-----/.exec(publicKey)?.[0] ?? '';
    const certificate = await ca.issueFor(`${pem}\n`, '/CN=Made elsewhere');
    await tool('yubico-piv-tool', [
      '-r',
      readerName,
      '-a',
      'import-certificate',
      '-s',
      '9d',
      '-i',
      await ca.file('9d.pem', certificate),
    ]);
    const { id } = await readyCard();
    const after = await client.call('card.read', { card: id });
    expect(after.certificates.find((candidate) => candidate.keyReference === '9D')?.parsed?.subject).toBe('CN=Made elsewhere');
    const { signature } = await client.call('sign.digest', {
      card: id,
      keyReference: '9D',
      algorithm: 'ES256',
      digest: DIGEST,
      pin: PIN,
    });
    await ca.verify(certificate, MESSAGE, ecdsaToDer(Buffer.from(signature, 'base64')));
  });

  it('leaves no verified PIN behind for the next program', async () => {
    await client.call('pin.verify', { card: (await readyCard()).id, pin: PIN });
    const input = await ca.file('inherit.msg', MESSAGE);
    const output = join(ca.folder, 'inherit.sig');
    const parameters = ['--sign', '--id', '01', '--mechanism', 'SHA256-RSA-PKCS', '--input-file', input, '--output-file', output];
    await expect(tool('pkcs11-tool', parameters)).rejects.toThrow();
  });

  it('is found again within 2 s when pcscd comes back, under the same reader id and with the same subscription', async () => {
    const before = await readyCard();
    const names: string[] = [];
    const inserted = new Promise<{ id: string; reader: string }>((resolve) => {
      void client.subscribe({
        onEvent: (event) => {
          names.push(event.name);
          if (event.name === 'card.inserted') resolve(event.data.card);
        },
      });
    });
    await client.call('system.info'); // the subscription stands
    await pcscd.stop();
    const deadline = Date.now() + DEADLINE_MS;
    while ((await client.call('system.health')).status === 'ok') {
      if (Date.now() > deadline) throw new Error('kortd did not notice that pcscd went away');
      await delay(20);
    }
    await expect(client.call('card.read', { card: { reader: before.reader } })).rejects.toMatchObject({
      code: 'reader_unavailable',
    });
    await pcscd.start();
    const back = performance.now();
    while ((await client.call('system.health')).status !== 'ok') await delay(10);
    expect(performance.now() - back).toBeLessThan(2_000);
    const card = await inserted;
    expect(card.reader).toBe(before.reader);
    expect(card.id).not.toBe(before.id);
    expect(names).toContain('card.removed');
    await expect(client.call('card.read', { card: before.id })).rejects.toMatchObject({ code: 'not_found' });
    await expect(client.call('card.read', { card: (await readyCard()).id })).resolves.toMatchObject({
      card: { status: 'ready' },
    });
  });
});
