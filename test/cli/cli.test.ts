/** The built program as a user runs it: what it prints, where, and with which exit status it ends. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { searchProgram } from '../evidence/evidence.ts';
import { LATER, Program, ROOT, build, runProgram, type Ended } from './program.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder = '';
beforeAll(() => {
  build();
  folder = mkdtempSync(join(tmpdir(), 'kortd-cli-'));
}, 120_000);
afterAll(() => {
  try {
    searchProgram(folder, {});
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const launch = (parameters: readonly string[], input?: string | typeof LATER): Program => new Program(folder, parameters, input);
const run = (parameters: readonly string[], input?: string): Promise<Ended> => runProgram(folder, parameters, input);

let folders = 0;
const newFolder = (): string => join(folder, `data-${++folders}`);

/** A daemon on the simulated office, on any port. */
async function serve(dataDir: string, parameters: readonly string[] = []): Promise<Program> {
  const program = launch([
    'serve',
    '--simulate',
    'office',
    '--port',
    '0',
    '--data-dir',
    dataDir,
    '--log-level',
    'warn',
    ...parameters,
  ]);
  await program.said(/^kortd ready .*\n/m);
  return program;
}

/** What a daemon that has ended leaves nothing of; grants and the audit log stay. */
function transient(dataDir: string): readonly string[] {
  return readdirSync(dataDir).filter((name) => !/^(?:access|audit|cards|issuance|roles|traces|wrong-pins)[.-]/.test(name));
}

describe('help', () => {
  it.each([
    [['--help'], /serve[\s\S]*status[\s\S]*call[\s\S]*simulate/],
    [['serve', '--help'], /--config[\s\S]*--data-dir[\s\S]*--port[\s\S]*--simulate/],
    [['config', '--help'], /check[\s\S]*show[\s\S]*schema/],
    [['status', '--help'], /--data-dir[\s\S]*--json/],
    [['call', '--help'], /method[\s\S]*params[\s\S]*--timeout/],
    [['issuance', '--help'], /list[\s\S]*show[\s\S]*resume[\s\S]*cancel/],
    [['doctor', '--help'], /--json[\s\S]*--language/],
    [['support-bundle', '--help'], /--trace[\s\S]*--log/],
    [['simulate', '--help'], /--card[\s\S]*--vpcd[\s\S]*--state/],
    [['simulate-authority', '--help'], /--port[\s\S]*--scenario[\s\S]*--state/],
    [['simulate-devices', '--help'], /--device[\s\S]*--sign-every/],
    [['simulate-scanner', '--help'], /--port[\s\S]*--document[\s\S]*--defect/],
  ])('of %j goes to standard output with exit status 0', async (parameters, expected) => {
    const { status, stdout, stderr } = await run(parameters);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: kortd/);
    expect(stdout).toMatch(expected);
  });

  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await run(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });
});

describe('wrong usage', () => {
  it.each([
    [[]],
    [['frobnicate']],
    [['serve', '--port', 'http']],
    [['serve', '--port', '65536']],
    [['serve', '--log-level', 'loud']],
    [['serve', '--colour']],
    [['serve', '--authority-port', '0']],
    [['serve', '--simulate', 'office', '--authority-state', 'issued.jsonl']],
    [['simulate-authority']],
    [['simulate-devices']],
    [['simulate-devices', '--device', 'STU-540']],
    [['simulate-devices', '--device', 'STU-1', '--', 'true']],
    [['simulate-devices', '--device', 'STU-540', '--', '/nonexistent']],
    [['simulate-devices', '--device', 'STU-540', '--sign-every', '0', '--', 'true']],
    [['simulate-scanner']],
    [['simulate-scanner', 'elsewhere']],
    [['simulate-scanner', 'regula', '--document', 'nobody']],
    [['simulate-scanner', 'regula', '--defect', 'none that there is']],
    [['call']],
    [['call', 'system.info', '{}', 'more']],
    [['call', 'system.info', '--timeout', '0']],
    [['doctor', 'more']],
    [['doctor', '--language', 'fi']],
    [['support-bundle', 'a.zip', 'b.zip']],
    [['simulate']],
    [['simulate', '--vpcd', '127.0.0.1:35963']],
    [['simulate', '--card', 'piv', '--trace', 'file', '--vpcd', '127.0.0.1:35963']],
    [['trace', 'start', '--for', 'soon']],
    [['trace', 'start', '--for', '25h']],
    [['trace', 'start', '--role', 'holder', '--card', 'card-1']],
    [['trace', 'export']],
    [['trace', 'replay']],
    [['simulate', '--card', 'piv']],
    [['simulate', '--card', 'jcop', '--vpcd', '127.0.0.1:35963']],
    [['simulate', '--card', 'piv', '--vpcd', '35963']],
    [['simulate', '--card', 'piv', '--vpcd', '127.0.0.1:0']],
    [['simulate', '--card', 'piv', '--vpcd', '127.0.0.1:99999']],
  ])('%j says what is wrong on standard error, with exit status 2', async (parameters) => {
    const { status, stdout, stderr } = await run(parameters);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.length).toBeGreaterThan(10);
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});

describe('trace', () => {
  it('replays what went to cards, and says what it passes over of vendors’ modules; alone that is nothing to replay', async () => {
    const recorded = readFileSync(join(ROOT, 'test', 'trace', 'eid.txt'), 'utf8');
    const begun = '@ 90.000 card 9 reader 1 atr -\n@ 90.001 begin card 9 for program\n';
    const calls = `${begun}* C_Login slot 1 = 000000A0 ; 3 ms\n@ 90.009 end card 9 kept\n`;
    const [both, alone] = [join(folder, 'both.txt'), join(folder, 'alone.txt')];
    writeFileSync(both, recorded.replace(/^@ .* stopped/m, `${calls}$&`));
    const header = recorded.slice(0, recorded.indexOf('\n\n') + 2);
    writeFileSync(alone, `${header}@ 0.001 reader 1 pkcs11:staff "Staff"\n${calls}`);
    const replayed = await run(['trace', 'replay', both]);
    expect(replayed.stdout).toMatch(
      /^card 9, transaction 1 \(program, 0 exchanges\): passed over: it went through a vendor's module/m,
    );
    expect(replayed.stdout).toMatch(
      /^\d+ transactions are as recorded.*, 1 were passed over: they went through a vendor's module\.$/m,
    );
    const nothing = await run(['trace', 'replay', alone]);
    expect([nothing.status, nothing.stderr]).toEqual([1, expect.stringContaining("all of it went through a vendor's module")]);
    const shown = await run(['trace', 'show', alone]);
    expect(shown.stdout).toMatch(/C_Login, slot 1 → CKR_PIN_INCORRECT \(000000A0\) \(3 ms\)/);
  });

  it.each([
    ['kortd trace 2\n', /version 2 of the format is not known/],
    ['nonsense', /this is no trace of kortd/],
    ['', /this is no trace of kortd/],
  ])('of a file with %j says what is wrong with it, with exit status 1', async (text, problem) => {
    const file = join(folder, 'bad-trace.txt');
    writeFileSync(file, text);
    for (const what of ['show', 'replay']) {
      const { status, stdout, stderr } = await run(['trace', what, file]);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(problem);
    }
  });
});

describe('simulate-scanner', () => {
  it('serves a service of a vendor, prints what reaches it, and leaves nothing behind', async () => {
    await using program = launch(['simulate-scanner', 'authentiscan', '--document', 'bjorn', '--defect', 'bright paper', 'copy']);
    const said = await program.said(/^kortd simulated authentiscan (http:.*)\n(.*)\n/m);
    const [, url = '', row = ''] = said;
    const { scanners } = JSON.parse(row) as { scanners: { driver: string; options: { url: string; pictureFolder: string } }[] };
    expect(scanners[0]).toMatchObject({ driver: 'authentiscan', options: { url } });
    const bench: unknown = await (await fetch(`${url}bench`)).json();
    expect(bench).toMatchObject({ document: { persona: 'bjorn', defects: ['bright paper', 'copy'] } });
    expect(existsSync(scanners[0]?.options.pictureFolder ?? '')).toBe(true);
    expect((await program.stop()).status).toBe(0);
    expect(existsSync(scanners[0]?.options.pictureFolder ?? '')).toBe(false);
  });
});

describe('serve', () => {
  it('prints one line, keeps its data private, and ends cleanly on SIGTERM with the folder tidied', async () => {
    const dataDir = newFolder();
    await using program = await serve(dataDir);
    expect(program.stdout).toMatch(/^kortd ready http:\/\/127\.0\.0\.1:\d+\n$/);
    expect(statSync(dataDir).mode & 0o777).toBe(0o700);
    for (const file of ['token', 'endpoint.json', 'daemon.lock'])
      expect(statSync(join(dataDir, file)).mode & 0o777, file).toBe(0o600);
    expect(readFileSync(join(dataDir, 'token'), 'utf8')).toMatch(/^[\w-]{43}\n$/);
    const ended = await program.stop();
    expect(ended).toMatchObject({ status: 0, signal: null, stderr: '' });
    expect(ended.stdout.split('\n')).toHaveLength(2);
    expect(transient(dataDir)).toEqual([]);
  });

  it('ends cleanly on SIGINT, and while a client is connected', async () => {
    const dataDir = newFolder();
    await using program = await serve(dataDir);
    const url = /http\S+/.exec(program.stdout)?.[0] ?? '';
    const token = readFileSync(join(dataDir, 'token'), 'utf8').trim();
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ws`, ['kortd.v1', `kortd.token.${token}`]);
    await once(socket, 'message');
    const closed = once(socket, 'close');
    expect(await program.stop('SIGINT')).toMatchObject({ status: 0, signal: null });
    await closed;
  });

  it('is refused on the data folder of another daemon, which goes on', async () => {
    const dataDir = newFolder();
    await using program = await serve(dataDir);
    const second = await run(['serve', '--simulate', 'office', '--port', '0', '--data-dir', dataDir]);
    expect(second).toMatchObject({ status: 1, stdout: '' });
    expect(second.stderr).toContain(`another kortd (process ${program.child.pid ?? 0}) uses the data folder`);
    expect(await run(['call', 'system.info', '--data-dir', dataDir])).toMatchObject({ status: 0 });
  });

  it('starts again after one that was killed', async () => {
    const dataDir = newFolder();
    {
      await using program = await serve(dataDir);
      await program.stop('SIGKILL');
    }
    expect(existsSync(join(dataDir, 'daemon.lock'))).toBe(true);
    const status = await run(['status', '--data-dir', dataDir]);
    expect(status).toMatchObject({ status: 1, stdout: '' });
    expect(status.stderr).toContain('ended without tidying up');
    await using again = await serve(dataDir);
    expect(await again.stop()).toMatchObject({ status: 0 });
  });

  it('is refused on a taken port with exit status 1, and leaves nothing in its folder', async () => {
    const dataDir = newFolder();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const ended = await run(['serve', '--simulate', 'office', '--port', String(port), '--data-dir', dataDir]);
    taken.close();
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toContain('--port');
    expect(transient(dataDir)).toEqual([]);
  });

  it.each(['no-such-scenario', './no-such-file.json'])('of the scenario %s is refused with exit status 1', async (scenario) => {
    const ended = await run(['serve', '--simulate', scenario, '--port', '0', '--data-dir', newFolder()]);
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toContain(scenario);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });

  it('on a data folder that is none is refused with exit status 1', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const ended = await run(['serve', '--simulate', 'office', '--port', '0', '--data-dir', join(file, 'below')]);
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toContain('--data-dir');
  });

  it('--examples prints commands to try after the line', async () => {
    await using program = await serve(newFolder(), ['--examples']);
    await program.said(/kortd -- status/);
    expect(program.stdout).toMatch(/^kortd ready /);
  });
});

describe('status and call', () => {
  let dataDir = '';
  let daemon: Program;
  beforeAll(async () => {
    dataDir = newFolder();
    daemon = await serve(dataDir);
  });
  afterAll(() => daemon[Symbol.asyncDispose]());
  const kortd = async (parameters: readonly string[], input = ''): Promise<Ended> =>
    await run([...parameters, '--data-dir', dataDir], input);

  it('status names the daemon, its readers and cards', async () => {
    const { status, stdout, stderr } = await kortd(['status']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^kortd \S+ at http:\/\/127\.0\.0\.1:\d+ \(process \d+\), simulated desk: ok\n {2}simulated: available\n/,
    );
    expect(stdout).toMatch(/operator: Simulated Operator 00 00 \(reader-[0-9a-f]{12}\): piv \d+ card-/);
    const json = await kortd(['status', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      pid: daemon.child.pid,
      info: { product: 'kortd' },
      health: { status: 'ok' },
    });
  });

  it('role lists, takes back and binds, also for the next start', async () => {
    const listed = await kortd(['role', 'list']);
    expect(listed).toMatchObject({ status: 0, stderr: '' });
    expect(listed.stdout).toContain('operator: Simulated Operator 00 00, found by serial number SIM0000000001 (scenario)\n');
    expect((await kortd(['role', 'remove', 'holder'])).stdout).toBe('holder: no reader is bound to it\n');
    expect((await kortd(['role', 'remove', 'holder'])).stderr).toContain('"code": "not_found"');
    const { readers } = JSON.parse((await kortd(['call', 'reader.list'])).stdout) as { readers: { id: string; name: string }[] };
    const id = readers.find(({ name }) => name.includes('Contactless'))?.id ?? '';
    const bound = await kortd(['role', 'assign', 'holder', '--reader', id]);
    expect(bound.stdout).toBe('holder: Simulated Contactless 00 00, found by serial number SIM0000000004 (assigned)\n');
    const given = await kortd(['role', 'assign', 'kiosk', '--timeout', '100']);
    expect(given.status).toBe(1);
    expect(given.stderr).toMatch(
      /^Put a card into the reader that is to be the one of kiosk\.[\s\S]*"code": "deadline_exceeded"/,
    );
    expect(JSON.parse((await kortd(['role', 'list', '--json'])).stdout)).toMatchObject({ roles: [{}, {}, {}] });
  });

  it('call prints the result as JSON on standard output', async () => {
    const { status, stdout, stderr } = await kortd(['call', 'card.list', '{}']);
    expect([status, stderr]).toEqual([0, '']);
    const { cards } = JSON.parse(stdout) as { cards: { id: string }[] };
    expect(cards.length).toBeGreaterThan(2);
    expect((await kortd(['call', 'system.info'])).stdout).toContain('"product": "kortd"');
  });

  it('call reads its parameters from standard input, so that a PIN is in no list of processes', async () => {
    const list = JSON.parse((await kortd(['call', 'card.list'])).stdout) as { cards: { id: string }[] };
    const params = JSON.stringify({ card: list.cards[0]?.id, pin: '123456' });
    const { status, stdout } = await kortd(['call', 'pin.verify', '-'], params);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pin: { reference: '80', attemptsRemaining: 3 } });
  });

  it('call waits for parameters that come later, in pieces', async () => {
    await using program = launch(['call', '--data-dir', dataDir, 'system.info', '-'], LATER);
    for (const piece of ['{', '}']) {
      await delay(400);
      program.child.stdin?.write(piece);
    }
    program.child.stdin?.end();
    const { status, stderr } = await program.ended;
    expect([status, stderr]).toEqual([0, '']);
  });

  it.each([
    ['card.read', '{"card":"card-of-nobody"}', 'not_found'],
    ['card.read', '{"cart":"x"}', 'invalid_params'],
    ['no.such', '{}', 'method_not_found'],
    ['card.read', '[]', 'invalid_request'],
  ])('call %s %s prints the error as JSON on standard error, with exit status 1', async (method, params, code) => {
    const { status, stdout, stderr } = await kortd(['call', method, params]);
    expect([status, stdout]).toEqual([1, '']);
    const { error } = JSON.parse(stderr) as { error: { code: string; en: string; sv: string } };
    expect(error.code).toBe(code);
    expect(error.en).not.toBe('');
    expect(error.sv).not.toBe('');
  });

  it.each(['{card:1}', "{'card':1}", '', '{'])(
    'call with the parameters %j says that they are no JSON, with exit status 1',
    async (params) => {
      const { status, stdout, stderr } = await kortd(['call', 'card.read', params]);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^kortd: the parameters are not JSON/);
    },
  );

  it('call --timeout is the deadline of the call', async () => {
    const { status, stdout } = await kortd(['call', 'system.health', '--timeout', '5000']);
    expect(status).toBe(0);
    expect(stdout).toContain('"ok"');
    expect((await kortd(['call', 'system.health', '--timeout', '9999999'])).stderr).toContain('invalid_request');
  });

  it('the real reader of no daemon: without one, both say how to start it, with exit status 1', async () => {
    for (const command of [['status'], ['call', 'system.info']]) {
      const { status, stdout, stderr } = await run([...command, '--data-dir', newFolder()]);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('kortd serve');
    }
  });
});

describe('simulate', () => {
  it('waits for a reader that is not there, and ends cleanly on SIGTERM', async () => {
    await using program = launch(['simulate', '--card', 'piv', '--vpcd', '127.0.0.1:9']);
    await program.said(/waiting for a vpcd reader at 127\.0\.0\.1:9/, 'stderr');
    expect(await program.stop()).toMatchObject({ status: 0, signal: null, stdout: '' });
  });

  it('a state file that is none is refused with exit status 1', async () => {
    const file = join(folder, 'state.json');
    writeFileSync(file, '{"format":"something else"}');
    const ended = await run(['simulate', '--card', 'piv', '--vpcd', '127.0.0.1:9', '--state', file]);
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toContain(file);
  });
});

describe('the test authority', () => {
  const line = /^kortd test authority (http:\/\/127\.0\.0\.1:\d+) \(.*trust nothing.*\)\n/m;

  it('is served beside a daemon that is asked for it, and ends with it', async () => {
    await using program = await serve(newFolder(), ['--authority-port', '0']);
    const [, url = ''] = await program.said(line);
    const answer = await fetch(`${url}/.well-known/est/cacerts`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/pkcs7-mime; smime-type=certs-only']);
    expect(await program.stop()).toMatchObject({ status: 0, signal: null });
    await expect(fetch(`${url}/issued`)).rejects.toThrow('fetch failed');
  });

  it('on a taken port is refused with exit status 1, by the name of its option', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const dataDir = newFolder();
    const ended = await run([
      'serve',
      '--simulate',
      'office',
      '--port',
      '0',
      '--data-dir',
      dataDir,
      '--authority-port',
      `${port}`,
    ]);
    taken.close();
    expect(ended).toMatchObject({ status: 1, stdout: '' });
    expect(ended.stderr).toContain(`test authority on 127.0.0.1:${port}: the port is taken`);
  });

  it('by itself knows after being killed what it had revoked', async () => {
    const state = join(folder, 'issued.jsonl');
    const start = async (): Promise<{ readonly program: Program; readonly url: string }> => {
      const program = launch(['simulate-authority', '--port', '0', '--state', state]);
      return { program, url: (await program.said(line))[1] ?? '' };
    };
    const first = await start();
    await using killed = first.program;
    const issuer = Buffer.from(await (await fetch(`${first.url}/ca/bench-e-id-person-id-3-ca-v1.cer`)).arrayBuffer());
    const body = JSON.stringify({ certificate: issuer.toString('base64'), reason: 'superseded' });
    const headers = { 'content-type': 'application/json' };
    const revoked: unknown = await (await fetch(`${first.url}/revoke`, { method: 'POST', headers, body })).json();
    await killed.stop('SIGKILL');
    const second = await start();
    await using again = second.program;
    const repeated = JSON.stringify({ certificate: issuer.toString('base64'), reason: 'unspecified' });
    expect(await (await fetch(`${second.url}/revoke`, { method: 'POST', headers, body: repeated })).json()).toEqual(revoked);
    expect(revoked).toMatchObject({ authority: 'BENCH e-id Root CA v2', reason: 'superseded' });
    expect(await again.stop()).toMatchObject({ status: 0, signal: null, stderr: '' });
  });

  it('whose disk is full says so, and keeps what it had written before whole', async () => {
    const state = join(folder, 'full.jsonl');
    const request = spawnSync(
      'openssl',
      [
        'req',
        '-new',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        join(folder, 'request.key'),
      ].concat(['-subj', '/CN=Eva Nord/serialNumber=SE2321000016-BENCH9', '-addext', 'keyUsage=digitalSignature']),
      { encoding: 'utf8' },
    ).stdout;
    const start = async (): Promise<{ readonly program: Program; readonly url: string }> => {
      const program = launch(['simulate-authority', '--port', '0', '--state', state]);
      return { program, url: (await program.said(line))[1] ?? '' };
    };
    const post = async (url: string, body: object): Promise<number> => {
      const headers = { 'content-type': 'application/json' };
      return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).status;
    };
    const first = await start();
    await using full = first.program;
    expect(await post(`${first.url}/issue`, { request })).toBe(200);
    const limit = statSync(state).size + 500;
    expect(spawnSync('prlimit', ['--pid', String(full.child.pid), `--fsize=${limit}`]).status).toBe(0);
    expect(await post(`${first.url}/issue`, { request })).toBe(500);
    expect(full.stderr).toContain('EFBIG');
    const listed = (await (await fetch(`${first.url}/issued`)).json()) as { certificates: { serialNumber: string }[] };
    expect(await post(`${first.url}/revoke`, { serialNumber: listed.certificates[0]?.serialNumber })).toBe(200);
    await full.stop('SIGKILL');
    const second = await start();
    await using again = second.program;
    const kept = (await (await fetch(`${second.url}/issued`)).json()) as { certificates: object[] };
    expect(kept.certificates).toMatchObject([{ ...listed.certificates[0], revocation: { reason: 'unspecified' } }]);
    await again.stop();
  });
});
