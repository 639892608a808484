/** Calls into vendors' modules in a trace: which, how large, what came of them, and nothing of what was in them. */
import { createHash, publicEncrypt, constants } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Client } from '../../api-spec/client/client.ts';
import type { TraceCall } from '../../daemon/trace/entry.ts';
import { replayTrace } from '../../daemon/trace/replay.ts';
import { viewTrace } from '../../daemon/trace/view.ts';
import { eventually, openBench, testKey, type Bench } from '../api/support.ts';
import { noteTyped } from '../evidence/typed.ts';
import { compileFaultyModule } from '../pkcs11/module-bench.ts';
import { generate, READ_WRITE } from '../pkcs11-module/changes.ts';
import { ck, expectValue, Program, valueOf } from '../pkcs11-module/program.ts';
import { createStaffToken, STAFF, staffPolicy } from '../pkcs11-module/staff.ts';
import { stopTrace } from './session.ts';

const signal = new AbortController().signal;
const KEY = { kind: 'RSA', id: 'a101', label: 'Staff RSA', person: 'Staff with RSA' } as const;
const WRONG_PIN = '862064';
const DATA = Buffer.from('what is signed, of nobody else’s business');
const SECRET = Buffer.from('for the holder of the card alone');
const FAULTY_PIN = '123456';

interface StaffDesk extends AsyncDisposable {
  readonly bench: Bench;
  readonly client: Client;
  program(): Promise<Program>;
}

async function openStaffDesk(): Promise<StaffDesk> {
  await using undo = new AsyncDisposableStack();
  const hsm = undo.use(await createStaffToken([KEY]));
  const bench = undo.use(await openBench({ policy: staffPolicy(hsm) }));
  await untilReady(bench);
  const resources = undo.move();
  const client = await bench.client();
  return {
    ...{ bench, client },
    program: async () => resources.use(await Program.open(bench)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function untilReady({ daemon }: Bench): Promise<void> {
  await eventually('identifying the token', () => daemon.desk.cards.some(({ status }) => status === 'ready'), 20_000);
}

/** Every form in which a text or bytes could stand in a trace. */
function formsOf(secret: Buffer | string): readonly string[] {
  const bytes = Buffer.from(secret);
  const hex = (encoding: BufferEncoding): string => Buffer.from(bytes.toString('latin1'), encoding).toString('hex').toUpperCase();
  return [bytes.toString('utf8').toUpperCase(), hex('latin1'), hex('utf16le'), bytes.toString('base64').toUpperCase()];
}

const calls = ({ entries }: Awaited<ReturnType<typeof stopTrace>>['trace']): readonly TraceCall[] =>
  entries.filter((entry) => entry.kind === 'call');

describe('a trace of a token behind a module', () => {
  it('has every call by its function, slot, mechanism, sizes, answer and time; and no PIN, data, key or object', async () => {
    await using desk = await openStaffDesk();
    noteTyped(WRONG_PIN);
    const program = await desk.program();
    await desk.client.call('trace.start', {});
    const session = await program.session(undefined, READ_WRITE);
    await expectValue(program.login(session, WRONG_PIN), ck.CKR_PIN_INCORRECT);
    await program.login(session, STAFF.pin);
    const key = await program.key(session, KEY.id);
    const signature = await program.sign(session, key, { mechanism: { type: ck.CKM_RSA_PKCS }, data: DATA });
    const { publicKey } = testKey('RSA-2048', KEY.person);
    const cryptogram = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, SECRET);
    await program.client.call('C_DecryptInit', session, { type: ck.CKM_RSA_PKCS }, key);
    expect(Buffer.from(await program.bytes('C_Decrypt', session, cryptogram, 512))).toEqual(SECRET);
    await generate(program, session, { kind: 'P-256', id: 'b1b2' });
    const label = new TextEncoder().encode('Given by a program');
    await program.client.call('C_SetAttributeValue', session, key, [[ck.CKA_LABEL, label]]);
    const { text, trace } = await stopTrace(desk.client, desk.bench.dataFolder);

    const told = calls(trace);
    const of = (name: string): readonly TraceCall[] => told.filter((call) => 'function' in call && call.function === name);
    expect(of('C_Login').map((call) => 'value' in call && call.value)).toEqual(expect.arrayContaining([0xa0, 0]));
    expect(of('C_SignInit')).toContainEqual(expect.objectContaining({ slot: 1, mechanism: ck.CKM_RSA_PKCS, value: 0 }));
    expect(of('C_Sign')).toContainEqual(expect.objectContaining({ bytesIn: DATA.length, bytesOut: 256, value: 0 }));
    expect(of('C_DecryptInit')).not.toEqual([]);
    expect(of('C_Decrypt')).toContainEqual(expect.objectContaining({ bytesIn: 256, value: 0 }));
    expect(of('C_GenerateKeyPair')).toMatchObject([{ mechanism: ck.CKM_EC_KEY_PAIR_GEN, value: 0 }]);
    expect(of('C_SetAttributeValue')).toMatchObject([{ attributes: 1 }, { attributes: 1 }]);
    expect(of('C_FindObjects').some((call) => 'found' in call && call.found === 1)).toBe(true);
    expect(told.filter((call) => 'problem' in call)).toEqual([]);

    const [, , , number] = await program.client.call('C_GetTokenInfo', (await program.slots())[0] ?? 0);
    const serial = typeof number === 'string' ? number.trim() : '';
    expect(serial).not.toBe('');
    const upper = text.toUpperCase();
    const { n = '' } = publicKey.export({ format: 'jwk' });
    const secrets = [
      STAFF.pin,
      WRONG_PIN,
      DATA,
      SECRET,
      cryptogram,
      Buffer.from(signature),
      createHash('sha256').update(DATA).digest(),
    ];
    const persons = [
      serial,
      STAFF.label,
      KEY.label,
      KEY.person,
      KEY.id,
      'B1B2',
      'Given by a program',
      Buffer.from(n, 'base64url'),
    ];
    for (const form of [...secrets, ...persons].flatMap(formsOf)) expect(upper).not.toContain(form);
    expect(text.split('\n').filter((line) => line.includes('C_Login'))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\* C_Login slot 1 = 000000A0 ; \d+ ms$/)]),
    );
    for (const line of text.split('\n').filter((one) => /C_(Login|Logout|SetPIN|InitPIN)/.test(one)))
      expect(line).toMatch(/^\* C_\w+ slot 1 = [0-9A-F]{8} ; \d+ ms$/);
  });

  it('is shown in words, and passed over by a replay, which says so', async () => {
    await using desk = await openStaffDesk();
    const program = await desk.program();
    await desk.client.call('trace.start', {});
    const session = await program.session();
    await program.login(session, STAFF.pin);
    await program.sign(session, await program.key(session, KEY.id), { mechanism: { type: ck.CKM_RSA_PKCS }, data: DATA });
    const { trace } = await stopTrace(desk.client, desk.bench.dataFolder);
    const words = [...viewTrace(trace, { bytes: true })].join('\n');
    expect(words).toMatch(/card 1 is in reader 1: ATR unknown/);
    expect(words).toMatch(new RegExp(`\\* {2}C_Sign, slot 1, ${DATA.length} bytes in, 256 bytes out → CKR_OK \\(\\d+ ms\\)`));
    expect(words).toMatch(/ \d+ calls of vendors' modules\./);
    const reports = await replayTrace(trace, signal);
    expect(reports.length).toBeGreaterThan(1);
    expect(new Set(reports.map(({ outcome }) => outcome))).toEqual(new Set(['passed']));
  });

  it('of another reader has none of them, and nor has the time when none runs', async () => {
    await using desk = await openStaffDesk();
    const program = await desk.program();
    const signOnce = async (): Promise<void> => {
      const session = await program.session();
      await program.login(session, STAFF.pin);
      await program.sign(session, await program.key(session, KEY.id), { mechanism: { type: ck.CKM_RSA_PKCS }, data: DATA });
      await program.client.call('C_CloseSession', session);
    };
    await signOnce();
    await desk.client.call('trace.start', { card: { reader: desk.bench.readerId() } });
    await signOnce();
    const { trace } = await stopTrace(desk.client, desk.bench.dataFolder);
    expect(trace.entries.map(({ kind }) => kind)).toEqual(['stopped']);
  });

  it('tells that the module went in the middle of a call', async () => {
    await using faulty = await compileFaultyModule();
    const once = join(faulty.folder, 'once');
    const { name, path, sha256, environment } = faulty.configuration('crash:C_Sign', once);
    await using bench = await openBench({ policy: { modules: [{ name, path, sha256, environment }] } });
    await untilReady(bench);
    await using program = await Program.open(bench);
    const client = await bench.client();
    await client.call('trace.start', {});
    const session = await program.session();
    await program.login(session, FAULTY_PIN);
    const key = await program.key(session, '01');
    writeFileSync(once, '');
    const signed = valueOf(program.sign(session, key, { mechanism: { type: ck.CKM_RSA_PKCS }, data: DATA }));
    expect([ck.CKR_DEVICE_ERROR, ck.CKR_DEVICE_REMOVED]).toContain(await signed);
    const { trace, text } = await stopTrace(client, bench.dataFolder);
    expect(calls(trace)).toContainEqual(
      expect.objectContaining({ operation: 'sign', problem: expect.stringMatching(/^[a-z_]+$/) as string }),
    );
    expect(text).not.toContain(FAULTY_PIN);
  });
});
