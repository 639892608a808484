/** Tokens behind modules of vendors, as programs have them: SoftHSM 2, several of it, and a module that crashes while it signs. */
import { constants, publicEncrypt, publicDecrypt, verify, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { compileFaultyModule } from '../pkcs11/module-bench.ts';
import { certificateFor, eventually, openBench, testKey, type Bench } from '../api/support.ts';
import { noteTyped } from '../evidence/typed.ts';
import { createSoftHsm, copySoftHsm, type SoftHsm, type TokenSetup } from '../support/softhsm.ts';
import type { ModuleConfiguration } from '../../drivers/pkcs11/configuration.ts';
import { Program, SERIAL, ck, expectValue, valueOf } from './program.ts';
import type { TestMechanism } from './rpc-client.ts';

const READY_MS = 20_000;
const PIN = '135790';
const TOKEN: TokenSetup = { label: 'Staff token', pin: PIN, officerPin: '87654321' };
const FAULTY_PIN = '123456';
const SHA256_RSA: TestMechanism = { type: ck.CKM_SHA256_RSA_PKCS };
const RSA: TestMechanism = { type: ck.CKM_RSA_PKCS };
/** DigestInfo of SHA-1, which no algorithm of ours has: signed as content that is padded as it is. */
const SHA1_INFO = Buffer.concat([Buffer.from('3021300906052b0e03021a05000414', 'hex'), Buffer.alloc(20, 7)]);

let made: SoftHsm;
beforeAll(async () => {
  made = await createSoftHsm([TOKEN]);
  await importKey(made, { id: 'a101', label: 'Staff RSA', kind: 'RSA-2048' });
  await importKey(made, { id: 'a102', label: 'Staff curve', kind: 'P-256' });
  const authority = join(made.folder, 'authority.der');
  writeFileSync(authority, Buffer.from(certificateFor(testKey('P-256', 'else').publicKey, { name: 'Staff CA' }), 'base64'));
  await tool(made, '--write-object', authority, '--type', 'cert', '--id', 'ca01', '--label', 'Our authority');
});
afterAll(() => made[Symbol.asyncDispose]());

function tool(hsm: SoftHsm, ...parameters: readonly string[]): Promise<string> {
  const login = ['--module', hsm.configuration.path, '--token-label', TOKEN.label, '--login', '--pin', PIN];
  return hsm.run('pkcs11-tool', [...login, ...parameters]);
}

interface Imported {
  readonly id: string;
  readonly label: string;
  readonly kind: 'RSA-2048' | 'P-256';
}

async function importKey(hsm: SoftHsm, { id, label, kind }: Imported): Promise<void> {
  const [pem, der] = [join(hsm.folder, `${id}.pem`), join(hsm.folder, `${id}.der`)];
  const { privateKey, publicKey } = testKey(kind, label);
  writeFileSync(pem, privateKey.export({ format: 'pem', type: 'pkcs8' }));
  writeFileSync(der, Buffer.from(certificateFor(publicKey, { name: label }), 'base64'));
  const named = ['--id', id, '--label', label];
  await hsm.run('softhsm2-util', ['--import', pem, '--token', TOKEN.label, '--pin', PIN, ...named]);
  await tool(hsm, '--write-object', der, '--type', 'cert', ...named);
}

const publicKeyOf = ({ kind, label }: Pick<Imported, 'kind' | 'label'>): KeyObject => testKey(kind, label).publicKey;
const STAFF_RSA = { kind: 'RSA-2048', label: 'Staff RSA' } as const;

interface ModuleDesk extends AsyncDisposable {
  readonly bench: Bench;
  readonly hsm: SoftHsm;
  program(): Promise<Program>;
}

/** With a copy of the token: what a test changes is its own. */
async function openModuleDesk(): Promise<ModuleDesk> {
  await using undo = new AsyncDisposableStack();
  const hsm = undo.use(await copySoftHsm(made));
  const bench = undo.use(await openBench({ policy: policyOf(hsm.configuration) }));
  await untilReady(bench, 1);
  const resources = undo.move();
  return {
    bench,
    hsm,
    program: async () => resources.use(await Program.open(bench)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function policyOf(...configurations: readonly ModuleConfiguration[]): object {
  return { modules: configurations.map(({ name, path, sha256, environment }) => ({ name, path, sha256, environment })) };
}

async function untilReady(bench: Bench, count: number): Promise<void> {
  const isReady = (): boolean => bench.daemon.desk.cards.filter(({ status }) => status === 'ready').length >= count;
  await eventually('identifying the tokens of the modules', isReady, READY_MS);
}

describe('a token behind a module', () => {
  it('goes by its own names, its keys and certificates by theirs', async () => {
    await using desk = await openModuleDesk();
    const program = await desk.program();
    const [slot] = await program.slots();
    const info = await program.client.call('C_GetTokenInfo', slot);
    expect(info.slice(0, 3).map((text) => typeof text === 'string' && text.trim())).toEqual([
      TOKEN.label,
      'SoftHSM project',
      'SoftHSM v2',
    ]);
    const session = await program.session();
    const named = async (id: string, objectClass: number): Promise<string> =>
      Buffer.from(await program.attribute(session, await program.key(session, id, objectClass), ck.CKA_LABEL)).toString();
    expect(await named('a101', ck.CKO_CERTIFICATE)).toBe('Staff RSA');
    expect(await named('a102', ck.CKO_PUBLIC_KEY)).toBe('Staff curve');
    expect(await named('ca01', ck.CKO_CERTIFICATE)).toBe('Our authority');
  });

  it('signs by RSA over content of any length, and by curve', async () => {
    await using desk = await openModuleDesk();
    const program = await desk.program();
    const session = await program.session();
    await program.login(session, PIN);
    const key = await program.key(session, 'a101');
    for (const data of [SHA1_INFO, Buffer.alloc(36, 9), new Uint8Array(1), new Uint8Array(245)]) {
      const signature = await program.sign(session, key, { mechanism: RSA, data });
      expect(publicDecrypt({ key: publicKeyOf(STAFF_RSA), padding: constants.RSA_PKCS1_PADDING }, signature)).toEqual(
        Buffer.from(data),
      );
    }
    await expectValue(program.sign(session, key, { mechanism: RSA, data: new Uint8Array(246) }), ck.CKR_DATA_LEN_RANGE);
    const curve = await program.key(session, 'a102');
    const data = new TextEncoder().encode('what is signed');
    const signature = await program.sign(session, curve, { mechanism: { type: ck.CKM_ECDSA_SHA256 }, data });
    const publicKey = { key: publicKeyOf({ kind: 'P-256', label: 'Staff curve' }), dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', data, publicKey, signature)).toBe(true);
  });

  it('deciphers with a key that is for it', async () => {
    await using desk = await openModuleDesk();
    const program = await desk.program();
    const session = await program.session();
    await program.login(session, PIN);
    const message = Buffer.from('for the holder alone');
    const cryptogram = publicEncrypt({ key: publicKeyOf(STAFF_RSA), padding: constants.RSA_PKCS1_PADDING }, message);
    await program.client.call('C_DecryptInit', session, RSA, await program.key(session, 'a101'));
    expect(Buffer.from(await program.bytes('C_Decrypt', session, cryptogram, 512))).toEqual(message);
  });

  it('has its PIN changed, and knows the old one no more', async () => {
    await using desk = await openModuleDesk();
    const program = await desk.program();
    const session = await program.session(undefined, SERIAL | ck.CKF_RW_SESSION);
    noteTyped('246802');
    const [old, next] = [PIN, '246802'].map((pin) => new TextEncoder().encode(pin));
    await program.client.call('C_SetPIN', session, old, next);
    await expectValue(program.login(session, PIN), ck.CKR_PIN_INCORRECT);
    await program.login(session, '246802');
    expect(await program.key(session, 'a101')).toBeGreaterThan(0);
  });

  it('is one of several, of several modules', async () => {
    const other: TokenSetup = { label: 'Other token', pin: '112233', officerPin: '87654321' };
    await using second = await createSoftHsm([other]);
    await using copy = await copySoftHsm(made);
    await using bench = await openBench({ policy: policyOf(copy.configuration, { ...second.configuration, name: 'second' }) });
    await untilReady(bench, 2);
    await using program = await Program.open(bench);
    const labels = await Promise.all((await program.slots()).map((slot) => program.tokenLabel(slot)));
    expect(labels.toSorted()).toEqual(['Other token', TOKEN.label]);
  });
});

describe('the sizes of keys that a module makes', () => {
  const RSA_PAIR = ck.CKM_RSA_PKCS_KEY_PAIR_GEN;
  const sizes = async (program: Program, type: number): Promise<readonly number[]> => {
    const [slot = 0] = await program.slots();
    return (await program.client.call('C_GetMechanismInfo', slot, type)).slice(0, 2).map(Number);
  };

  it('are those that programs may ask for, where it makes others too', async () => {
    await using desk = await openModuleDesk();
    const program = await desk.program();
    expect(await sizes(program, RSA_PAIR)).toEqual([2_048, 4_096]);
    expect(await sizes(program, ck.CKM_EC_KEY_PAIR_GEN)).toEqual([256, 384]);
  });

  it.each([
    ['what it says', 'short', [2_048, 2_048]],
    ['any, where it does not say', 'fails', [2_048, 4_096]],
  ] as const)('are %s, and none of a kind that it does not make', async (_, kind, told) => {
    await using faulty = await compileFaultyModule();
    await using bench = await openBench({ policy: policyOf(faulty.configuration(`${kind}:C_GetMechanismInfo`)) });
    await untilReady(bench, 1);
    await using program = await Program.open(bench);
    expect(await sizes(program, RSA_PAIR)).toEqual(told);
    await expectValue(sizes(program, ck.CKM_EC_KEY_PAIR_GEN), ck.CKR_MECHANISM_INVALID);
  });
});

describe('programs that sign again and again', () => {
  it('share a turn with whoever brings the same PIN', async () => {
    await using desk = await openModuleDesk();
    const data = new TextEncoder().encode('one of many');
    const signMany = async (program: Program): Promise<void> => {
      const session = await program.session();
      await program.login(session, PIN);
      const key = await program.key(session, 'a101');
      for (let count = 0; count < 10; count++) {
        const signature = await program.sign(session, key, { mechanism: SHA256_RSA, data });
        expect(verify('sha256', data, publicKeyOf(STAFF_RSA), signature)).toBe(true);
      }
    };
    await Promise.all([await desk.program(), await desk.program(), await desk.program()].map(signMany));
  });

  it('cost the token far fewer logins than signatures', async () => {
    await using faulty = await compileFaultyModule();
    await using bench = await openBench({ policy: policyOf(faulty.configuration('none')) });
    await untilReady(bench, 1);
    await using program = await Program.open(bench);
    const session = await program.session();
    await program.login(session, FAULTY_PIN);
    const key = await program.key(session, '01');
    for (let count = 0; count < 60; count++) await program.sign(session, key, { mechanism: RSA, data: SHA1_INFO });
    for (let count = 0; count < 60; count++) await program.sign(session, key, { mechanism: SHA256_RSA, data: SHA1_INFO });
    expect(readFileSync(faulty.loginsFile, 'utf8').split('\n').length).toBeLessThan(60);
  });

  it('do not let in a program that has another PIN, nor keep one waiting that uses the card otherwise', async () => {
    await using desk = await openModuleDesk();
    const [one, other] = [await desk.program(), await desk.program()];
    const session = await one.session();
    await one.login(session, PIN);
    const key = await one.key(session, 'a101');
    const signing = { isOver: false };
    const work = (async () => {
      for (let count = 0; !signing.isOver && count < 2_000; count++)
        await one.sign(session, key, { mechanism: RSA, data: SHA1_INFO });
      return signing.isOver;
    })();
    const theirs = await other.session();
    await expectValue(other.login(theirs, '000000'), ck.CKR_PIN_INCORRECT);
    await expectValue(
      other.find(theirs, [[ck.CKA_CLASS, ck.CKO_PRIVATE_KEY]]).then(({ length }) => expect(length).toBe(0)),
      ck.CKR_OK,
    );
    await other.login(theirs, PIN);
    const client = await desk.bench.client();
    const [card] = (await client.call('card.list', {})).cards;
    await client.call('pin.verify', { card: card?.id ?? '', pinReference: '01', pin: PIN, allowLastTry: true });
    signing.isOver = true;
    expect(await work).toBe(true);
  });
});

describe('a module that crashes while it signs', () => {
  it('is CKR_DEVICE_ERROR or CKR_DEVICE_REMOVED to the program, which then uses the token again', async () => {
    await using faulty = await compileFaultyModule();
    const once = join(faulty.folder, 'once');
    await using bench = await openBench({ policy: policyOf(faulty.configuration('crash:C_Sign', once)) });
    await untilReady(bench, 1);
    await using program = await Program.open(bench);
    const begin = async (): Promise<() => Promise<Uint8Array>> => {
      const session = await program.session();
      await program.login(session, FAULTY_PIN);
      const key = await program.key(session, '01');
      return () => program.sign(session, key, { mechanism: RSA, data: SHA1_INFO });
    };
    const sign = await begin();
    expect(await sign()).toHaveLength(256);
    writeFileSync(once, '');
    expect([ck.CKR_DEVICE_ERROR, ck.CKR_DEVICE_REMOVED]).toContain(await valueOf(sign()));
    expect(existsSync(once)).toBe(false);
    const signAgain = async (): Promise<number> =>
      (
        await begin()
          .then((again) => again())
          .catch(() => SHA1_INFO)
      ).length;
    await expect.poll(signAgain, { timeout: READY_MS }).toBe(256);
  });
});
