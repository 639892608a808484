/** The built daemon on a PIV card and an e-ID card, and the token of a module if it is wanted, to be killed, stopped and started again while programs use them. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../api/support.ts';
import { Program, ROOT, runProgram } from '../../cli/program.ts';
import { noteTyped } from '../../evidence/typed.ts';
import { searchProgram } from '../../evidence/evidence.ts';
import { moduleChildren } from '../../support/module-children.ts';
import { keepTokens } from '../../support/softhsm.ts';
import { createStaffToken, staffPolicy, type StaffKey } from '../staff.ts';
import { MODULE, runTool } from './tools.ts';

const START_MS = 20_000;
export const PIV_PIN = '137946';
export const EID_PIN = '246813';

export interface Restarted extends AsyncDisposable {
  readonly folder: string;
  readonly dataDir: string;
  readonly environment: Readonly<Record<string, string>>;
  start(): Promise<void>;
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  move(what: 'in' | 'out', reader: string, card: string): Promise<void>;
  /** Resolves when every card can be used. */
  untilReady(): Promise<void>;
  /** Ends the process of the module by SIGSEGV; resolves when another has the token. */
  crashModule(): Promise<void>;
  file(name: string, content: string | Uint8Array, mode?: number): Promise<string>;
  run(command: string, parameters: readonly string[], input?: string): Promise<string>;
}

export interface RestartedOptions {
  /** Keys of the token behind the module; without it no module is there. */
  readonly staff?: readonly StaffKey[];
}

export async function openRestarted({ staff }: RestartedOptions = {}): Promise<Restarted> {
  await using undo = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'kortd-restarted-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  for (const pin of [PIV_PIN, EID_PIN]) noteTyped(pin);
  const dataDir = join(folder, 'data');
  undo.defer(() => searchProgram(dataDir, {}));
  const scenario = join(folder, 'desk.json');
  await writeFile(scenario, JSON.stringify(await deskOfTwo()));
  const policyDir = join(folder, 'policy.d');
  await mkdir(policyDir);
  const token = staff ? undo.use(await createStaffToken(staff)) : undefined;
  const policy = token ? staffPolicy(token) : {};
  const mendTokens = token ? keepTokens(token) : () => undefined;
  await writeFile(join(policyDir, 'desk.json'), JSON.stringify(policy));
  const cardCount = staff ? 3 : 2;
  const places = ['--data-dir', dataDir, '--policy-dir', policyDir];
  const flags = ['--simulate', scenario, '--port', '0', ...places, '--log-level', 'warn', '--pkcs11-linger', '1500'];
  const live: { daemon?: Program } = {};
  undo.defer(() => live.daemon?.[Symbol.asyncDispose]());
  const call = async (method: string, params: object): Promise<string> => {
    const { status, stdout, stderr } = await runProgram(folder, ['call', method, JSON.stringify(params), '--data-dir', dataDir]);
    if (status !== 0) throw new Error(`${method}: ${stderr}`);
    return stdout;
  };
  const environment = { P11_KIT_SERVER_ADDRESS: `unix:path=${dataDir}/pkcs11`, PKCS11_MODULE_PATH: MODULE, HOME: folder };
  const file = async (name: string, content: string | Uint8Array, mode = 0o600): Promise<string> => {
    await writeFile(join(folder, name), content);
    await chmod(join(folder, name), mode);
    return join(folder, name);
  };
  const untilReady = async (): Promise<void> => {
    const deadline = AbortSignal.timeout(START_MS);
    while ((await call('card.list', {})).match(/"ready"/g)?.length !== cardCount)
      await delay(50, undefined, { signal: deadline });
  };
  const resources = undo.move();
  return {
    folder,
    dataDir,
    environment,
    start: async () => {
      mendTokens();
      live.daemon = new Program(folder, ['serve', ...flags]);
      await live.daemon.said(/^kortd ready .*\n/m);
      await untilReady();
    },
    untilReady,
    crashModule: async () => {
      const processes = moduleChildren(live.daemon?.child.pid);
      for (const pid of processes) process.kill(pid, 'SIGSEGV');
      // The next one begins a quarter of a second later.
      while (moduleChildren(live.daemon?.child.pid).some((pid) => processes.includes(pid))) await delay(2);
      mendTokens();
      await eventually('another process of the module', () =>
        moduleChildren(live.daemon?.child.pid).some((pid) => !processes.includes(pid)),
      );
      await untilReady();
    },
    end: async (signal) => {
      await live.daemon?.stop(signal);
    },
    move: async (what, reader, card) => {
      const { readers } = JSON.parse(await call('reader.list', {})) as { readers: { id: string; name: string }[] };
      const id = readers.find(({ name }) => name === reader)?.id;
      await call(`simulation.${what === 'in' ? 'insertCard' : 'removeCard'}`, { reader: id, ...(what === 'in' ? { card } : {}) });
    },
    file,
    run: (command, parameters, input = '') => runTool(command, parameters, { environment, input, folder }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Two cards of the office. */
async function deskOfTwo(): Promise<object> {
  const text = await readFile(join(ROOT, 'drivers', 'simulated', 'scenarios', 'office.json'), 'utf8');
  const office = JSON.parse(text) as { cards: { name: string; options: object }[] };
  const pins: Readonly<Record<string, object>> = {
    operator: { pin: PIV_PIN },
    operatorEid: { pins: { legitimering: EID_PIN, underskrift: '864209', puk: '12345679' } },
  };
  const cards = office.cards.flatMap((card) => {
    const own = pins[card.name];
    return own ? [{ ...card, options: { ...card.options, ...own } }] : [];
  });
  const readers = [
    { name: 'First', card: 'operator' },
    { name: 'Second', card: 'operatorEid' },
  ];
  return { name: 'two', readers, cards };
}
