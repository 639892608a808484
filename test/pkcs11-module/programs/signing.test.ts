/** Programs of Debian that list and sign, on cards of each kind: OpenSC's tool, GnuTLS's tool, OpenSSL through its engine, NSS's tools, p11-kit's own remoting. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEYS, MODULE, openToolDesk, PIN, STAFF, type ToolDesk, type UsedKey } from './tools.ts';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'daemon', 'main.ts');
const MESSAGE = 'what is signed on a card must verify anywhere\n';
let desk: ToolDesk;
beforeAll(async () => {
  desk = await openToolDesk();
  await desk.file('message', MESSAGE);
});
afterAll(() => desk[Symbol.asyncDispose]());

const pkcs11Tool = (...parameters: readonly string[]): Promise<string> =>
  desk.run('pkcs11-tool', ['--module', MODULE, ...parameters]);
const p11tool = (...parameters: readonly string[]): Promise<string> => desk.run('p11tool', ['--provider', MODULE, ...parameters]);

/** pkcs11-tool names slots by their place in the list. */
async function slotIndex({ token, serial = '' }: UsedKey): Promise<string> {
  const slots = (await pkcs11Tool('-L')).split(/^Slot /m).slice(1);
  const lineOf = (text: string, name: string): string => new RegExp(`${name} +: (.*?) *$`, 'm').exec(text)?.[1] ?? '';
  const index = slots.findIndex((text) => lineOf(text, 'token label') === token && lineOf(text, 'serial num').startsWith(serial));
  expect(index).toBeGreaterThanOrEqual(0);
  return String(index);
}

async function publicKeyOf(key: UsedKey): Promise<string> {
  await pkcs11Tool('--slot-index', await slotIndex(key), '--read-object', '--type', 'pubkey', '--id', key.id, '-o', 'key.der');
  await desk.run('openssl', ['pkey', '-pubin', '-inform', 'DER', '-in', 'key.der', '-out', 'key.pem']);
  return 'key.pem';
}

async function expectSigned(key: UsedKey, signature: string, ...options: readonly string[]): Promise<void> {
  const publicKey = await publicKeyOf(key);
  const parameters = ['dgst', '-sha256', '-verify', publicKey, '-signature', signature, ...options, 'message'];
  expect(await desk.run('openssl', parameters)).toContain('Verified OK');
}

describe('pkcs11-tool', () => {
  it('lists slots, tokens and objects without a PIN', async () => {
    const slots = await pkcs11Tool('-L');
    expect(slots.match(/token label +: (.*?) *$/gm)).toHaveLength(6);
    expect(slots).toContain('EID card (signature)');
    const [piv] = KEYS;
    if (!piv) throw new Error('no key');
    const objects = await pkcs11Tool('--slot-index', await slotIndex(piv), '-O');
    expect(objects.match(/^Certificate Object/gm)).toHaveLength(3);
    expect(objects.match(/^Public Key Object/gm)).toHaveLength(3);
    expect(objects).not.toMatch(/^Private Key Object/m);
  });

  it.each(KEYS)('tests $name, and finds no error', async (key) => {
    const slot = await slotIndex(key);
    expect(await pkcs11Tool('--slot-index', slot, '-M')).toContain(key.kind === 'RSA' ? 'SHA256-RSA-PKCS' : 'ECDSA');
    expect(await pkcs11Tool('--slot-index', slot, '--login', '--pin', PIN, '--test')).toContain('No errors');
  });

  it.each(KEYS)('signs on $name, and openssl verifies', async (key) => {
    const mechanism = key.kind === 'RSA' ? ['SHA256-RSA-PKCS'] : ['ECDSA', '--signature-format', 'openssl'];
    const digest = key.kind === 'RSA' ? 'message' : 'digest';
    await desk.run('openssl', ['dgst', '-sha256', '-binary', '-out', 'digest', 'message']);
    const login = ['--slot-index', await slotIndex(key), '--login', '--pin', PIN, '--id', key.id];
    await pkcs11Tool(...login, '--sign', '-m', ...mechanism, '-i', digest, '-o', 'tool.sig');
    await expectSigned(key, 'tool.sig');
  });

  it('is told of a wrong PIN, and that the next one counts', async () => {
    const [, anna] = KEYS;
    if (!anna) throw new Error('no key');
    const slot = await slotIndex(anna);
    await expect(pkcs11Tool('--slot-index', slot, '--login', '--pin', '111113', '-O')).rejects.toThrow(/CKR_PIN_INCORRECT/);
    expect(await pkcs11Tool('-L')).toContain('user PIN count low');
    await pkcs11Tool('--slot-index', slot, '--login', '--pin', PIN, '-O');
    expect(await pkcs11Tool('-L')).not.toContain('user PIN count low');
  });
});

describe('p11tool', () => {
  it('lists everything', async () => {
    const all = await p11tool('--list-all', 'pkcs11:');
    expect(all).toMatch(/X\.509 Certificate \(RSA-2048\)/);
    expect(all).toContain('object=Legitimering');
  });

  it.each(KEYS)('signs on $name, and verifies', async ({ uri }) => {
    const answer = await p11tool('--login', '--test-sign', `${uri};type=private`);
    expect(answer.match(/\.\.\. ok/g)).toHaveLength(3);
  });
});

describe('openssl, by its engine,', () => {
  it.each(KEYS)('signs on $name', async (key) => {
    const signer = ['-engine', 'pkcs11', '-keyform', 'engine', '-sign', `${key.uri};type=private;pin-value=${PIN}`];
    await desk.run('openssl', ['dgst', ...signer, '-sha256', '-out', 'engine.sig', 'message']);
    await expectSigned(key, 'engine.sig');
  });

  it.each(KEYS)('makes a certificate request by $name', async ({ uri }) => {
    const signer = ['-engine', 'pkcs11', '-keyform', 'engine', '-key', `${uri};type=private;pin-value=${PIN}`];
    await desk.run('openssl', ['req', '-new', ...signer, '-subj', '/CN=Person', '-out', 'request.pem']);
    expect(await desk.run('openssl', ['req', '-in', 'request.pem', '-verify', '-noout'])).toContain('verify OK');
  });

  it('signs by PSS on a PIV card', async () => {
    const [key] = KEYS;
    if (!key) throw new Error('no key');
    const pss = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'];
    const signer = ['-engine', 'pkcs11', '-keyform', 'engine', '-sign', `${key.uri};type=private;pin-value=${PIN}`];
    await desk.run('openssl', ['dgst', ...signer, ...pss, '-sha256', '-out', 'pss.sig', 'message']);
    await expectSigned(key, 'pss.sig', ...pss);
  });
});

describe('the tools of NSS', () => {
  it('take the module, and list certificates without a PIN and keys with it', async () => {
    await desk.run('certutil', ['-N', '-d', 'sql:.', '--empty-password']);
    await desk.run('modutil', ['-dbdir', 'sql:.', '-add', 'kortd', '-libfile', MODULE, '-force']);
    // It is not content with a slot that is empty, whosever it is: SoftHSM has one.
    const listed = await desk.run('sh', ['-c', 'modutil -dbdir sql:. -list kortd || true']);
    for (const name of ['PIV card', STAFF.label]) expect(listed).toContain(`Token Name: ${name}`);
    const certificates = await desk.run('certutil', ['-L', '-h', 'all', '-d', 'sql:.']);
    expect(certificates).toMatch(/PIV card:PIV Authentication Key +u,u,u/);
    expect(certificates).toMatch(/EID card \(signature\):Underskrift +u,u,u/);
    expect(certificates).toMatch(/Staff token:Staff RSA +u,u,u/);
    await desk.file('pin', `${PIN}\n`);
    expect(await desk.run('certutil', ['-K', '-h', STAFF.label, '-f', 'pin', '-d', 'sql:.'])).toMatch(/rsa +a101/);
    expect(await desk.run('certutil', ['-K', '-h', 'PIV card', '-f', 'pin', '-d', 'sql:.'])).toMatch(/rsa +9a/);
  });
});

describe('p11-kit', () => {
  it('hands the cards on to another program through its own remoting', async () => {
    const { P11_KIT_SERVER_ADDRESS: address = '' } = desk.environment;
    const remote = `|env P11_KIT_SERVER_ADDRESS=${address} p11-kit remote ${MODULE}`;
    const listed = await desk.run('env', [`P11_KIT_SERVER_ADDRESS=${remote}`, 'pkcs11-tool', '--module', MODULE, '-L']);
    expect(listed).toContain('PIV card');
  });

  it('finds the cards by the file of "kortd pkcs11 enable" alone, and no more after "disable"', async () => {
    const kortd = `"${process.execPath}" "${MAIN}" pkcs11`;
    const folder = `--data-dir "${desk.bench.dataFolder}"`;
    const listed = 'env -u P11_KIT_SERVER_ADDRESS p11tool --list-token-urls';
    const script = `set -e; ${kortd} enable ${folder}; ${listed}; echo; ${kortd} status ${folder}; ${kortd} disable; ${listed}`;
    // p11-kit reads root's file in /etc alone: a copy of that is put over it.
    const copied = `cp -a /etc etc && mount --bind etc /etc && ${script}`;
    const asRoot = ['unshare', '--mount', 'sh', '-c', copied];
    const [program = 'sh', ...parameters] = process.getuid?.() === 0 ? asRoot : ['sh', '-c', script];
    const [before, after = ''] = (await desk.run(program, parameters)).split('kortd listens');
    expect(before).toContain('token=PIV%20card');
    expect(after).toMatch(/p11-kit: enabled/);
    expect(after).not.toContain('token=PIV%20card');
  });
});
