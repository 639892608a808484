/**
 * What the gate adds to a REST call: the same requests over kept-alive connections to two servers in one process, one with the gate and one with another that
 * looks at nothing, in short turns. And what a check takes by itself.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIENT_CORE, SERVER_CORE, end, nextLine, pin } from './child.ts';
import { atMost, median, type Figure } from './figure.ts';

const SERVER = join(import.meta.dirname, 'gate-server.ts');
const TURNS = 61;
const CALLS_IN_TURN = 200;
const WARM_UP_CALLS = 2_000;
const CHECK_ROUNDS = 7;
const TARGET_US = 30;

interface Addresses {
  readonly gated: number;
  readonly open: number;
  readonly token: string;
  readonly pageToken: string;
  readonly origin: string;
}

type Kind = 'program' | 'page';

export async function measureGate(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'kortd-bench-'));
  const child = spawn(process.execPath, [SERVER, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const addresses = JSON.parse(await nextLine(child)) as Addresses;
    pin(child.pid, SERVER_CORE);
    pin(process.pid, CLIENT_CORE);
    const figures = [await compare('program', addresses), await compare('page', addresses)];
    return [...figures, ...(await checksAlone(child))];
  } finally {
    pin(process.pid, `${CLIENT_CORE},${SERVER_CORE}`);
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(kind: Kind, addresses: Addresses): Promise<Figure> {
  const gated = await open(addresses.gated);
  const bare = await open(addresses.open);
  const withGate = requestOf(kind, addresses.gated, addresses);
  const without = requestOf(kind, addresses.open, addresses);
  await calls(gated, withGate, WARM_UP_CALLS);
  await calls(bare, without, WARM_UP_CALLS);
  const differences: number[] = [];
  const roundTrips: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const one = await calls(gated, withGate, CALLS_IN_TURN);
    const other = await calls(bare, without, CALLS_IN_TURN);
    differences.push(one - other);
    roundTrips.push(other);
  }
  gated.destroy();
  bare.destroy();
  const who = kind === 'program' ? 'a program' : 'a web page';
  const measured = { name: `gate, per REST call of ${who}`, value: median(differences), unit: 'µs' };
  return atMost(TARGET_US, measured, { peer: 'the call without it', peerValue: median(roundTrips) });
}

async function checksAlone(child: ChildProcess): Promise<readonly Figure[]> {
  const rounds: Record<Kind, number>[] = [];
  for (let round = 0; round < CHECK_ROUNDS; round++) {
    child.stdin?.write('\n');
    rounds.push(JSON.parse(await nextLine(child)) as Record<Kind, number>);
  }
  return (['program', 'page'] as const).map((kind) => {
    const name = `gate, its check alone, of a ${kind === 'program' ? 'program' : 'web page'}`;
    return atMost(TARGET_US, { name, value: median(rounds.map((round) => round[kind])), unit: 'µs' });
  });
}

/** As curl sends it, and as Chromium does. */
function requestOf(kind: Kind, port: number, { token, pageToken, origin }: Addresses): string {
  const headers = [`Host: 127.0.0.1:${port}`, `Authorization: Bearer ${kind === 'program' ? token : pageToken}`];
  if (kind === 'page') {
    headers.push(`Origin: ${origin}`, `Referer: ${origin}/`, 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: cors');
    headers.push('Sec-Fetch-Dest: empty', 'Accept: */*', 'Accept-Encoding: gzip, deflate, br', 'Accept-Language: sv-SE');
    headers.push(
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36',
    );
  }
  return `GET /v1/cards HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`;
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  return socket;
}

/** One after the other; p50 in microseconds. Throws when one is not answered by 200. */
async function calls(socket: Socket, request: string, count: number): Promise<number> {
  const times = new Float64Array(count);
  let done = 0;
  let received = '';
  let begin = performance.now();
  await new Promise<void>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      received += chunk.toString('latin1');
      if (!isWhole(received)) return;
      times[done++] = performance.now() - begin;
      const isGood = received.startsWith('HTTP/1.1 200 ');
      if (isGood && done < count) {
        received = '';
        begin = performance.now();
        socket.write(request);
        return;
      }
      socket.off('data', onData);
      if (isGood) resolve();
      else reject(new Error(`measuring the gate: ${received}`));
    };
    socket.on('data', onData);
    socket.write(request);
  });
  return (times.sort()[count >> 1] ?? Number.NaN) * 1_000;
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  const length = /^content-length: (\d+)/im.exec(text)?.[1];
  return head >= 0 && length !== undefined && text.length >= head + 4 + Number(length);
}
