/** The front: what programs are told while the core comes, goes and comes back; and what nonsense, from either side, does to it. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { duplexPair } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Program as FrontProgram } from '../../pkcs11-module/front/program.ts';
import { Room } from '../../pkcs11-module/front/room.ts';
import { CALL_NAMES, CALLS, HANDSHAKE, type CallName, type Dialect } from '../../pkcs11-module/rpc/calls.ts';
import { eventually, PIN, within } from '../api/support.ts';
import { openFrontDesk, RawCore, type Core } from './front-desk.ts';
import { ck, expectValue, Program, valueOf } from './program.ts';
import { encodeRequest, frameOf, RpcClient } from './rpc-client.ts';

const DIALECTS: readonly Dialect[] = [0, 1, 2];
const SIGN = { mechanism: { type: ck.CKM_ECDSA }, data: new Uint8Array(32).fill(7) };
const WAIT = 0;
const SOON = { timeout: 5_000, interval: 10 };

async function signs(program: Program, slot?: number): Promise<number> {
  const session = await program.session(slot);
  const login = await valueOf(program.login(session, PIN));
  expect([ck.CKR_OK, ck.CKR_USER_ALREADY_LOGGED_IN]).toContain(login);
  expect(await program.sign(session, await program.key(session, '9A'), SIGN)).toHaveLength(64);
  return session;
}

describe.each(DIALECTS)('a program of dialect %i', (dialect) => {
  it('signs, is told that the token is gone with the core, and signs again with the next: same slot, no old session', async () => {
    await using desk = await openFrontDesk();
    let core: Core = await desk.core();
    const program = await desk.program(dialect);
    const slots = await program.slots(false);
    const [slot = 0] = await program.slots();
    const sessions = [await signs(program), await program.session(slot)];
    for (let round = 0; round < 2; round++) {
      await core[Symbol.asyncDispose]();
      await expect.poll(() => program.slots(), SOON).toEqual([]);
      expect(await program.slots(false)).toEqual(slots);
      const [description, , flags] = await program.client.call('C_GetSlotInfo', slot);
      expect([description, Number(flags) & ck.CKF_TOKEN_PRESENT]).toEqual(['Bench 0'.padEnd(64), 0]);
      for (const session of sessions)
        await expectValue(program.client.call('C_GetSessionInfo', session), ck.CKR_SESSION_HANDLE_INVALID);
      await expectValue(program.client.call('C_OpenSession', slot, ck.CKF_SERIAL_SESSION), ck.CKR_TOKEN_NOT_PRESENT);
      await expectValue(program.client.call('C_OpenSession', slot + 1, ck.CKF_SERIAL_SESSION), ck.CKR_SLOT_ID_INVALID);
      core = await desk.core();
      await expect.poll(() => program.slots(), SOON).toEqual([slot]);
      sessions.push(await signs(program, slot));
      for (const session of sessions.slice(0, -1))
        await expectValue(program.client.call('C_GetSessionInfo', session), ck.CKR_SESSION_HANDLE_INVALID);
    }
    await core[Symbol.asyncDispose]();
  });

  it('that waits for a slot is told of it when the card is back', async () => {
    await using desk = await openFrontDesk();
    const first = await desk.core();
    const program = await desk.program(dialect);
    const [slot = 0] = await program.slots();
    const waiting = program.client.begin('C_WaitForSlotEvent', WAIT);
    await program.client.call('C_GetInfo');
    await first[Symbol.asyncDispose]();
    await expect.poll(() => program.slots(), SOON).toEqual([]);
    await expectValue(program.client.call('C_WaitForSlotEvent', ck.CKF_DONT_BLOCK), ck.CKR_NO_EVENT);
    await using second = await desk.core();
    expect(second.card).toBeDefined();
    expect(await within(waiting, 'the card coming back')).toEqual([slot]);
    await signs(program, slot);
  });

  it('is answered whatever it calls while no core is there, and its threads that wait end with C_Finalize', async () => {
    await using desk = await openFrontDesk();
    const client = await RpcClient.connect(desk.path, dialect);
    const last = { 0: 65, 1: 88, 2: 89 }[dialect];
    const known = CALL_NAMES.filter((name) => CALLS[name].id <= last && name !== 'C_Initialize' && name !== 'C_Finalize');
    for (const name of known) await expectValue(client.call(name, ...nothingFor(name)), ck.CKR_CRYPTOKI_NOT_INITIALIZED);
    await expectValue(client.call('C_Initialize', Buffer.from('another'), 0, undefined), ck.CKR_GENERAL_ERROR);
    await client.call('C_Initialize', Buffer.from(HANDSHAKE), 0, undefined);
    await expectValue(client.call('C_Initialize', Buffer.from(HANDSHAKE), 0, undefined), ck.CKR_CRYPTOKI_ALREADY_INITIALIZED);
    const values = new Map<string, number>();
    for (const name of known.filter((one) => one !== 'C_WaitForSlotEvent'))
      values.set(name, await valueOf(client.call(name, ...nothingFor(name))));
    const ok = [...values].filter(([, value]) => value === ck.CKR_OK).map(([name]) => name);
    expect(ok).toEqual(['C_GetInfo', 'C_GetSlotList']);
    expect(new Set(values.values())).toEqual(new Set([ck.CKR_OK, ck.CKR_SLOT_ID_INVALID, ck.CKR_SESSION_HANDLE_INVALID]));
    const waiting = valueOf(client.begin('C_WaitForSlotEvent', WAIT));
    await client.call('C_GetInfo');
    await client.call('C_Finalize');
    expect(await within(waiting, 'the waiting thread')).toBe(ck.CKR_CRYPTOKI_NOT_INITIALIZED);
    await client[Symbol.asyncDispose]();
  });
});

describe('a core that goes', () => {
  it('in the middle of a signature: the program is told that the device was removed', async () => {
    await using desk = await openFrontDesk();
    const core = await desk.core();
    const program = await desk.program();
    const session = await program.session();
    await program.login(session, PIN);
    const key = await program.key(session, '9A');
    const held = Promise.withResolvers<undefined>();
    core.card.forget();
    core.card.hold = held.promise;
    const signing = valueOf(program.sign(session, key, SIGN));
    await eventually('the signature to begin', () => core.card.exchanges > 0);
    const closing = core[Symbol.asyncDispose]();
    expect(await within(signing, 'the signature')).toBe(ck.CKR_DEVICE_REMOVED);
    held.resolve(undefined);
    await closing;
  });

  it('is waited for by programs that come right after, and no longer than is told', async () => {
    await using desk = await openFrontDesk({ times: { graceMs: 20_000 } });
    (await RawCore.attach(desk.ownPath)).socket.destroy();
    const opening = desk.program();
    await using core = await desk.core();
    expect(core.card).toBeDefined();
    await signs(await within(opening, 'the program'));
    await using other = await openFrontDesk({ times: { graceMs: 50 } });
    expect(
      await within(
        other.program().then((program) => program.slots(false)),
        'a program without a core',
      ),
    ).toEqual([]);
  });

  it('fails with a defect in the middle of a signature: the program is told so, lives, and signs again', async () => {
    await using desk = await openFrontDesk();
    await using core = await desk.core();
    const program = await desk.program();
    const session = await signs(program);
    const key = await program.key(session, '9A');
    core.bench.intercept.refuse = () => new TypeError('a defect');
    await expectValue(program.sign(session, key, SIGN), ck.CKR_GENERAL_ERROR);
    delete core.bench.intercept.refuse;
    expect(await program.sign(session, key, SIGN)).toHaveLength(64);
  });

  it('takes nothing from calls that any core answers the same: they are answered', async () => {
    await using desk = await openFrontDesk();
    const client = await RpcClient.connect(desk.path);
    {
      using core = await RawCore.attach(desk.ownPath);
      const way = await core.claim(desk.ownPath);
      const asked = [client.begin('C_Initialize', Buffer.from(HANDSHAKE), 0, undefined), client.begin('C_GetSlotList', 0, 8)];
      await once(way, 'data');
      core.socket.destroy();
      expect(await within(Promise.all(asked.map((one) => valueOf(one))), 'answers')).toEqual([ck.CKR_OK, ck.CKR_OK]);
    }
    await client[Symbol.asyncDispose]();
  });
});

describe('a core that does not do its part', () => {
  it('and answers nobody, not even that it lives, is given up', async () => {
    await using desk = await openFrontDesk({ times: { pingMs: 20, patienceMs: 200 } });
    using core = await RawCore.attach(desk.ownPath);
    const client = await RpcClient.connect(desk.path);
    await core.claim(desk.ownPath);
    await client.call('C_Initialize', Buffer.from(HANDSHAKE), 0, undefined);
    await expectValue(client.call('C_GetSessionInfo', 1), ck.CKR_SESSION_HANDLE_INVALID);
    await client[Symbol.asyncDispose]();
  });

  it('and says nonsense on a program’s way is asked again; the program waits and lives', async () => {
    await using desk = await openFrontDesk();
    using core = await RawCore.attach(desk.ownPath);
    const client = await RpcClient.connect(desk.path);
    const initialized = client.begin('C_Initialize', Buffer.from(HANDSHAKE), 0, undefined);
    const way = await core.claim(desk.ownPath);
    await once(way, 'data');
    way.write(Buffer.alloc(64));
    const again = await core.hears('program');
    expect(again.coresBefore).toBe(1);
    core.socket.destroy();
    await within(initialized, 'C_Initialize');
    await client[Symbol.asyncDispose]();
  });

  it('and never claims a program, or claims it and is silent, is told of it again', async () => {
    await using desk = await openFrontDesk({ times: { claimMs: 50 } });
    using core = await RawCore.attach(desk.ownPath);
    const client = await RpcClient.connect(desk.path);
    const initialized = client.begin('C_Initialize', Buffer.from(HANDSHAKE), 0, undefined);
    const first = await core.hears('program');
    const silent = await core.claim(desk.ownPath);
    await within(once(silent.resume(), 'close'), 'the end of the silent way');
    expect(await core.hears('program')).toMatchObject({ key: first.key, coresBefore: 1 });
    core.socket.destroy();
    await within(initialized, 'C_Initialize');
    await client[Symbol.asyncDispose]();
  });

  it('and claims what is no program’s, or says what no core says, is shown out', async () => {
    await using desk = await openFrontDesk();
    const client = await desk.client();
    for (const text of ['{"kind":"claim","key":"x"}\n', 'nonsense\n', '{"kind":"bye"}\n', `"${'x'.repeat(70_000)}`]) {
      const socket = connect(desk.ownPath);
      socket.on('error', () => undefined);
      socket.write(text);
      await within(once(socket.resume(), 'close'), `the end of ${text.slice(0, 20)}`);
    }
    await client.call('C_GetInfo');
  });

  it('and is not the one of the folder is not let in', async () => {
    await using desk = await openFrontDesk({ isCore: () => false });
    const socket = connect(desk.ownPath);
    socket.write('{"kind":"attach","version":"1","pid":1}\n');
    await within(once(socket.resume(), 'close'), 'the end');
  });
});

describe('a program that does not do its part', () => {
  it.each<[string, Uint8Array]>([
    ['code 0', Buffer.from('00000000000000000000000800000003 00000000'.replaceAll(' ', ''), 'hex')],
    ['a body of 4 GB', Buffer.from('0000002000000000ffffffff', 'hex')],
    ['options of 4 GB', Buffer.from('00000020ffffffff00000008', 'hex')],
    ['an empty body', frameOf(0x20, new Uint8Array())],
    ['a call that there is not', frameOf(0x20, Buffer.from('0000005a00000000', 'hex'))],
    ['another signature', frameOf(0x20, Buffer.from('0000000400000000', 'hex'))],
  ])('and sends %s is cut off, with a core and without, and nobody else', async (_, bytes) => {
    await using desk = await openFrontDesk();
    const other = await desk.client();
    const hostile = await desk.client();
    hostile.send(bytes);
    await hostile.closed();
    await using core = await desk.core();
    expect(core.card).toBeDefined();
    const again = await desk.client();
    again.send(bytes);
    await again.closed();
    await other.call('C_GetInfo');
    await signs(await desk.program());
  });

  it('and has two calls of one code under way is cut off', async () => {
    await using desk = await openFrontDesk();
    const client = await desk.client();
    const wait = encodeRequest(0x99, 'C_WaitForSlotEvent', [WAIT], 2);
    client.send(Buffer.concat([wait, wait]));
    await client.closed();
  });

  it.each(['with a core', 'without one'])('and reads nothing is asked nothing more, %s; others go on', async (how) => {
    await using desk = await openFrontDesk();
    await using core = how === 'with a core' ? await desk.core() : undefined;
    const socket = connect(desk.path);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(Uint8Array.of(2));
    socket.write(encodeRequest(1, 'C_Initialize', [Buffer.from(HANDSHAKE), 0, Uint8Array.of(0)], 2));
    socket.pause();
    let taken = 0;
    for (let count = 0; count < 400; count++) {
      const flood = Array.from({ length: 1_000 }, (_, index) => encodeRequest(count * 1_000 + index + 2, 'C_GetInfo', [], 2));
      const drained = socket.write(Buffer.concat(flood)) || (await Promise.race([once(socket, 'drain'), delay(300, undefined)]));
      if (drained === undefined) break;
      taken++;
    }
    expect(taken).toBeLessThan(100);
    const program = await desk.program();
    if (core) await signs(program);
    socket.destroy();
    await program.client.call('C_GetInfo');
  });

  it('and ends while its login waits for a core leaves no PIN behind', () => {
    const [, socket] = duplexPair();
    const login = encodeRequest(0x10, 'C_Login', [1, ck.CKU_USER, new TextEncoder().encode(PIN)], 2);
    const piece = Buffer.from([2, ...login]); // the dialect, and a frame in one piece, as clients write them
    const program: FrontProgram = new FrontProgram({
      ...{ socket, room: new Room(1_048_576), slots: () => [], isCoreExpected: () => true },
      onNeedsCore: () => program.promise(),
      onEnd: () => undefined,
    });
    program.take(piece);
    expect(piece.includes(PIN)).toBe(true);
    program.end();
    expect(piece.includes(PIN)).toBe(false);
  });

  it('and sends frames by halves does not fill the front', async () => {
    await using desk = await openFrontDesk();
    const head = Buffer.alloc(12);
    head.writeUInt32BE(0x20, 0);
    head.writeUInt32BE(4_000_000, 8);
    const half = Buffer.concat([head, Buffer.alloc(3_900_000)]);
    const clients = await Promise.all(Array.from({ length: 24 }, () => desk.client()));
    for (const client of clients) client.send(half);
    const open = (): number => clients.filter(({ socket }) => !socket.closed).length;
    await eventually('those that are too much to be cut off', () => open() <= 17, 20_000);
    await (await desk.client()).call('C_GetInfo');
    expect(open()).toBeGreaterThan(10);
  });
});

describe('a front', () => {
  it('ends when neither a program nor a core has been there for a while', async () => {
    await using desk = await openFrontDesk({ times: { lingerMs: 100 } });
    const client = await desk.client();
    await delay(300);
    await client.call('C_GetInfo');
    await client[Symbol.asyncDispose]();
    await within(desk.hasEnded, 'the end of the front');
    await desk.front[Symbol.asyncDispose]();
    expect([existsSync(desk.path), existsSync(desk.ownPath)]).toEqual([false, false]);
  });

  it('of an earlier version is relieved: programs that come find the daemon, those that are there stay until they end', async () => {
    await using desk = await openFrontDesk({ version: '0.0.1' });
    const old = await desk.program();
    await using core = await desk.core();
    await signs(old);
    await using fresh = await Program.open(core.bench);
    await signs(fresh);
    await old[Symbol.asyncDispose]();
    await within(desk.hasEnded, 'the end of the old front');
    await signs(fresh);
  });

  it('that no program has used for long asks the daemon to listen itself, and ends', async () => {
    await using desk = await openFrontDesk({ times: { idleMs: 100 } });
    await using core = await desk.core();
    await within(desk.hasEnded, 'the end of the front');
    await using program = await Program.open(core.bench);
    await signs(program);
  });
});

/** For each argument. */
function nothingFor(name: CallName): readonly (number | string | undefined | readonly [] | { readonly type: number })[] {
  const parts = CALLS[name].request.match(/[af][yuA]|[a-zA-Z]/g) ?? [];
  return parts.map((part) => {
    if (part === 'ay') return undefined;
    if (part === 's' || part === 'z') return '';
    if (part === 'aA' || part === 'fA') return [];
    return part === 'M' ? { type: ck.CKM_SHA256 } : 0;
  });
}
