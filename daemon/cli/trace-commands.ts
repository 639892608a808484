/** The commands under `kortd trace`, with their options. What they do is loaded when one is called. */
import { InvalidArgumentError, type Command } from 'commander';
import { said } from './language.ts';
import type { ReplayFlags, ShowFlags, StartFlags } from './trace.ts';

type OptionRow = readonly [string, string, string];

interface Flags {
  readonly dataDir: string;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);
const MAX_MS = 24 * 3_600_000;

export function addTraceCommands(program: Command, dataDir: OptionRow): void {
  const trace = program
    .command('trace')
    .description('What goes to the cards and comes back, as text without secrets: for support, for tests, as a simulated card.');
  addRecording(trace, dataDir);
  addReading(trace, dataDir);
}

function addRecording(trace: Command, dataDir: OptionRow): void {
  trace
    .command('start')
    .description(
      'Record from now on, until it is stopped, the time is over or the file is full. To have all of a card, put it in afterwards.',
    )
    .option('--reader <ID>', 'of the card in this reader alone, as kortd status prints it')
    .option('--card <ID>', 'of this card alone')
    .option('--role <ROLE>', 'of the card in the reader of this role alone')
    .option('--for <TIME>', 'for how long: 30s, 10m, 2h; 10m unless given, 24h at most', parseDuration)
    .option('--whole', 'certificates and names too, though never a PIN: of a simulated desk only')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: StartFlags) => {
      const { runTraceStart } = await import('./trace.ts');
      await runTraceStart(flags);
    });
  trace
    .command('stop')
    .description('End the trace that is running, and say where it is.')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: Flags & { readonly json?: true }) => {
      const { runTraceStop } = await import('./trace.ts');
      await runTraceStop(flags);
    });
  trace
    .command('list')
    .description('The traces in the data folder, and whether one is running. Needs no daemon.')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: Flags & { readonly json?: true }) => {
      const { runTraceList } = await import('./trace.ts');
      runTraceList(flags);
    });
}

function addReading(trace: Command, dataDir: OptionRow): void {
  const which = 'its name as kortd trace list prints it, or a path; the latest unless given';
  trace
    .command('show')
    .description('A trace in words: what each command is, what came back, how long it took. Needs no daemon.')
    .argument('[trace]', which)
    .option('--bytes', 'the bytes too')
    .option(...dataDir)
    .action(async (name: string | undefined, flags: ShowFlags) => {
      const { runTraceShow } = await import('./trace.ts');
      runTraceShow(name, flags);
    });
  trace
    .command('export')
    .description('Write a trace to a file, to be sent to support. Needs no daemon.')
    .argument('[trace]', which)
    .requiredOption('--out <FILE>', 'file that is made; an older one is left alone')
    .option(...dataDir)
    .action(async (name: string | undefined, flags: Flags & { readonly out: string }) => {
      const { runTraceExport } = await import('./trace.ts');
      runTraceExport(name, flags);
    });
  trace
    .command('replay')
    .description(
      'Have this kortd find out and read the recorded cards, and compare what it sends with what was recorded; or send all recorded commands to a simulated card, and compare its answers. Needs no daemon.',
    )
    .argument('<trace>', 'as for kortd trace show')
    .option('--on <SCENARIO>', 'a simulated desk, as for kortd serve --simulate: its card gets every command of the trace')
    .option('--as <CARD>', 'with --on: the name of the card in the scenario')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (name: string, flags: ReplayFlags) => {
      const { runTraceReplay } = await import('./trace.ts');
      await runTraceReplay(name, flags);
    });
}

function parseDuration(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,5})([smh])$/.exec(text) ?? [];
  const durationMs = Number(count) * (UNITS.get(unit) ?? Number.NaN);
  if (!(durationMs <= MAX_MS))
    throw new InvalidArgumentError(
      said({
        en: 'a time is a number with s, m or h behind it, up to 24h',
        sv: 'en tid är ett tal följt av s, m eller h, högst 24h',
      }),
    );
  return durationMs;
}
