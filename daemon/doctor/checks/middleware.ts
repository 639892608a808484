/**
 * Other software for cards: programs that keep readers for themselves, libraries that write down what programs and cards say to each other, and several modules
 * for the same cards in one program, each of which resets what the other has verified.
 */
import { join } from 'node:path';
import { defineCheck, type TypedReport } from '../check.ts';
import type { Look } from '../look.ts';
import { libraryExists, moduleLists, type ListedModule, type ModuleList } from '../module-lists.ts';

const FAULTS = {
  middleware_beside_kortd: {
    severity: 'info',
    en: "A program loads kortd's module and another one for the same cards, and shows each card twice.",
    sv: 'Ett program laddar kortds modul och en till för samma kort och visar varje kort två gånger.',
    command: '# Write "disable-in: p11-kit-proxy" into the file of the module that is not wanted.',
  },
  middleware_mix: {
    severity: 'warning',
    en: 'A program loads modules of several vendors for the same cards; they take the cards from each other.',
    sv: 'Ett program laddar moduler från flera leverantörer för samma kort; de tar korten från varandra.',
    command: '# Keep one: rm {file}, or take it out with modutil -dbdir sql:FOLDER -delete {name}',
  },
  middleware_module_missing: {
    severity: 'warning',
    en: 'Programs are told to load a PKCS #11 module whose file is not there.',
    sv: 'Program ska ladda en PKCS #11-modul vars fil inte finns.',
    command: '# Install the package of {library} again, or: rm {file}',
  },
  pcsc_spy: {
    severity: 'error',
    en: 'A library is switched on that writes down what programs and cards say to each other, PINs included.',
    sv: 'Ett bibliotek är påslaget som skriver ner allt som program och kort säger till varandra, även PIN-koder.',
    command: 'unset LIBPCSCLITE_DELEGATE PCSCLITE_SPY; grep -rl LIBPCSCLITE_DELEGATE /etc/environment* /etc/profile.d',
  },
  pkcs11_spy: {
    severity: 'error',
    en: 'A module is loaded that writes down every PKCS #11 call, PINs included.',
    sv: 'En modul laddas som skriver ner varje PKCS #11-anrop, även PIN-koder.',
    command: '# Take pkcs11-spy.so out of {file}',
  },
  scdaemon_exclusive: {
    severity: 'warning',
    en: "GnuPG's scdaemon runs and takes readers for itself: it needs disable-ccid and pcsc-shared to share them.",
    sv: 'GnuPG:s scdaemon är igång och tar läsare för sig själv: den behöver disable-ccid och pcsc-shared för att dela dem.',
    command: "printf 'disable-ccid\\npcsc-shared\\n' >> {file} && gpgconf --kill scdaemon",
  },
} as const;

type Fault = keyof typeof FAULTS;

/** Whose a module for identity cards is, by its file. Sorted by vendor. */
const FAMILIES: readonly { readonly vendor: string; readonly library: RegExp }[] = [
  { vendor: 'Bit4id', library: /^libbit4\w*\.so/i },
  { vendor: 'Charismathics', library: /^libcmP11\w*\.so/i },
  { vendor: 'Cryptovision', library: /^libcvP11\w*\.so/i },
  { vendor: 'Net iD', library: /^(lib)?(iidp11|netid\w*|iidxp11)\.so/i },
  { vendor: 'Nexus Personal', library: /^libpersonal\.so|^libbispki\w*\.so/i },
  { vendor: 'OpenSC', library: /^(opensc-pkcs11|onepin-opensc-pkcs11|libopensc\w*)\.so/i },
  { vendor: 'SafeNet', library: /^lib(eToken|eTPkcs11|IDPrimePKCS11|idprime\w*|gclib|gtop11dotnet)\.so/i },
  { vendor: 'Yubico', library: /^libykcs11\.so/i },
];
const SPY = /(^|\/)pkcs11-spy\.so/;
/** kortd's own, through p11-kit. */
const PROXY = /(^|\/)p11-kit-proxy\.so/;

export const middlewareCheck = defineCheck({
  id: 'middleware',
  title: { en: 'Other software for cards', sv: 'Annan programvara för kort' },
  faults: FAULTS,
  async look(look, report) {
    await reportScdaemon(look, report);
    const spies = ['LIBPCSCLITE_DELEGATE', 'PKCS11SPY'].filter((name) => (look.environment[name] ?? '') !== '');
    for (const name of spies) report.found('pcsc_spy', `${name}=${look.environment[name] ?? ''}`);
    const lists = await moduleLists(look);
    const p11Kit = lists.find(({ place }) => place === 'p11-kit')?.modules ?? [];
    for (const list of lists) {
      await reportModules(look, list, report);
      const isProxied = list.modules.some(({ library }) => PROXY.test(library));
      reportMix(isProxied ? { ...list, modules: [...list.modules, ...p11Kit] } : list, report);
    }
  },
});

async function reportModules(look: Look, { modules }: ModuleList, report: TypedReport<Fault>): Promise<void> {
  for (const { library, file } of modules) {
    if (SPY.test(library)) report.found('pkcs11_spy', `${file}: ${library}`, { file });
    else if (!(await libraryExists(look, library)))
      report.found('middleware_module_missing', `${file}: ${library}`, { file, library });
  }
}

function reportMix({ place, modules }: ModuleList, report: TypedReport<Fault>): void {
  const byVendor = new Map<string, ListedModule>();
  for (const module of modules) {
    const vendor = vendorOf(module);
    if (vendor !== undefined) byVendor.set(vendor, module);
  }
  const evidence = [...byVendor].map(([vendor, { file, library }]) => `${place}: ${vendor} (${library}, by ${file})`);
  const [, second] = [...byVendor.values()];
  if (second) report.found('middleware_mix', evidence, { file: second.file, name: second.name });
  else if (byVendor.size === 1 && place !== 'p11-kit' && modules.some(({ library }) => PROXY.test(library)))
    report.found('middleware_beside_kortd', evidence);
}

function vendorOf({ library }: ListedModule): string | undefined {
  const file = library.split('/').at(-1) ?? '';
  return FAMILIES.find((family) => family.library.test(file))?.vendor;
}

/** GnuPG, doc/scdaemon.texi: --disable-ccid, --pcsc-shared (2.2.28 and later). */
async function reportScdaemon(look: Look, report: TypedReport<Fault>): Promise<void> {
  const processes = await look.processes();
  if (processes.state !== 'seen') {
    report.unseen(
      { en: 'programs that run', sv: 'program som är igång' },
      processes.state === 'absent'
        ? { en: 'this system does not tell', sv: 'det här systemet berättar det inte' }
        : processes.why,
    );
    return;
  }
  const running = processes.value.filter(({ name }) => name === 'scdaemon');
  if (running.length === 0) return;
  const file = join(look.environment['GNUPGHOME'] ?? join(look.home, '.gnupg'), 'scdaemon.conf');
  const configuration = await look.readText(file);
  const options = configuration.state === 'seen' ? configuration.value.split('\n').map((line) => line.trim()) : [];
  const missing = ['disable-ccid', 'pcsc-shared'].filter((option) => !options.includes(option));
  if (missing.length === 0) return;
  const evidence = [...running.map(({ pid }) => `scdaemon (process ${pid})`), `${file} lacks ${missing.join(' and ')}`];
  report.found('scdaemon_exclusive', evidence, { file });
}
