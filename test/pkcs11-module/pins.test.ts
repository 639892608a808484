/** PINs that programs change: with the old one, or with the PUK as the security officer's. */
import { describe, expect, it } from 'vitest';
import { PIN, PUK, stateOf, WRONG_PIN, WRONG_PUK } from '../api/support.ts';
import { noteTyped } from '../evidence/typed.ts';
import { TestStation } from '../prompts/station.ts';
import { openBlankDesk } from './changes.ts';
import { openPkcs11Desk } from './desk.ts';
import { ck, expectValue, SERIAL, type Program } from './program.ts';

const NEW_PIN = '864209';
const READ_WRITE = SERIAL | ck.CKF_RW_SESSION;

function text(pin: string): Uint8Array {
  noteTyped(pin);
  return new TextEncoder().encode(pin);
}

const setPin = (program: Program, session: number, [current, next]: readonly [string, string]) =>
  program.client.call('C_SetPIN', session, text(current), text(next));

describe('changing a PIN', () => {
  it('wants the old one, and a session that writes', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await expectValue(setPin(program, await program.session(), [PIN, NEW_PIN]), ck.CKR_SESSION_READ_ONLY);
    await expectValue(setPin(program, session, [WRONG_PIN, NEW_PIN]), ck.CKR_PIN_INCORRECT);
    await expectValue(setPin(program, session, [PIN, '1']), ck.CKR_PIN_LEN_RANGE);
    await expectValue(program.client.call('C_SetPIN', session, undefined, undefined), ck.CKR_ARGUMENTS_BAD);
    await setPin(program, session, [PIN, NEW_PIN]);
    await expectValue(program.login(session, PIN), ck.CKR_PIN_INCORRECT);
    await program.login(session, NEW_PIN);
  });

  it('under a login ends it: the PIN that was kept is tried no more', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await program.login(session, PIN);
    await setPin(program, session, [PIN, NEW_PIN]);
    const [, state] = await program.client.call('C_GetSessionInfo', session);
    expect(state).toBe(ck.CKS_RW_PUBLIC_SESSION);
  });

  it('by another program makes the kept one wrong: it is tried once, and the login is over', async () => {
    await using desk = await openPkcs11Desk();
    const [one, other] = [await desk.program(), await desk.program()];
    const session = await one.session();
    await one.login(session, PIN);
    await setPin(other, await other.session(undefined, READ_WRITE), [PIN, NEW_PIN]);
    const key = await one.key(session, '9A');
    const sign = () => one.sign(session, key, { mechanism: { type: ck.CKM_ECDSA }, data: new Uint8Array(32) });
    await expectValue(sign(), ck.CKR_USER_NOT_LOGGED_IN);
    await expectValue(sign(), ck.CKR_KEY_HANDLE_INVALID);
    await one.login(session, NEW_PIN);
    expect(await sign()).toHaveLength(64);
  });
});

describe('the security officer', () => {
  it('sets a new PIN with the PUK', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await expectValue(program.client.call('C_InitPIN', session, text(NEW_PIN)), ck.CKR_USER_NOT_LOGGED_IN);
    await program.login(session, PUK, ck.CKU_SO);
    expect((await program.client.call('C_GetSessionInfo', session))[1]).toBe(ck.CKS_RW_SO_FUNCTIONS);
    await expectValue(program.login(session, PIN), ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    await program.client.call('C_InitPIN', session, text(NEW_PIN));
    await program.client.call('C_Logout', session);
    await program.login(session, NEW_PIN);
  });

  it('unlocks a PIN that was locked before kortd saw it', async () => {
    await using desk = await openPkcs11Desk();
    // SELECT of the application, then VERIFY with a wrong PIN (SP 800-73-4, part 2, 3.1.1 and 3.2.1).
    await desk.card.process(Buffer.from('00a404000ba000000308000010000100', 'hex'));
    for (let tries = 0; tries < 3; tries++) await desk.card.process(Buffer.from('00200080083939393939393939', 'hex'));
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await expectValue(program.login(session, PIN), ck.CKR_PIN_LOCKED);
    await program.login(session, PUK, ck.CKU_SO);
    await program.client.call('C_InitPIN', session, text(NEW_PIN));
    await program.client.call('C_Logout', session);
    await program.login(session, NEW_PIN);
  });

  it('with a wrong PUK is refused at the first use, and logged out: no second try is spent on it', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await program.login(session, WRONG_PUK, ck.CKU_SO);
    const before = stateOf(desk.card);
    await expectValue(program.client.call('C_InitPIN', session, text(NEW_PIN)), ck.CKR_PIN_INCORRECT);
    expect(stateOf(desk.card)).not.toEqual(before);
    const after = stateOf(desk.card);
    await expectValue(program.client.call('C_InitPIN', session, text(NEW_PIN)), ck.CKR_USER_NOT_LOGGED_IN);
    expect(stateOf(desk.card)).toEqual(after);
  });

  it('is nobody’s while a session only reads', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    await expectValue(program.login(await program.session(), PUK, ck.CKU_SO), ck.CKR_SESSION_READ_ONLY_EXISTS);
  });

  it('keeps sessions that only read from being opened, until the logout', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await program.login(session, PUK, ck.CKU_SO);
    await expectValue(program.session(), ck.CKR_SESSION_READ_WRITE_SO_EXISTS);
    await program.session(undefined, READ_WRITE);
    await program.client.call('C_Logout', session);
    await program.session();
  });

  it('is one user, the other is another: who is logged in already, and who is in the way', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session(undefined, READ_WRITE);
    await program.login(session, PUK, ck.CKU_SO);
    await expectValue(program.login(session, PUK, ck.CKU_SO), ck.CKR_USER_ALREADY_LOGGED_IN);
    await expectValue(program.login(session, PIN), ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    await program.client.call('C_Logout', session);
    await program.login(session, PIN);
    await expectValue(program.login(session, PIN), ck.CKR_USER_ALREADY_LOGGED_IN);
    await expectValue(program.login(session, PUK, ck.CKU_SO), ck.CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
  });
});

describe('functions of version 3.0', () => {
  it('log in a user without a name, and none with one', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    const login = (name: string) => program.client.call('C_LoginUser', session, ck.CKU_USER, text(PIN), Buffer.from(name));
    await expectValue(login('anna'), ck.CKR_ARGUMENTS_BAD);
    await login('');
    expect((await program.client.call('C_GetSessionInfo', session))[1]).toBe(ck.CKS_RO_USER_FUNCTIONS);
  });

  it('end the operations that are named, and no others', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    await program.client.call('C_DigestInit', session, { type: ck.CKM_SHA256 });
    await program.client.call('C_FindObjectsInit', session, []);
    await program.client.call('C_SessionCancel', session, ck.CKF_FIND_OBJECTS | ck.CKF_SIGN);
    await expectValue(program.client.call('C_FindObjects', session, 5), ck.CKR_OPERATION_NOT_INITIALIZED);
    expect(await program.bytes('C_Digest', session, new Uint8Array(1), 32)).toHaveLength(32);
  });
});

describe('a change of a PIN without PINs', () => {
  const NOT_BEFORE_MS = 500;

  it('is typed in kortd’s own prompt, and answered not before its time', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    await using station = await TestStation.open(desk.bench);
    const session = await program.session(undefined, READ_WRITE);
    await expect
      .poll(async () => (await program.tokenFlags((await program.slots())[0] ?? 0)) & ck.CKF_PROTECTED_AUTHENTICATION_PATH)
      .not.toBe(0);
    const start = performance.now();
    const change = program.client.call('C_SetPIN', session, undefined, undefined);
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'pin', action: 'change', triesLeft: 3, pinLength: { min: 6, max: 8 } });
    station.type(id, { pin: PIN, newPin: NEW_PIN });
    await change;
    expect(performance.now() - start).toBeGreaterThanOrEqual(NOT_BEFORE_MS - 1);
    await program.login(session, NEW_PIN);
    await expectValue(program.client.call('C_SetPIN', session, text(NEW_PIN), undefined), ck.CKR_ARGUMENTS_BAD);
  });

  it('is none when the person does not want it', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    await using station = await TestStation.open(desk.bench);
    const session = await program.session(undefined, READ_WRITE);
    const before = stateOf(desk.card);
    const change = program.client.call('C_SetPIN', session, undefined, undefined);
    station.answer((await station.prompt()).id, 'cancelled');
    await expectValue(change, ck.CKR_FUNCTION_CANCELED);
    expect(stateOf(desk.card)).toEqual(before);
  });

  it('by the security officer asks for the PUK and a new PIN at once', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    await using station = await TestStation.open(desk.bench);
    const session = await program.session(undefined, READ_WRITE);
    await program.login(session, undefined, ck.CKU_SO);
    const change = program.client.call('C_InitPIN', session, undefined);
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'pin', action: 'unblock', pinLength: { min: 6, max: 8 } });
    station.type(id, { puk: PUK, newPin: NEW_PIN });
    await change;
    await program.client.call('C_Logout', session);
    await program.login(session, NEW_PIN);
  });
});

describe('a locked PIN', () => {
  it('is set by the PUK, by the security officer or in the place of the old PIN; and the PUK can be changed', async () => {
    await using desk = await openBlankDesk({ pinAttempts: 2 });
    const program = await desk.program();
    await using station = await TestStation.open(desk.bench);
    const session = await program.session(undefined, READ_WRITE);
    const lock = async (): Promise<void> => {
      await expectValue(program.login(session, WRONG_PIN), ck.CKR_PIN_INCORRECT);
      const last = program.login(session, WRONG_PIN);
      station.answer((await station.prompt()).id, 'approved');
      await last.catch(() => undefined);
      await expectValue(program.login(session, PIN), ck.CKR_PIN_LOCKED);
    };
    await lock();
    await setPin(program, session, [PUK, PIN]);
    await program.login(session, PIN);
    await program.client.call('C_Logout', session);
    await lock();
    await program.login(session, PUK, ck.CKU_SO);
    await program.client.call('C_InitPIN', session, text(NEW_PIN));
    await setPin(program, session, [PUK, '24681357']);
    await program.login(session, PUK, ck.CKU_SO);
    await expectValue(program.client.call('C_InitPIN', session, text(PIN)), ck.CKR_PIN_INCORRECT);
    await program.login(session, '24681357', ck.CKU_SO);
    await program.client.call('C_InitPIN', session, text(PIN));
  });
});
