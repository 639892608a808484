/**
 * The words that a support bundle may hold: kortd's own, as they stand in its API, its errors and what doctor says, and those of the systems that it runs on. Whatever
 * is not in it may be a person's, and is given a number instead. No name of a person and no place belongs here.
 */
import { ERRORS } from '../../api-spec/errors.ts';
import { EVENTS } from '../../api-spec/events.ts';
import { METHODS } from '../../api-spec/methods/index.ts';
import { SCOPES } from '../../api-spec/scopes.ts';
import { CHECKS } from '../doctor/checks/index.ts';
import { DoctorReport } from '../doctor/report.ts';

const SYSTEM = `
  atr begin began cut end extended kept seconds en sv accept access account active address agent aside audit authority autostart backlog bad bin bit block boot browser build bundle bus bytes ca cache call caller card cards certificate certificates
  cert chrome chromium client clients clock com comm common completed conf config configuration connect connected connection console context core country data database databases date
  day days deadline debian debug default desk dev device devices dir disk doctor driver drivers edge endpoint entry env error errors etc event events evidence exit expired expires failed false fedora
  file files firefox folder format free front gid gone group hardened hash health hidraw hold holder home host hour hours http https id idle image in info init inode input installed internal interface
  invalid java journal json key keys kernel kind kortd lang last lib libccid libpcsclite libraries library limit linux list listen local localhost location lock log logs loopback machine main manager
  match memory message method methods minor missing mode module modules moved ms name names net netid never new nginx no node none not notice nss nssdb null number off office ok old on once opensc openssl
  operator opt origin origins other out output owner package pad pads parent path pcsc pcscd pem pid pin pki place platform pli policies policy polkit port ports prefix presence problem problems proc
  process program programs protocol proxy public random read reader readers ready reason record records refused release reload remote removed request requests reserve reset resident resolved response
  restart result retry right rights role roles root route rss rule rules run running scanner scanners scdaemon scenario schema scope scopes scs second secondOperator seconds security seen sequence
  serial service session set setup severity share sign signal signature simulate simulated size slot so socket sockets source sources space spec start started state status stderr stdout step stop
  stopped stopping stream string subject system systemd table tables target temporary test text thread time timeout times title tls tmp token tokens tool total trace true trust trusted ttyACM tty type udev
  uid unavailable undefined unit unix unknown unseen update uptime uri url usb user users usr utf value var verified version virtual void wal walk warn warning watch watched web windows work
  comment developmentOrigins extensionOrigins keepContents reuseSeconds wrongPerDay ignoredReaders timeStamp trustAnchors httpPort httpsPort retentionDays identity issuance passports verdicts portraits
  worker write written x64 arm64 aarch64 x86 amd64 xdg yes zip sqlite shm gnupg mozilla config share local profile profiles runtime states trace level msg err stack code errno syscall dest hostname base
  eacces enoent eperm econnrefused etimedout epipe econnreset eaddrinuse enospc erofs eio ebusy bool number integer object array unsigned
  acts count processors p11 p11kit lite Error Debian GNU Linux Ubuntu Fedora bookworm trixie
`;
/** Makers and kinds of readers, pads and scanners, as PC/SC and USB name them. */
const DEVICES = `
  acs acr athena bit4id cardman ccid cherry contact contactless desko feitian gemalto gempc global hid identiv interface keypad kobil lenovo omnikey pinpad precise regula scm sdi scr signotec smart
  smartcard spr stu terminal thales topaz twin vasco wacom yubico yubikey nfc fips pcd office holder operator reader reserve
`;
/** What the daemon's log says besides. */
const LOG = `
  a an and are as asked at away background be belongs broke but by calls came cannot closed could daemon does dropped each ended ends entered far fetched fewer for forbidden forgotten from given goes going
  had has have here holds if is it itself kept known later left less link looked looking looks made makes many may meanwhile more most nobody nothing now of one only open opened or over own part person
  persons pruned prompt prompts recovered said says served shown shutting since so some still taken tells than that the them then there they this those thrown till to too trying two under until up upgrading
  used vendors watching wait waits was way went ceremonies ceremony consent core dumps cores counted country failing front fronts hanging hung looked loading lost module person policy pruned reading refused
  scanning served signed signing socket starting stopping synchronised upgrading unexpectedly verified verifying writing asking binding bound closing connecting opening sending sent receiving received busy
  late early slow soon sooner again already always before after between beyond during while once twice first second third next previous other another each every both either neither were what whatever when where which while who whole whose why will with without words work would wrong
`;

let words: ReadonlySet<string> | undefined;

/** As they are written: "will" is in it, and Will is somebody. Put together at the first use. */
export function vocabulary(): ReadonlySet<string> {
  return (words ??= new Set(collect()));
}

function collect(): readonly string[] {
  const faults = CHECKS.flatMap(({ id, title, faults: own }) => [
    id,
    title.en,
    title.sv,
    ...Object.entries(own).flatMap(([fault, { en, sv, command }]) => [fault, en, sv, command]),
  ]);
  const names = [METHODS, EVENTS, SCOPES, ERRORS].flatMap((table) => Object.keys(table));
  const members = [METHODS, EVENTS, DoctorReport].flatMap(membersIn);
  const errors = JSON.stringify(Object.values(ERRORS));
  const all = [SYSTEM, LOG, errors, ...names, ...members, ...faults, ...wordsIn(DEVICES).flatMap(spellings)];
  // x64 and p11 are words too.
  return [...SYSTEM.trim().split(/\s+/), ...wordsIn(all.join(' '))];
}

/** Names of members, and the values that they are chosen from, in a schema; no descriptions, which may speak of people. */
function membersIn(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(membersIn);
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([keyword, value]: [string, unknown]) => {
    if (keyword === 'properties')
      return [...Object.keys(Object(value) as object), ...membersIn(Object.values(Object(value) as object))];
    return keyword === 'enum' && Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : membersIn(value);
  });
}

/** Makers write theirs as they like. */
function spellings(word: string): readonly string[] {
  return [word, word.toUpperCase(), `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`];
}

/** deadlineExceeded is three: itself, deadline and Exceeded. */
export function wordsIn(text: string): readonly string[] {
  return (text.match(/\p{L}+/gu) ?? []).flatMap((word) => [word, ...partsOf(word)]);
}

/** Of a name in camel case; none where it is one word. */
export function partsOf(word: string): readonly string[] {
  const parts = word.split(/(?<=\p{Ll})(?=\p{Lu})/u);
  return parts.length > 1 ? parts : [];
}
