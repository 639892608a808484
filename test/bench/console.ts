/**
 * The page that shows the desk, in Debian's Chromium: how much script it is, how soon it paints, and the longest frame of each view while a
 * thousand events a second change what it shows. `node test/bench/console.ts`. The bundle must be built.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { METHOD_EXAMPLES } from '../../api-spec/generate/examples.ts';
import { ownUser } from '../../daemon/access/local-user.ts';
import type { Handlers } from '../../daemon/api/call.ts';
import { Dispatcher } from '../../daemon/api/dispatcher.ts';
import { EventLog } from '../../daemon/api/event-log.ts';
import { connectionHandlers } from '../../daemon/api/handlers/connection.ts';
import { openConsole } from '../../daemon/console/console-server.ts';
import { silentLog } from '../../daemon/log.ts';
import { PromptDesk } from '../../daemon/prompt/prompt-desk.ts';
import { launchBrowser } from '../browser/console-window.ts';
import { goTo } from '../browser/desk-window.ts';
import { FLOOD_ANSWERS, OTHER_FLOODS, READER_FLOOD, readerAt, type Flood } from './console-floods.ts';
import { atLeast, atMost, median, type Figure } from './figure.ts';

const SCRIPT = new URL('../../dist/desk-page/desk.js', import.meta.url);
const SCRIPT_BYTES = 100_000;
const PAINT_MS = 300;
const FRAME_MS = 100;
const VISITS = 5;
const FLOODS = 3;
const RATE = 1_000;
const FLOOD_MS = 5_000;
const TICK_MS = 10;

/** What the page asks for, and nothing else: as the reference's examples have it, unless a flood has more. */
const answers = Object.fromEntries(Object.entries(METHOD_EXAMPLES).map(([name, { result }]) => [name, () => result]));
const bare = { ...answers, ...FLOOD_ANSWERS, ...connectionHandlers() };

export async function measureConsole(): Promise<readonly Figure[]> {
  await using resources = new AsyncDisposableStack();
  const events = new EventLog();
  // The page calls none but those.
  const dispatcher = new Dispatcher(bare as unknown as Handlers, silentLog);
  const desk = { dispatcher, events, onClientGone: () => undefined };
  const console = resources.use(await openConsole({ port: 0, prompts: new PromptDesk(), log: silentLog, desk }));
  const browser = resources.use(await launchBrowser());
  const visit = async (): Promise<Page> => {
    const { page } = resources.use(await browser.visit(console.issueLink(ownUser(), 'desk')));
    await page.getByText('Reader 0', { exact: true }).waitFor();
    return page;
  };
  const paints: number[] = [];
  for (let count = 0; count < VISITS; count++) paints.push(await firstPaint(await visit()));
  const bytes = gzipSync(readFileSync(SCRIPT), { level: 9 }).length;
  return [
    atMost(SCRIPT_BYTES, { name: "the desk's page: script, compressed", value: bytes, unit: 'bytes' }),
    atMost(PAINT_MS, { name: "the desk's page: first contentful paint", value: median(paints), unit: 'ms' }),
    ...(await measureFloods(visit, events)),
  ];
}

function firstPaint(page: Page): Promise<number> {
  return page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime");
}

async function measureFloods(visit: () => Promise<Page>, events: EventLog): Promise<readonly Figure[]> {
  const { rate, longest, frames } = await medianFlood(visit, events, READER_FLOOD);
  const figures: Figure[] = [
    atLeast(RATE * 0.95, { name: "the desk's page: events a second that it was shown", value: rate, unit: '/s' }),
    atMost(FRAME_MS, { name: "the desk's page: longest frame meanwhile (none over 50 ms: 0)", value: longest, unit: 'ms' }),
    atLeast(20, { name: "the desk's page: frames a second meanwhile", value: frames, unit: '/s' }),
  ];
  for (const other of OTHER_FLOODS) {
    const { longest: value } = await medianFlood(visit, events, other);
    figures.push(atMost(FRAME_MS, { name: `the desk's page: longest frame, ${other.title}`, value, unit: 'ms' }));
  }
  return figures;
}

/** The one in the middle of several: other programs of the machine make frames long, too. */
async function medianFlood(visit: () => Promise<Page>, events: EventLog, one: Flood): Promise<Shown> {
  const shown: Shown[] = [];
  for (let count = 0; count < FLOODS; count++) shown.push(await flood(await visit(), events, one));
  const longest = median(shown.map((each) => each.longest));
  return { rate: median(shown.map(({ rate }) => rate)), longest, frames: median(shown.map(({ frames }) => frames)) };
}

interface Shown {
  /** Events a second. */
  readonly rate: number;
  /** Of all that took over 50 ms and were of the page's own making (Long Animation Frames), ms. */
  readonly longest: number;
  /** Frames a second. */
  readonly frames: number;
}

async function flood(page: Page, events: EventLog, { view, button, publish }: Flood): Promise<Shown> {
  await goTo(page, view);
  await page.locator('main p.soft:text-matches("^Reading …$")').first().waitFor({ state: 'detached' });
  if (button !== undefined) await page.getByRole('button', { name: button }).click();
  await page.evaluate(`(() => {
    globalThis.frames = { longest: 0, count: 0 };
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) frames.longest = Math.max(frames.longest, duration);
    }).observe({ type: 'long-animation-frame', buffered: false });
    const count = () => { frames.count++; requestAnimationFrame(count); };
    requestAnimationFrame(count);
  })()`);
  const startedAt = performance.now();
  let sent = 0;
  while (performance.now() - startedAt < FLOOD_MS) {
    const due = ((performance.now() - startedAt) * RATE) / 1_000;
    while (sent < due) publish(events, sent++);
    await delay(TICK_MS);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  await goTo(page, 'readers');
  events.publish('reader.changed', { reader: { ...readerAt(0), name: 'The last one' } });
  await page.getByText('The last one').waitFor();
  const { longest, count } = await page.evaluate<{ longest: number; count: number }>('frames');
  events.publish('reader.changed', { reader: { ...readerAt(0), name: 'Reader 0' } });
  await page.close();
  return { rate: sent / seconds, longest, frames: count / seconds };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { name, value, unit, target, ok } of await measureConsole())
    process.stdout.write(`${ok ? 'ok  ' : 'MISS'} ${name}: ${value.toFixed(1)} ${unit} (${target})\n`);
}
