/** C_SetAttributeValue: what a token keeps is on it and read back, what it does not keep is refused, and session objects change as the standard has it. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { decodeTlv } from '../../apdu/tlv/ber-tlv.ts';
import { eventually, openBench, PIN, stateOf, type Bench } from '../api/support.ts';
import type { SoftHsm } from '../support/softhsm.ts';
import { bytes, generate, idAt, openBlankDesk, READ_WRITE } from './changes.ts';
import { ck, expectValue, Program, SERIAL, valueOf } from './program.ts';
import type { Template } from './rpc-client.ts';
import { createStaffToken, STAFF, staffPolicy } from './staff.ts';

const KEY = { kind: 'EC', id: 'a102', label: 'Staff curve', person: 'Staff with a curve' } as const;
const OTHER = { kind: 'RSA', id: 'a101', label: 'Staff RSA', person: 'Staff with RSA' } as const;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

interface Setting {
  readonly program: Program;
  readonly session: number;
}

const set = ({ program, session }: Setting, object: number, template: Template): Promise<unknown> =>
  program.client.call('C_SetAttributeValue', session, object, template);
const read = async ({ program, session }: Setting, object: number, type: number): Promise<string> =>
  Buffer.from(await program.attribute(session, object, type)).toString();

/** As NSS makes a CKA_ID of a key: SHA-1 of the point. */
async function madeUpId({ program, session }: Setting, key: number): Promise<Uint8Array> {
  const [point] = decodeTlv(await program.attribute(session, key, ck.CKA_EC_POINT));
  return new Uint8Array(
    createHash('sha1')
      .update(point?.value ?? '')
      .digest(),
  );
}

describe('a card whose names are its own', () => {
  it('refuses every name that its key has not, and changes nothing', async () => {
    await using desk = await openBlankDesk();
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await program.login(session, PIN);
    const [publicKey, privateKey] = await generate(program, session, { kind: 'P-256', id: '9a' });
    const setting = { program, session };
    const before = stateOf(desk.card);
    for (const key of [publicKey, privateKey]) {
      expect(await program.attribute(session, key, ck.CKA_MODIFIABLE)).toEqual(bytes('00'));
      for (const id of ['11223344', '9c', '', 'cd'.repeat(20), 'ab'.repeat(200)])
        await expectValue(set(setting, key, [[ck.CKA_ID, bytes(id)]]), ck.CKR_ATTRIBUTE_READ_ONLY);
      await expectValue(set(setting, key, [[ck.CKA_LABEL, text('mine')]]), ck.CKR_ATTRIBUTE_READ_ONLY);
      const value = key === privateKey ? ck.CKR_ATTRIBUTE_READ_ONLY : ck.CKR_ATTRIBUTE_TYPE_INVALID;
      await expectValue(set(setting, key, [[ck.CKA_SIGN, false]]), value);
      expect(await idAt(program, session, key)).toBe('9a');
    }
    expect(stateOf(desk.card)).toEqual(before);
  });

  it('takes what its key goes by already: its own name, its number, and the one that follows from the key, by which it is found', async () => {
    await using desk = await openBlankDesk();
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await program.login(session, PIN);
    const keys = await generate(program, session, { kind: 'P-256', id: '9a' });
    const setting = { program, session };
    const made = await madeUpId(setting, keys[0]);
    for (const key of keys) for (const id of [bytes('9a'), bytes('01'), made]) await set(setting, key, [[ck.CKA_ID, id]]);
    expect((await program.find(session, [[ck.CKA_ID, made]])).toSorted()).toEqual([...keys].toSorted());
    const [later, theirs] = [await desk.program(), await desk.program()];
    const other = await later.session();
    await later.login(other, PIN);
    expect(await idAt(later, other, await later.key(other, Buffer.from(made).toString('hex')))).toBe('9a');
    expect(await theirs.find(await theirs.session(), [[ck.CKA_ID, made]])).toHaveLength(1);
  });

  it('is changed in a session that writes, by who is logged in', async () => {
    await using desk = await openBlankDesk();
    const program = await desk.program();
    const [writing, reading] = [await program.session(undefined, READ_WRITE), await program.session(undefined, SERIAL)];
    await program.login(writing, PIN);
    const [key] = await generate(program, writing, { kind: 'P-256', id: '9a' });
    await expectValue(set({ program, session: reading }, key, [[ck.CKA_ID, bytes('9a')]]), ck.CKR_SESSION_READ_ONLY);
    await program.client.call('C_Logout', writing);
    await expectValue(set({ program, session: writing }, key, [[ck.CKA_ID, bytes('9a')]]), ck.CKR_USER_NOT_LOGGED_IN);
    await expectValue(set({ program, session: writing }, 999, [[ck.CKA_ID, bytes('9a')]]), ck.CKR_OBJECT_HANDLE_INVALID);
  });
});

interface StaffDesk extends AsyncDisposable {
  readonly bench: Bench;
  readonly hsm: SoftHsm;
  program(): Promise<Program>;
  /** What the module itself shows to others. */
  shown(): Promise<string>;
}

async function openStaffDesk(more: object = {}): Promise<StaffDesk> {
  await using undo = new AsyncDisposableStack();
  const hsm = undo.use(await createStaffToken([OTHER, KEY]));
  const bench = undo.use(await openBench({ policy: { ...staffPolicy(hsm), ...more } }));
  await eventually('identifying the token', () => bench.daemon.desk.cards.some(({ status }) => status === 'ready'), 20_000);
  const module = ['--module', hsm.configuration.path, '--token-label', STAFF.label, '--login', '--pin', STAFF.pin];
  const resources = undo.move();
  return {
    bench,
    hsm,
    program: async () => resources.use(await Program.open(bench)),
    shown: () => hsm.run('pkcs11-tool', [...module, '-O']),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function loggedIn(desk: StaffDesk): Promise<Setting> {
  const program = await desk.program();
  const session = await program.session(undefined, READ_WRITE);
  await program.login(session, STAFF.pin);
  return { program, session };
}

describe('a token behind a module', () => {
  it('keeps the labels of keys and certificates', async () => {
    await using desk = await openStaffDesk();
    const setting = await loggedIn(desk);
    const { program, session } = setting;
    const key = await program.key(session, KEY.id);
    const certificate = await program.key(session, KEY.id, ck.CKO_CERTIFICATE);
    expect(await program.attribute(session, key, ck.CKA_MODIFIABLE)).toEqual(bytes('01'));
    await set(setting, key, [[ck.CKA_LABEL, text('Nyckel på kontoret')]]);
    await set(setting, certificate, [[ck.CKA_LABEL, text('Certifikat')]]);
    expect(await read(setting, key, ck.CKA_LABEL)).toBe('Nyckel på kontoret');
    expect(await read(setting, certificate, ck.CKA_LABEL)).toBe('Certifikat');
    const other = { program: await desk.program(), session: 0 };
    other.session = await other.program.session();
    expect(await read(other, await other.program.key(other.session, KEY.id, ck.CKO_PUBLIC_KEY), ck.CKA_LABEL)).toBe(
      'Nyckel på kontoret',
    );
    const shown = await desk.shown();
    expect(shown.match(/label: +Nyckel på kontoret/g)).toHaveLength(2);
    expect(shown).toMatch(/Certificate Object[^]*label: +Certifikat\n/);
  });

  it('keeps the name of a key, which its certificate follows; its objects stay what they were to the program', async () => {
    await using desk = await openStaffDesk();
    const setting = await loggedIn(desk);
    const { program, session } = setting;
    const [privateKey, publicKey] = [await program.key(session, KEY.id), await program.key(session, KEY.id, ck.CKO_PUBLIC_KEY)];
    const certificate = await program.key(session, KEY.id, ck.CKO_CERTIFICATE);
    const made = await madeUpId(setting, publicKey);
    await set(setting, privateKey, [[ck.CKA_ID, made]]);
    await set(setting, publicKey, [[ck.CKA_ID, made]]);
    for (const object of [privateKey, publicKey, certificate])
      expect(Buffer.from(await program.attribute(session, object, ck.CKA_ID))).toEqual(Buffer.from(made));
    expect(await program.find(session, [[ck.CKA_ID, bytes(KEY.id)]])).toEqual([]);
    const mechanism = { type: ck.CKM_ECDSA };
    expect(await program.sign(session, privateKey, { mechanism, data: new Uint8Array(32) })).toHaveLength(64);
    expect((await desk.shown()).match(new RegExp(`ID: +${Buffer.from(made).toString('hex')}`, 'g'))).toHaveLength(3);
    await set(setting, publicKey, [
      [ck.CKA_ID, bytes('a10f')],
      [ck.CKA_LABEL, text('both')],
    ]);
    expect(await idAt(program, session, privateKey)).toBe('a10f');
    expect(await read(setting, privateKey, ck.CKA_LABEL)).toBe('both');
  });

  it('is refused what it could not keep, before anything is done', async () => {
    await using desk = await openStaffDesk();
    const setting = await loggedIn(desk);
    const { program, session } = setting;
    const key = await program.key(session, KEY.id);
    const certificate = await program.key(session, KEY.id, ck.CKO_CERTIFICATE);
    const before = await desk.shown();
    const refused = async (object: number, template: Template, value: number): Promise<void> =>
      await expectValue(set(setting, object, template), value);
    for (const id of [OTHER.id, '', 'ab'.repeat(61)])
      await refused(key, [[ck.CKA_ID, bytes(id)]], ck.CKR_ATTRIBUTE_VALUE_INVALID);
    for (const label of ['', ' mine', 'mi\nne', 'x'.repeat(201)])
      await refused(key, [[ck.CKA_LABEL, text(label)]], ck.CKR_ATTRIBUTE_VALUE_INVALID);
    await refused(key, [[ck.CKA_LABEL, bytes('ff')]], ck.CKR_ATTRIBUTE_VALUE_INVALID);
    await refused(certificate, [[ck.CKA_ID, bytes('a10f')]], ck.CKR_ATTRIBUTE_READ_ONLY);
    await refused(certificate, [[ck.CKA_SUBJECT, bytes('3000')]], ck.CKR_ATTRIBUTE_READ_ONLY);
    const twice: Template = [
      [ck.CKA_LABEL, text('one')],
      [ck.CKA_LABEL, text('other')],
    ];
    await refused(key, twice, ck.CKR_TEMPLATE_INCONSISTENT);
    const half: Template = [
      [ck.CKA_LABEL, text('one')],
      [ck.CKA_SENSITIVE, false],
    ];
    await refused(key, half, ck.CKR_ATTRIBUTE_READ_ONLY);
    expect(await desk.shown()).toBe(before);
  });

  it('stays as it is where a policy denies that programs write', async () => {
    await using desk = await openStaffDesk({ pkcs11: { writes: 'denied' } });
    const { program, session } = await loggedIn(desk).catch(async () => {
      const one = await desk.program();
      const of = await one.session();
      await one.login(of, STAFF.pin);
      return { program: one, session: of };
    });
    const key = await program.key(session, KEY.id);
    const value = await valueOf(set({ program, session }, key, [[ck.CKA_LABEL, text('mine')]]));
    expect([ck.CKR_TOKEN_WRITE_PROTECTED, ck.CKR_SESSION_READ_ONLY]).toContain(value);
    expect(await program.attribute(session, key, ck.CKA_MODIFIABLE)).toEqual(bytes('00'));
  });
});
