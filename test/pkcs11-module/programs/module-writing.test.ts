/** Programs of Debian that make keys, write and delete certificates, and change PINs on a token behind the module of a vendor; and then use what they made. */
import { createHash, createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noteTyped } from '../../evidence/typed.ts';
import { MODULE, openToolDesk, PIN, STAFF, type ToolDesk } from './tools.ts';

const TOKEN = `pkcs11:token=${encodeURIComponent(STAFF.label)}`;
const NEW_PIN = '864209';
const NEW_OFFICER_PIN = '97531864';
const LONG_MS = 120_000;

let desk: ToolDesk;
beforeAll(async () => {
  desk = await openToolDesk();
  for (const secret of [NEW_PIN, NEW_OFFICER_PIN, STAFF.officerPin]) noteTyped(secret);
  await desk.file('message', 'signed by what a program made\n');
});
afterAll(() => desk[Symbol.asyncDispose]());

const onToken = (...parameters: readonly string[]): Promise<string> =>
  desk.run('pkcs11-tool', ['--module', MODULE, '--token-label', STAFF.label, ...parameters]);
const logIn = ['--login', '--pin', PIN];
const p11tool = (...parameters: readonly string[]): Promise<string> =>
  desk.run('p11tool', ['--provider', MODULE, '--batch', ...parameters]);

/** OpenSSL makes a certificate by the key itself, through its engine. */
async function selfSigned(uri: string, name: string): Promise<void> {
  const signer = ['-engine', 'pkcs11', '-keyform', 'engine', '-key', `${uri};type=private;pin-value=${PIN}`];
  await desk.run('openssl', ['req', '-x509', '-new', ...signer, '-subj', `/CN=${name}`, '-out', 'own.pem']);
  await desk.run('openssl', ['x509', '-in', 'own.pem', '-outform', 'DER', '-out', 'own.der']);
}

/** By the engine, with the key whose certificate is on the token; verified with that certificate. */
async function expectSigns(uri: string): Promise<void> {
  const signer = ['-engine', 'pkcs11', '-keyform', 'engine', '-sign', `${uri};type=private;pin-value=${PIN}`];
  await desk.run('openssl', ['dgst', ...signer, '-sha256', '-out', 'own.sig', 'message']);
  await desk.run('openssl', ['x509', '-in', 'own.pem', '-pubkey', '-noout', '-out', 'own.pub']);
  const verified = await desk.run('openssl', ['dgst', '-sha256', '-verify', 'own.pub', '-signature', 'own.sig', 'message']);
  expect(verified).toContain('Verified OK');
}

describe('pkcs11-tool', () => {
  it.each([
    ['EC:prime256v1', 'c1'],
    ['EC:secp384r1', 'c2'],
    ['rsa:2048', 'c3'],
    ['rsa:3072', 'c4'],
    ['rsa:4096', 'c5'],
  ])(
    'makes a key (%s), OpenSSL a certificate by it, both are used and deleted',
    async (type, id) => {
      const made = await onToken(...logIn, '--keypairgen', '--key-type', type, '--id', id);
      expect(made).toMatch(new RegExp(`Private Key Object; [^]*ID: +${id}[^]*Public Key Object; [^]*ID: +${id}`));
      const uri = `${TOKEN};id=%${id}`;
      await selfSigned(uri, `Person ${id}`);
      await onToken(...logIn, '--write-object', 'own.der', '--type', 'cert', '--id', id);
      expect(await onToken('-O', '--type', 'cert')).toMatch(new RegExp(`CN=Person ${id}[^]*ID: +${id}`));
      await expectSigns(uri);
      await expect(onToken(...logIn, '--keypairgen', '--key-type', type, '--id', id)).rejects.toThrow(
        /CKR_ATTRIBUTE_VALUE_INVALID/,
      );
      await onToken(...logIn, '--delete-object', '--type', 'cert', '--id', id);
      await onToken(...logIn, '--delete-object', '--type', 'privkey', '--id', id);
      expect(await onToken(...logIn, '-O')).not.toMatch(new RegExp(`Person ${id}|ID: +${id}`));
    },
    LONG_MS,
  );

  it('is refused a certificate of another key, and data', async () => {
    for (const id of ['c6', 'c7']) await onToken(...logIn, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', id);
    await selfSigned(`${TOKEN};id=%c6`, 'Person c6');
    for (const what of [
      ['--type', 'cert', '--id', 'c7'],
      ['--type', 'data', '--label', 'note'],
    ])
      await expect(onToken(...logIn, '--write-object', 'own.der', ...what)).rejects.toThrow(/CKR_TEMPLATE_INCONSISTENT/);
    expect(await onToken('-O', '--type', 'cert')).not.toContain('Person c6');
    for (const id of ['c6', 'c7']) await onToken(...logIn, '--delete-object', '--type', 'privkey', '--id', id);
  });

  it('gives a key another CKA_ID, which its certificate follows, and both are used by it', async () => {
    await onToken(...logIn, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', 'c8');
    await selfSigned(`${TOKEN};id=%c8`, 'Person c8');
    await onToken(...logIn, '--write-object', 'own.der', '--type', 'cert', '--id', 'c8');
    const taken = ['--type', 'privkey', '--id', 'c8', '--set-id', 'a101'];
    await expect(onToken(...logIn, ...taken)).rejects.toThrow(/CKR_ATTRIBUTE_VALUE_INVALID/);
    await onToken(...logIn, '--type', 'privkey', '--id', 'c8', '--set-id', 'c9');
    expect(await onToken(...logIn, '-O')).not.toMatch(/ID: +c8/);
    expect((await onToken(...logIn, '-O')).match(/ID: +c9/g)).toHaveLength(3);
    await expectSigns(`${TOKEN};id=%c9`);
    await onToken(...logIn, '--delete-object', '--type', 'cert', '--id', 'c9');
    await onToken(...logIn, '--delete-object', '--type', 'privkey', '--id', 'c9');
  });

  it('changes the PIN of the security officer', async () => {
    const asOfficer = (pin: string): readonly string[] => ['--login', '--login-type', 'so', '--so-pin', pin];
    await onToken(...asOfficer(STAFF.officerPin), '--change-pin', '--new-pin', NEW_OFFICER_PIN);
    const setPin = ['--init-pin', '--new-pin', PIN];
    await expect(onToken(...asOfficer(STAFF.officerPin), ...setPin)).rejects.toThrow(/CKR_PIN_INCORRECT/);
    await onToken(...asOfficer(NEW_OFFICER_PIN), ...setPin);
    await onToken(...asOfficer(NEW_OFFICER_PIN), '--change-pin', '--new-pin', STAFF.officerPin);
  });

  it('changes the PIN, and sets it by the PIN of the security officer', async () => {
    await onToken(...logIn, '--change-pin', '--new-pin', NEW_PIN);
    await onToken('--login', '--pin', NEW_PIN, '-O');
    await onToken('--login', '--login-type', 'so', '--so-pin', STAFF.officerPin, '--init-pin', '--new-pin', PIN);
    expect(await onToken(...logIn, '-O')).toContain('Staff RSA');
  });
});

describe('p11tool', () => {
  it('makes keys of both kinds, writes a certificate to its key, uses it, and deletes what it made', async () => {
    await p11tool('--login', '--generate-rsa', '--bits', '2048', '--label', 'mine', '--id', 'd1', '--outfile', 'rsa.pub', TOKEN);
    const curve = ['--curve', 'secp256r1', '--label', 'mine', '--id', 'd2', '--outfile', 'ec.pub'];
    await p11tool('--login', '--generate-ecc', ...curve, TOKEN);
    expect(await p11tool('--list-all', TOKEN)).toMatch(/RSA-2048[^]*ID: d1[^]*SECP256R1[^]*ID: d2/);
    await selfSigned(`${TOKEN};id=%d1`, 'Person d1');
    await p11tool('--login', '--write', '--load-certificate', 'own.pem', '--label', 'mine', TOKEN);
    await expectSigns(`${TOKEN};id=%d1`);
    expect((await p11tool('--login', '--test-sign', `${TOKEN};id=%d1;type=private`)).match(/\.\.\. ok/g)).toHaveLength(3);
    expect(await p11tool('--login', '--delete', `${TOKEN};id=%d1;type=cert`)).toContain('1 objects deleted');
    for (const id of ['d1', 'd2'])
      expect(await p11tool('--login', '--delete', `${TOKEN};id=%${id};type=private`)).toContain('1 objects deleted');
    expect(await p11tool('--list-all', TOKEN)).not.toMatch(/ID: d[12]/);
  });

  it('gives a key another name and label, and a certificate another label', async () => {
    await p11tool(
      '--login',
      '--generate-ecc',
      '--curve',
      'secp256r1',
      '--label',
      'mine',
      '--id',
      'd3',
      '--outfile',
      'ec.pub',
      TOKEN,
    );
    await p11tool('--login', '--set-id', 'd4', `${TOKEN};id=%d3;type=private`);
    await p11tool('--login', '--set-label', 'Ny nyckel', `${TOKEN};id=%d4;type=private`);
    await selfSigned(`${TOKEN};id=%d4`, 'Person d4');
    await p11tool('--login', '--write', '--load-certificate', 'own.pem', '--label', 'mine', TOKEN);
    await p11tool('--login', '--set-label', 'Nytt certifikat', `${TOKEN};id=%d4;type=cert`);
    const shown = await onToken(...logIn, '-O');
    expect(shown.match(/label: +Ny nyckel\n/g)).toHaveLength(2);
    expect(shown).toMatch(/label: +Nytt certifikat\n/);
    await expectSigns(`${TOKEN};object=Ny%20nyckel`);
    await p11tool('--login', '--delete', `${TOKEN};id=%d4;type=cert`);
    await p11tool('--login', '--delete', `${TOKEN};id=%d4;type=private`);
  });

  it('makes a key whose name it makes up itself', async () => {
    await p11tool('--login', '--generate-ecc', '--curve', 'secp384r1', '--label', 'own', '--outfile', 'own.pub', TOKEN);
    const [, id = ''] = /SECP384R1[^]*?ID: ([0-9a-f:]{59})/.exec(await p11tool('--list-all', TOKEN)) ?? [];
    const uri = `${TOKEN};id=%${id.replaceAll(':', '%')}`;
    await selfSigned(uri, 'Person of a long name');
    await expectSigns(uri);
    expect(await p11tool('--login', '--delete', `${uri};type=private`)).toContain('1 objects deleted');
  });
});

describe('certutil of NSS', () => {
  it('makes a key, and then another with a request by it', async () => {
    await desk.run('certutil', ['-N', '-d', 'sql:.', '--empty-password']);
    await desk.run('modutil', ['-dbdir', 'sql:.', '-add', 'kortd', '-libfile', MODULE, '-force']);
    await desk.file('pin', `${PIN}\n`);
    await desk.file('noise', 'as much as certutil wants to see'.repeat(64));
    const place = ['-d', 'sql:.', '-h', STAFF.label, '-f', 'pin', '-z', 'noise'];
    const keys = async (): Promise<number> =>
      (await onToken(...logIn, '-O', '--type', 'privkey')).match(/Private Key/g)?.length ?? 0;
    const before = await keys();
    await desk.run('certutil', ['-G', ...place, '-k', 'ec', '-q', 'nistp256']);
    expect(await keys()).toBe(before + 1);
    await desk.run('certutil', ['-R', ...place, '-k', 'rsa', '-g', '2048', '-s', 'CN=Person of NSS', '-o', 'own.csr']);
    expect(await keys()).toBe(before + 2);
    expect(await desk.run('openssl', ['req', '-inform', 'DER', '-in', 'own.csr', '-verify', '-noout'])).toContain('verify OK');
    await desk.run('openssl', ['req', '-inform', 'DER', '-in', 'own.csr', '-pubkey', '-noout', '-out', 'own.pub']);
    const { n } = createPublicKey(await desk.read('own.pub')).export({ format: 'jwk' });
    const named = createHash('sha1')
      .update(Buffer.from(n ?? '', 'base64url'))
      .digest('hex');
    expect((await onToken(...logIn, '-O')).match(new RegExp(`ID: +${named}`, 'g'))).toHaveLength(2);
    const rename = ['-n', `${STAFF.label}:Staff curve`, '--new-n', 'Renamed by NSS'];
    // It renames without a login, and is told that it needs one.
    await expect(desk.run('certutil', ['--rename', ...place, ...rename])).rejects.toThrow(/SEC_ERROR_TOKEN_NOT_LOGGED_IN/);
    expect(await onToken('-O', '--type', 'cert')).not.toContain('Renamed by NSS');
  });
});

describe('a policy that denies it', () => {
  it('keeps every program from changing the token, and none from using it', async () => {
    await desk.setPolicy({ pkcs11: { writes: 'denied' } });
    expect(await desk.run('pkcs11-tool', ['--module', MODULE, '-L'])).toMatch(/Staff token[^]*readonly/);
    await expect(onToken(...logIn, '--change-pin', '--new-pin', NEW_PIN)).rejects.toThrow(/CKR_TOKEN_WRITE_PROTECTED/);
    await expect(onToken(...logIn, '--keypairgen', '--key-type', 'rsa:2048')).rejects.toThrow(/not supported/);
    const doomed = ['--type', 'cert', '--id', 'a101'];
    await expect(onToken(...logIn, '--delete-object', ...doomed)).rejects.toThrow(/0x1b/);
    expect(await onToken(...logIn, '-O')).toContain('Staff RSA');
  });
});
