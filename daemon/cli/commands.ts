/** Every command with its options. What a command does is loaded when it is called. */
import { Command, InvalidArgumentError } from 'commander';
import { defaultDataFolder } from '../data-folder.ts';
import { VERSION } from '../version.ts';
import type { Pkcs11Flags, ProgramFlags } from './pkcs11.ts';
import type { InstallFlags } from './browsers.ts';
import type { SimulateOptions } from './simulate.ts';
import { runCall, runGrant, runStatus } from './call.ts';
import { addConfigCommands } from './config-commands.ts';
import { addDoctorCommands } from './doctor-commands.ts';
import { addDatabaseCommands } from './database-commands.ts';
import { addIssuanceCommands } from './issuance-commands.ts';
import { addSettingOptions, type SettingFlags } from './setting-options.ts';
import { said } from './language.ts';
import { addTraceCommands } from './trace-commands.ts';
import { wrongUsage } from './wrong-usage.ts';

const GRANT_VERBS = [
  ['approve', '<code>', 'Grant what the request under this code asks for.'],
  ['deny', '<code>', 'Refuse the request under this code.'],
  ['revoke', '<origin>', 'Take access back; open connections of the origin are closed.'],
] as const;

/** Flags, description and default of an option. */
type OptionRow = readonly [string, string, string];

export function createProgram(): Command {
  const program = new Command('kortd')
    .description('The service that owns the card readers, cards, pads and scanners of a workstation.')
    .version(VERSION);
  program.exitOverride().configureOutput({ outputError: (message, write) => write(wrongUsage(message)) });
  program.showHelpAfterError(said({ en: 'Try: kortd --help', sv: 'Hjälp finns med: kortd --help' }));
  const dataDir = ['--data-dir <DIR>', 'folder with the address and token of the daemon', defaultDataFolder()] as const;
  addServeCommand(program);
  addWindowsServiceCommand(program);
  addConfigCommands(program);
  addDatabaseCommands(program, dataDir);
  addCallCommands(program, dataDir);
  addGrantCommands(program, dataDir);
  addRoleCommands(program, dataDir);
  addIssuanceCommands(program, dataDir, parseMilliseconds);
  addAgentCommand(program, dataDir);
  addOpenCommand(program, dataDir);
  addTlsCommands(program, dataDir);
  addPkcs11Commands(program, dataDir);
  addBrowserPolicyCommand(program);
  addBrowsersCommands(program);
  addAuditCommands(program, dataDir);
  addDoctorCommands(program, dataDir, parsePort);
  addTraceCommands(program, dataDir);
  addSimulateCommand(program);
  addSimulateAuthorityCommand(program);
  addSimulateDevicesCommand(program);
  addScannerCommand(program);
  addSimulateScannerCommand(program);
  return program;
}

function addServeCommand(program: Command): void {
  const serve = program.command('serve').description('Run the daemon until SIGTERM or Ctrl+C.');
  addSettingOptions(serve)
    .option('--examples', 'print commands to try')
    .action(async (flags: SettingFlags & { readonly examples?: true }) => {
      const { runServe } = await import('./serve.ts');
      await runServe(flags);
    });
}

/** What the Windows package registers as its service. */
function addWindowsServiceCommand(program: Command): void {
  const command = program
    .command('windows-service')
    .description('Run the daemon as the Windows service that the package installed; the service control manager starts it.')
    .argument('<folder>', 'of the data, the policies and the log');
  addSettingOptions(command).action(async (folder: string, flags: SettingFlags) => {
    const [{ runWindowsService }, { runServe }] = await Promise.all([import('./windows-service.ts'), import('./serve.ts')]);
    await runWindowsService(folder, flags, runServe);
  });
}

function addCallCommands(program: Command, dataDir: OptionRow): void {
  program
    .command('status')
    .description('Show the running daemon, its readers and cards.')
    .option(...dataDir)
    .option('--json', 'print JSON')
    .action(async (flags: { dataDir: string; json?: true }) => runStatus({ ...flags, json: flags.json ?? false }));
  program
    .command('call')
    .description('Make one call and print its result as JSON. Errors go to standard error, with exit status 1.')
    .argument('<method>', 'as in the reference: card.list')
    .argument('[params]', 'JSON object; "-" reads it from standard input, which keeps a PIN out of the process list')
    .option('--timeout <MS>', 'deadline of the call', parseMilliseconds)
    .option(...dataDir)
    .action(async (method: string, params: string | undefined, flags: { dataDir: string; timeout?: number }) =>
      runCall(method, params, { dataDir: flags.dataDir, ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout }) }),
    );
  program
    .command('reload')
    .description(
      'Have the running daemon read its policy files and TLS certificate anew. As SIGHUP does, and tells what was refused.',
    )
    .option(...dataDir)
    .action(async (flags: { dataDir: string }) => runCall('system.reload', undefined, { dataDir: flags.dataDir }));
}

function addGrantCommands(program: Command, dataDir: OptionRow): void {
  const grant = program.command('grant').description('Decide which web origins have access.');
  const dataDirOf = (flags: { dataDir: string }): { dataDir: string } => ({ dataDir: flags.dataDir });
  grant
    .command('list')
    .description('Grants in force, and requests that wait.')
    .option(...dataDir)
    .action(async (flags: { dataDir: string }) => runGrant('list', undefined, dataDirOf(flags)));
  for (const [verb, argument, description] of GRANT_VERBS) {
    grant
      .command(verb)
      .description(description)
      .argument(argument)
      .option(...dataDir)
      .action(async (subject: string, flags: { dataDir: string }) => runGrant(verb, subject, dataDirOf(flags)));
  }
}

function addPkcs11Commands(program: Command, dataDir: OptionRow): void {
  const pkcs11 = program.command('pkcs11').description('How native programs get at the cards: PKCS #11, through p11-kit.');
  pkcs11
    .command('address')
    .description('Print what P11_KIT_SERVER_ADDRESS is to be, and nothing else.')
    .option(...dataDir)
    .action(async (flags: Pkcs11Flags) => (await import('./pkcs11.ts')).runPkcs11Address(flags));
  const withPrograms = (name: string, description: string): Command =>
    pkcs11
      .command(name)
      .description(description)
      .option('--p11-kit', 'p11-kit, and every program that goes through it')
      .option('--firefox', "Firefox: as root by policy for all users, else this user's profiles")
      .option('--chromium', "Chromium, Chrome and Edge: this user's NSS database")
      .option('--ssh', "OpenSSH's client: as root for all users, else ~/.ssh/config")
      .option('--json', 'print JSON')
      .option(...dataDir);
  withPrograms('enable', 'Have these programs find the cards; p11-kit alone unless others are named.').action(
    async (flags: ProgramFlags) => (await import('./pkcs11.ts')).runPkcs11Enable(flags),
  );
  withPrograms('disable', 'Take that back: for these programs, or for all.').action(async (flags: ProgramFlags) =>
    (await import('./pkcs11.ts')).runPkcs11Disable(flags),
  );
  withPrograms('status', 'Whether the daemon listens, and what is enabled: for these programs, or for all.').action(
    async (flags: ProgramFlags) => (await import('./pkcs11.ts')).runPkcs11Status(flags),
  );
}

function addRoleCommands(program: Command, dataDir: OptionRow): void {
  const role = program
    .command('role')
    .description('Which reader is for what: operator, secondOperator, holder, or any other name.');
  role
    .command('list')
    .description('Every role, how its reader is found, and whether it is there.')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: { dataDir: string; json?: true }) => {
      const { runRoleList } = await import('./role.ts');
      await runRoleList(flags);
    });
  role
    .command('assign')
    .description('Bind a reader to a role, for good: the next one that a card is put into, unless it is named.')
    .argument('<role>')
    .option('--reader <ID>', 'id of the reader, as kortd status prints it')
    .option('--timeout <MS>', 'how long to wait for the card', parseMilliseconds)
    .option(...dataDir)
    .action(async (name: string, flags: { dataDir: string; reader?: string; timeout?: number }) => {
      const { runRoleAssign } = await import('./role.ts');
      await runRoleAssign(name, flags);
    });
  role
    .command('remove')
    .description('Take the reader of a role back.')
    .argument('<role>')
    .option(...dataDir)
    .action(async (name: string, flags: { dataDir: string }) => {
      const { runRoleRemove } = await import('./role.ts');
      await runRoleRemove(name, flags);
    });
}

function addAgentCommand(program: Command, dataDir: OptionRow): void {
  program
    .command('agent')
    .description("Show the daemon's trusted prompts in this session, by pinentry, until SIGTERM or Ctrl+C.")
    .option(...dataDir)
    .option('--socket <PATH>', "the daemon's Unix socket; the one in its data folder unless given")
    .option(
      '--pinentry <PROGRAM>',
      'absolute path of the program that shows prompts; one that suits the screen or terminal unless given',
    )
    .action(async (flags: { dataDir: string; socket?: string; pinentry?: string }) => {
      const { runAgentCommand } = await import('./agent.ts');
      await runAgentCommand(flags);
    });
}

function addOpenCommand(program: Command, dataDir: OptionRow): void {
  program
    .command('open')
    .description('Open the console in the browser: the page where trusted prompts are answered, or the one that shows the desk.')
    .option('--desk', 'the page that shows readers, cards and what goes on, in place of the one that asks')
    .option('--print', 'print its address, which is good once and for a minute, and open nothing')
    .option(...dataDir)
    .action(async (flags: { dataDir: string; desk?: true; print?: true }) => {
      const { runOpen } = await import('./open.ts');
      await runOpen(flags);
    });
}

function addTlsCommands(program: Command, dataDir: OptionRow): void {
  const tls = program
    .command('tls')
    .description('https on loopback, for browsers that want it: a certificate of this installation alone.');
  tls
    .command('enable')
    .description('Make the certificate unless it is there, and say how browsers are told to trust it.')
    .option('--renew', 'make a new authority and certificate in any case; they must be trusted anew')
    .option('--trust', "put the authority into this user's NSS database, which Chromium reads (Linux)")
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: { dataDir: string; renew?: true; trust?: true; json?: true }) => {
      const { runTlsEnable } = await import('./tls.ts');
      await runTlsEnable(flags);
    });
  tls
    .command('disable')
    .description('Delete the certificate and its key.')
    .option('--untrust', "take the authority out of this user's NSS databases")
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: { dataDir: string; untrust?: true; json?: true }) => {
      const { runTlsDisable } = await import('./tls.ts');
      await runTlsDisable(flags);
    });
  tls
    .command('status')
    .description('Say whether there is a certificate, until when, and whether it is trusted. Needs no daemon.')
    .option('--json', 'print JSON')
    .option(...dataDir)
    .action(async (flags: { dataDir: string; json?: true }) => {
      const { runTlsStatus } = await import('./tls.ts');
      await runTlsStatus(flags);
    });
}

function addBrowserPolicyCommand(program: Command): void {
  program
    .command('browser-policy')
    .description('Print the policy that lets web pages reach kortd without the browser asking. Needs no daemon.')
    .requiredOption('--browser <NAME>', 'chromium, chrome, edge or firefox')
    .option('--format <FORMAT>', 'json, or reg for the registry of Windows', 'json')
    .argument('<origins...>', 'https origins of the pages: https://ra.example.org')
    .action(async (origins: readonly string[], flags: { browser: string; format: string }) => {
      const { runBrowserPolicy } = await import('./browser-policy.ts');
      runBrowserPolicy(origins, flags);
    });
}

function addBrowsersCommands(program: Command): void {
  const browsers = program
    .command('browsers')
    .description('Policies of the browsers for every user of this machine. Needs no daemon; changes the system.');
  const root = ['--root <DIR>', 'folder of an image that is being built, instead of this system', '/'] as const;
  browsers
    .command('install')
    .description('Let web pages reach kortd without the browser asking, in Chromium, Chrome, Edge and Firefox.')
    .option('--authority <FILE>', 'trust this authority too: ca.pem of kortd tls enable')
    .option(...root)
    .argument('[origins...]', 'https origins of the pages: https://ra.example.org')
    .action(async (origins: readonly string[], flags: InstallFlags) => {
      const { runBrowsersInstall } = await import('./browsers.ts');
      runBrowsersInstall(origins, flags);
    });
  browsers
    .command('remove')
    .description('Take back what install put there, and nothing else.')
    .option(...root)
    .action(async (flags: { root: string }) => {
      const { runBrowsersRemove } = await import('./browsers.ts');
      runBrowsersRemove(flags);
    });
}

function addAuditCommands(program: Command, dataDir: OptionRow): void {
  const audit = program.command('audit').description('The log of what was done with cards, and by whom.');
  audit
    .command('verify')
    .description('Check an export or an audit.sqlite: that no record was changed, dropped, added or moved. Needs no daemon.')
    .argument('<file>', 'from kortd audit export, or the database of a data folder')
    .option('--fingerprint <HEX>', 'the key that it must be signed with')
    .option('--against <FILE>', 'an earlier export or copy, whose records must still be there')
    .option('--json', 'print JSON')
    .action(async (file: string, flags: { fingerprint?: string; against?: string; json?: true }) => {
      const { runAuditVerify } = await import('./audit.ts');
      await runAuditVerify(file, flags);
    });
  audit
    .command('export')
    .description('Print the whole log of the running daemon as JSON Lines, signed.')
    .option('--out <FILE>', 'write it to this file')
    .option(...dataDir)
    .action(async (flags: { dataDir: string; out?: string }) => {
      const { runAuditExport } = await import('./audit.ts');
      await runAuditExport(flags);
    });
}

function addSimulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('Put a simulated card behind the real PC/SC service, until SIGTERM or Ctrl+C.')
    .option('--card <KIND>', 'kind of card: piv, eid, emrtd (a passport), or with a person: eid:anna, emrtd:bjorn')
    .requiredOption('--vpcd <HOST:PORT>', 'slot of a vpcd reader: 127.0.0.1:35963')
    .option('--trace <FILE>', 'a recorded card instead: kortd trace')
    .option('--which <N>', 'its number in the trace', parseCount, 1)
    .option('--lenient', 'of a recorded card: answer in any order')
    .option('--state <FILE>', 'file that keeps what is on the card; made when it is missing')
    .action(async (flags: SimulateOptions) => {
      const { runSimulate } = await import('./simulate.ts');
      await runSimulate(flags);
    });
}

function addSimulateDevicesCommand(program: Command): void {
  program
    .command('simulate-devices')
    .description(
      'Run a program with simulated USB devices below it (Linux, Debian package umockdev): it sees them, and no others.',
    )
    .requiredOption(
      '--device <NAME...>',
      'what is plugged in: a signature pad as STU-430 or STU-540, or topaz; several, one after the other',
    )
    .option('--sign-every <SECONDS>', 'somebody signs on every pad, again and again', parseSeconds)
    .argument('<program...>', 'after "--": the program and its arguments')
    .action(async (command: string[], flags: { device: string[]; signEvery?: number }) => {
      const { runSimulateDevices } = await import('./simulate-devices.ts');
      await runSimulateDevices(command, flags);
    });
}

function addSimulateAuthorityCommand(program: Command): void {
  program
    .command('simulate-authority')
    .description('Serve the certification authority of a simulated desk by itself, until SIGTERM or Ctrl+C. Its keys are public.')
    .requiredOption('--port <N>', 'port on 127.0.0.1; 0 takes any free one', parsePort)
    .option('--scenario <SCENARIO>', 'whose authorities: "office", or the path of a scenario file', 'office')
    .option('--state <FILE>', 'file that keeps what was issued and revoked; made when it is missing')
    .action(async (flags: { port: number; scenario: string; state?: string }) => {
      const { runSimulateAuthority } = await import('./simulate-authority.ts');
      await runSimulateAuthority(flags);
    });
}

function addScannerCommand(program: Command): void {
  program
    .command('scanner')
    .description('Scanners of identity documents, for those who write a driver.')
    .command('conformance')
    .description("Test whether a vendor's program speaks kortd's protocol of scanners. No daemon is needed.")
    .argument('<command...>', 'the program and its arguments, behind --')
    .option('--scan-timeout <MS>', 'how long a scan may take, with a person who puts a document in', parseMilliseconds, 60_000)
    .action(async (command: readonly string[], { scanTimeout }: { scanTimeout: number }) => {
      const { runScannerConformance } = await import('./scanner-conformance.ts');
      await runScannerConformance(command, scanTimeout);
    });
}

function addSimulateScannerCommand(program: Command): void {
  program
    .command('simulate-scanner')
    .description(
      "Serve a vendor's scanner service, simulated, until SIGTERM or Ctrl+C. Prints the configuration that reaches it.",
    )
    .argument('<scanner>', 'regula, id365 or authentiscan')
    .option('--port <N>', 'port on 127.0.0.1; 0 takes any free one', parsePort, 0)
    .option('--document <PERSON>', 'whose document lies in it: anna, bjorn, cecilia, david, specimen, or none', 'anna')
    .option('--defect <DEFECT...>', 'what is wrong with the document: "bright paper", "wrong check digit" …', [])
    .option('--folder <DIR>', 'where its secret and pictures are; a temporary folder unless given')
    .action(async (kind: string, flags: { port: number; document: string; defect: string[]; folder?: string }) => {
      const { runSimulateScanner } = await import('./simulate-scanner.ts');
      await runSimulateScanner({ kind, ...flags });
    });
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text))
    throw new InvalidArgumentError(said({ en: 'a number from 1 on', sv: 'ett tal från 1 och uppåt' }));
  return Number(text);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError(
      said({ en: 'a port is a number from 0 to 65535', sv: 'en port är ett tal från 0 till 65535' }),
    );
  return port;
}

function parseSeconds(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError(said({ en: 'a number of seconds', sv: 'ett antal sekunder' }));
  return Number(text);
}

function parseMilliseconds(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new InvalidArgumentError(
      said({ en: 'a deadline is a number of milliseconds', sv: 'en tidsgräns är ett antal millisekunder' }),
    );
  return Number(text);
}
