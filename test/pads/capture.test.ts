/** Signatures by hand over the API, on simulated pads: what is given out, what it is bound to, and every way in which it can fail. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EventData } from '../../api-spec/events.ts';
import type { Result } from '../../api-spec/methods/index.ts';
import { checkStatement } from '../../daemon/pads/statement.ts';
import { decodeSignature } from '../../drivers/pads/ink/iso19794-7.ts';
import { RpcSocket, errorOf, eventually, http, openBench, resultOf, type Bench } from '../api/support.ts';

const DOCUMENT = Buffer.from('Receipt of card 9752000000000000102');
const documentHash = createHash('sha256').update(DOCUMENT).digest();
const content = { data: DOCUMENT.toString('base64') };
const PAD = 'BENCHPAD1';
const signal = AbortSignal.timeout(60_000);
const TEXT = 'Jag har fått kortet och dess koder.';

type Captured = Result<'pad.capture'>;

async function isCapturing(bench: Bench, index = 0): Promise<void> {
  await eventually('the pad being ready to be written on', () => bench.pads.pads[index]?.state === 'capture');
}

/** Writes when the pad is ready, then taps accept. */
async function sign(bench: Bench, how: { readonly seed?: number; readonly samples?: number } = {}): Promise<void> {
  await isCapturing(bench);
  await bench.pads.use(PAD, { act: 'write', seed: how.seed ?? 1, samples: how.samples ?? 200, periodMs: 0, signal });
  await bench.pads.use(PAD, { act: 'accept', seed: 0, samples: 0, signal });
}

async function capture(bench: Bench, api: RpcSocket, params: object = {}, seed = 1): Promise<Captured> {
  const answer = api.call('pad.capture', { content, text: TEXT, ...params });
  await sign(bench, { seed });
  return resultOf(await answer);
}

/** A page that the policy lets capture signatures. */
async function pageSocket(bench: Bench, origin: string): Promise<RpcSocket> {
  const scopes = ['pad'];
  await bench.setPolicy({
    origins: ['https://portal.example', 'https://other.example'].map((page) => ({ origin: page, scopes })),
  });
  const { text } = await http({
    port: bench.port,
    method: 'POST',
    path: '/v1/access/request',
    headers: { host: `127.0.0.1:${bench.port}`, origin, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes, reason: 'to have receipts signed' }),
  });
  return await RpcSocket.open(bench.port, (JSON.parse(text) as { readonly token: string }).token, { origin });
}

const bytesOf = ({ data }: Captured['svg']): Buffer => Buffer.from(data ?? '', 'base64');

describe('a signature on a pad', () => {
  it('comes as SVG and PNG, bound to the document by a statement that the workstation seals', async () => {
    await using bench = await openBench();
    const result = await capture(bench, await bench.socket());
    expect(result).toMatchObject({ lostSamples: 0, isComplete: true, strokes: 3, replay: { verdict: 'new' } });
    expect(bytesOf(result.svg).toString()).toContain('<svg ');
    expect(bytesOf(result.png).subarray(1, 4).toString()).toBe('PNG');
    expect(result).not.toHaveProperty('biometric');
    const { statement, sha256 } = result.evidence;
    expect(sha256).toBe(createHash('sha256').update(statement).digest('hex'));
    expect(JSON.parse(statement)).toMatchObject({
      document: { sha256: documentHash.toString('hex') },
      shown: { kind: 'text', sha256: createHash('sha256').update(TEXT).digest('hex') },
      pad: { model: 'STU-430', serialNumber: PAD },
    });
    const parts = { documentHash, svg: bytesOf(result.svg), png: bytesOf(result.png) };
    expect(checkStatement(statement, parts)).toEqual([]);
    expect(checkStatement(statement, { ...parts, documentHash: createHash('sha256').update('another').digest() })).toHaveLength(
      1,
    );
    expect(checkStatement(statement, { ...parts, svg: Buffer.from('<svg/>') })).toHaveLength(1);
  });

  it('has a seal that OpenSSL verifies, and that another statement breaks', async () => {
    await using bench = await openBench();
    const { evidence } = await capture(bench, await bench.socket());
    const folder = mkdtempSync(join(tmpdir(), 'kortd-seal-'));
    try {
      const [statement, seal] = [join(folder, 'statement.json'), join(folder, 'seal.der')];
      writeFileSync(seal, Buffer.from(evidence.seal, 'base64'));
      const verify = (text: string): string => {
        writeFileSync(statement, text);
        const certificate = join(bench.dataFolder, 'seal-certificate.pem');
        const options = ['-verify', '-binary', '-inform', 'DER', '-in', seal, '-content', statement, '-CAfile', certificate];
        return execFileSync('openssl', ['cms', ...options, '-purpose', 'any'], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        });
      };
      expect(verify(evidence.statement)).toBe(evidence.statement);
      expect(() => verify(evidence.statement.replace('"lost":0', '"lost":1'))).toThrow();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('gives how the pen moved only encrypted, and only to a configured certificate', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    expect(errorOf(await api.call('pad.capture', { content, biometric: true })).code).toBe('pad_biometric_unprotected');
    const folder = mkdtempSync(join(tmpdir(), 'kortd-recipient-'));
    try {
      const [key, certificate, cms] = ['key.pem', 'certificate.pem', 'samples.der'].map((name) => join(folder, name));
      const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=Archive', '-days', '2'];
      execFileSync('openssl', [...request, '-keyout', String(key), '-out', String(certificate)], { stdio: 'ignore' });
      await bench.setPolicy({ pads: { biometricRecipients: [certificate] } });
      const result = await capture(bench, api, { biometric: true });
      writeFileSync(String(cms), bytesOf(result.biometric ?? { size: 0 }));
      const opened = execFileSync('openssl', ['cms', '-decrypt', '-inform', 'DER', '-in', String(cms), '-inkey', String(key)], {
        maxBuffer: 10_000_000,
      });
      const samples = JSON.parse(opened.toString()) as { statement: string; records: string; iso19794_7: string };
      const records = Buffer.from(samples.records, 'base64');
      expect(samples.statement).toBe(result.evidence.statement);
      expect(checkStatement(samples.statement, { documentHash, records })).toEqual([]);
      const swapped = Buffer.concat([records.subarray(36, 72), records.subarray(0, 36), records.subarray(72)]);
      const retimed = Buffer.from(records);
      retimed.writeUInt32BE(retimed.readUInt32BE(8 + 36 * 5) + 1_000, 8 + 36 * 5);
      for (const changed of [swapped, retimed, records.subarray(36)])
        expect(checkStatement(samples.statement, { records: changed })).toHaveLength(1);
      const record = decodeSignature(Buffer.from(samples.iso19794_7, 'base64'), { heightMm: 60 });
      expect(record.points).toHaveLength(result.samples);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that is written a second time by a machine is told, and that of another hand is not', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const first = await capture(bench, api, {}, 7);
    const again = await capture(bench, api, {}, 7);
    const other = await capture(bench, api, {}, 8);
    expect(again.replay).toEqual({ verdict: 'exact', of: first.capture });
    expect(other.replay).toEqual({ verdict: 'new' });
  });

  it('tells its samples while it is written, in order, rounded unless the policy says otherwise', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const client = await bench.client();
    const pens: EventData<'pad.pen'>[] = [];
    await client.subscribe({ onEvent: (event) => event.name === 'pad.pen' && pens.push(event.data) }, { events: ['pad.pen'] });
    const result = await capture(bench, api);
    const samples = (): readonly (readonly number[])[] => pens.flatMap((pen) => pen.samples);
    await eventually('all samples', () => samples().length === result.samples);
    const numbers = samples().map(([number = -1]) => number);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    for (const [, x = 0, , time = 0] of samples()) {
      expect(x * 10).toBeCloseTo(Math.round(x * 10), 6);
      expect(time % 20).toBe(0);
    }
    await bench.setPolicy({ pads: { live: 'raw' } });
    pens.length = 0;
    await capture(bench, api, {}, 9);
    await eventually('samples', () => samples().length > 100);
    expect(samples().some(([, x = 0]) => Math.abs(x * 10 - Math.round(x * 10)) > 0.01)).toBe(true);
  });

  it('is drawn live for the page that asked for it and for programs, and for no other page', async () => {
    await using bench = await openBench();
    const [own, other] = [await pageSocket(bench, 'https://portal.example'), await pageSocket(bench, 'https://other.example')];
    await using ownPage = own;
    await using otherPage = other;
    const program = await bench.socket();
    for (const socket of [ownPage, otherPage, program])
      resultOf(await socket.call('event.subscribe', { events: ['pad.pen', 'pad.changed'] }));
    await capture(bench, ownPage, {}, 11);
    const heard = (socket: RpcSocket, name: string): boolean =>
      socket.notices('event').some(({ params }) => (params as { readonly name: string }).name === name);
    // What comes after the pen tells that nothing of it is still on its way.
    await eventually('the state of the pad, told to all', () =>
      [ownPage, otherPage, program].every((socket) => heard(socket, 'pad.changed')),
    );
    await eventually('the pen, told to who may see it', () => [ownPage, program].every((socket) => heard(socket, 'pad.pen')));
    expect(heard(otherPage, 'pad.pen')).toBe(false);
    otherPage.messages.length = 0;
    await capture(bench, program, {}, 12);
    await eventually('the end of the second signature', () => heard(otherPage, 'pad.changed'));
    expect(heard(otherPage, 'pad.pen')).toBe(false);
  });

  it('can be cleared and written again: the first try is no part of it', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const answer = api.call('pad.capture', { content, text: TEXT });
    await isCapturing(bench);
    await bench.pads.use(PAD, { act: 'write', seed: 3, samples: 100, periodMs: 0, signal });
    const sessions = (): number => bench.pads.pads[0]?.log.filter((id) => id === 0x15).length ?? 0;
    await bench.pads.use(PAD, { act: 'clear', seed: 0, samples: 0, signal });
    await eventually('a new session', () => sessions() === 2 && bench.pads.pads[0]?.state === 'capture');
    await sign(bench, { samples: 50 });
    const result = resultOf(await answer);
    expect(result.samples).toBeLessThan(60);
    expect(JSON.parse(result.evidence.statement)).toMatchObject({ clearedBefore: 1 });
  });

  it('with lost samples says so, and is not complete', async () => {
    await using bench = await openBench();
    const answer = (await bench.socket()).call('pad.capture', { content });
    await isCapturing(bench);
    const [pad] = bench.pads.pads;
    await bench.pads.use(PAD, { act: 'write', seed: 3, samples: 50, periodMs: 0, signal });
    if (pad) pad.faults.dropSamples = 3;
    await sign(bench);
    expect(resultOf(await answer)).toMatchObject({ lostSamples: 3, isComplete: false });
  });

  it('is not accepted before something is written', async () => {
    await using bench = await openBench();
    const answer = (await bench.socket()).call('pad.capture', { content });
    await isCapturing(bench);
    await bench.pads.use(PAD, { act: 'accept', seed: 0, samples: 0, signal });
    await sign(bench);
    expect(resultOf(await answer).samples).toBeGreaterThan(150);
  });
});

describe('a capture ends', () => {
  it.each([
    [
      'when the person cancels',
      'pad_cancelled',
      (bench: Bench) => bench.pads.use(PAD, { act: 'cancel', seed: 0, samples: 0, signal }),
    ],
    [
      'when the pad is pulled',
      'pad_removed',
      (bench: Bench) => bench.pads.use(PAD, { act: 'pull', seed: 0, samples: 0, signal }),
    ],
    [
      'when samples are of another session',
      'pad_failed',
      (bench: Bench) => {
        const [pad] = bench.pads.pads;
        if (pad) pad.faults.wrongSession = true;
        return bench.pads.use(PAD, { act: 'write', seed: 0, samples: 1, signal });
      },
    ],
    [
      'when more is written than there may be',
      'pad_limit_reached',
      (bench: Bench) => {
        const [pad] = bench.pads.pads;
        const at = { x: 100, y: 100, pressure: 500, isNear: true };
        for (let left = 3; pad && left > 0; left--) {
          pad.pen(at);
          pad.faults.dropSamples = 30_000;
          for (let lost = 0; lost < 30_000; lost++) pad.pen(at);
        }
      },
    ],
  ])('%s, with %s, and the pad is free again', async (_, code, act) => {
    await using bench = await openBench();
    const api = await bench.socket();
    const answer = api.call('pad.capture', { content });
    await isCapturing(bench);
    act(bench);
    expect(errorOf(await answer).code).toBe(code);
    await eventually('the port being closed', () => bench.pads.bus.openPorts === 0);
    if (code === 'pad_removed') await bench.pads.use(PAD, { act: 'plug', seed: 0, samples: 0, signal });
    expect(await capture(bench, api)).toMatchObject({ isComplete: true });
  });

  it('when it is cancelled by its caller, with its deadline, and with its connection', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const [pad] = resultOf(await api.call('pad.list', {})).pads;
    const answer = api.call('pad.capture', { content });
    await isCapturing(bench);
    expect(errorOf(await api.call('pad.capture', { content })).code).toBe('pad_busy');
    expect(resultOf(await api.call('pad.list', {})).pads[0]?.status).toBe('capturing');
    expect(resultOf(await api.call('pad.cancel', { pad: pad?.id }))).toEqual({ cancelled: true });
    expect(errorOf(await answer)).toMatchObject({ code: 'pad_cancelled', details: { by: 'caller' } });
    await eventually('the port being closed', () => bench.pads.bus.openPorts === 0);
    expect(resultOf(await api.call('pad.cancel', { pad: pad?.id }))).toEqual({ cancelled: false });
    const gone = await bench.socket();
    void gone.call('pad.capture', { content }).catch(() => undefined);
    await isCapturing(bench);
    await gone[Symbol.asyncDispose]();
    await eventually('the port being closed', () => bench.pads.bus.openPorts === 0);
    expect(await capture(bench, api)).toMatchObject({ isComplete: true });
  });

  it('shows nothing that does not fit, and no picture that is none', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    for (const params of [{ text: 'Villkor. '.repeat(200) }, { image: { data: Buffer.from('no picture').toString('base64') } }])
      expect(errorOf(await api.call('pad.capture', { content, ...params })).code).toBe('pad_screen_unfit');
  });
});

describe('how a capture goes', () => {
  it('is told to all by pad.changed, without what was written, and stays with the pad', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const client = await bench.client();
    const told: EventData<'pad.changed'>[] = [];
    await client.subscribe(
      { onEvent: (event) => event.name === 'pad.changed' && told.push(event.data) },
      { events: ['pad.changed'] },
    );
    const { capture: first } = await capture(bench, api);
    const second = api.call('pad.capture', { content });
    await isCapturing(bench);
    await bench.pads.use(PAD, { act: 'cancel', seed: 0, samples: 0, signal });
    expect(errorOf(await second).code).toBe('pad_cancelled');
    await eventually('both ends', () => told.length === 4);
    expect(told).toMatchObject([
      { capture: first, pad: { status: 'capturing' } },
      { capture: first, pad: { status: 'ready', lastCapture: { capture: first, outcome: 'accepted', isComplete: true } } },
      { pad: { status: 'capturing' } },
      { pad: { status: 'ready', lastCapture: { outcome: 'cancelled' } } },
    ]);
    expect(resultOf(await api.call('pad.list')).pads[0]).toEqual(told[3]?.pad);
  });

  it('is looked on at with a record in the audit log', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    const done = api.call('pad.capture', { content });
    await isCapturing(bench);
    const { pad, capture: running } = resultOf(await api.call('pad.watch', { pad: `wacom-stu-${PAD}` }));
    expect(pad.status).toBe('capturing');
    await bench.pads.use(PAD, { act: 'cancel', seed: 0, samples: 0, signal });
    await done;
    const { records } = resultOf(await api.call('audit.list', {}));
    expect(records.filter(({ method }) => method === 'pad.watch')).toMatchObject([
      { outcome: 'ok', purpose: `capture ${running ?? ''} on wacom-stu-${PAD}` },
    ]);
  });
});

describe('pads', () => {
  it('that come and go are told, once somebody has asked for pads', async () => {
    await using bench = await openBench();
    const client = await bench.client();
    const told: string[] = [];
    await client.subscribe({ onEvent: ({ name }) => told.push(name) }, { events: ['pad.added', 'pad.removed'] });
    const api = await bench.socket();
    resultOf(await api.call('pad.list', {}));
    await bench.pads.use(PAD, { act: 'pull', seed: 0, samples: 0, signal });
    resultOf(await api.call('pad.list', {}));
    await eventually('both events', () => told.length === 2);
    expect(told).toEqual(['pad.added', 'pad.removed']);
  });

  it('leave a record of each capture that names pad and document, and has nothing of the pen', async () => {
    await using bench = await openBench();
    const api = await bench.socket();
    await capture(bench, api);
    const { records } = resultOf(await api.call('audit.list', {}));
    const record = records.find(({ method }) => method === 'pad.capture');
    expect(record).toMatchObject({ outcome: 'ok' });
    expect(record?.purpose).toContain(documentHash.toString('hex'));
  });
});
