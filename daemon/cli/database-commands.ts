/** The commands under `kortd database`: databases that were damaged, moved aside and begun anew. */
import type { Command } from 'commander';

type OptionRow = readonly [string, string, string];

export function addDatabaseCommands(program: Command, dataDir: OptionRow): void {
  const database = program
    .command('database')
    .description('Databases that were damaged: kortd moved them aside and began new ones.');
  database
    .command('list')
    .description('Those that nobody has acknowledged, with the reason, the name of the damaged file, and what follows.')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: { readonly dataDir: string; readonly json?: true }) => {
      const { runDatabaseList } = await import('./database.ts');
      await runDatabaseList(flags);
    });
  database
    .command('acknowledge')
    .description(
      'Say that the loss is known, after having seen to it. After that of issuance.sqlite ceremonies are begun again. The damaged file stays.',
    )
    .argument('<file>', 'as kortd database list prints it')
    .option(...dataDir)
    .action(async (file: string, { dataDir: folder }: { readonly dataDir: string }) => {
      const { runCall } = await import('./call.ts');
      await runCall('system.acknowledgeDatabase', JSON.stringify({ file }), { dataDir: folder });
    });
}
