/** Vendors' modules over the whole API: SoftHSM 2 as a card, named by a policy file; what a policy must not name; and calls to others while a module hangs. */
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { moduleChildren } from '../support/module-children.ts';
import { createOpensslCa } from '../support/openssl-ca.ts';
import { TOKEN, createSoftHsm, type SoftHsm } from '../support/softhsm.ts';
import { eventually, openBench, writePolicy, type Bench } from './support.ts';

const READY_MS = 20_000;

function policyOf({ configuration }: SoftHsm): object {
  const { name, path, sha256, environment } = configuration;
  return { modules: [{ name, path, sha256, environment }] };
}

async function makeKey(hsm: SoftHsm, id: string, type: string): Promise<void> {
  const token = ['--module', hsm.configuration.path, '--token-label', TOKEN.label, '--login', '--pin', TOKEN.pin];
  await hsm.run('pkcs11-tool', [...token, '--keypairgen', '--key-type', type, '--id', id]);
}

/** The card that the module shows, when it is known. */
async function cardOf(bench: Bench): Promise<string> {
  return await eventually(
    'identifying the card of the module',
    () => bench.daemon.desk.cards.find(({ reader, status }) => reader.source.id === 'pkcs11:softhsm' && status === 'ready')?.id,
    READY_MS,
  );
}

describe('a card behind a module', () => {
  it('is listed and read; its keys sign and ask for certificates; its PIN is verified, changed and unblocked', async () => {
    await using hsm = await createSoftHsm();
    await makeKey(hsm, '45', 'rsa:2048');
    await makeKey(hsm, '46', 'EC:prime256v1');
    await using bench = await openBench({ policy: policyOf(hsm) });
    const client = await bench.client();
    const card = await cardOf(bench);
    const { cards } = await client.call('card.list', {});
    expect(cards.find(({ id }) => id === card)?.application).toMatchObject({ id: 'pkcs11' });
    const { keys, pins } = await client.call('card.read', { card });
    expect(pins).toEqual([{ reference: '01', kind: 'pin', label: 'PIN of bench', minLength: 4, maxLength: 255 }]);
    const target = { card, pin: TOKEN.pin, allowLastTry: true };
    for (const [keyReference, algorithm] of [
      ['45', 'RS256'],
      ['46', 'ES256'],
    ] as const) {
      const message = randomBytes(64);
      const digest = createHash('sha256').update(message).digest('base64');
      const { signature } = await client.call('sign.digest', { ...target, keyReference, algorithm, digest });
      const spki = keys.find((key) => key.keyReference === keyReference)?.publicKey ?? '';
      const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
      expect(verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64'))).toBe(true);
    }
    const { request } = await client.call('certificate.request', { ...target, keyReference: '46', subject: 'CN=Bench' });
    await using ca = await createOpensslCa();
    expect(await ca.issue(request)).toContain('BEGIN CERTIFICATE');
    await client.call('pin.change', { ...target, pinReference: '01', newPin: '654321' });
    await expect(client.call('pin.verify', { ...target, pinReference: '01' })).rejects.toMatchObject({ code: 'pin_rejected' });
    await client.call('pin.unblock', { card, pinReference: '01', puk: TOKEN.officerPin, newPin: '222222', allowLastTry: true });
    await client.call('pin.verify', { card, pinReference: '01', pin: '222222', allowLastTry: true });
  });

  it('makes keys, takes certificates, signs lists, and gives up both', async () => {
    await using hsm = await createSoftHsm();
    await using bench = await openBench({ policy: policyOf(hsm) });
    const client = await bench.client();
    const card = await cardOf(bench);
    const target = { card, pin: TOKEN.pin, allowLastTry: true };
    const { key } = await client.call('key.generate', { ...target, keyReference: '46', algorithm: 'P-256' });
    expect(key).toMatchObject({ keyReference: '46', algorithm: 'P-256', pin: '01' });
    const { request } = await client.call('certificate.request', { ...target, keyReference: '46', subject: 'CN=Bench' });
    await using ca = await createOpensslCa();
    const certificate = await ca.issue(request);
    await client.call('certificate.write', { ...target, keyReference: '46', certificate });
    const { certificates } = await client.call('certificate.list', { card });
    expect(certificates.map(({ keyReference, parsed }) => [keyReference, parsed?.subject])).toEqual([['46', 'CN=Bench']]);
    await client.call('key.generate', { ...target, keyReference: '47', algorithm: 'RSA-2048' });
    const documents = Array.from({ length: 100 }, (_, index) => ({
      name: `document ${index}`,
      digest: createHash('sha256').update(String(index)).digest('base64'),
    }));
    const { signatures } = await client.call('sign.batch', { ...target, keyReference: '47', algorithm: 'RS256', documents });
    expect(signatures).toHaveLength(100);
    await client.call('certificate.delete', { ...target, keyReference: '46' });
    await client.call('key.delete', { ...target, keyReference: '46' });
    const { keys } = await client.call('card.read', { card });
    expect(keys.map(({ keyReference }) => keyReference)).toEqual(['47']);
  });

  it('takes no raw commands', async () => {
    await using hsm = await createSoftHsm();
    await using bench = await openBench({ policy: policyOf(hsm) });
    const client = await bench.client();
    const card = await cardOf(bench);
    const sent = client.call('card.transmit', { card, commands: ['00A4040000'] });
    await expect(sent).rejects.toMatchObject({ code: 'card_unsupported' });
  });
});

describe('a policy', () => {
  it.each([
    ['a relative path', { path: 'libsofthsm2.so' }, 'no absolute path'],
    ['another hash', { sha256: '0'.repeat(64) }, 'another SHA-256'],
    ['a file that is not there', { path: '/nowhere/module.so' }, 'ENOENT'],
    ['settings of Node', { environment: { NODE_OPTIONS: '--inspect' } }, 'NODE_OPTIONS cannot be set'],
  ])('that names a module with %s is told to be wrong, and nothing is loaded', async (_, wrong, problem) => {
    await using hsm = await createSoftHsm();
    await using bench = await openBench();
    const { name, path, sha256 } = hsm.configuration;
    writePolicy(join(bench.dataFolder, 'policy.d'), { modules: [{ name, path, sha256, ...wrong }] });
    const client = await bench.client();
    const { problems } = await client.call('system.reload', {});
    expect(problems.map((one) => one.problem).join()).toContain(problem);
    await delay(100);
    expect(bench.daemon.desk.readers.map(({ source }) => source.id)).toEqual(['simulated']);
  });

  it('that is read anew adds a module, and takes it away with its cards', async () => {
    await using hsm = await createSoftHsm();
    await using bench = await openBench();
    const client = await bench.client();
    const folder = join(bench.dataFolder, 'policy.d');
    writePolicy(folder, policyOf(hsm));
    expect(await client.call('system.reload', {})).toEqual({ problems: [] });
    const card = await cardOf(bench);
    writePolicy(folder, {});
    await client.call('system.reload', {});
    await expect(client.call('card.read', { card })).rejects.toMatchObject({ code: 'not_found' });
    const { sources } = await client.call('system.health', {});
    expect(sources.map(({ id }) => id)).toEqual(['simulated']);
  });
});

describe('a module that hangs', () => {
  it('keeps no other card waiting', async () => {
    await using hsm = await createSoftHsm();
    await using bench = await openBench({ policy: policyOf(hsm) });
    const client = await bench.client();
    const other = await bench.insert(createPivCard());
    const card = await cardOf(bench);
    const measure = async (): Promise<number> => {
      const times: number[] = [];
      for (let count = 0; count < 50; count++) {
        const begun = performance.now();
        await client.call('card.read', { card: other });
        times.push(performance.now() - begun);
      }
      // Nine in ten: a machine that does other things as well has its moments.
      return times.sort((left, right) => left - right)[44] ?? Number.NaN;
    };
    await measure();
    const alone = await measure();
    const [pid = 0] = moduleChildren();
    expect(pid).toBeGreaterThan(0);
    process.kill(pid, 'SIGSTOP');
    const hanging = client.call('card.read', { card }, { timeoutMs: 2_000 });
    hanging.catch(() => undefined);
    expect(await measure()).toBeLessThan(alone + 50);
    process.kill(pid, 'SIGKILL');
    await expect(hanging).rejects.toMatchObject({
      code: expect.stringMatching(/service_unavailable|deadline_exceeded/) as string,
    });
    await cardOf(bench);
  });
});
