/** What a support bundle is made of: each part is gathered by itself, and one that cannot be had says why instead. */
import { readFile, readdir } from 'node:fs/promises';
import { arch, cpus, release, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { readPolicy } from '../access/policy.ts';
import type { Look } from '../doctor/look.ts';
import type { DoctorReport } from '../doctor/report.ts';
import { VERSION } from '../version.ts';
import { auditOutline } from './audit-outline.ts';

/** Not redacted yet. */
export interface Part {
  /** In the bundle. */
  readonly name: string;
  /** For the person who sends it. */
  readonly en: string;
  readonly sv: string;
  /** JSON, or lines of text. */
  readonly content: unknown;
}

/** Lines of the journal. */
const LOG_LINES = 2_000;
const MAX_LOG_BYTES = 2_097_152;
const CONFIGURATION_FILES = ['/etc/kortd/kortd.json', '/etc/kortd/config.json'];

export interface PartOptions {
  readonly look: Look;
  readonly report: DoctorReport;
  /** A log that is not in the journal. */
  readonly logFile: string | undefined;
}

/** In the order of their names. */
export async function gatherParts({ look, report, logFile }: PartOptions): Promise<readonly Part[]> {
  const daemon = await look.daemon();
  const ask = daemon.state === 'running' ? daemon.ask : undefined;
  const asked = async (work: (questions: NonNullable<typeof ask>) => Promise<unknown>): Promise<unknown> =>
    ask ? await orWhy(() => work(ask)) : { unavailable: `daemon ${daemon.state}` };
  const parts: readonly Part[] = await Promise.all([
    part(
      'audit.json',
      'what was done, counted by day, method and outcome; no person, card or origin',
      'vad som gjorts, räknat per dag, metod och utfall; ingen person, inget kort och ingen webbplats',
      () => asked(auditOutline),
    ),
    part('configuration.json', 'the configuration file and the policy', 'konfigurationsfilen och policyn', () =>
      configuration(look),
    ),
    part('doctor.json', 'what kortd doctor found', 'vad kortd doctor fann', () => Promise.resolve(report)),
    part('events.json', 'the last events', 'de senaste händelserna', () => asked((questions) => questions.events())),
    part('health.json', 'how the daemon is doing', 'hur tjänsten mår', () => asked((questions) => questions.health())),
    part('log.json', 'the log', 'loggen', () => log(look, logFile)),
    part('modules.json', "vendors' modules", 'leverantörers moduler', () => Promise.resolve(modules(look))),
    part('readers.json', 'readers, cards, pads and scanners', 'läsare, kort, plattor och skannrar', () =>
      asked(async (questions) => ({
        ...(await questions.readers()),
        ...(await questions.cards()),
        ...{ pads: await orWhy(() => questions.pads()), scanners: await orWhy(() => questions.scanners()) },
      })),
    ),
    part('versions.json', 'versions', 'versioner', async () => ({
      kortd: VERSION,
      daemon: daemon.state === 'running' ? daemon.info.version : daemon.state,
      node: process.versions.node,
      platform: `${process.platform} ${arch()}`,
      kernel: release(),
      processors: cpus().length,
      memoryBytes: totalmem(),
      system: await systemName(look),
      pcscd: await firstLine(look, ['pcscd', '--version']),
      p11kit: await firstLine(look, ['p11-kit', '--version']),
      systemd: await firstLine(look, ['systemctl', '--version']),
    })),
  ]);
  return parts.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

async function part(name: string, en: string, sv: string, content: () => Promise<unknown>): Promise<Part> {
  return { name, en, sv, content: await orWhy(content) };
}

async function orWhy(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}

async function configuration(look: Look): Promise<unknown> {
  const files = await Promise.all(CONFIGURATION_FILES.map(async (file) => ({ file, text: await look.readText(file) })));
  const found = files.find(({ text }) => text.state === 'seen');
  const names = await readdir(look.policyFolder).catch(() => []);
  const policy = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map(async (name) => ({
        name,
        content: await orWhy(async () => jsonOr(await readFile(join(look.policyFolder, name), 'utf8'))),
      })),
  );
  const { problems } = readPolicy(look.policyFolder);
  return {
    configuration: found?.text.state === 'seen' ? { file: found.file, content: jsonOr(found.text.value) } : 'none',
    policy,
    problems: problems.map(({ file, problem }) => ({ file: basename(file), problem })),
  };
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { unreadable: `${text.length} characters, no JSON` };
  }
}

/** Lines of JSON as pino writes them, else as they are. */
async function log(look: Look, logFile: string | undefined): Promise<unknown> {
  const text = logFile === undefined ? await journal(look) : (await readFile(logFile, 'utf8')).slice(-MAX_LOG_BYTES);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .slice(-LOG_LINES)
    .map((line) => (line.startsWith('{') ? jsonOr(line) : line));
}

async function journal(look: Look): Promise<string> {
  const ran = await look.run('journalctl', ['-u', 'kortd.service', '-o', 'cat', '-n', String(LOG_LINES), '-q', '--no-pager']);
  if (ran.state === 'seen') return ran.value.stdout;
  return `the journal cannot be read: ${ran.state === 'absent' ? 'not installed' : ran.why}`;
}

function modules(look: Look): unknown {
  return readPolicy(look.policyFolder).modules.map(({ name, path, sha256, cards = [] }) => ({
    name,
    sha256,
    library: basename(path),
    cards: cards.length,
  }));
}

async function systemName(look: Look): Promise<string> {
  const text = await look.readText('/etc/os-release');
  return (text.state === 'seen' && /^PRETTY_NAME="?([^"\n]*)/m.exec(text.value)?.[1]) || 'unknown';
}

async function firstLine(look: Look, [program = '', ...parameters]: readonly string[]): Promise<string> {
  const ran = await look.run(program, parameters);
  if (ran.state !== 'seen') return ran.state === 'absent' ? 'not installed' : ran.why;
  return ran.value.stdout.split('\n')[0] ?? '';
}
