/** Programs of Debian that make keys, write and delete certificates, and change PINs; and then use what they made. */
import { createHash, createPublicKey } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEidCard } from '../../../drivers/simulated/cards/eid.ts';
import { eventually, watchedPivCard } from '../../api/support.ts';
import { noteTyped } from '../../evidence/typed.ts';
import { FACTORY_KEY } from '../changes.ts';
import { MODULE, openToolDesk, PIN, type ToolDesk } from './tools.ts';

const PUK = '12345679';
const NEW_PIN = '864209';
const NEW_PUK = '97531864';
const LONG_MS = 120_000;
const SERIAL = '20202022';
const PIV = 'pkcs11:token=PIV%20card';
const EID = 'pkcs11:token=EID%20card%20%28authentication%29';
const EID_CARDS = [
  ['anna', 'nidel', 'RSA-2048', 'rsa:2048'],
  ['bjorn', 'myeid', 'P-256', 'EC:prime256v1'],
  ['cecilia', 'plain', 'P-384', 'EC:secp384r1'],
] as const;

let desk: ToolDesk;

/** Those of the readers; a token of a module stays. */
async function cardsGone(): Promise<void> {
  const { desk: cards } = desk.bench.daemon;
  await eventually('the cards going', () => cards.cards.every(({ reader }) => reader.source.id !== 'simulated'));
}

beforeEach(async () => {
  desk = await openToolDesk();
  for (const secret of [NEW_PIN, NEW_PUK, PUK]) noteTyped(secret);
  await desk.file('message', 'signed by what a program made\n');
  for (const index of [0, 1, 2]) desk.bench.reader(index).remove();
  await cardsGone();
});
afterEach(() => desk[Symbol.asyncDispose]());

const pkcs11Tool = (...parameters: readonly string[]): Promise<string> =>
  desk.run('pkcs11-tool', ['--module', MODULE, ...parameters]);
const onPiv = (...parameters: readonly string[]): Promise<string> => pkcs11Tool('--token-label', 'PIV card', ...parameters);
const logIn = ['--login', '--pin', PIN];
const asOfficer = (puk: string): readonly string[] => ['--login', '--login-type', 'so', '--so-pin', puk];
const p11tool = (...parameters: readonly string[]): Promise<string> =>
  desk.run('p11tool', ['--provider', MODULE, '--batch', ...parameters]);

const insertPiv = (profile: 'plain' | 'yubikey' = 'yubikey'): Promise<string> =>
  desk.bench.insert(watchedPivCard({ profile, serialNumber: Number(SERIAL), pin: PIN, puk: PUK }));

/** OpenSSL makes a certificate by the key itself, through its engine. */
async function selfSigned(uri: string): Promise<void> {
  const signer = ['-engine', 'pkcs11', '-keyform', 'engine', '-key', `${uri};type=private;pin-value=${PIN}`];
  await desk.run('openssl', ['req', '-x509', '-new', ...signer, '-subj', '/CN=Person', '-out', 'own.pem']);
  await desk.run('openssl', ['x509', '-in', 'own.pem', '-outform', 'DER', '-out', 'own.der']);
}

/** By the engine, with the key whose certificate is on the card; verified with that certificate. */
async function expectSigns(uri: string): Promise<void> {
  const signer = ['-engine', 'pkcs11', '-keyform', 'engine', '-sign', `${uri};type=private;pin-value=${PIN}`];
  await desk.run('openssl', ['dgst', ...signer, '-sha256', '-out', 'own.sig', 'message']);
  await desk.run('openssl', ['x509', '-in', 'own.pem', '-pubkey', '-noout', '-out', 'own.pub']);
  const verified = await desk.run('openssl', ['dgst', '-sha256', '-verify', 'own.pub', '-signature', 'own.sig', 'message']);
  expect(verified).toContain('Verified OK');
}

describe('pkcs11-tool', () => {
  it.each(['yubikey', 'plain'] as const)(
    'makes a key on a PIV card (%s), OpenSSL a certificate by it, and both are used',
    async (profile) => {
      await insertPiv(profile);
      const longest = profile === 'yubikey' ? 4096 : 3072;
      expect(await onPiv('-M')).toContain(`RSA-PKCS-KEY-PAIR-GEN, keySize={2048,${longest}}, hw, generate_key_pair`);
      const made = await onPiv(...logIn, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', '01');
      expect(made).toMatch(/Private Key Object; EC[^]*ID: +9a[^]*Public Key Object; EC {2}EC_POINT 256 bits/);
      await selfSigned(`${PIV};id=%9a`);
      await onPiv(...logIn, '--write-object', 'own.der', '--type', 'cert', '--id', '01');
      expect(await onPiv('-O')).toMatch(/Certificate Object; type = X\.509 cert[^]*CN=Person[^]*ID: +9a/);
      await expectSigns(`${PIV};id=%9a`);
      await expect(onPiv(...logIn, '--keypairgen', '--key-type', 'rsa:2048', '--id', '01')).rejects.toThrow(
        /CKR_ATTRIBUTE_VALUE_INVALID/,
      );
      await onPiv(...logIn, '--delete-object', '--type', 'cert', '--id', '01');
      expect(await onPiv('-O')).not.toContain('Certificate Object');
    },
  );

  it('makes an RSA key, which its own test finds good, and deletes it', async () => {
    await insertPiv();
    await onPiv(...logIn, '--keypairgen', '--key-type', 'rsa:2048', '--id', '03');
    expect(await onPiv(...logIn, '--test')).toContain('No errors');
    await onPiv(...logIn, '--delete-object', '--type', 'privkey', '--id', '03');
    expect(await onPiv(...logIn, '-O')).not.toMatch(/(Public|Private) Key Object/);
  });

  it.each(['rsa:3072', 'rsa:4096'])(
    'makes a longer RSA key (%s) where the card has it, and signs with it',
    async (type) => {
      await insertPiv();
      await onPiv(...logIn, '--keypairgen', '--key-type', type, '--id', '01');
      await selfSigned(`${PIV};id=%9a`);
      await onPiv(...logIn, '--write-object', 'own.der', '--type', 'cert', '--id', '01');
      await expectSigns(`${PIV};id=%9a`);
    },
    LONG_MS,
  );

  it('is refused one that the card has not', async () => {
    await insertPiv('plain');
    const make = onPiv(...logIn, '--keypairgen', '--key-type', 'rsa:4096', '--id', '02');
    await expect(make).rejects.toThrow(/CKR_KEY_SIZE_RANGE/);
  });

  it('changes the PUK as security officer', async () => {
    await insertPiv();
    await onPiv(...asOfficer(PUK), '--change-pin', '--new-pin', NEW_PUK);
    const setPin = ['--init-pin', '--new-pin', NEW_PIN];
    await expect(onPiv(...asOfficer(PUK), ...setPin)).rejects.toThrow(/CKR_PIN_INCORRECT/);
    await onPiv(...asOfficer(NEW_PUK), ...setPin);
    await onPiv('--login', '--pin', NEW_PIN, '-O').catch((error: unknown) => expect(String(error)).toContain('0x200'));
  });

  it('is refused another PUK of an e-ID card, whose PUK stays as it was printed; and sets the PIN by it', async () => {
    const pins = { legitimering: PIN, underskrift: '964731', puk: PUK };
    await desk.bench.insert(createEidCard({ persona: 'anna', pins }));
    const onEid = (...parameters: readonly string[]): Promise<string> =>
      pkcs11Tool('--token-label', 'EID card (authentication)', ...parameters);
    const change = onEid(...asOfficer(PUK), '--change-pin', '--new-pin', NEW_PUK);
    await expect(change).rejects.toThrow(/CKR_FUNCTION_NOT_SUPPORTED/);
    await onEid(...asOfficer(PUK), '--init-pin', '--new-pin', NEW_PIN);
    expect(await onEid('--login', '--pin', NEW_PIN, '-O')).toContain('Private Key Object');
  });

  it('makes a key by the management key', async () => {
    await insertPiv();
    const officer = ['--login', '--login-type', 'so', '--so-pin', FACTORY_KEY];
    expect(await onPiv(...officer, '--keypairgen', '--key-type', 'EC:secp384r1', '--id', '04')).toContain('Key pair generated');
  });

  it('is refused a certificate of another key, and data', async () => {
    await insertPiv();
    for (const id of ['01', '02']) await onPiv(...logIn, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', id);
    await selfSigned(`${PIV};id=%9a`);
    for (const what of [
      ['--type', 'cert', '--id', '02'],
      ['--type', 'data', '--label', 'note'],
    ])
      await expect(onPiv(...logIn, '--write-object', 'own.der', ...what)).rejects.toThrow(/CKR_TEMPLATE_INCONSISTENT/);
  });

  it('changes the PIN, sets it by the PUK, and unlocks one that is locked', async () => {
    await insertPiv();
    await onPiv(...logIn, '--change-pin', '--new-pin', NEW_PIN);
    await onPiv('--login', '--pin', NEW_PIN, '-O');
    await onPiv('--login', '--login-type', 'so', '--so-pin', PUK, '--init-pin', '--new-pin', PIN);
    await onPiv(...logIn, '-O');
    await expect(onPiv('--init-token', '--label', 'mine', '--so-pin', PUK)).rejects.toThrow(/CKR_FUNCTION_NOT_SUPPORTED/);
    desk.bench.reader(0).remove();
    await cardsGone();
    await desk.bench.insert(watchedPivCard({ serialNumber: Number(SERIAL), pin: PIN, puk: PUK, pinAttempts: 1 }));
    const client = await desk.bench.client();
    const card = { reader: desk.bench.readerId(0) };
    await expect(client.call('pin.verify', { card, pin: '111113', allowLastTry: true })).rejects.toMatchObject({});
    expect(await onPiv('--unlock-pin', '--puk', PUK, '--new-pin', NEW_PIN)).toContain('PIN successfully changed');
    await onPiv('--login', '--pin', NEW_PIN, '-O').catch((error: unknown) => expect(String(error)).toContain('0x200'));
  });

  it.each(EID_CARDS)(
    'makes a key on an e-ID card of %s (%s), writes its certificate, and both are used',
    async (persona, profile, spareKeys, type) => {
      const pins = { legitimering: PIN, underskrift: '964731', puk: PUK };
      await desk.bench.insert(createEidCard({ persona, profile, spareKeys, pins, cardNumber: '9752269889000000777' }));
      const onEid = (...parameters: readonly string[]): Promise<string> =>
        pkcs11Tool('--token-label', 'EID card (authentication)', ...parameters);
      expect(await onEid(...logIn, '--keypairgen', '--key-type', type)).toMatch(/label: +Legitimering 2[^]*ID: +55/);
      await selfSigned(`${EID};id=%55`);
      await onEid(...logIn, '--write-object', 'own.der', '--type', 'cert', '--id', '55');
      await expectSigns(`${EID};id=%55`);
      await expect(onEid(...logIn, '--keypairgen', '--key-type', type)).rejects.toThrow(/CKR_DEVICE_MEMORY/);
      await onEid(...logIn, '--delete-object', '--type', 'cert', '--id', '55');
      expect(await onEid('-O')).not.toContain('CN=Person');
    },
  );
});

describe('p11tool', () => {
  it('makes keys of both kinds, writes a certificate to its key, uses it, and deletes what it made', async () => {
    await insertPiv();
    await p11tool('--login', '--generate-rsa', '--bits', '2048', '--label', 'mine', '--outfile', 'rsa.pub', PIV);
    await p11tool(
      '--login',
      '--generate-ecc',
      '--curve',
      'secp256r1',
      '--label',
      'mine',
      '--id',
      '9e',
      '--outfile',
      'ec.pub',
      PIV,
    );
    expect(await p11tool('--list-all', PIV)).toMatch(/RSA-2048[^]*ID: 9a[^]*SECP256R1[^]*ID: 9e/);
    await selfSigned(`${PIV};id=%9a`);
    await p11tool('--login', '--write', '--load-certificate', 'own.pem', '--label', 'mine', PIV);
    await expectSigns(`${PIV};id=%9a`);
    expect((await p11tool('--login', '--test-sign', `${PIV};id=%9a;type=private`)).match(/\.\.\. ok/g)).toHaveLength(3);
    expect(await p11tool('--login', '--delete', `${PIV};id=%9a;type=cert`)).toContain('1 objects deleted');
    expect(await p11tool('--login', '--delete', `${PIV};id=%9a;type=private`)).toContain('1 objects deleted');
    expect(await p11tool('--list-all', PIV)).not.toMatch(/ID: 9a/);
  });

  it('makes a key on an e-ID card, and writes its certificate', async () => {
    const pins = { legitimering: PIN, underskrift: '964731', puk: PUK };
    const card = createEidCard({
      persona: 'bjorn',
      profile: 'myeid',
      spareKeys: 'P-256',
      pins,
      cardNumber: '9752269889000000777',
    });
    await desk.bench.insert(card);
    await p11tool('--login', '--generate-ecc', '--curve', 'secp256r1', '--label', 'mine', '--outfile', 'ec.pub', EID);
    await selfSigned(`${EID};id=%55`);
    await p11tool('--login', '--write', '--load-certificate', 'own.pem', '--label', 'mine', EID);
    await expectSigns(`${EID};id=%55`);
  });
});

describe('names that a card has of its own', () => {
  it('are not changed: the program is told, and nothing is otherwise', async () => {
    await insertPiv();
    await onPiv(...logIn, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', '01');
    await selfSigned(`${PIV};id=%9a`);
    await onPiv(...logIn, '--write-object', 'own.der', '--type', 'cert', '--id', '01', '--label', 'mine');
    const before = await onPiv(...logIn, '-O');
    for (const type of ['privkey', 'pubkey', 'cert'])
      for (const id of ['11223344', '9c'])
        await expect(onPiv(...logIn, '--type', type, '--id', '9a', '--set-id', id)).rejects.toThrow(/CKR_ATTRIBUTE_READ_ONLY/);
    for (const type of ['private', 'public', 'cert'])
      for (const set of [['--set-id', '11223344'] as const, ['--set-label', 'mine'] as const])
        await expect(p11tool('--login', ...set, `${PIV};id=%9a;type=${type}`)).rejects.toThrow(/PKCS #11 error in attribute/);
    expect(await onPiv(...logIn, '-O')).toBe(before);
    expect(await onPiv(...logIn, '--type', 'privkey', '--id', '9a', '--set-id', '01')).toMatch(/ID: +9a/);
    await expectSigns(`${PIV};id=%9a`);
  });
});

describe('certutil of NSS', () => {
  it.each([
    ['ec', ['-q', 'nistp256']],
    ['rsa', ['-g', '2048']],
  ])('makes a key (%s) and a request by it, writes the certificate, and finds its key by it', async (type, size) => {
    await insertPiv();
    await desk.run('certutil', ['-N', '-d', 'sql:.', '--empty-password']);
    await desk.run('modutil', ['-dbdir', 'sql:.', '-add', 'kortd', '-libfile', MODULE, '-force']);
    await desk.file('pin', `${PIN}\n`);
    await desk.file('noise', 'as much as certutil wants to see'.repeat(64));
    const place = ['-d', 'sql:.', '-h', 'PIV card', '-f', 'pin'];
    const kind = ['-k', type, ...size, '-z', 'noise'];
    await desk.run('certutil', ['-R', ...place, ...kind, '-s', 'CN=Person of NSS', '-o', 'own.csr']);
    expect(await desk.run('openssl', ['req', '-inform', 'DER', '-in', 'own.csr', '-verify', '-noout'])).toContain('verify OK');
    await selfSigned(`${PIV};id=%9a`);
    await desk.run('certutil', ['-A', ...place, '-n', 'mine', '-t', 'u,u,u', '-i', 'own.der']);
    expect(await onPiv('-O', '--type', 'cert')).toMatch(/CN=Person[^]*ID: +9a/);
    expect(await desk.run('certutil', ['-K', ...place])).toMatch(/< 0> (ec|rsa) +9a +PIV Authentication Key/);
    expect(await desk.run('certutil', ['-L', '-d', 'sql:.', '-h', 'PIV card'])).toMatch(/PIV Authentication Key +u,u,u/);
    await expectSigns(`${PIV};id=%9a`);
    const rename = ['-n', 'PIV card:PIV Authentication Key', '--new-n', 'mine'];
    await expect(desk.run('certutil', ['--rename', ...place, ...rename])).rejects.toThrow(/SEC_ERROR_READ_ONLY/);
    expect(await onPiv(...logIn, '-O', '--type', 'privkey', '--id', await madeUpByNss())).toMatch(/ID: +9a/);
  });
});

/** SHA-1 of the modulus or of the point. */
async function madeUpByNss(): Promise<string> {
  await desk.run('openssl', ['x509', '-in', 'own.pem', '-pubkey', '-noout', '-out', 'own.pub']);
  const { n, x, y } = createPublicKey(await desk.read('own.pub')).export({ format: 'jwk' });
  const bytes = (text: unknown): Buffer => Buffer.from(typeof text === 'string' ? text : '', 'base64url');
  const value = n === undefined ? Buffer.concat([Uint8Array.of(0x04), bytes(x), bytes(y)]) : bytes(n);
  return createHash('sha1').update(value).digest('hex');
}

describe('a policy that denies it', () => {
  it('keeps every program from changing the card, and none from using it', async () => {
    await desk.bench.setPolicy({ pkcs11: { writes: 'denied' } });
    await insertPiv();
    expect(await pkcs11Tool('-L')).toMatch(/readonly/);
    const change = [...logIn, '--change-pin', '--new-pin', NEW_PIN];
    await expect(onPiv(...change)).rejects.toThrow(/CKR_TOKEN_WRITE_PROTECTED/);
    await expect(onPiv(...logIn, '--keypairgen', '--key-type', 'rsa:2048')).rejects.toThrow(/not supported/);
    await onPiv(...logIn, '-O');
  });
});

describe('a card that is pulled while a program makes a key', () => {
  it('ends the program with an error, and the next one works', async () => {
    const card = watchedPivCard({ serialNumber: Number(SERIAL), pin: PIN, puk: PUK });
    await desk.bench.insert(card);
    const make = (): Promise<string> => onPiv(...logIn, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', '02');
    for (const at of [6, 10, 14, 18]) {
      desk.bench.reader(0).arm([{ kind: 'pull', at, phase: 'after' }]);
      const outcome = await make().catch((error: unknown) => String(error));
      desk.bench.reader(0).disarm();
      expect(outcome).toMatch(
        /CKR_DEVICE_REMOVED|CKR_TOKEN_NOT_PRESENT|CKR_ATTRIBUTE_VALUE_INVALID|Key pair generated|No slot|not find/,
      );
      if (desk.bench.reader(0).card) continue;
      await cardsGone();
      await desk.bench.insert(card);
    }
    await onPiv(...logIn, '--delete-object', '--type', 'privkey', '--id', '02').catch(() => undefined);
    expect(await make()).toContain('Key pair generated');
  });
});
