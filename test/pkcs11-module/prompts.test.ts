/** A login without a PIN: the person types it in a trusted place, where the program's name stands; and what of it is in the audit log. */
import { describe, expect, it } from 'vitest';
import { PIN, within, WRONG_PIN } from '../api/support.ts';
import { TestStation } from '../prompts/station.ts';
import { openPkcs11Desk } from './desk.ts';
import { ck, expectValue } from './program.ts';

const SIGN = { mechanism: { type: ck.CKM_ECDSA }, data: new Uint8Array(32).fill(7) };
const PROGRAM = /^\S+ \(\S+, process \d+\)$/;
/** Firefox hangs when the answer comes before its dialog. */
const NOT_BEFORE_MS = 500;

describe('a login without a PIN', () => {
  it('is offered while there is a place to ask, and refused when there is none, in its time', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const session = await program.session(slot);
    const hasPath = async (): Promise<boolean> => ((await program.tokenFlags(slot)) & ck.CKF_PROTECTED_AUTHENTICATION_PATH) !== 0;
    expect(await hasPath()).toBe(false);
    const start = performance.now();
    await expectValue(program.login(session, undefined), ck.CKR_FUNCTION_REJECTED);
    expect(performance.now() - start).toBeGreaterThanOrEqual(NOT_BEFORE_MS - 1);
    await using station = await TestStation.open(desk.bench);
    await expect.poll(hasPath).toBe(true);
    expect(station.messages).toEqual([]);
  });

  it('asks the person, names the program, and logs in with what was typed, not before its time', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    await using station = await TestStation.open(desk.bench);
    const session = await program.session();
    const start = performance.now();
    const login = program.login(session, undefined);
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'pin', action: 'verify', triesLeft: 3, pinLength: { min: 6, max: 8 } });
    expect(prompt.asker.kind).toBe('program');
    expect(prompt.asker.name).toMatch(PROGRAM);
    expect(prompt.kind === 'pin' && prompt.card).toContain('Bench 0');
    station.type(id, { pin: PIN });
    await login;
    expect(performance.now() - start).toBeGreaterThanOrEqual(NOT_BEFORE_MS - 1);
    expect(await program.sign(session, await program.key(session, '9A'), SIGN)).toHaveLength(64);
  });

  it('is cancelled when the person does not want it, and wrong when they type a wrong one', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    await using station = await TestStation.open(desk.bench);
    const session = await program.session();
    const start = performance.now();
    const refused = program.login(session, undefined);
    station.answer((await station.prompt()).id, 'cancelled');
    await expectValue(refused, ck.CKR_FUNCTION_CANCELED);
    expect(performance.now() - start).toBeGreaterThanOrEqual(NOT_BEFORE_MS - 1);
    const wrong = program.login(session, undefined);
    station.type((await station.prompt()).id, { pin: WRONG_PIN });
    await expectValue(wrong, ck.CKR_PIN_INCORRECT);
    const again = program.login(session, undefined);
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ triesLeft: 2 });
    station.type(id, { pin: PIN });
    await again;
  });

  it('is none when the session has ended before the PIN was typed: the next session begins logged out', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    await using station = await TestStation.open(desk.bench);
    const session = await program.session();
    const login = program.login(session, undefined);
    const { id } = await station.prompt();
    await program.client.call('C_CloseSession', session);
    station.type(id, { pin: PIN });
    await expectValue(login, ck.CKR_SESSION_HANDLE_INVALID);
    const [, state] = await program.client.call('C_GetSessionInfo', await program.session());
    expect(state).toBe(ck.CKS_RO_PUBLIC_SESSION);
  });

  it('is withdrawn when the program ends, or the card goes', async () => {
    await using desk = await openPkcs11Desk();
    await using station = await TestStation.open(desk.bench);
    const gone = await desk.program();
    const waiting = gone.client.begin('C_Login', await gone.session(), ck.CKU_USER, undefined).catch(() => undefined);
    const first = await station.prompt();
    await gone[Symbol.asyncDispose]();
    await station.withdrawn(first.id);
    await waiting;
    const program = await desk.program();
    const login = program.login(await program.session(), undefined);
    const second = await station.prompt();
    desk.bench.reader().remove();
    await station.withdrawn(second.id);
    await expectValue(within(login, 'the login'), ck.CKR_DEVICE_REMOVED);
  });

  it('of a key that wants its PIN each time is asked for each time', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    await using station = await TestStation.open(desk.bench);
    const session = await program.session();
    await program.login(session, PIN);
    await program.client.call('C_SignInit', session, { type: ck.CKM_SHA256_RSA_PKCS }, await program.key(session, '9C'));
    const login = program.login(session, undefined, ck.CKU_CONTEXT_SPECIFIC);
    station.type((await station.prompt()).id, { pin: PIN });
    await login;
    expect(await program.bytes('C_Sign', session, SIGN.data, 256)).toHaveLength(256);
  });
});

describe('the audit log', () => {
  it('has each login and signature, with the program, the card and what became of it', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    await expectValue(program.login(session, WRONG_PIN), ck.CKR_PIN_INCORRECT);
    await program.login(session, PIN);
    await program.sign(session, await program.key(session, '9A'), SIGN);
    const client = await desk.bench.client();
    const { records } = await client.call('audit.list', {});
    const ours = records.filter(({ method }) => method.startsWith('pkcs11.')).reverse();
    expect(ours.map(({ method, outcome }) => `${method} ${outcome}`).sort()).toEqual([
      'pkcs11.login ok',
      'pkcs11.login pin_rejected',
      'pkcs11.sign ok',
    ]);
    for (const record of ours) {
      expect(record).toMatchObject({ callerKind: 'native', cardApplication: 'piv', reader: 'Bench 0' });
      expect(record.caller).toMatch(PROGRAM);
      expect(record.cardSerial).toBeDefined();
    }
  });
});
