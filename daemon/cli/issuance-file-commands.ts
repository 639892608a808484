/** The commands under `kortd issuance` that write and read files, with their options. */
import type { Command } from 'commander';
import type { EvidenceVerifyFlags, FileFlags, OutFlags } from './issuance-files.ts';

type OptionRow = readonly [string, string, string];

export function addIssuanceFileCommands(issuance: Command, dataDir: OptionRow): void {
  issuance
    .command('export')
    .description(
      'Hand a ceremony to another desk, as a file that this workstation seals. It goes on there, and here not until it is imported again.',
    )
    .argument('<id>', 'as kortd issuance list prints it')
    .option('--out <FILE>', 'a new file; unless given, the id and .p7m in this folder')
    .option(...dataDir)
    .action(async (id: string, flags: OutFlags) => {
      const { runIssuanceExport } = await import('./issuance-files.ts');
      await runIssuanceExport(id, flags);
    });
  issuance
    .command('import')
    .description('Take over a ceremony that another desk exported, or take back one that this desk did.')
    .argument('<file>', 'from kortd issuance export')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (file: string, flags: FileFlags) => {
      const { runIssuanceImport } = await import('./issuance-files.ts');
      await runIssuanceImport(file, flags);
    });
  issuance
    .command('evidence')
    .description('Write the evidence of a finished ceremony to a file: an ASiC-E container, encrypted when the policy says so.')
    .argument('<id>', 'as kortd issuance list --state finished prints it')
    .option('--out <FILE>', 'a new file; unless given, the id and .asice in this folder')
    .option(...dataDir)
    .action(async (id: string, flags: OutFlags) => {
      const { runIssuanceEvidence } = await import('./issuance-files.ts');
      await runIssuanceEvidence(id, flags);
    });
  issuance
    .command('verify')
    .description(
      'Check evidence: that no byte of it was changed since a desk sealed it, and that what is in it agrees. Needs no daemon.',
    )
    .argument('<file>', 'an ASiC-E container, decrypted')
    .requiredOption('--seal <FILE...>', 'seal-certificate.pem of the desks that are trusted')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: EvidenceVerifyFlags) => {
      const { runIssuanceVerify } = await import('./issuance-files.ts');
      await runIssuanceVerify(file, flags);
    });
}
