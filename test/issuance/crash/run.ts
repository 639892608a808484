/**
 * Runs crash points: a ceremony up to the point, what breaks it off, and then on or back to its end, when the card is looked at. Two lanes side by side, each with a
 * process of its own for the daemon and a small disk of its own that may be filled.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CallError, ConnectionError, connect, type Client } from '../../../api-spec/client/client.ts';
import type { Ceremony } from '../../../api-spec/issuance.ts';
import { CrashAuthority, type MessageFault } from './authority.ts';
import { cardFileOf, dataFolderOf, logOf, type DeskAddress, type DeskDescription, type ReaderRole } from './desk.ts';
import type { Fault } from './faults.ts';
import { TOO_LATE_MS, cancel, findOrStart, goOn, type OfficeTools } from './office.ts';
import { nameOf, type Counts, type CrashPoint } from './points.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { isUntouched, judge, readCardFile, type CardFacts } from './verdict.ts';
import { WorkerGoneError, WorkerProcess } from './worker-process.ts';

const LANES = 2;
/** Of the disk that may be filled: a data folder, and some. */
const DISK_MEGABYTES = 8;
const FOLDERS_MEGABYTES = 256;
const CALL_MS = 20_000;

export interface PointResult {
  readonly point: CrashPoint;
  readonly name: string;
  /** Empty: it is not broken. */
  readonly problems: readonly string[];
  /** How the ceremony ended. */
  readonly state: Ceremony['state'] | undefined;
}

/** What a scenario begins from. */
interface Template {
  readonly folder: string;
  readonly scenario: Scenario;
  readonly ceremony: string | undefined;
  readonly before: CardFacts;
  readonly other: string;
}

export class CrashRun implements AsyncDisposable {
  readonly #root: string;
  readonly #templates = new Map<string, Promise<Template>>();
  readonly #lanes: Lane[];

  private constructor(root: string, lanes: Lane[]) {
    this.#root = root;
    this.#lanes = lanes;
  }

  /** Mounts its disks: in a mount namespace of its own alone (scripts/private-namespaces.mjs). */
  static async open(): Promise<CrashRun> {
    if (process.env['KORTD_PRIVATE_NAMESPACES'] !== '1')
      throw new Error('crash points fill disks of their own: run them by scripts/crash.mjs, in namespaces of their own');
    const root = mkdtempSync(join(tmpdir(), 'kortd-crash-'));
    await mountMemory(root, FOLDERS_MEGABYTES);
    const lanes: Lane[] = [];
    for (let index = 0; index < LANES; index++) {
      const folder = join(root, `lane-${index}`);
      mkdirSync(join(folder, 'disk'), { recursive: true });
      await mountMemory(join(folder, 'disk'), DISK_MEGABYTES);
      lanes.push(new Lane(folder, await CrashAuthority.open()));
    }
    return new CrashRun(root, lanes);
  }

  /** Exchanges and writes of each scenario that nothing breaks off; throws when it does not end as it shall. */
  async countAll(): Promise<ReadonlyMap<string, Counts>> {
    const counted = await this.#each(SCENARIOS, async (lane, scenario) => {
      const template = await this.#templateOf(scenario, lane);
      return [scenario.id, await lane.count(template)] as const;
    });
    return new Map(counted);
  }

  async run(points: readonly CrashPoint[], onResult: (result: PointResult) => void): Promise<readonly PointResult[]> {
    return await this.#each(points, async (lane, point) => {
      const result = await lane.run(await this.#templateOf(point.scenario, lane), point);
      onResult(result);
      return result;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lane of this.#lanes) await lane[Symbol.asyncDispose]();
    await promisify(execFile)('umount', ['--recursive', this.#root]);
    rmSync(this.#root, { recursive: true, force: true });
  }

  async #each<T, R>(tasks: readonly T[], work: (lane: Lane, task: T) => Promise<R>): Promise<readonly R[]> {
    const results: R[] = [];
    const left = tasks.values();
    const inLane = async (lane: Lane): Promise<void> => {
      for (const task of left) results.push(await work(lane, task));
    };
    await Promise.all(this.#lanes.map(inLane));
    return results;
  }

  #templateOf(scenario: Scenario, lane: Lane): Promise<Template> {
    const known = this.#templates.get(scenario.id);
    if (known) return known;
    const made = lane.makeTemplate(scenario, join(this.#root, 'templates', scenario.id));
    this.#templates.set(scenario.id, made);
    return made;
  }
}

async function mountMemory(folder: string, megabytes: number): Promise<void> {
  await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', folder]);
}

/** One process and one disk; what it does, it does one after the other. */
class Lane implements AsyncDisposable {
  readonly #folder: string;
  readonly #authority: CrashAuthority;
  #worker: WorkerProcess | undefined;
  #client: Client | undefined;

  constructor(folder: string, authority: CrashAuthority) {
    this.#folder = folder;
    this.#authority = authority;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.close();
    await this.#worker?.[Symbol.asyncDispose]();
    await this.#authority[Symbol.asyncDispose]();
  }

  /** Up to where the scenario begins, once; kept in a folder. */
  async makeTemplate(scenario: Scenario, folder: string): Promise<Template> {
    this.#clear();
    mkdirSync(join(this.#folder, 'cards'), { recursive: true });
    const client = await this.#open(scenario, { lateMs: 0, hasAdministrators: scenario.routine !== 'renewal' });
    let ceremony: string | undefined;
    if (scenario.from === 'ordered') {
      const tools = this.#tools(client, scenario);
      ceremony = await findOrStart(tools);
      await goOn(tools, ceremony, ({ nextCall }) => nextCall === 'issuance.enrol');
    }
    await this.#close();
    const before = await readCardFile(this.#folder, scenario.card);
    mkdirSync(folder, { recursive: true });
    cpSync(join(this.#folder, 'cards'), join(folder, 'cards'), { recursive: true });
    cpSync(dataFolderOf(this.#folder), dataFolderOf(folder), { recursive: true });
    return { folder, scenario, ceremony, before, other: readFileSync(cardFileOf(folder, 'other'), 'utf8') };
  }

  async count(template: Template): Promise<Counts> {
    const { scenario } = template;
    this.#restore(template);
    const tools = this.#tools(await this.#open(scenario, { lateMs: 0 }), scenario);
    await this.#ask({ do: 'arm', fault: undefined });
    this.#authority.begin();
    const view = await goOn(tools, template.ceremony ?? (await findOrStart(tools)));
    const { issued, messages } = this.#authority;
    const counts = { ...((await this.#ask({ do: 'count' })) as Omit<Counts, 'messages'>), messages };
    await this.#close();
    const problems = await judge({ ...template, folder: this.#folder, view, issued });
    const wanted = scenario.ending === 'confirm' ? 'finished' : 'cancelled';
    if (view.state === wanted && problems.length === 0) return counts;
    throw new Error(`${scenario.id}: ${view.state}, not ${wanted}, with nothing to break it off: ${problems.join('; ')}`);
  }

  async run(template: Template, point: CrashPoint): Promise<PointResult> {
    const name = nameOf(point);
    try {
      this.#restore(template);
      const view = await this.#breakOffAndEnd(template, point);
      await this.#close();
      const { issued } = this.#authority;
      const judged = await judge({ ...template, folder: this.#folder, view, issued });
      const problems = [...judged, ...directionProblems(point, view)];
      if (!isUntouched(this.#folder, template.other)) problems.push('the other card was changed, or a PIN tried on it');
      return { point, name, problems, state: view.state };
    } catch (error) {
      await this.#end();
      const problem = error instanceof CallError ? `${error.code}: ${error.message}` : textOf(error);
      return { point, name, problems: [problem], state: undefined };
    }
  }

  async #breakOffAndEnd(template: Template, { fault, scenario, way }: CrashPoint): Promise<Ceremony> {
    const first = this.#tools(await this.#open(scenario, { lateMs: 0 }), scenario);
    await this.#ask({ do: 'arm', fault });
    this.#authority.begin(fault.of === 'message' ? this.#messageFault(fault) : undefined);
    const broken = await this.#breakOff(first, template);
    if (broken === undefined && fault.kind !== 'reset' && fault.kind !== 'full') return await this.#lastView(template, scenario);
    if (fault.kind === 'kill') await this.#killed();
    if (fault.kind === 'kill') await this.#open(scenario, { lateMs: this.#lateMs });
    await this.#ask({ do: 'disarm' });
    this.#authority.disarm();
    return await this.#endIt(template, scenario, way);
  }

  #messageFault({ kind, number, when }: Fault): MessageFault {
    const strike = async (): Promise<void> => {
      if (kind === 'kill') await this.#worker?.kill();
    };
    return { number, when: when === 'before' ? when : 'after', strike };
  }

  /** Throws when the process lives on. */
  async #killed(): Promise<void> {
    const how = await this.#worker?.ended;
    if (how !== 'SIGKILL') throw new Error(`the process was not killed, it ended by ${how ?? 'nothing'}`);
  }

  /** What ended the first run; undefined when it came to its own end. */
  async #breakOff(tools: OfficeTools, { ceremony }: Template): Promise<unknown> {
    try {
      await goOn(tools, ceremony ?? (await findOrStart(tools)));
      return undefined;
    } catch (error) {
      const isExpected = error instanceof CallError || error instanceof ConnectionError || error instanceof WorkerGoneError;
      if (!isExpected || (error instanceof CallError && error.code === 'internal_error')) throw error;
      return error;
    }
  }

  async #endIt({ ceremony: known }: Template, scenario: Scenario, way: CrashPoint['way']): Promise<Ceremony> {
    const isElsewhere = way === 'elsewhere' || way === 'away';
    const tools = this.#tools(this.#connected(), scenario);
    const ceremony = known ?? (await findOrStart(tools));
    if (way === 'away') {
      await this.#ask({ do: 'take' });
      await cancelUnlessTooLate(tools, ceremony);
    }
    const reader: ReaderRole = isElsewhere ? 'colleague' : 'holder';
    const card = (await this.#ask({ do: 'put', reader })) as string;
    if (way === 'back') await cancelUnlessTooLate(tools, ceremony);
    return await goOn(isElsewhere ? { ...tools, card } : tools, ceremony);
  }

  async #lastView({ ceremony: known }: Template, scenario: Scenario): Promise<Ceremony> {
    const tools = this.#tools(this.#connected(), scenario);
    return await tools.client.call('issuance.get', { ceremony: known ?? (await findOrStart(tools)) });
  }

  #lateMs = 0;

  #tools(client: Client, scenario: Scenario): OfficeTools {
    const bounded = Object.assign(Object.create(client) as Client, {
      call: (method: Parameters<Client['call']>[0], params: object) =>
        client.callByName(method, params, { signal: AbortSignal.timeout(CALL_MS) }),
    });
    return {
      client: bounded,
      scenario,
      waitTooLong: async () => {
        this.#lateMs = TOO_LATE_MS;
        await this.#ask({ do: 'late', ms: TOO_LATE_MS });
      },
    };
  }

  async #open(scenario: Scenario, how: Pick<DeskDescription, 'lateMs'> & Partial<DeskDescription>): Promise<Client> {
    this.#client?.close();
    if (this.#worker?.hasEnded !== false) this.#worker = new WorkerProcess();
    this.#lateMs = how.lateMs;
    const hasAdministrators = scenario.from === 'nothing' && scenario.routine !== 'renewal';
    const { authority: protocol } = scenario;
    const authority = protocol ? { authority: { protocol, url: this.#authority.url } } : {};
    const desk: DeskDescription = { folder: this.#folder, card: scenario.card.id, hasAdministrators, ...authority, ...how };
    const address = (await this.#worker.ask({ do: 'open', desk })) as DeskAddress;
    this.#client = await connect(address);
    return this.#client;
  }

  #connected(): Client {
    if (!this.#client) throw new Error('no desk is open');
    return this.#client;
  }

  async #ask(order: Parameters<WorkerProcess['ask']>[0]): Promise<unknown> {
    if (!this.#worker) throw new Error('no desk is open');
    return await this.#worker.ask(order);
  }

  async #close(): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    await this.#ask({ do: 'close' });
  }

  /** After a point that broke: nothing is known of what the process does. */
  async #end(): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    await this.#worker?.[Symbol.asyncDispose]();
  }

  #clear(): void {
    for (const path of [join(this.#folder, 'cards'), join(this.#folder, 'disk', 'filler'), dataFolderOf(this.#folder)])
      rmSync(path, { recursive: true, force: true });
    writeFileSync(logOf(this.#folder), '', { mode: 0o600 });
  }

  #restore({ folder }: Template): void {
    this.#clear();
    cpSync(join(folder, 'cards'), join(this.#folder, 'cards'), { recursive: true });
    cpSync(dataFolderOf(folder), dataFolderOf(this.#folder), { recursive: true });
  }
}

/** A ceremony that has ended, or whose card is being confirmed, cannot be cancelled any more. */
async function cancelUnlessTooLate(tools: OfficeTools, ceremony: string): Promise<void> {
  try {
    await cancel(tools, ceremony);
  } catch (error) {
    if (!(error instanceof CallError) || !['ceremony_closed', 'ceremony_step_order'].includes(error.code)) throw error;
  }
}

/** What goes on ends finished; what goes back may only do so when the card was being confirmed already. */
function directionProblems({ scenario, way }: CrashPoint, { state }: Ceremony): readonly string[] {
  const goesOn = (way === 'on' || way === 'elsewhere') && scenario.ending === 'confirm';
  if (goesOn && state !== 'finished') return [`it went on, and ended ${state}`];
  if (scenario.ending !== 'confirm' && state !== 'cancelled') return [`it was to be taken back, and ended ${state}`];
  return [];
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
