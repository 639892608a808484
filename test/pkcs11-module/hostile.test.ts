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
    const before = memory();
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
    expect(memory() - before).toBeLessThan(32 * MAX_UNREAD_BYTES);
    await expectGood(desk);
    socket.destroy();
    await expectGood(desk);
  });
});

describe('many connections', () => {
  it('that say nothing keep nobody out, and each is a little', async () => {
    await using desk = await openPkcs11Desk();
    await expectGood(desk);
    const before = memory();
    const clients = await Promise.all(Array.from({ length: 300 }, () => RpcClient.open(pathOf(desk))));
    await expectGood(desk);
    const each = (memory() - before) / clients.length;
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    // Both ends are in this process: under 200 kB at the daemon's.
    expect(each).toBeLessThan(200_000);
    await within(expectGood(desk), 'a good program');
  });
});

function memory(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
