/**
 * The simulated e-ID card against programs that are not ours: OpenSC 0.23 through the real pcscd, and OpenSSL. One card that OpenSC takes for the "Swedish
 * NIDEL card" (RSA, T=0), one that it takes for MyEID (curves), one blank.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { benchAuthorities, createEidCard, type SimulatedEidCard } from '../../drivers/simulated/cards/eid.ts';
import { certificateOf, pinBlock } from '../../drivers/simulated/cards/eid/testing.ts';
import { parseHex, formatHex } from '../../drivers/simulated/bytes.ts';
import { VpcdBridge } from '../../drivers/simulated/vpcd.ts';
import { createOpensslCa, type OpensslCa } from '../support/openssl-ca.ts';
import { startPcscd, type Pcscd, type VirtualReader } from '../support/pcscd.ts';
import { tool } from '../support/program.ts';

const MESSAGE = Buffer.from('what is signed on a card must verify anywhere');
/** DigestInfo of SHA-256 (RFC 8017, section 9.2), then the digest. */
const DIGEST_INFO = Buffer.concat([
  Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  createHash('sha256').update(MESSAGE).digest(),
]);
const PINS = { legitimering: '123456', underskrift: '654321' } as const;
const PUK = '12345678';
/** What the card calls its keys (CKA_ID), and where OpenSC shows their PIN: one slot for each, four slots for each reader. */
const KEYS = { legitimering: { id: '45', slot: 0 }, underskrift: { id: '46', slot: 1 } } as const;
const SLOTS_PER_READER = 4;
const LINE_DEADLINE_MS = 20_000;
const SEEN_DEADLINE_MS = 20_000;
const LOOK_AGAIN_MS = 50;
const MAIN = join(import.meta.dirname, '..', '..', 'daemon', 'main.ts');

type KeyName = keyof typeof KEYS;

const stack = new AsyncDisposableStack();
let pcscd: Pcscd;
/** For its folder, and to verify with the openssl program. */
let openssl: OpensslCa;

beforeAll(async () => {
  pcscd = stack.use(await startPcscd(4));
  openssl = stack.use(await createOpensslCa());
});
afterAll(async () => {
  await stack.disposeAsync();
});

function readerAt(index: number): VirtualReader {
  const reader = pcscd.readers[index];
  if (!reader) throw new Error(`pcscd has no reader ${index}`);
  return reader;
}

/** Resolves when pcscd has the card. */
async function insert(index: number, card: SimulatedEidCard): Promise<void> {
  const bridge = stack.use(new VpcdBridge({ port: readerAt(index).port }));
  await bridge.insert(card);
  await untilSeen(readerAt(index));
}

/** Resolves when pcscd has a card in the reader. `opensc-tool --wait` waits for a card in any reader, and for ever when it is in already (0.23). */
async function untilSeen(reader: VirtualReader): Promise<void> {
  const deadlineMs = performance.now() + SEEN_DEADLINE_MS;
  for (;;) {
    try {
      await tool('opensc-tool', ['--reader', reader.name, '--name']);
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await pause(LOOK_AGAIN_MS);
    }
  }
}

async function pkcs15(index: number, ...parameters: readonly string[]): Promise<string> {
  return await tool('pkcs15-tool', ['--reader', readerAt(index).name, ...parameters]);
}

interface Signing {
  readonly reader: number;
  readonly key: KeyName;
  readonly mechanism: string;
  readonly input?: Uint8Array;
  readonly options?: readonly string[];
}

/** By pkcs11-tool. Resolves with the signature. */
async function sign({ reader, key, mechanism, input = MESSAGE, options = [] }: Signing): Promise<Buffer> {
  const { id, slot } = KEYS[key];
  const output = join(openssl.folder, `${reader}-${key}-${mechanism}.sig`);
  const place = ['--slot', String(SLOTS_PER_READER * reader + slot), '--login', '--pin', PINS[key]];
  const files = ['--input-file', await openssl.file('message', input), '--output-file', output];
  await tool('pkcs11-tool', [...place, '--sign', '--id', id, '--mechanism', mechanism, ...options, ...files]);
  return await readFile(output);
}

/** Throws unless openssl accepts the signature, with the certificate that the card gives. */
async function verifyWithOpenssl(
  reader: number,
  key: KeyName,
  signature: Buffer,
  options: readonly string[] = [],
): Promise<void> {
  const certificate = await openssl.file('card.pem', await pkcs15(reader, '--read-certificate', KEYS[key].id));
  const publicKey = await openssl.file('card.pub', await tool('openssl', ['x509', '-in', certificate, '-noout', '-pubkey']));
  const files = ['-signature', await openssl.file('signature', signature), await openssl.file('message', MESSAGE)];
  const answer = await tool('openssl', ['dgst', '-sha256', '-verify', publicKey, ...options, ...files]);
  expect(answer).toContain('Verified OK');
}

describe("OpenSC, with a card that it takes for Sweden's NIDEL card", () => {
  const READER = 0;
  beforeAll(() => insert(READER, createEidCard({ persona: 'anna' })));

  it('knows it, and lists PINs, keys and certificates', async () => {
    expect(await tool('opensc-tool', ['--reader', readerAt(READER).name, '--name'])).toContain('SetCOS');
    const dump = await pkcs15(READER, '--dump');
    expect(dump).toContain('PKCS#15 Card [BENCH e-id kort]');
    expect(dump).toContain('9752000000000000011f');
    expect(dump.match(/^PIN \[.*\]$/gm)).toEqual(['PIN [Legitimering]', 'PIN [Underskrift]', 'PIN [PUK]']);
    expect(dump.match(/^Private RSA Key \[.*\]$/gm)).toHaveLength(2);
    expect(dump.match(/^Public RSA Key \[.*\]$/gm)).toHaveLength(2);
    expect(dump).toMatch(/Underskrift\][^[]*\n\tObject Flags[^[]*\[0x01\], private\n\tUsage +: \[0x200\], nonRepudiation/);
    const certificates = await pkcs15(READER, '--list-certificates');
    expect(certificates.match(/^X\.509 Certificate \[.*\]$/gm)).toEqual([
      'X.509 Certificate [Legitimering]',
      'X.509 Certificate [Underskrift]',
      'X.509 Certificate [BENCH e-id Person HSA-id 3 CA v1]',
      'X.509 Certificate [BENCH e-id Root CA v2]',
    ]);
  });

  it('reads the certificates that the card was made with, and their chain leads to the root of the bench', async () => {
    const [root] = benchAuthorities();
    const rootPem = await openssl.file('root.der', root?.certificate ?? new Uint8Array());
    await tool('openssl', ['x509', '-inform', 'der', '-in', rootPem, '-out', join(openssl.folder, 'root.pem')]);
    const issuer = await openssl.file('issuer.pem', await pkcs15(READER, '--read-certificate', '47'));
    for (const name of ['legitimering', 'underskrift'] as const) {
      const pem = await pkcs15(READER, '--read-certificate', KEYS[name].id);
      const path = await openssl.file(`${name}.pem`, pem);
      const trust = ['-CAfile', join(openssl.folder, 'root.pem'), '-untrusted', issuer, '-policy_check', '-x509_strict'];
      expect(await tool('openssl', ['verify', ...trust, path])).toContain(`${name}.pem: OK`);
      await expect(tool('openssl', ['verify', '-CAfile', join(openssl.folder, 'ca.pem'), path])).rejects.toThrow();
      expect(formatHex(parsePem(pem))).toBe(formatHex(new Uint8Array(certificateOf('anna', name).raw)));
    }
  });

  it('shows both PINs as tokens of PKCS #11, each with its certificate', async () => {
    const slots = await tool('pkcs11-tool', ['--list-slots']);
    expect(slots).toMatch(/Slot 0 .*\n +token label +: BENCH e-id kort \(Legitimering\)/);
    expect(slots).toMatch(/Slot 1 .*\n +token label +: BENCH e-id kort \(Underskrift\)/);
    for (const name of ['legitimering', 'underskrift'] as const) {
      const slot = ['--slot', String(KEYS[name].slot)];
      const objects = await tool('pkcs11-tool', [...slot, '--login', '--pin', PINS[name], '--list-objects']);
      expect(objects).toContain('serialNumber=SE2321000016-BENCH1, CN=Anna Lindqvist');
      expect(objects.match(/Private Key Object; RSA/g)).toHaveLength(1);
    }
  });

  it.each(['legitimering', 'underskrift'] as const)('signs with the key for %s, and openssl verifies', async (key) => {
    const signature = await sign({ reader: READER, key, mechanism: 'RSA-PKCS', input: DIGEST_INFO });
    await verifyWithOpenssl(READER, key, signature);
  });

  it('signs by pkcs15-crypt too', async () => {
    const output = join(openssl.folder, 'crypt.sig');
    const digest = await openssl.file('digest', DIGEST_INFO.subarray(-32));
    const parameters = ['--sign', '--sha-256', '--pkcs1', '--raw', '--key', '45', '--pin', PINS.legitimering];
    await tool('pkcs15-crypt', ['--reader', readerAt(READER).name, ...parameters, '--input', digest, '--output', output]);
    await verifyWithOpenssl(READER, 'legitimering', await readFile(output));
  });

  it('deciphers what openssl encrypted', async () => {
    const certificate = await openssl.file('card.pem', await pkcs15(READER, '--read-certificate', '45'));
    const [plain, cipher, output] = ['plain', 'cipher', 'deciphered'].map((name) => join(openssl.folder, name));
    if (plain === undefined || cipher === undefined || output === undefined) throw new Error('no names');
    await openssl.file('plain', 'a session key');
    await tool('openssl', ['pkeyutl', '-encrypt', '-certin', '-inkey', certificate, '-in', plain, '-out', cipher]);
    const parameters = ['--decipher', '--pkcs1', '--raw', '--key', '45', '--pin', PINS.legitimering, '--input', cipher];
    await tool('pkcs15-crypt', ['--reader', readerAt(READER).name, ...parameters, '--output', output]);
    expect(await readFile(output, 'utf8')).toBe('a session key');
  });

  it('is told of wrong PINs, of a blocked one, and unblocks it with the PUK', async () => {
    const verify = (pin: string): Promise<string> => pkcs15(READER, '--verify-pin', '--auth-id', '01', '--pin', pin);
    const unblock = (puk: string): Promise<string> =>
      pkcs15(READER, '--unblock-pin', '--auth-id', '01', '--puk', puk, '--new-pin', '111222');
    await verify(PINS.legitimering);
    for (let count = 0; count < 3; count++) await expect(verify('000000')).rejects.toThrow(/PIN code or key incorrect/);
    await expect(verify(PINS.legitimering)).rejects.toThrow(/Authentication method blocked/);
    await pkcs15(READER, '--verify-pin', '--auth-id', '02', '--pin', PINS.underskrift);
    await expect(unblock('00000000')).rejects.toThrow(/PUK code incorrect; tries left: 9/);
    await unblock(PUK);
    await verify('111222');
    await expect(verify(PINS.legitimering)).rejects.toThrow(/PIN code or key incorrect/);
    const change = ['--change-pin', '--auth-id', '01', '--pin', '111222', '--new-pin', PINS.legitimering];
    await pkcs15(READER, ...change);
    await verify(PINS.legitimering);
  });
});

describe('OpenSC, with a card that it takes for MyEID', () => {
  const READER = 1;
  beforeAll(() => insert(READER, createEidCard({ persona: 'bjorn' })));

  it('knows it, and lists keys on two curves', async () => {
    expect(await tool('opensc-tool', ['--reader', readerAt(READER).name, '--name'])).toContain('MyEID 4.0.1');
    const dump = await pkcs15(READER, '--dump');
    expect(dump.match(/^Private EC Key \[.*\]\n(?:\t.*\n)*?\tFieldLength +: \d+$/gm)).toHaveLength(2);
    expect(dump).toContain('9752000000000000029f');
  });

  it.each(['legitimering', 'underskrift'] as const)('signs with the key for %s, and openssl verifies', async (key) => {
    const options = ['--signature-format', 'openssl'];
    await verifyWithOpenssl(READER, key, await sign({ reader: READER, key, mechanism: 'ECDSA-SHA256', options }));
    const input = DIGEST_INFO.subarray(-32);
    await verifyWithOpenssl(READER, key, await sign({ reader: READER, key, mechanism: 'ECDSA', input, options }));
  });

  it('reads the points of the public keys', async () => {
    for (const key of ['legitimering', 'underskrift'] as const) {
      const pem = await pkcs15(READER, '--read-public-key', KEYS[key].id);
      const { x = '', y = '' } = certificateOf('bjorn', key).publicKey.export({ format: 'jwk' });
      const point = Buffer.concat([Buffer.from([0x04]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
      expect(formatHex(parsePem(pem)).endsWith(point.toString('hex'))).toBe(true);
    }
  });
});

describe('OpenSC, with RSA keys on a card that it takes for MyEID', () => {
  const READER = 2;
  beforeAll(() => insert(READER, createEidCard({ persona: 'anna', profile: 'myeid' })));

  it.each(['legitimering', 'underskrift'] as const)('signs by PKCS #1 v1.5 and PSS with the key for %s', async (key) => {
    await verifyWithOpenssl(READER, key, await sign({ reader: READER, key, mechanism: 'SHA256-RSA-PKCS' }));
    const signature = await sign({ reader: READER, key, mechanism: 'SHA256-RSA-PKCS-PSS' });
    await verifyWithOpenssl(READER, key, signature, ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32']);
  });
});

describe('kortd simulate --card eid', () => {
  const READER = 3;

  it('keeps what another program changed, in its file', async () => {
    const state = join(openssl.folder, 'reserve.json');
    const verify = (pin: string): Promise<string> => pkcs15(READER, '--verify-pin', '--auth-id', '01', '--pin', pin);
    const program = await simulate('eid:reserve', readerAt(READER), state);
    try {
      expect(await pkcs15(READER, '--dump')).toContain('9752000000000000102f');
      await pkcs15(READER, '--change-pin', '--auth-id', '01', '--pin', '123456', '--new-pin', '135791');
      await verify('135791');
    } finally {
      await program[Symbol.asyncDispose]();
    }
    const saved = JSON.parse(await readFile(state, 'utf8')) as ReturnType<SimulatedEidCard['state']>;
    expect(saved.pins.legitimering.block).toBe(pinBlock('135791'));
    const card = createEidCard({ state: saved });
    card.powerUp();
    expect(formatHex(await card.process(parseHex(`0020000108${pinBlock('135791')}`)))).toBe('9000');
  });

  it('says which cards there are', async () => {
    const refused = tool(process.execPath, [MAIN, 'simulate', '--card', 'eid:nobody', '--vpcd', '127.0.0.1:9']);
    await expect(refused).rejects.toThrow(/eid:anna.*eid:reserve.*piv/);
    await expect(tool(process.execPath, [MAIN, 'simulate', '--card', 'piv:anna', '--vpcd', '127.0.0.1:9'])).rejects.toThrow();
  });
});

/** The program itself; resolves when pcscd has its card. Disposing of it pulls the card. */
async function simulate(card: string, reader: VirtualReader, state: string): Promise<AsyncDisposable> {
  const parameters = ['simulate', '--card', card, '--vpcd', `127.0.0.1:${reader.port}`, '--state', state];
  const child = spawn(process.execPath, [MAIN, ...parameters], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data', { signal: AbortSignal.timeout(LINE_DEADLINE_MS) });
  await untilSeen(reader);
  return { [Symbol.asyncDispose]: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}

function parsePem(text: string): Uint8Array {
  const body = /-----BEGIN [A-Z ]+-----([^]*?)-----END/.exec(text)?.[1] ?? '';
  return new Uint8Array(Buffer.from(body, 'base64'));
}
