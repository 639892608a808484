import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptScan } from '../accept.ts';
import { testConformance, type ConformanceStep } from './conformance.ts';
import { openHelperDriver } from './driver.ts';
import { JsonLines, LINE_BYTES } from './lines.ts';

const TEMPLATE = join(import.meta.dirname, '../template/driver.mjs');
const READY = `say({ type: 'ready', protocol: 1, name: 'x', version: '1' });`;
const SCANNERS = `say({ type: 'scanners', scanners: [{ id: 'main', model: 'X', status: 'ready', abilities: {} }] });`;

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kortd-helper-'));
  mkdirSync(join(root, 'folder'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A program of which `onScan` says what it does with a request for a scan. */
function program(onScan: string, onHello = READY + SCANNERS): readonly string[] {
  const file = join(root, 'program.mjs');
  writeFileSync(
    file,
    `import { createInterface } from 'node:readline';
import { writeFileSync, symlinkSync } from 'node:fs';
const say = (message) => process.stdout.write(JSON.stringify(message) + '\\n');
createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.type === 'hello') { ${onHello} }
  if (message.type === 'health') say({ type: 'health', id: message.id, isWorking: true });
  if (message.type === 'scan') { const { id } = message; ${onScan} }
}).on('close', () => process.exit(0));`,
  );
  return [process.execPath, file];
}

async function steps(command: readonly string[]): Promise<readonly ConformanceStep[]> {
  const found: ConformanceStep[] = [];
  const isGood = await testConformance({
    command,
    folder: join(root, 'folder'),
    scanTimeoutMs: 3_000,
    onStep: (step) => found.push(step),
  });
  expect(isGood).toBe(found.every(({ passed }) => passed));
  return found;
}

async function scanWith(command: readonly string[], timeoutMs = 10_000): Promise<unknown> {
  const driver = await openHelperDriver('x', { command: [...command] }, { folder: join(root, 'folder'), note: () => undefined });
  try {
    await new Promise<void>((resolve) => driver.watch(() => driver.list().length > 0 && resolve()));
    const scan = await driver.scan('main', {
      signal: AbortSignal.timeout(timeoutMs),
      timeoutMs,
      readsChip: true,
      images: [],
      onProgress: () => undefined,
    });
    return acceptScan(scan).parts;
  } finally {
    await driver[Symbol.asyncDispose]();
  }
}

describe('the conformance test', () => {
  it('passes the template', async () => {
    const found = await steps([process.execPath, TEMPLATE]);
    expect(found.filter(({ passed }) => !passed)).toEqual([]);
    expect(found).toHaveLength(6);
  });

  it.each([
    ['greets with another version', `say({ type: 'ready', protocol: 2, name: 'x', version: '1' });`, ''],
    ['does not greet', SCANNERS, ''],
    ['answers no JSON', `console.log('hello');`, ''],
    ['dies at once', `process.exit(3);`, ''],
    [
      'reports words of its own',
      READY + SCANNERS,
      `say({ type: 'result', id, report: { outcome: 'complete', checks: [{ id: 'x', group: 'optical', verdict: 'OK' }] } });`,
    ],
    [
      'tells pictures that are none',
      READY + SCANNERS,
      `say({ type: 'image', id, image: { id: 'a', file: 'none.png' } }); say({ type: 'result', id, report: { outcome: 'complete' } });`,
    ],
    [
      'tells no outcome',
      READY + SCANNERS,
      `say({ type: 'progress', id, stage: 'waiting' }); say({ type: 'result', id, report: {} });`,
    ],
    ['sends messages of unknown types', READY + SCANNERS, `say({ type: 'finished', id });`],
    ['dies in the midst of a scan', READY + SCANNERS, `process.exit(1);`],
  ])('fails a program that %s', async (_, onHello, onScan) => {
    const found = await steps(program(onScan, onHello));
    expect(found.some(({ passed }) => !passed)).toBe(true);
  });
});

describe('a hostile program', () => {
  it.each([
    [
      'floods with lines',
      `setInterval(() => { for (let i = 0; i < 5000; i++) say({ type: 'progress', id, stage: 'waiting' }); }, 1);`,
      /lines in a second|longer than/,
    ],
    ['sends a line without end', `setInterval(() => process.stdout.write('x'.repeat(1 << 20)), 1);`, /longer than/],
    [
      'sends 200 MB in one answer',
      `say({ type: 'result', id, report: { outcome: 'x'.repeat(200 * 1024 * 1024) } });`,
      /longer than/,
    ],
    ['dies', `process.exit(1);`, /exit status 1/],
    [
      'names a file outside its folder',
      `say({ type: 'image', id, image: { id: 'a', file: '../../etc/passwd' } }); say({ type: 'result', id, report: {} });`,
      /no plain name/,
    ],
    [
      'names a link',
      `symlinkSync('/etc/hostname', 'link.png'); say({ type: 'image', id, image: { id: 'a', file: 'link.png' } }); say({ type: 'result', id, report: {} });`,
      /no plain file/,
    ],
  ])('that %s is ended, and the scan with it', async (_, onScan, expected) => {
    await expect(scanWith(program(onScan))).rejects.toThrow(expected);
  });

  it('that never ends a scan is ended soon after it was told to', async () => {
    const before = performance.now();
    await expect(scanWith(program(''), 200)).rejects.toThrow(/does not give up/);
    expect(performance.now() - before).toBeLessThan(10_000);
  });

  it('that lies passes nothing', async () => {
    const lie = `say({ type: 'result', id, report: { outcome: 'complete', verdict: { overall: 'passed' }, mrz: { lines: ['P<UTO', 'X'], verdict: 'passed' }, checks: [{ id: 'all', group: 'optical', verdict: true }] } });`;
    expect(await scanWith(program(lie))).toMatchObject({
      outcome: 'partial',
      verdict: { overall: 'undetermined', mrz: 'undetermined' },
    });
  });

  it('is started again after it died, and scans then', async () => {
    const marker = join(root, 'marker');
    const once = `import('node:fs').then(({ existsSync, writeFileSync }) => { if (!existsSync(${JSON.stringify(marker)})) { writeFileSync(${JSON.stringify(marker)}, ''); process.exit(1); } ${READY + SCANNERS} });`;
    expect(await scanWith(program(`say({ type: 'result', id, report: { outcome: 'complete' } });`, once))).toMatchObject({
      outcome: 'complete',
    });
  });
});

describe('lines', () => {
  it('are put together from any pieces, and nothing is kept of one that is too long', () => {
    const messages: unknown[] = [];
    const broken: string[] = [];
    const lines = new JsonLines(
      (message) => messages.push(message),
      (problem) => broken.push(problem),
    );
    for (const byte of Buffer.from('{"a":1}\r\n\n{"b":"å"}\n')) lines.write(Buffer.of(byte));
    expect(messages).toEqual([{ a: 1 }, { b: 'å' }]);
    lines.write(Buffer.alloc(LINE_BYTES + 1, 0x78));
    lines.write(Buffer.from('{"c":1}\n'));
    expect(messages).toHaveLength(2);
    expect(broken).toEqual([`a line is longer than ${LINE_BYTES} bytes`]);
  });
});
