/** What comes when it comes: answers out of order, cards that go and come, programs that wait for them. */
import { describe, expect, it } from 'vitest';
import { eventually, PIN, PUK, within } from '../api/support.ts';
import { filledPivCard, openPkcs11Desk } from './desk.ts';
import { ck, expectValue, SERIAL, valueOf } from './program.ts';

const WAIT = 0;
const READ_WRITE = SERIAL | ck.CKF_RW_SESSION;
const SIGN = { mechanism: { type: ck.CKM_ECDSA }, data: new Uint8Array(32).fill(7) };

describe('answers', () => {
  it('come when they are there: a card that takes its time keeps no other call waiting', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    const held = Promise.withResolvers<undefined>();
    desk.card.hold = held.promise;
    const login = program.login(session, PIN);
    for (let count = 0; count < 100; count++) await program.client.call('C_GetSessionInfo', session);
    held.resolve(undefined);
    desk.card.hold = undefined;
    await login;
    expect(program.client.answered.slice(-2)).toEqual(['C_GetSessionInfo', 'C_Login']);
  });

  it('to twenty threads of one program that sign at once are each their own', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    await program.login(await program.session(slot), PIN);
    const signatures = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const session = await program.session(slot);
        return Buffer.from(await program.sign(session, await program.key(session, '9A'), SIGN)).toString('hex');
      }),
    );
    expect(new Set(signatures).size).toBe(20);
  });
});

describe('two threads that sign in one session at once', () => {
  it('are one operation, which the first has: the other has none, and what is begun next is its own', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    await program.login(session, PIN);
    const key = await program.key(session, '9A');
    const held = Promise.withResolvers<undefined>();
    await program.client.call('C_SignInit', session, SIGN.mechanism, key);
    desk.card.forget();
    desk.card.hold = held.promise;
    const first = program.bytes('C_Sign', session, SIGN.data, 64);
    await eventually('the signature to begin', () => desk.card.exchanges > 0);
    await expectValue(program.client.call('C_Sign', session, SIGN.data, 64), ck.CKR_OPERATION_NOT_INITIALIZED);
    await program.client.call('C_SignInit', session, SIGN.mechanism, key);
    held.resolve(undefined);
    desk.card.hold = undefined;
    expect(await first).toHaveLength(64);
    expect(await program.bytes('C_Sign', session, SIGN.data, 64)).toHaveLength(64);
  });
});

describe('waiting for a slot', () => {
  it('ends when a card goes, and when one comes', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const gone = program.client.begin('C_WaitForSlotEvent', WAIT);
    desk.bench.reader().remove();
    expect(await within(gone, 'the card going')).toEqual([slot]);
    expect(await program.slots()).toEqual([]);
    const came = program.client.begin('C_WaitForSlotEvent', WAIT);
    await desk.bench.insert(filledPivCard());
    expect(await within(came, 'a card coming')).toEqual([slot]);
    expect(await program.slots()).toEqual([slot]);
  });

  it('without waiting tells of what has changed once, and then of nothing', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const look = (): Promise<number> => valueOf(program.client.call('C_WaitForSlotEvent', ck.CKF_DONT_BLOCK));
    expect(await look()).toBe(ck.CKR_NO_EVENT);
    desk.bench.reader().remove();
    await expect.poll(() => program.slots()).toEqual([]);
    expect(await program.client.call('C_WaitForSlotEvent', ck.CKF_DONT_BLOCK)).toEqual([slot]);
    expect(await look()).toBe(ck.CKR_NO_EVENT);
  });

  it('ends with C_Finalize', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const waiting = [WAIT, WAIT].map((flags) => valueOf(program.client.begin('C_WaitForSlotEvent', flags)));
    await program.client.call('C_GetInfo');
    await program.client.call('C_Finalize');
    expect(await within(Promise.all(waiting), 'the waiting threads')).toEqual([
      ck.CKR_CRYPTOKI_NOT_INITIALIZED,
      ck.CKR_CRYPTOKI_NOT_INITIALIZED,
    ]);
  });
});

describe('a card that was pulled', () => {
  it('ends its sessions and its login; with a card back, a new session works', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const session = await program.session(slot);
    await program.login(session, PIN);
    const key = await program.key(session, '9A');
    desk.bench.reader().remove();
    await expect.poll(() => program.slots()).toEqual([]);
    await expectValue(program.sign(session, key, SIGN), ck.CKR_DEVICE_REMOVED);
    await expectValue(program.client.call('C_GetTokenInfo', slot), ck.CKR_TOKEN_NOT_PRESENT);
    await desk.bench.insert(filledPivCard());
    await expectValue(program.client.call('C_GetSessionInfo', session), ck.CKR_SESSION_HANDLE_INVALID);
    const again = await program.session(slot);
    await expectValue(
      program
        .key(again, '9A')
        .then((one) => program.sign(again, one, SIGN))
        .catch((error: unknown) => {
          if (error instanceof Error && error.message.startsWith('there is no key')) return undefined;
          throw error;
        }),
      ck.CKR_OK,
    );
    await program.login(again, PIN);
    expect(await program.sign(again, await program.key(again, '9A'), SIGN)).toHaveLength(64);
  });

  it('takes its sessions along, and none of those that were opened with the next card', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const earlier = await program.session(slot);
    desk.bench.reader().remove();
    await expect.poll(() => program.slots()).toEqual([]);
    await desk.bench.insert(filledPivCard());
    const session = await program.session(slot, READ_WRITE);
    expect((await program.client.call('C_GetTokenInfo', slot)).slice(5, 9)).toEqual([0, 1, 0, 1]);
    await program.login(session, PUK, ck.CKU_SO); // no session that only reads is in the way
    await program.client.call('C_Logout', session);
    await program.login(session, PIN);
    await expectValue(program.client.call('C_GetSessionInfo', earlier), ck.CKR_SESSION_HANDLE_INVALID);
    expect(await program.sign(session, await program.key(session, '9A'), SIGN)).toHaveLength(64);
    await program.client.call('C_CloseSession', session);
    const [, state] = await program.client.call('C_GetSessionInfo', await program.session(slot));
    expect(state).toBe(ck.CKS_RO_PUBLIC_SESSION);
  });

  it('in the middle of a signature is told so, and of a session that was not used meanwhile too', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const [slot = 0] = await program.slots();
    const [session, idle] = [await program.session(slot), await program.session(slot)];
    await program.login(session, PIN);
    const key = await program.key(session, '9A');
    const held = Promise.withResolvers<undefined>();
    desk.card.forget();
    desk.card.hold = held.promise;
    const signing = valueOf(program.sign(session, key, SIGN));
    await eventually('the signature to begin', () => desk.card.exchanges > 0);
    desk.bench.reader().remove();
    held.resolve(undefined);
    expect(await signing).toBe(ck.CKR_DEVICE_REMOVED);
    await desk.bench.insert(filledPivCard());
    await expectValue(program.client.call('C_GetSessionInfo', idle), ck.CKR_SESSION_HANDLE_INVALID);
    await program.session(slot);
  });
});
