/** Sessions and login of programs: what belongs to one program alone, what a wrong PIN costs, and what the token says of its tries. */
import { createHash, createVerify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { INS, PIN, WRONG_PIN } from '../api/support.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import { TestStation } from '../prompts/station.ts';
import { openPkcs11Desk, publicKeyOf } from './desk.ts';
import { ck, expectValue, SERIAL, valueOf } from './program.ts';

const MESSAGE = Buffer.from('what is signed on a card must verify anywhere');
const DIGEST = createHash('sha256').update(MESSAGE).digest();
const ECDSA = { mechanism: { type: ck.CKM_ECDSA }, data: DIGEST };
const RSA_SHA256 = { mechanism: { type: ck.CKM_SHA256_RSA_PKCS }, data: MESSAGE };
const TRIES_FLAGS = ck.CKF_USER_PIN_COUNT_LOW | ck.CKF_USER_PIN_FINAL_TRY | ck.CKF_USER_PIN_LOCKED;

function verifies(signature: Uint8Array, publicKey: ReturnType<typeof publicKeyOf>): boolean {
  return createVerify('sha256').update(MESSAGE).verify({ key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
}

describe.each([0, 1, 2] as const)('a program of dialect %i', (dialect) => {
  it('logs in, finds its key, and signs: the signature verifies', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program(dialect);
    const session = await program.session();
    await program.login(session, PIN);
    const signature = await program.sign(session, await program.key(session, '9A'), ECDSA);
    expect(verifies(signature, publicKeyOf('9A'))).toBe(true);
  });
});

describe('a session', () => {
  it('has the state that its flags and its login give it, and the last one logs out', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const reading = await program.session(slot);
    const writing = await program.session(slot, SERIAL | ck.CKF_RW_SESSION);
    const states = async (): Promise<readonly unknown[]> => [
      (await program.client.call('C_GetSessionInfo', reading))[1],
      (await program.client.call('C_GetSessionInfo', writing))[1],
    ];
    expect(await states()).toEqual([ck.CKS_RO_PUBLIC_SESSION, ck.CKS_RW_PUBLIC_SESSION]);
    await program.login(reading, PIN);
    expect(await states()).toEqual([ck.CKS_RO_USER_FUNCTIONS, ck.CKS_RW_USER_FUNCTIONS]);
    await expectValue(program.login(writing, PIN), ck.CKR_USER_ALREADY_LOGGED_IN);
    await program.client.call('C_Logout', writing);
    expect(await states()).toEqual([ck.CKS_RO_PUBLIC_SESSION, ck.CKS_RW_PUBLIC_SESSION]);
    await expectValue(program.client.call('C_Logout', reading), ck.CKR_USER_NOT_LOGGED_IN);
    await program.login(reading, PIN);
    await program.client.call('C_CloseAllSessions', slot);
    await expectValue(program.client.call('C_GetSessionInfo', reading), ck.CKR_SESSION_HANDLE_INVALID);
    const [, state] = await program.client.call('C_GetSessionInfo', await program.session(slot));
    expect(state).toBe(ck.CKS_RO_PUBLIC_SESSION);
  });

  it('is serial, of a slot that is there, with a card in it', async () => {
    await using desk = await openPkcs11Desk({ readers: [{}, {}] });
    const program = await desk.program();
    const [slot = 0, empty = 0] = await program.slots(false);
    expect(await program.slots()).toEqual([slot]);
    await expectValue(program.session(slot, 0), ck.CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    await expectValue(program.session(empty), ck.CKR_TOKEN_NOT_PRESENT);
    await expectValue(program.session(4_711), ck.CKR_SLOT_ID_INVALID);
  });

  it('is one of a bounded number, and there is room again when some are closed', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const results = await Promise.all(
      Array.from({ length: 10_000 }, () => valueOf(program.client.begin('C_OpenSession', slot, SERIAL))),
    );
    expect(new Set(results)).toEqual(new Set([ck.CKR_OK, ck.CKR_SESSION_COUNT]));
    expect(results.filter((result) => result === ck.CKR_OK)).toHaveLength(4_096);
    await program.client.call('C_CloseAllSessions', slot);
    await program.session(slot);
  });

  it('of one program is none of another, nor is its login', async () => {
    await using desk = await openPkcs11Desk();
    const [one, other] = [await desk.program(), await desk.program(1)];
    const session = await one.session();
    await one.login(session, PIN);
    await expectValue(other.client.call('C_GetSessionInfo', session), ck.CKR_SESSION_HANDLE_INVALID);
    await expectValue(other.login(session, PIN), ck.CKR_SESSION_HANDLE_INVALID);
    const own = await other.session();
    const [, state] = await other.client.call('C_GetSessionInfo', own);
    expect(state).toBe(ck.CKS_RO_PUBLIC_SESSION);
    expect(await other.find(own, [[ck.CKA_CLASS, ck.CKO_PRIVATE_KEY]])).toEqual([]);
    const key = await one.key(session, '9A');
    await expectValue(other.client.call('C_SignInit', own, { type: ck.CKM_ECDSA }, key), ck.CKR_KEY_HANDLE_INVALID);
    expect(await one.find(session, [[ck.CKA_CLASS, ck.CKO_PRIVATE_KEY]])).toHaveLength(3);
  });
});

describe('a PIN', () => {
  it('that is wrong is refused; what is left is told by the flags of the token, and a good one clears them', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const session = await program.session(slot);
    const flags = async (): Promise<number> => (await program.tokenFlags(slot)) & TRIES_FLAGS;
    expect(await flags()).toBe(0);
    await expectValue(program.login(session, WRONG_PIN), ck.CKR_PIN_INCORRECT);
    expect(await flags()).toBe(ck.CKF_USER_PIN_COUNT_LOW);
    await program.login(session, PIN);
    expect(await flags()).toBe(0);
  });

  it('is not tried a last time without a person; with one it is, and then it is locked, and says so', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const session = await program.session(slot);
    for (let count = 0; count < 2; count++) await valueOf(program.login(session, WRONG_PIN));
    await expectValue(program.login(session, PIN), ck.CKR_FUNCTION_REJECTED);
    expect((await program.tokenFlags(slot)) & TRIES_FLAGS).toBe(ck.CKF_USER_PIN_COUNT_LOW | ck.CKF_USER_PIN_FINAL_TRY);
    await using station = await TestStation.open(desk.bench);
    const refused = program.login(session, PIN);
    station.answer((await station.prompt()).id, 'cancelled');
    await expectValue(refused, ck.CKR_FUNCTION_CANCELED);
    const wrong = program.login(session, WRONG_PIN);
    const { id, prompt } = await station.prompt();
    expect(prompt).toMatchObject({ kind: 'lastTry', entry: 'pin', triesLeft: 1, asker: { kind: 'program' } });
    station.answer(id, 'approved');
    await expectValue(wrong, ck.CKR_PIN_LOCKED);
    expect((await program.tokenFlags(slot)) & TRIES_FLAGS).toBe(ck.CKF_USER_PIN_LOCKED);
    await expectValue(program.login(session, PIN), ck.CKR_PIN_LOCKED);
  });

  it('of impossible length costs no try', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    desk.card.forget();
    await expectValue(program.login(session, '1'), ck.CKR_PIN_LEN_RANGE);
    await expectValue(program.login(session, '1'.repeat(200)), ck.CKR_PIN_LEN_RANGE);
    expect(desk.card.count(INS.verify, 'with data')).toBe(0);
  });

  it('comes over whole when its frame comes in one piece', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    for (let round = 0; round < 3; round++) {
      await program.login(session, PIN);
      await program.client.call('C_Logout', session);
    }
  });

  it('of nobody is asked for by a user that there is not', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    await expectValue(program.login(session, PIN, 7), ck.CKR_USER_TYPE_INVALID);
    await expectValue(program.login(session, PIN, ck.CKU_CONTEXT_SPECIFIC), ck.CKR_OPERATION_NOT_INITIALIZED);
  });
});

describe('a key that wants its PIN each time', () => {
  it('signs after a login for this signature, and not once more', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    await program.login(session, PIN);
    const key = await program.key(session, '9C');
    expect(await program.attribute(session, key, ck.CKA_ALWAYS_AUTHENTICATE)).toEqual(Uint8Array.of(1));
    await expectValue(program.sign(session, key, RSA_SHA256), ck.CKR_USER_NOT_LOGGED_IN);
    await program.client.call('C_SignInit', session, RSA_SHA256.mechanism, key);
    await program.login(session, PIN, ck.CKU_CONTEXT_SPECIFIC);
    const signature = await program.bytes('C_Sign', session, MESSAGE, 1_024);
    expect(verifies(signature, publicKeyOf('9C'))).toBe(true);
    await expectValue(program.sign(session, key, RSA_SHA256), ck.CKR_USER_NOT_LOGGED_IN);
  });

  it('takes no wrong PIN, and the signature can still be made with the right one', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    await program.login(session, PIN);
    await program.client.call('C_SignInit', session, RSA_SHA256.mechanism, await program.key(session, '9C'));
    await expectValue(program.login(session, WRONG_PIN, ck.CKU_CONTEXT_SPECIFIC), ck.CKR_PIN_INCORRECT);
    await program.login(session, PIN, ck.CKU_CONTEXT_SPECIFIC);
    expect(await program.bytes('C_Sign', session, MESSAGE, 256)).toHaveLength(256);
  });
});

describe('a card with two PINs', () => {
  it('is two tokens, each with its own key, login and tries', async () => {
    await using desk = await openPkcs11Desk({ readers: [{}, {}] });
    await desk.bench.insert(
      createEidCard({ persona: 'anna', pins: { legitimering: '135791', underskrift: '246802', puk: '13579135' } }),
      1,
    );
    const program = await desk.program();
    const [, one = 0, other = 0, ...more] = await program.slots();
    expect(more).toEqual([]);
    expect([await program.tokenLabel(one), await program.tokenLabel(other)]).toEqual([
      'EID card (authentication)',
      'EID card (signature)',
    ]);
    const [first, second] = [await program.session(one), await program.session(other)];
    await expectValue(program.login(second, '135791'), ck.CKR_PIN_INCORRECT);
    await program.login(first, '135791');
    expect([(await program.tokenFlags(one)) & TRIES_FLAGS, (await program.tokenFlags(other)) & TRIES_FLAGS]).toEqual([
      0,
      ck.CKF_USER_PIN_COUNT_LOW,
    ]);
    expect(await program.find(second, [[ck.CKA_CLASS, ck.CKO_PRIVATE_KEY]])).toEqual([]);
    expect(await program.find(first, [[ck.CKA_CLASS, ck.CKO_PRIVATE_KEY]])).toHaveLength(1);
    const key = await program.key(first, '45');
    expect(await program.sign(first, key, RSA_SHA256)).toHaveLength(256);
  });
});
