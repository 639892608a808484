/** The commands under `kortd issuance`, with their options. What they do is loaded when one is called. */
import { InvalidArgumentError, type Command } from 'commander';
import { addIssuanceFileCommands } from './issuance-file-commands.ts';
import type { CancelFlags, ListFlags } from './issuance.ts';

type OptionRow = readonly [string, string, string];

interface ShowFlags {
  readonly dataDir: string;
  readonly json?: true;
}

/** As the API has it. */
const MAX_LIMIT = 500;
const MAX_REASON = 200;

export function addIssuanceCommands(program: Command, dataDir: OptionRow, parseMilliseconds: (text: string) => number): void {
  const issuance = program
    .command('issuance')
    .description('The ceremonies of the card office: which there are, how each stands; take one on, or end it.');
  issuance
    .command('list')
    .description('Those that are open, the latest first.')
    .option('--all', 'those that have ended too')
    .option('--state <STATE>', 'open, finished or cancelled')
    .option('--routine <ID>', 'of this routine alone')
    .option('--search <WORDS>', 'beginnings of a name or a number')
    .option('--limit <N>', 'how many at most; 50 unless given', parseLimit)
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: ListFlags) => {
      const { runIssuanceList } = await import('./issuance.ts');
      await runIssuanceList(flags);
    });
  issuance
    .command('show')
    .description('The steps with who took them and when, what is next, what becomes of the card, and what is to be reported.')
    .argument('<id>', 'as kortd issuance list prints it')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (id: string, flags: ShowFlags) => {
      const { runIssuanceShow } = await import('./issuance.ts');
      await runIssuanceShow(id, flags);
    });
  issuance
    .command('resume')
    .description(
      'Go on with the card of a ceremony, on or back, from wherever it broke off. A PIN is asked for at the reader or in a trusted prompt.',
    )
    .argument('<id>')
    .option('--timeout <MS>', 'deadline', parseMilliseconds)
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (id: string, flags: ShowFlags & { readonly timeout?: number }) => {
      const { runIssuanceResume } = await import('./issuance.ts');
      await runIssuanceResume(id, flags);
    });
  issuance
    .command('cancel')
    .description(
      'End a ceremony. What was put on its card is taken off, now or by kortd issuance resume when the card is at hand.',
    )
    .argument('<id>')
    .requiredOption('--reason <TEXT>', 'why; it stands in the journal', parseReason)
    .option('--card-lost', 'the card will not come back: nothing is taken off it, and its certificates are to be revoked')
    .option('--timeout <MS>', 'deadline', parseMilliseconds)
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (id: string, flags: CancelFlags) => {
      const { runIssuanceCancel } = await import('./issuance.ts');
      await runIssuanceCancel(id, flags);
    });
  addIssuanceFileCommands(issuance, dataDir);
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^[1-9]\d{0,2}$/.test(text) || limit > MAX_LIMIT) throw new InvalidArgumentError(`a number from 1 to ${MAX_LIMIT}`);
  return limit;
}

function parseReason(text: string): string {
  const reason = text.trim();
  if (reason === '' || reason.length > MAX_REASON) throw new InvalidArgumentError(`from 1 to ${MAX_REASON} characters`);
  return reason;
}
