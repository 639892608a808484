import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownerOfPeer, parseAnswer, type LoopbackConnection } from '../../drivers/socket-owner.ts';
import { ownUser } from '../access/local-user.ts';
import { tcpUserOf, userInTable } from './peer.ts';

/** Of "nobody" on Debian; what runs as root can become it. */
const OTHER_USER = 65_534;

let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
});

async function open(
  host = '127.0.0.1',
  listening: Server = server,
): Promise<{ client: Socket; socket: Socket; named: LoopbackConnection }> {
  const client = connect((listening.address() as AddressInfo).port, host);
  const [socket] = (await once(listening, 'connection')) as [Socket];
  const family = socket.remoteFamily === 'IPv6' ? 'IPv6' : 'IPv4';
  return { client, socket, named: { family, peerPort: socket.remotePort ?? 0, ownPort: socket.localPort ?? 0 } };
}

describe('the user at the other end of a loopback connection', () => {
  it('is told by the kernel, and by its table alike', async () => {
    const { client, socket, named } = await open();
    expect([String(ownerOfPeer(named)), userInTable(named), tcpUserOf(socket)]).toEqual([ownUser(), ownUser(), ownUser()]);
    client.destroy();
    socket.destroy();
  });

  it('is told over IPv6 too', async () => {
    const listening = createServer().listen(0, '::1');
    await once(listening, 'listening');
    const { client, socket, named } = await open('::1', listening);
    expect([named.family, String(ownerOfPeer(named)), userInTable(named)]).toEqual(['IPv6', ownUser(), ownUser()]);
    client.destroy();
    socket.destroy();
    listening.close();
  });

  it('is told of one that has said all that it wants to say and waits for the answer', async () => {
    const { client, socket, named } = await open();
    const ended = once(socket.resume(), 'end');
    client.end();
    await ended;
    expect(String(ownerOfPeer(named))).toBe(ownUser());
    client.destroy();
    socket.destroy();
  });

  it('is nobody when the other end is closed: never root, whom the kernel names then', async () => {
    const { client, socket, named } = await open();
    const closed = once(client, 'close');
    const ended = once(socket.resume(), 'end');
    client.destroy();
    await Promise.all([closed, ended]);
    expect(ownerOfPeer(named)).toBe('gone');
    expect([userInTable(named), tcpUserOf(socket)]).toEqual([undefined, undefined]);
    socket.destroy();
  });

  it('is not that of a program that listens at the port', () => {
    expect(ownerOfPeer({ family: 'IPv4', peerPort: port, ownPort: 1 })).toBe('gone');
  });

  it('is another one when another user connects', async () => {
    const script = `require('net').connect(${port}, '127.0.0.1').on('data', () => process.exit())`;
    const asOther =
      process.getuid?.() === 0 ? ['setpriv', `--reuid=${OTHER_USER}`, `--regid=${OTHER_USER}`, '--clear-groups'] : [];
    const canRun =
      asOther.length > 0 && spawnSync(asOther[0] ?? '', [...asOther.slice(1), process.execPath, '--version']).status === 0;
    // Who is not root cannot be another user; then at least a process other than this one is told from none.
    const command: readonly string[] = [...(canRun ? asOther : []), process.execPath, '-e', script];
    const [program = '', ...parameters] = command;
    const child = spawn(program, parameters, { stdio: 'inherit' });
    const [socket] = (await once(server, 'connection')) as [Socket];
    const named = { family: 'IPv4', peerPort: socket.remotePort ?? 0, ownPort: port } as const;
    const expected = canRun ? String(OTHER_USER) : ownUser();
    expect([String(ownerOfPeer(named)), userInTable(named)]).toEqual([expected, expected]);
    const ended = once(child, 'exit');
    socket.end('enough');
    await ended;
  });

  it('is not looked for in the table again and again: with many connections that takes long', async () => {
    const { client, socket, named } = await open();
    const answers = Array.from({ length: 50 }, () => userInTable(named));
    expect(answers.filter((answer) => answer !== undefined).length).toBeLessThan(10);
    client.destroy();
    socket.destroy();
  });
});

describe("the kernel's answer", () => {
  const named = { family: 'IPv4', peerPort: 40_000, ownPort: 27_150 } as const;

  it.each([0, 1, 19, 20, 50, 87])('is not understood when it is cut after %i bytes', (length) => {
    const answer = Buffer.alloc(88);
    answer.writeUInt16LE(20, 4);
    answer.writeUInt16BE(named.peerPort, 20);
    answer.writeUInt16BE(named.ownPort, 22);
    expect(parseAnswer(answer.subarray(0, length), named)).toBe('unknown');
  });

  it.each([
    ['that there is none', -2, 'gone'],
    ['that it is not allowed to ask', -1, 'unknown'],
  ])('%s is understood', (_, error, expected) => {
    const answer = Buffer.alloc(36);
    answer.writeUInt16LE(2, 4);
    answer.writeInt32LE(error, 16);
    expect(parseAnswer(answer, named)).toBe(expected);
  });
});
