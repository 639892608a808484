/** Firefox ESR, set up by `kortd pkcs11 enable --firefox`, and a page that wants a certificate: cards, PINs and daemons that come and go. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { policyPath } from '../../daemon/pkcs11/setup/firefox-policy.ts';
import { programSetups } from '../../daemon/pkcs11/setup/index.ts';
import { thisMachine } from '../../daemon/pkcs11/setup/machine.ts';
import { createEidCard } from '../../drivers/simulated/cards/eid.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { cardKey, certificateFor, eventually, openBench, PIN, testKey, watchedPivCard, type Bench } from '../api/support.ts';
import { Program, ROOT, runProgram } from '../cli/program.ts';
import { noteTyped } from '../evidence/typed.ts';
import { TestStation } from '../prompts/station.ts';
import { createStaffToken, STAFF, staffPolicy } from '../pkcs11-module/staff.ts';
import { moduleChildren } from '../support/module-children.ts';
import { launchFirefox, type Firefox } from './firefox.ts';
import { openMutualTlsPage, type MutualTlsPage } from './mutual-tls.ts';

const AUTOMATIC = { 'security.default_personal_cert': 'Select Automatically' };
/** Firefox shows this while the person types the PIN elsewhere. */
const ELSEWHERE = 'protectedAuth.xhtml';
const POLICY = policyPath(thisMachine());
/** Of the simulated office's operator. */
const [OFFICE_PERSON, OFFICE_PIN] = ['Anna Lindqvist', '123456'];
const VISITS_MS = 30_000;
const EID_PINS = { legitimering: PIN, underskrift: '964731', puk: '12345679' };

let folder: string;
let undo: AsyncDisposableStack;
let page: MutualTlsPage;

beforeEach(async () => {
  if (process.env['KORTD_PRIVATE_NAMESPACES'] !== '1') throw new Error('this test writes to /etc: run it by scripts/test.mjs');
  undo = new AsyncDisposableStack();
  folder = mkdtempSync(join(tmpdir(), 'kortd-firefox-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  page = undo.use(await openMutualTlsPage(folder));
  // What an administrator has there already.
  mkdirSync(dirname(POLICY), { recursive: true });
  undo.defer(() => rmSync(POLICY, { force: true }));
  writeFileSync(POLICY, `{ "policies": { "Certificates": { "Install": [ ${JSON.stringify(page.authority)} ] } } }`);
});
afterEach(() => undo.disposeAsync());

function data(): string {
  return join(folder, 'data');
}

async function openDesk(): Promise<Bench> {
  return undo.use(await openBench({ dataFolder: data() }));
}

/** The program as an administrator runs it; taken back after the test. */
async function enable(...programs: readonly string[]): Promise<string> {
  const said = await kortd('enable', ...programs);
  undo.defer(async () => {
    await kortd('disable');
  });
  return said;
}

async function kortd(...parameters: readonly string[]): Promise<string> {
  await using program = new Program(join(folder, 'state'), ['pkcs11', ...parameters, '--data-dir', data()]);
  const { status, stdout, stderr } = await program.ended;
  expect(status, stderr).toBe(0);
  return stdout;
}

function pivCard(): SimulatedCard {
  const certificate = certificateFor(testKey('RSA-2048', '9A').publicKey, { name: 'Person 9A' });
  return watchedPivCard({ serialNumber: 20_202_020, keys: { '9A': cardKey('RSA-2048', { name: '9A', certificate }) } });
}

const CARDS = [
  { name: 'a PIV card', person: 'Person 9A', make: pivCard },
  { name: 'an e-ID card with RSA', person: 'Anna Lindqvist', make: () => createEidCard({ persona: 'anna', pins: EID_PINS }) },
  { name: 'an e-ID card with curves', person: 'Björn Åkesson', make: () => createEidCard({ persona: 'bjorn', pins: EID_PINS }) },
];

function newFirefox(preferences: Readonly<Record<string, string>> = AUTOMATIC): Promise<Firefox> {
  const home = mkdtempSync(join(folder, 'home-'));
  return launchFirefox({ home, profile: join(home, 'profile'), preferences });
}

/**
 * Loads pages until something happens, and resolves with the path of the last. Firefox looks for its cards once a second at most (NSS,
 * nssSlot_IsTokenPresent): a page that comes sooner is shown what was there before, or nobody.
 */
async function visitUntil(firefox: Firefox, path: string, hasHappened: () => boolean): Promise<string> {
  const end = performance.now() + VISITS_MS;
  for (let count = 1; performance.now() < end; count++) {
    const visit = `${path}-${count}`;
    await firefox.open(page.url + visit);
    const isOver = async (): Promise<boolean> => hasHappened() || String(await firefox.title()).startsWith(`${visit} `);
    await expect.poll(isOver, { timeout: VISITS_MS, interval: 100 }).toBe(true);
    if (hasHappened()) return visit;
  }
  throw new Error(`visiting ${path}: what was waited for did not happen`);
}

describe.each(CARDS)('a fresh profile, with $name,', ({ person, make }) => {
  it('shows its certificate; the PIN is typed in kortd, once for as long as the card is there', async () => {
    const bench = await openDesk();
    expect(await enable('--firefox')).toContain(`Firefox: enabled by ${POLICY}`);
    const card = make();
    await bench.insert(card);
    await using station = await TestStation.open(bench);
    await using firefox = await newFirefox();
    await firefox.open(`${page.url}/first`);
    const { id, prompt } = await station.prompt();
    expect(prompt.asker).toMatchObject({
      kind: 'program',
      name: `Firefox ESR (/usr/lib/firefox-esr/firefox-esr, process ${firefox.pid})`,
    });
    await firefox.untilDialog(ELSEWHERE);
    station.type(id, { pin: PIN });
    await firefox.untilTitle(`/first ${person}`);
    await firefox.untilDialog(undefined);
    await firefox.open(`${page.url}/second`);
    await firefox.untilTitle(`/second ${person}`);
    bench.reader().remove();
    await visitUntil(firefox, '/gone', () => page.visits.at(-1)?.endsWith(' nobody') === true);
    await bench.insert(card);
    const last = await visitUntil(firefox, '/back', () => station.messages.length > 1);
    station.type((await station.prompt()).id, { pin: PIN });
    await firefox.untilTitle(`${last} ${person}`);
    await firefox.untilDialog(undefined);
    expect(page.visits.slice(0, 2)).toEqual([`/first ${person}`, `/second ${person}`]);
    expect(station.messages).toHaveLength(2);
    expect(await firefox.modules()).toContainEqual(expect.objectContaining({ name: 'kortd' }));
    expect(await kortd('disable', '--firefox')).toContain(`Firefox: disabled, ${POLICY} is without it`);
    expect(existsSync(`${POLICY}.before-kortd`)).toBe(false);
  });
});

const STAFF_KEYS = [
  { kind: 'RSA', id: 'a1', label: 'Staff RSA', person: 'Staff with RSA' },
  { kind: 'EC', id: 'a2', label: 'Staff curve', person: 'Staff with a curve' },
] as const;

describe.each(STAFF_KEYS)('a fresh profile, with the token of a module ($label),', (key) => {
  it('shows its certificate, and again after the module crashed; the PIN is typed in kortd', async () => {
    const hsm = undo.use(await createStaffToken([key]));
    const bench = undo.use(await openBench({ dataFolder: data(), policy: staffPolicy(hsm), readers: [] }));
    const isReady = (): boolean => bench.daemon.desk.cards.some(({ status }) => status === 'ready');
    await eventually('the token', isReady, VISITS_MS);
    await enable('--firefox');
    await using station = await TestStation.open(bench);
    await using firefox = await newFirefox();
    noteTyped(STAFF.pin);
    const typePin = async (): Promise<void> => {
      const { id, prompt } = await station.prompt();
      expect(prompt.asker).toMatchObject({
        kind: 'program',
        name: `Firefox ESR (/usr/lib/firefox-esr/firefox-esr, process ${firefox.pid})`,
      });
      await firefox.untilDialog(ELSEWHERE);
      station.type(id, { pin: STAFF.pin });
    };
    await firefox.open(`${page.url}/first`);
    await typePin();
    await firefox.untilTitle(`/first ${key.person}`);
    await firefox.untilDialog(undefined);
    await firefox.open(`${page.url}/second`);
    await firefox.untilTitle(`/second ${key.person}`);
    expect(station.messages).toHaveLength(1);
    const crashed = moduleChildren();
    for (const pid of crashed) process.kill(pid, 'SIGSEGV');
    await eventually('another process', () => moduleChildren().some((pid) => !crashed.includes(pid)), VISITS_MS);
    await eventually('the token again', isReady, VISITS_MS);
    const last = await visitUntil(firefox, '/back', () => station.messages.length > 1);
    await typePin();
    await firefox.untilTitle(`${last} ${key.person}`);
    await firefox.untilDialog(undefined);
  });
});

describe('Firefox', () => {
  it('asks for the PIN itself where kortd has no place to ask, and lets the person choose the certificate', async () => {
    const bench = await openDesk();
    await enable('--firefox');
    await bench.insert(pivCard());
    await using firefox = await newFirefox({ 'security.default_personal_cert': 'Ask Every Time' });
    noteTyped(PIN);
    await firefox.acceptNext('certificate');
    await firefox.acceptNext('password', { id: 'password1Textbox', value: PIN });
    await firefox.open(`${page.url}/own`);
    await expect.poll(() => page.visits, { timeout: VISITS_MS }).toEqual(['/own Person 9A']);
    await firefox.untilTitle('/own Person 9A');
    await firefox.untilDialog(undefined);
  });

  it('finds the cards by the database of a profile alone, and loses them with it', async () => {
    const bench = await openDesk();
    await enable();
    const home = mkdtempSync(join(folder, 'home-'));
    const profile = join(home, '.mozilla', 'firefox', 'own');
    mkdirSync(profile, { recursive: true });
    writeFileSync(join(profile, '..', 'profiles.ini'), '[Profile0]\nName=own\nIsRelative=1\nPath=own\n');
    const user = { ...thisMachine(), isRoot: false, home, config: join(home, '.config'), data: join(home, '.local') };
    const { firefox: setup } = programSetups(user, '');
    await setup.enable();
    await bench.insert(pivCard());
    const tokens = async (): Promise<readonly string[]> => {
      await using firefox = await launchFirefox({ home, profile });
      await expect(async () => await setup.disable()).rejects.toMatchObject({ problem: 'in_use' });
      return (await firefox.modules()).flatMap((module) => (module.name === 'kortd' ? module.tokens : []));
    };
    expect(await tokens()).toContain('PIV card');
    await setup.disable();
    await using firefox = await launchFirefox({ home, profile });
    expect((await firefox.modules()).map(({ name }) => name)).not.toContain('kortd');
  });

  it('lives on when the daemon is killed and another starts, and has the card again without being started anew', async () => {
    const killed = await serve();
    await enable('--firefox');
    const station = await TestStation.open({ dataFolder: data() });
    const home = mkdtempSync(join(folder, 'home-'));
    const profile = join(home, 'profile');
    await using firefox = await launchFirefox({ home, profile, preferences: AUTOMATIC });
    await firefox.open(`${page.url}/before`);
    station.type((await station.prompt()).id, { pin: OFFICE_PIN });
    await firefox.untilTitle(`/before ${OFFICE_PERSON}`);
    killed.child.kill('SIGKILL');
    await killed.ended;
    await firefox.open(`${page.url}/meanwhile`);
    await firefox.untilTitle('/meanwhile nobody');
    await serve({ isEmpty: true });
    // Firefox looks once whether the PIN is typed elsewhere: when the card comes.
    await using next = await TestStation.open({ dataFolder: data() });
    await insert('operator');
    // NSS looks for cards once a second.
    await delay(2_000);
    await firefox.open(`${page.url}/after`);
    next.type((await next.prompt()).id, { pin: OFFICE_PIN });
    await firefox.untilTitle(`/after ${OFFICE_PERSON}`);
    await station[Symbol.asyncDispose]();
  });
});

/** The built program, on one reader of the simulated office. Ended with the test. */
async function serve({ isEmpty = false } = {}): Promise<Program> {
  const office = JSON.parse(readFileSync(join(ROOT, 'drivers', 'simulated', 'scenarios', 'office.json'), 'utf8')) as {
    readonly readers: readonly { readonly card: string }[];
  };
  const readers = office.readers.slice(0, 1).map(({ card, ...reader }) => (isEmpty ? reader : { ...reader, card }));
  const scenario = join(folder, 'desk.json');
  writeFileSync(scenario, JSON.stringify({ ...office, readers }));
  const options = ['--simulate', scenario, '--port', '0', '--data-dir', data(), '--log-level', 'warn'];
  const program = undo.use(new Program(join(folder, 'state'), ['serve', ...options]));
  await program.said(/^kortd ready .*\n/m);
  return program;
}

/** Into the one reader. */
async function insert(card: string): Promise<void> {
  const call = async (method: string, params: object): Promise<string> => {
    const { status, stdout, stderr } = await runProgram(folder, ['call', method, JSON.stringify(params), '--data-dir', data()]);
    if (status !== 0) throw new Error(`${method}: ${stderr}`);
    return stdout;
  };
  const { readers } = JSON.parse(await call('reader.list', {})) as { readonly readers: readonly { readonly id: string }[] };
  await call('simulation.insertCard', { reader: readers[0]?.id, card });
}
