/** Programs of Debian that decrypt, and OpenSC's own test of everything, on cards whose RSA keys are for both: the verdict of each of its parts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../../api/support.ts';
import { MODULE, openToolDesk, PIN, STAFF, type ToolDesk } from './tools.ts';

const MESSAGE = 'a session key\n';
let desk: ToolDesk;
beforeAll(async () => {
  desk = await openToolDesk({ agreement: 'RSA-2048' });
  await desk.file('message', MESSAGE);
});
afterAll(() => desk[Symbol.asyncDispose]());

interface Decrypting {
  readonly name: string;
  /** Of its slot in the list, or what its token is called. */
  readonly slot: string;
  readonly id: string;
  readonly uri: string;
}
const CARDS: readonly Decrypting[] = [
  { name: 'a PIV card', slot: '0', id: '9d', uri: 'pkcs11:token=PIV%20card;serial=20202020;id=%9d' },
  {
    name: 'an e-ID card',
    slot: '1',
    id: '45',
    uri: 'pkcs11:token=EID%20card%20%28authentication%29;id=%45;serial=2000000000000011',
  },
  { name: 'a token of a module', slot: STAFF.label, id: 'a101', uri: 'pkcs11:token=Staff%20token;id=%A1%01' },
];

const tool = (slot: string, ...parameters: readonly string[]): Promise<string> =>
  desk.run('pkcs11-tool', ['--module', MODULE, /^\d+$/.test(slot) ? '--slot-index' : '--token-label', slot, ...parameters]);
const openssl = (...parameters: readonly string[]): Promise<string> => desk.run('openssl', parameters);
const engineKey = ({ uri }: Decrypting): readonly string[] => [
  ...['-engine', 'pkcs11', '-keyform', 'engine'],
  ...['-inkey', `${uri};type=private;pin-value=${PIN}`],
];

async function certificateOf({ slot, id }: Decrypting): Promise<void> {
  await tool(slot, '--read-object', '--type', 'cert', '--id', id, '-o', 'card.der');
  await openssl('x509', '-inform', 'DER', '-in', 'card.der', '-out', 'card.pem');
}

const OAEP = ['-pkeyopt', 'rsa_padding_mode:oaep'];
const PADDINGS = [
  ['PKCS #1', []],
  ['OAEP', OAEP],
  ['OAEP with SHA-256', [...OAEP, '-pkeyopt', 'rsa_oaep_md:sha256']],
] as const;

describe.each(CARDS)('$name', (card) => {
  beforeAll(() => certificateOf(card));

  it.each(['', 'rsa_padding_mode:oaep'])('decrypts a message in CMS by openssl %s', async (option) => {
    const padding = option === '' ? [] : ['-keyopt', option];
    await openssl(
      'cms',
      '-encrypt',
      '-binary',
      '-aes256',
      '-in',
      'message',
      '-out',
      'message.cms',
      '-recip',
      'card.pem',
      ...padding,
    );
    const decrypted = ['cms', '-decrypt', '-in', 'message.cms', '-out', 'decrypted', ...engineKey(card), '-recip', 'card.pem'];
    await openssl(...decrypted);
    expect((await desk.read('decrypted')).toString()).toBe(MESSAGE);
  });

  it('signs a message in CMS by openssl, which verifies it', async () => {
    const signed = ['cms', '-sign', '-nodetach', '-md', 'sha256', '-in', 'message', '-out', 'signed.cms', '-signer', 'card.pem'];
    await openssl(...signed, ...engineKey(card));
    expect(await openssl('cms', '-verify', '-noverify', '-in', 'signed.cms', '-out', 'verified')).toContain('successful');
  });

  it.each(PADDINGS)('decrypts by openssl, padded by %s', async (_, options) => {
    const encrypted = ['pkeyutl', '-encrypt', '-certin', '-inkey', 'card.pem', '-in', 'message', '-out', 'cryptogram'];
    await openssl(...encrypted, ...options);
    await openssl('pkeyutl', '-decrypt', ...engineKey(card), '-in', 'cryptogram', '-out', 'decrypted', ...options);
    expect((await desk.read('decrypted')).toString()).toBe(MESSAGE);
  });

  it('decrypts by pkcs11-tool', async () => {
    await openssl('pkeyutl', '-encrypt', '-certin', '-inkey', 'card.pem', '-in', 'message', '-out', 'cryptogram');
    const login = ['--login', '--pin', PIN, '--id', card.id, '-m', 'RSA-PKCS'];
    await tool(card.slot, ...login, '--decrypt', '-i', 'cryptogram', '-o', 'decrypted');
    expect((await desk.read('decrypted')).toString()).toBe(MESSAGE);
  });
});

/** A module signs what it has a mechanism for: not every salt, and no block that the program padded. */
describe.each(CARDS.slice(0, 2))('$name, which signs any block,', (card) => {
  beforeAll(() => certificateOf(card));

  it.each(['1', '224', '256', '384', '512'])('signs by openssl with SHA-%s, and by PSS with the longest salt', async (hash) => {
    await openssl('x509', '-in', 'card.pem', '-pubkey', '-noout', '-out', 'card.pub');
    const sign = ['dgst', `-sha${hash}`, '-engine', 'pkcs11', '-keyform', 'engine'];
    for (const options of [[], ['-sigopt', 'rsa_padding_mode:pss']]) {
      await openssl(...sign, '-sign', `${card.uri};type=private;pin-value=${PIN}`, ...options, '-out', 'signature', 'message');
      const verified = ['dgst', `-sha${hash}`, '-verify', 'card.pub', ...options, '-signature', 'signature', 'message'];
      expect(await openssl(...verified)).toContain('Verified OK');
    }
  });

  it('passes all of the tests of pkcs11-tool', async () => {
    const verdict = await tool(card.slot, '--login', '--pin', PIN, '--test');
    expect(verdict).toContain('No errors');
    expect(verdict).not.toMatch(/ERR|error:|failed|incorrect/);
    const [, signatures = '', rest = ''] = /Signatures([\s\S]*?)\nVerify([\s\S]*)/.exec(verdict) ?? [];
    const [verified = '', decrypted = ''] = rest.split('Decryption (currently only for RSA)');
    expect(signatures).toContain('all 4 signature functions seem to work');
    for (const mechanism of ['RSA-X-509', 'RSA-PKCS', 'SHA1-RSA-PKCS', 'SHA256-RSA-PKCS'])
      expect(signatures).toContain(`${mechanism}: OK`);
    for (const mechanism of ['RSA-X-509', 'RSA-PKCS', 'SHA1-RSA-PKCS']) expect(verified).toContain(`${mechanism}: OK`);
    for (const mechanism of ['RSA-X-509', 'RSA-PKCS']) expect(decrypted).toContain(`${mechanism}: OK`);
    expect(decrypted.match(/RSA-PKCS-OAEP: .*\n?OK/g)).toHaveLength(2);
    expect(verdict).toContain('all 4 digest functions seem to work');
  });
});

describe('pkcs11-tool', () => {
  it('passes its test of an initialisation in a child process, and that of cards coming and going', async () => {
    expect(await tool('0', '--test-fork')).not.toMatch(/error/i);
    const found = await desk.run('pkcs11-tool', ['--module', MODULE, '--test-hotplug'], '\nx\nx\n');
    expect(found).toContain('Testing card detection using C_WaitForSlotEvent()');
    expect(found).not.toMatch(/error/i);
  });

  it('passes its test of threads', { timeout: 60_000 }, async () => {
    const threads = Array.from({ length: 4 }, () => ['--test-threads', 'ILGISLT0']).flat();
    const running = spawn('pkcs11-tool', ['--module', MODULE, ...threads], {
      env: { ...process.env, ...desk.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // It waits half a minute after the last one, whatever became of them.
    const ended = once(running, 'close');
    let output = '';
    const done = Promise.withResolvers<unknown>();
    for (const stream of [running.stdout, running.stderr])
      stream.on('data', (piece: Buffer) => {
        output += piece.toString();
        if (output.match(/returning rv = /g)?.length === 4) done.resolve(undefined);
      });
    try {
      await within(Promise.race([done.promise, ended]), 'the threads');
    } finally {
      running.kill();
      await ended;
    }
    expect(output.match(/returning rv = 0$/gm)).toHaveLength(4);
  });
});
