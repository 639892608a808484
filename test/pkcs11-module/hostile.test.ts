/** What no stock client sends: the connection ends, or a CKR_ value comes; memory stays bounded, and other programs notice nothing. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CALL_NAMES, CALLS, type CallName } from '../../pkcs11-module/rpc/calls.ts';
import { MAX_UNREAD_BYTES } from '../../pkcs11-module/rpc/connection.ts';
import { RpcWriter } from '../../pkcs11-module/rpc/writer.ts';
import { PIN, seededNumbers, within } from '../api/support.ts';
import { memoryInUse } from '../support/memory-in-use.ts';
import { openPkcs11Desk, type Pkcs11Desk } from './desk.ts';
import { ck, expectValue, SERIAL } from './program.ts';
import { encodeRequest, frameOf, RpcClient } from './rpc-client.ts';

const SIGN = { mechanism: { type: ck.CKM_ECDSA }, data: new Uint8Array(32).fill(7) };
const pathOf = ({ bench }: Pkcs11Desk): string => join(bench.dataFolder, 'pkcs11');

function u32(...values: readonly number[]): Uint8Array {
  const writer = new RpcWriter();
  for (const value of values) writer.uint32(value);
  return writer.take();
}

/** A good program, before and after. */
async function expectGood(desk: Pkcs11Desk): Promise<void> {
  const program = await desk.program();
  const session = await program.session();
  await program.login(session, PIN);
  expect(await program.sign(session, await program.key(session, '9A'), SIGN)).toHaveLength(64);
  await program[Symbol.asyncDispose]();
}

const LOGIN = encodeRequest(0x20, 'C_Login', [1, 1, new TextEncoder().encode('000000')], 2);

describe('a frame that is none ends its connection, and no other:', () => {
  it.each<[string, Uint8Array]>([
    ['code 0', u32(0, 0, 8, 3, 0)],
    ['a body of 4 GB', u32(0x20, 6, 0xff_ff_ff_ff)],
    ['options of 4 GB', u32(0x20, 0xff_ff_ff_ff, 8)],
    ['a call that there is not', frameOf(0x20, u32(90, 0))],
    ['call 0', frameOf(0x20, u32(0, 0))],
    ['another signature', frameOf(0x20, u32(4, 0))],
    ['an empty body', frameOf(0x20, new Uint8Array())],
    ['arguments that are cut', frameOf(0x20, LOGIN.subarray(18, LOGIN.length - 3))],
    ['arguments that go on', frameOf(0x20, Buffer.concat([LOGIN.subarray(18), Uint8Array.of(0)]))],
    ['four billion attributes', frameOf(0x20, Buffer.concat([u32(26, 3), Buffer.from('uaA'), u32(0, 1, 0xff_ff_ff_ff)]))],
  ])('%s', async (_, bytes) => {
    await using desk = await openPkcs11Desk();
    await using other = await RpcClient.open(pathOf(desk));
    await using client = await RpcClient.open(pathOf(desk));
    client.send(bytes);
    await client.closed();
    await other.call('C_GetInfo');
    await expectGood(desk);
  });
});

describe('calls that clients could send', () => {
  it('all of them are refused before C_Initialize', async () => {
    await using desk = await openPkcs11Desk();
    await using client = await RpcClient.connect(pathOf(desk));
    for (const name of CALL_NAMES)
      if (name !== 'C_Initialize') await expectValue(client.call(name, ...zerosFor(name)), ck.CKR_CRYPTOKI_NOT_INITIALIZED);
    await expectValue(client.call('C_Initialize', Buffer.from('another protocol'), 0, undefined), ck.CKR_GENERAL_ERROR);
  });

  it('all of them are answered for a session that there is not', async () => {
    await using desk = await openPkcs11Desk();
    const { client } = await desk.program();
    await expectValue(client.call('C_Initialize', HANDSHAKE, 0, undefined), ck.CKR_CRYPTOKI_ALREADY_INITIALIZED);
    for (const name of CALL_NAMES.filter((one) => !WITHOUT_SESSION.has(one)))
      await client.call(name, ...zerosFor(name)).then(
        () => expect.fail(`${name} went well`),
        (error: unknown) => expect(String(error)).toMatch(/0x(3|54|b3)$/),
      );
  });

  it('with random arguments each end in a value, or end the connection; the daemon stays', async () => {
    await using desk = await openPkcs11Desk();
    const next = seededNumbers(11);
    const [slot = 0] = await (await desk.program()).slots();
    for (let round = 0; round < 60; round++) {
      await using client = await RpcClient.open(pathOf(desk), (round % 3) as 0 | 1 | 2);
      await client.call('C_OpenSession', slot, SERIAL);
      for (let count = 0; count < 20; count++) client.send(randomFrame(next, count + 100));
      client.socket.end();
      client.socket.removeAllListeners('data');
      client.socket.resume();
      await client.closed();
    }
    await expectGood(desk);
  });

  it('are cut anywhere: nothing stays open', async () => {
    await using desk = await openPkcs11Desk();
    for (let cut = 0; cut < LOGIN.length; cut += 3) {
      await using client = await RpcClient.open(pathOf(desk));
      client.send(LOGIN.subarray(0, cut));
      client.socket.end();
      await client.closed();
    }
    await expectGood(desk);
  });
});

const HANDSHAKE = Buffer.from('PRIVATE-GNOME-KEYRING-PKCS11-PROTOCOL-V-1');
const WITHOUT_SESSION: ReadonlySet<CallName> = new Set([
  'C_Initialize',
  'C_Finalize',
  'C_GetInfo',
  'C_GetSlotList',
  'C_WaitForSlotEvent',
] as const);

/** Nothing, for each argument. */
function zerosFor(name: CallName): readonly (number | string | undefined | readonly [] | { readonly type: number })[] {
  const parts = CALLS[name].request.match(/[af][yuA]|[a-zA-Z]/g) ?? [];
  return parts.map((part) => {
    if (part === 'ay') return undefined;
    if (part === 's' || part === 'z') return '';
    if (part === 'aA' || part === 'fA') return [];
    return part === 'M' ? { type: ck.CKM_SHA256 } : 0;
  });
}

function randomFrame(next: () => number, code: number): Uint8Array {
  const name = CALL_NAMES[next() % CALL_NAMES.length] ?? 'C_GetInfo';
  if (name === 'C_Login') return encodeRequest(code, 'C_GetInfo', [], 2); // the card's tries are for the program that comes after
  const frame = encodeRequest(code, name, zerosFor(name), 2);
  const change = next() % 4;
  if (change === 0) return frame;
  const body = Buffer.from(frame.subarray(18));
  for (let count = 0; count < change; count++) if (body.length > 0) body[next() % body.length] = next() & 0xff;
  return frameOf(code, body);
}

describe('a client that reads nothing', () => {
  it('is asked nothing more when enough waits for it; others go on, and its going frees all', async () => {
    await using desk = await openPkcs11Desk();
    const socket = connect(pathOf(desk));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(Uint8Array.of(2));
    socket.write(encodeRequest(1, 'C_Initialize', [HANDSHAKE, 0, Uint8Array.of(0)], 2));
    socket.pause();
    const before = memoryInUse();
    const flood = Buffer.concat(Array.from({ length: 1_000 }, (_, index) => encodeRequest(index + 2, 'C_GetInfo', [], 2)));
    let taken = 0;
    for (let count = 0; count < 400; count++) {
      if (socket.write(flood)) taken++;
      else {
        const drained = await Promise.race([once(socket, 'drain').then(() => true), delay(300, false)]);
        if (!drained) break;
        taken++;
      }
    }
    // 400 times would be 70 MB of answers.
    expect(taken).toBeLessThan(100);
    expect(memoryInUse() - before).toBeLessThan(16 * MAX_UNREAD_BYTES);
    await expectGood(desk);
    socket.destroy();
    await expectGood(desk);
  });
});

describe('many connections', () => {
  it('that say nothing keep nobody out, and each is a little', async () => {
    await using desk = await openPkcs11Desk();
    await expectGood(desk);
    const before = memoryInUse();
    const clients = await Promise.all(Array.from({ length: 300 }, () => RpcClient.open(pathOf(desk))));
    await expectGood(desk);
    const each = (memoryInUse() - before) / clients.length;
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    // Both ends are in this process: under 200 kB at the daemon's.
    expect(each).toBeLessThan(200_000);
    await within(expectGood(desk), 'a good program');
  });
});

describe('what belongs to another connection', () => {
  it('is not to be had by its handle: neither sessions, nor logins, nor what was begun in them', async () => {
    await using desk = await openPkcs11Desk();
    const [owner, stranger] = [await desk.program(), await desk.program()];
    const session = await owner.session();
    await owner.login(session, PIN);
    const key = await owner.key(session, '9A');
    await owner.client.call('C_SignInit', session, SIGN.mechanism, key);
    for (const [name, ...args] of [
      ['C_GetSessionInfo', session],
      ['C_Sign', session, SIGN.data, 1_024],
      ['C_Logout', session],
      ['C_CloseSession', session],
      ['C_FindObjectsInit', session, []],
    ] as const)
      await expectValue(stranger.client.call(name, ...args), ck.CKR_SESSION_HANDLE_INVALID);
    const own = await stranger.session();
    await expectValue(stranger.client.call('C_SignInit', own, SIGN.mechanism, key), ck.CKR_KEY_HANDLE_INVALID);
    expect(await owner.bytes('C_Sign', session, SIGN.data, 1_024)).toHaveLength(64);
  });
});

/** CKA_WRAP_TEMPLATE (PKCS #11 v3.0, section 4.9), in itself. */
function nested(depth: number): Uint8Array {
  const writer = new RpcWriter();
  for (let level = 0; level < depth; level++) {
    writer.uint32(1);
    writer.uint32(0x4000_0211);
    writer.byte(1);
    writer.uint32(24);
  }
  writer.uint32(0);
  return writer.take();
}

describe('a template', () => {
  const search = (template: Uint8Array): Uint8Array =>
    frameOf(0x20, Buffer.concat([u32(26, 3), Buffer.from('uaA'), u32(0, 1), template]));

  it.each<[string, Uint8Array]>([
    ['nested a thousand times', nested(1_000)],
    ['nested once too often', nested(10)],
    ['with a value of 2 GB', Buffer.concat([u32(1, 0x102), Uint8Array.of(1), u32(0x7fff_fffe, 0x7fff_fffe)])],
    ['with two lengths', Buffer.concat([u32(1, 0x102), Uint8Array.of(1), u32(4, 2), Uint8Array.of(1, 2)])],
    ['of two thousand attributes', Buffer.concat([u32(2_000), new Uint8Array(10_000)])],
  ])('%s ends its connection, and no other', async (_, template) => {
    await using desk = await openPkcs11Desk();
    await using client = await RpcClient.open(pathOf(desk));
    client.send(search(template));
    await client.closed();
    await expectGood(desk);
  });

  it('of as many attributes as there may be, asked with all room there is, is answered', async () => {
    await using desk = await openPkcs11Desk();
    const program = await desk.program();
    const session = await program.session();
    const [object = 0] = await program.find(session, []);
    const queries = Array.from({ length: 1_024 }, (_, type) => [type + 0x1000, 0xffff_ffff] as const);
    const { value, result } = await program.attributes(session, object, queries);
    expect([value.length, result]).toEqual([1_024, ck.CKR_ATTRIBUTE_TYPE_INVALID]);
  });
});
