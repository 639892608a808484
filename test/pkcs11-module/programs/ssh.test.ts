/** OpenSSH with keys of cards: ssh-keygen lists them, ssh-agent holds them, and a real sshd at loopback lets them in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSshHost, type SshHost } from './ssh-host.ts';
import { KEYS, MODULE, openToolDesk, PIN, type ToolDesk } from './tools.ts';

const stack = new AsyncDisposableStack();
let desk: ToolDesk;
let host: SshHost;
beforeAll(async () => {
  desk = stack.use(await openToolDesk());
  host = stack.use(await startSshHost(desk, PIN));
});
afterAll(() => stack.disposeAsync());

const run = (...command: Parameters<SshHost['run']>): Promise<string> => host.run(...command);
const ssh = (...options: readonly string[]): Promise<string> => host.ssh(...options);

describe('OpenSSH', () => {
  it('lists the keys of all cards without a PIN', async () => {
    const listed = await desk.run('ssh-keygen', ['-D', MODULE]);
    expect(listed).toMatch(/^ssh-rsa \S+ PIV Authentication Key$/m);
    expect(listed).toMatch(/^ecdsa-sha2-nistp256 \S+ Legitimering$/m);
    expect(listed).toMatch(/^ecdsa-sha2-nistp384 \S+ Underskrift$/m);
    expect(listed).toMatch(/^ssh-rsa \S+ Staff RSA$/m);
  });

  it.each(KEYS)('is let in with the key of $name alone', async (key) => {
    const wanted = new RegExp(`^${key.kind === 'RSA' ? 'ssh-rsa' : 'ecdsa\\S+'} \\S+ ${key.label}$`);
    const listed = (await desk.run('ssh-keygen', ['-D', MODULE])).split('\n');
    const publicKey = await desk.file('own.pub', `${listed.find((line) => wanted.test(line)) ?? ''}\n`);
    await run('ssh-add', '-q', '-s', MODULE);
    try {
      expect(await run('ssh-add', '-T', publicKey)).toBe('');
      expect(await ssh('-o', 'IdentitiesOnly=yes', '-i', publicKey)).toContain('let in');
    } finally {
      await run('ssh-add', '-q', '-e', MODULE);
    }
  });

  it('gives its one PIN to every token, and locks none that has another', async () => {
    for (let count = 0; count < 3; count++) {
      await run('ssh-add', '-q', '-s', MODULE);
      await run('ssh-add', '-q', '-e', MODULE);
    }
    const tokens = await desk.run('pkcs11-tool', ['--module', MODULE, '-L']);
    expect(tokens.match(/final user PIN try/g)).toHaveLength(2);
    expect(tokens).not.toContain('user PIN locked');
  });

  it('is let in without an agent', async () => {
    expect(await ssh('-o', 'IdentityAgent=none', '-I', MODULE)).toContain('let in');
  });
});
