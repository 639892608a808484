/** Programs that come through the Unix socket of the data folder: no token, and a name. */
import { execFile } from 'node:child_process';
import { chmodSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { PIN, RpcSocket, errorInBody, errorOf, openBench, resultOf, watchedPivCard, type Bench } from '../api/support.ts';

/** "nobody" on Debian. */
const OTHER_USER = '65534';
const CURL_CANNOT_CONNECT = 7;

function socketOf({ dataFolder }: Bench): string {
  return join(dataFolder, 'socket');
}

async function curl(
  bench: Bench,
  path: string,
  parameters: readonly string[] = [],
): Promise<{ pid: number | undefined; text: string }> {
  const running = promisify(execFile)('curl', [
    '--silent',
    '--unix-socket',
    socketOf(bench),
    `http://localhost${path}`,
    ...parameters,
  ]);
  const { pid } = running.child;
  return { pid, text: (await running).stdout };
}

function jsonBody(body: object): readonly string[] {
  return ['--header', 'Content-Type: application/json', '--data', JSON.stringify(body)];
}

async function openSocket(bench: Bench): Promise<RpcSocket> {
  const socket = new RpcSocket(new WebSocket(`ws+unix:${socketOf(bench)}:/v1/ws`, ['kortd.v1'], { perMessageDeflate: false }));
  await socket.notice('greeting');
  return socket;
}

describe('through the Unix socket', () => {
  it('curl calls without a token, and the audit log has its name', async () => {
    await using bench = await openBench();
    const card = await bench.insert(watchedPivCard());
    expect(JSON.parse((await curl(bench, '/v1/cards')).text)).toMatchObject({ cards: [{ id: card }] });
    const { pid, text } = await curl(bench, '/v1/pins/verify', jsonBody({ card, pin: PIN }));
    expect(JSON.parse(text)).not.toHaveProperty('error');
    const api = await bench.client();
    expect((await api.call('audit.list', {})).records).toMatchObject([
      {
        method: 'pin.verify',
        callerKind: 'native',
        caller: `curl (${realpathSync('/usr/bin/curl')}, process ${pid ?? 0})`,
        outcome: 'ok',
      },
    ]);
  });

  it('a WebSocket needs no token, and others who find its card busy are told which program it is', async () => {
    await using bench = await openBench();
    const card = await bench.insert(watchedPivCard());
    await using holder = await openSocket(bench);
    resultOf(await holder.call('card.lease', { card, purpose: 'handing out' }));
    const error = errorOf(await (await bench.transport('REST')).call('card.read', { card }));
    expect(error.code).toBe('card_busy');
    const name = 'node'; // options come first: those of the test runner
    expect(error.details?.['holder']).toBe(`${name} (process ${process.pid}) (handing out)`);
    expect([error.en, error.sv].every((text) => text.includes(`process ${process.pid}`))).toBe(true);
  });

  it.each(['https://page.example', 'null', ''])('the Origin "%s" is refused: no browser comes this way', async (origin) => {
    await using bench = await openBench();
    const { text } = await curl(bench, '/v1/cards', ['--header', origin === '' ? 'Origin;' : `Origin: ${origin}`]);
    expect(errorInBody(text).code).toBe('origin_refused');
  });

  it('only its owner may come, by the permissions of the file alone', async () => {
    await using bench = await openBench();
    const { mode, uid } = statSync(socketOf(bench));
    expect([mode & 0o777, uid]).toEqual([0o600, process.getuid?.()]);
    expect(statSync(bench.dataFolder).mode & 0o777).toBe(0o700);
    if (process.getuid?.() !== 0) return; // nobody else can be impersonated
    chmodSync(bench.dataFolder, 0o755);
    const asOther = ['--reuid', OTHER_USER, '--regid', OTHER_USER, '--clear-groups'];
    const call = ['curl', '--silent', '--unix-socket', socketOf(bench), 'http://localhost/v1/cards'];
    await expect(promisify(execFile)('setpriv', [...asOther, ...call])).rejects.toMatchObject({ code: CURL_CANNOT_CONNECT });
    chmodSync(socketOf(bench), 0o666);
    await expect(promisify(execFile)('setpriv', [...asOther, ...call])).resolves.toMatchObject({
      stdout: expect.stringContaining('cards') as string,
    });
  });
});
