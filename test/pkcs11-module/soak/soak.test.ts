/**
 * Two programs and a web page sign on one card at the same time: every signature verifies, nobody waits for more than five turns of others, the person is asked no
 * more often than the policy says, and memory stays where it is. A quarter of a minute; with `KORTD_LONG=1` ten minutes.
 */
import { createHash, verify } from 'node:crypto';
import { expect, it } from 'vitest';
import { resultOf, testKey, WatchedCard, type RpcSocket } from '../../api/support.ts';
import { noteTyped } from '../../evidence/typed.ts';
import { TestStation } from '../../prompts/station.ts';
import { memoryInUse } from '../../support/memory-in-use.ts';
import { MODULE, openToolDesk, PIN, type ToolDesk } from '../programs/tools.ts';
import { openPage, pagePolicy } from '../page.ts';
import { watchTurns } from '../turns.ts';
import { buildSigningProgram, startSigning } from './signing-program.ts';

const IS_LONG = process.env['KORTD_LONG'] === '1';
const DURATION_MS = IS_LONG ? 600_000 : 15_000;
/** For the page; programs give theirs. */
const REUSE_SECONDS = IS_LONG ? 60 : 5;
/** Of a contact card: a signature takes about ten exchanges. */
const EXCHANGE_MS = 2;
const MAX_WAIT = 5;
const MAX_GROWTH_BYTES = 32e6;

it(
  'two programs and a page sign on one card, and none of them is kept waiting',
  async () => {
    await using undo = new AsyncDisposableStack();
    const desk = undo.use(await openToolDesk());
    const { bench } = desk;
    noteTyped(PIN);
    await bench.setPolicy(pagePolicy(REUSE_SECONDS));
    const station = undo.use(await TestStation.open(bench));
    const page = undo.use(await openPage(bench));
    const program = await buildSigningProgram(desk.folder);
    const turns = watchTurns(bench);
    bench.reader().arm([{ kind: 'delay', delayMs: EXCHANGE_MS }]);
    const publicKey = testKey('RSA-2048', '9A').publicKey;
    const signing = startSigning(program, { environment: desk.environment, pin: PIN, keyId: '9a', publicKey });
    const begin = performance.now();
    const isOver = (): boolean => performance.now() - begin > DURATION_MS;
    const memory = watchMemory(begin);
    const asked = answerPrompts(station, isOver);
    const [ofPage, ofTool] = await Promise.all([signOnPage(desk, page, isOver), signByTool(desk, isOver)]).finally(() =>
      memory.end(),
    );
    const ofProgram = await signing.stop();
    const longest = Math.max(...turns.longest.values());
    const { before, after } = memory;
    const figures = { seconds: Math.round(DURATION_MS / 1_000), ofProgram, ofTool, ofPage, turns: turns.order.length, longest };
    process.stdout.write(
      `soak: ${JSON.stringify({ ...figures, prompts: await asked, before: mega(before()), after: mega(after()) })}\n`,
    );
    expect(Math.min(ofProgram, ofTool, ofPage)).toBeGreaterThan(DURATION_MS / 1_500);
    expect(longest).toBeLessThanOrEqual(MAX_WAIT);
    expect(await asked).toBeLessThanOrEqual(Math.ceil(DURATION_MS / 1_000 / REUSE_SECONDS) + 1);
    expect(after() - before()).toBeLessThan(MAX_GROWTH_BYTES);
  },
  DURATION_MS + 60_000,
);

/** The page's PIN is typed by a person. How often, resolves when the time is over. */
async function answerPrompts(station: TestStation, isOver: () => boolean): Promise<number> {
  let count = 0;
  while (!isOver()) {
    const message = station.messages.shift();
    if (message?.type === 'prompt') {
      count++;
      expect(message.prompt.asker.kind).toBe('origin');
      station.type(message.id, { pin: PIN });
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return count;
}

async function signOnPage({ bench }: ToolDesk, page: RpcSocket, isOver: () => boolean): Promise<number> {
  const card = bench.daemon.desk.readers[0]?.card?.id ?? '';
  const inReader = bench.reader().card;
  const { publicKey } = testKey('P-256', '9D');
  let count = 0;
  for (; !isOver(); count++) {
    const content = Buffer.from(`content ${count}`);
    const digest = createHash('sha256').update(content).digest('base64');
    const signed = resultOf(await page.call('sign.digest', { card, keyReference: '9D', algorithm: 'ES256', digest }));
    const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', content, key, Buffer.from(signed.signature, 'base64'))).toBe(true);
    // What the test's own ends keep is no memory of kortd.
    page.messages.splice(0);
    if (inReader instanceof WatchedCard) inReader.forget();
  }
  return count;
}

/** pkcs11-tool, again and again: a connection and a login for each signature. */
async function signByTool(desk: ToolDesk, isOver: () => boolean): Promise<number> {
  const { publicKey } = testKey('RSA-2048', '9A');
  let count = 0;
  for (; !isOver(); count++) {
    const content = `message ${count}`;
    await desk.file('message', content);
    const login = ['--module', MODULE, '--slot-index', '0', '--login', '--pin', PIN, '--id', '9a'];
    await desk.run('pkcs11-tool', [...login, '--sign', '-m', 'SHA256-RSA-PKCS', '-i', 'message', '-o', 'signature']);
    expect(verify('sha256', Buffer.from(content), publicKey, await desk.read('signature'))).toBe(true);
  }
  return count;
}

/** Of this process, after garbage was collected: from a tenth of the time on, when everything is loaded. */
function watchMemory(begin: number): { readonly before: () => number; readonly after: () => number; end(): void } {
  let first: number | undefined;
  let last = 0;
  const timer = setTimeout(() => (first = memoryInUse()), begin + DURATION_MS / 10 - performance.now());
  return {
    before: () => first ?? 0,
    after: () => last,
    end: () => {
      clearTimeout(timer);
      last = memoryInUse();
    },
  };
}

function mega(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
