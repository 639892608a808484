/**
 * `npm run example:card-office`: kortd on the simulated desk `card-office` with its test authority, and the portal, until Ctrl+C. Everything is kept in a folder of
 * its own that goes at the end, so that each start begins with blank cards.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from '../../api-spec/client/client.ts';
import { bundlePage } from './bundle-page.ts';
import { policyFor } from './policy.ts';
import { servePortal } from './portal.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PORT = Number(process.env['CARD_OFFICE_PORT'] ?? 27_180);
const START_TIMEOUT_MS = 30_000;

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

await using resources = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'card-office-'));
resources.defer(() => rm(folder, { recursive: true, force: true }));
const [dataFolder, policyFolder, pageFolder] = [join(folder, 'data'), join(folder, 'policy.d'), join(folder, 'page')];
const origin = `http://localhost:${PORT}`;

// In an office this file lies in /etc/kortd/policy.d; see the README.
await mkdir(policyFolder, { mode: 0o700 });
await writeFile(join(policyFolder, '50-card-office.json'), JSON.stringify(policyFor(origin)), { mode: 0o600 });
await bundlePage(pageFolder);
const addresses = await startKortd();
resources.use(await servePortal({ port: PORT, pageFolder, addresses: () => addresses }));

process.stdout.write(`
The card office is open: ${origin}

kortd asks for PINs in a window of its own. Open it beside the portal:
  ${await promptWindow()}
The link is good once, for a minute. Press Enter for a new one.

PINs of the simulated cards: 123456 (legitimering), 654321 (underskrift). Ctrl+C stops everything.
`);
const lines = createInterface({ input: process.stdin });
resources.defer(() => lines.close());
lines.on('line', () => void promptWindow().then((link) => process.stdout.write(`  ${link}\n`)));
if (!stop.signal.aborted) await once(stop.signal, 'abort');

/** The daemon in a process of its own, as in life. It prints where it is, and where its authority is. */
async function startKortd(): Promise<{ readonly kortd: string; readonly authority: string }> {
  const parameters = ['serve', '--simulate', 'card-office', '--authority-port', '0', '--port', '0', '--log-level', 'warn'];
  const folders = ['--data-dir', dataFolder, '--policy-dir', policyFolder];
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'main.js'), ...parameters, ...folders], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  resources.defer(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  void ended.then(() => stop.abort());
  const printed: string[] = [];
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  const output = createInterface({ input: child.stdout, signal });
  const found = (words: string): string | undefined =>
    printed.find((line) => line.startsWith(words))?.split(' ')[words.split(' ').length];
  for await (const line of output) {
    printed.push(line);
    const [kortd, authority] = [found('kortd ready'), found('kortd test authority')];
    if (kortd !== undefined && authority !== undefined) return { kortd, authority };
  }
  throw new Error('kortd did not start; what it wrote stands above');
}

/** As `kortd open` does: whoever may read the token in the data folder may open the window. */
async function promptWindow(): Promise<string> {
  const token = (await readFile(join(dataFolder, 'token'), 'utf8')).trim();
  const client = await connect({ url: addresses.kortd, token });
  try {
    return (await client.call('console.open')).url;
  } finally {
    client.close();
  }
}
