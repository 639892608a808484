/**
 * The administrator's policy: files that grant scopes to origins without asking anybody, and say what else one workstation needs said. A file is taken whole
 * or refused whole, by name: one that others than its owner can write, or that belongs to neither root nor the daemon's user, could grant anything to anyone.
 */
import type { X509Certificate } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { SCOPES, type Scope } from '../../api-spec/scopes.ts';
import { PassportsSection } from '../documents/passports-section.ts';
import { IdentitySection, readAuthorities } from '../identity/settings.ts';
import type { ModuleConfiguration } from '../../drivers/pkcs11/configuration.ts';
import { readAdministratorFile } from './administrator-file.ts';
import { IssuanceSection, checkIssuance, mergeIssuance, type IssuancePolicy } from './issuance-policy.ts';
import { ModuleEntries, parseModules, type ModuleEntry } from './module-policy.ts';
import { parseOrigin, type OriginRules } from './origin.ts';
import { PadsSection, checkPads, mergePads, type PadPolicy } from './pad-policy.ts';
import { Pkcs11Section, mayProgramsWrite } from './pkcs11-policy.ts';
import { PortraitsSection, checkPortraits, mergePortraits, type PortraitPolicy } from './portrait-policy.ts';
import { IgnoredReadersSection, RolesSection, checkRoles, mayHoldRoles, mergeRoles, type RolePolicy } from './role-policy.ts';
import { VerdictsSection, checkVerdicts, mergeVerdicts, type VerdictPolicy } from './verdict-policy.ts';

export const DEFAULT_POLICY_FOLDER = '/etc/kortd/policy.d';
const MAX_FILE_BYTES = 262_144;

/** Scopes that a web origin can be given at all. */
export const WEB_SCOPES = (Object.keys(SCOPES) as Scope[]).filter((scope) => SCOPES[scope].webOrigins);

const PinRules = Type.Object(
  {
    reuseSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600 })),
    wrongPerDay: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
  },
  { additionalProperties: false },
);

const TimeStamp = Type.Object(
  {
    url: Type.String({ maxLength: 2_048 }),
    policy: Type.Optional(Type.String({ pattern: '^[0-2](?:\\.(?:0|[1-9]\\d{0,9})){1,30}$' })),
    /** PEM files, as those of IdentitySection. */
    trustAnchors: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), { maxItems: 100 })),
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 60_000 })),
  },
  { additionalProperties: false },
);
const Port = Type.Integer({ minimum: 0, maximum: 65_535 });

const PolicyFile = Type.Object(
  {
    comment: Type.Optional(Type.String()),
    origins: Type.Optional(
      Type.Array(
        Type.Object(
          {
            origin: Type.String(),
            scopes: Type.Array(Type.Enum(WEB_SCOPES), { minItems: 1 }),
            expires: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
            pin: Type.Optional(PinRules),
          },
          { additionalProperties: false },
        ),
        { maxItems: 1_000 },
      ),
    ),
    developmentOrigins: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
    extensionOrigins: Type.Optional(Type.Array(Type.String(), { maxItems: 100 })),
    pin: Type.Optional(PinRules),
    cards: Type.Optional(Type.Object({ keepContents: Type.Boolean() }, { additionalProperties: false })),
    modules: Type.Optional(ModuleEntries),
    pkcs11: Pkcs11Section,
    roles: RolesSection,
    ignoredReaders: IgnoredReadersSection,
    timeStamp: Type.Optional(TimeStamp),
    scs: Type.Optional(
      Type.Object({ httpPort: Type.Optional(Port), httpsPort: Type.Optional(Port) }, { additionalProperties: false }),
    ),
    audit: Type.Optional(
      Type.Object({ retentionDays: Type.Integer({ minimum: 1, maximum: 36_500 }) }, { additionalProperties: false }),
    ),
    identity: Type.Optional(IdentitySection),
    issuance: Type.Optional(IssuanceSection),
    pads: Type.Optional(PadsSection),
    passports: Type.Optional(PassportsSection),
    verdicts: Type.Optional(VerdictsSection),
    portraits: Type.Optional(PortraitsSection),
  },
  { additionalProperties: false },
);

export interface PolicyGrant {
  readonly origin: string;
  readonly scopes: readonly Scope[];
  /** Last moment of the grant, milliseconds since 1970; undefined: no end. */
  readonly expiresAt: number | undefined;
  /** The file that says so. */
  readonly source: string;
}

/** What an origin may do with PINs. */
export interface OriginPinRules {
  /** How long a PIN that was verified may be used again. 0: for one operation. */
  readonly reuseMs: number;
  /** Wrong PINs on one card and day. */
  readonly wrongPerDay: number;
}

/** Where no file says otherwise. */
export const DEFAULT_PIN_RULES: OriginPinRules = { reuseMs: 0, wrongPerDay: 2 };

/** Where time stamps come from (RFC 3161). */
export interface TimeStampPolicy {
  readonly url: string;
  /** Object identifier of the policy that is asked for. */
  readonly policy?: string;
  /** Without any, the authority is whoever answers at the address. */
  readonly trustAnchors: readonly X509Certificate[];
  readonly timeoutMs: number;
}

const TIME_STAMP_TIMEOUT_MS = 10_000;

export interface Policy {
  readonly grants: readonly PolicyGrant[];
  readonly rules: OriginRules;
  /** Those of the origin, else those for all; of several files the last one that says it. */
  readonly pinRules: (origin: string) => OriginPinRules;
  /** What is read of cards is kept over insertions. The last file that says it counts; true where none does. */
  readonly keepsCards: boolean;
  readonly roles: ReadonlyMap<string, RolePolicy>;
  /** A file that was refused and may say more of roles: their rules are not known then. */
  readonly rolesRefused?: string;
  /** Patterns of names. */
  readonly ignoredReaders: readonly string[];
  /** Ports of the Signature Creation Service (daemon/scs); undefined: it is off. */
  readonly scs: { readonly httpPort?: number; readonly httpsPort?: number } | undefined;
  /** Vendors' modules, each name once. */
  readonly modules: readonly ModuleConfiguration[];
  /** Programs may change cards through PKCS #11. */
  readonly programsMayWrite: boolean;
  /** Undefined: records are kept for ever. */
  readonly auditRetentionDays: number | undefined;
  /** Of the last file that names one. */
  readonly timeStamp: TimeStampPolicy | undefined;
  /** Whose certificates are trusted, and for what: one a file that says it. */
  readonly identity: readonly IdentitySection[];
  readonly issuance: IssuancePolicy;
  readonly pads: PadPolicy;
  /** Whose travel documents are trusted: one a file that says it. */
  readonly passports: readonly PassportsSection[];
  /** What must pass for an identity document to pass. */
  readonly verdicts: VerdictPolicy;
  /** What a portrait must be like. */
  readonly portraits: PortraitPolicy;
  /** Files that were refused, and why: for the log and `kortd doctor`. */
  readonly problems: readonly { readonly file: string; readonly problem: string }[];
}

const validator = Compile(PolicyFile);

/** Reads every *.json of the folder in the order of their names. A missing folder is an empty policy. */
export function readPolicy(folder: string, ownUid: number | undefined = process.getuid?.()): Policy {
  const files: { file: string; content: Static<typeof PolicyFile>; timeStamp: TimeStampPolicy | undefined }[] = [];
  const problems: { file: string; problem: string }[] = [];
  for (const file of listFiles(folder)) {
    try {
      const content = readFile(file, ownUid);
      requireNewNames(content.modules ?? [], files);
      files.push({ file, content, ...readTimeStamp(content, ownUid) });
    } catch (error) {
      problems.push({ file, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  const rules: OriginRules = {
    developmentOrigins: files.flatMap(({ content }) => content.developmentOrigins ?? []),
    extensionOrigins: files.flatMap(({ content }) => content.extensionOrigins ?? []),
  };
  const contents = files.map(({ content }) => content);
  const refused = problems.map(({ file }) => ({ file, content: readAnything(file) }));
  const rolesRefused = refused.find(({ content }) => mayHoldRoles(content))?.file;
  return {
    grants: files.flatMap(({ file, content }) => grantsOf(file, content)),
    rules,
    pinRules: (origin) => pinRulesOf(origin, contents),
    keepsCards: contents.findLast(({ cards }) => cards !== undefined)?.cards?.keepContents ?? true,
    roles: mergeRoles(contents),
    ...(rolesRefused === undefined ? {} : { rolesRefused }),
    ignoredReaders: contents.flatMap(({ ignoredReaders = [] }) => ignoredReaders),
    scs: contents.findLast(({ scs }) => scs !== undefined)?.scs,
    auditRetentionDays: contents.findLast(({ audit }) => audit !== undefined)?.audit?.retentionDays,
    timeStamp: files.findLast(({ timeStamp }) => timeStamp !== undefined)?.timeStamp,
    programsMayWrite: mayProgramsWrite(
      contents,
      refused.map(({ content }) => content),
    ),
    modules: contents.flatMap(({ modules }) => parseModules(modules ?? [])),
    identity: contents.flatMap(({ identity }) => identity ?? []),
    issuance: mergeIssuance(contents.flatMap(({ issuance }) => issuance ?? [])),
    pads: mergePads(contents.flatMap(({ pads }) => pads ?? [])),
    passports: contents.flatMap(({ passports }) => passports ?? []),
    verdicts: mergeVerdicts(contents.flatMap(({ verdicts }) => verdicts ?? [])),
    portraits: mergePortraits(contents.flatMap(({ portraits }) => portraits ?? [])),
    problems,
  };
}

function requireNewNames(
  modules: readonly ModuleEntry[],
  files: readonly { readonly file: string; readonly content: Static<typeof PolicyFile> }[],
): void {
  for (const { name } of modules) {
    const earlier = files.find(({ content }) => content.modules?.some((other) => other.name === name));
    if (earlier) throw new Error(`module ${name}: ${earlier.file} names one so already`);
  }
}

/** Throws when an anchor cannot be read: without it whoever answers would be believed, so the policy file is refused whole. */
function readTimeStamp(
  { timeStamp }: Static<typeof PolicyFile>,
  ownUid: number | undefined,
): { readonly timeStamp: TimeStampPolicy | undefined } {
  if (!timeStamp) return { timeStamp: undefined };
  const { url, policy, trustAnchors = [], timeoutMs = TIME_STAMP_TIMEOUT_MS } = timeStamp;
  if (!isHttpUrl(url)) throw new Error(`timeStamp.url: ${url} is no http or https address`);
  const anchors = trustAnchors.flatMap((file) => readAnchors(file, ownUid));
  return { timeStamp: { url, timeoutMs, trustAnchors: anchors, ...(policy === undefined ? {} : { policy }) } };
}

function readAnchors(file: string, ownUid: number | undefined): readonly X509Certificate[] {
  try {
    return readAuthorities(file, ownUid).map(({ x509 }) => x509);
  } catch (error) {
    throw new Error(`timeStamp.trustAnchors: ${file}: ${error instanceof Error ? error.message : ''}`, { cause: error });
  }
}

function pinRulesOf(origin: string, contents: readonly Static<typeof PolicyFile>[]): OriginPinRules {
  const own = contents.flatMap(({ origins = [] }) => origins.filter((entry) => entry.origin === origin).map(({ pin }) => pin));
  const said = Object.assign({}, ...contents.map(({ pin }) => pin), ...own) as Static<typeof PinRules>;
  return {
    reuseMs: said.reuseSeconds === undefined ? DEFAULT_PIN_RULES.reuseMs : said.reuseSeconds * 1_000,
    wrongPerDay: said.wrongPerDay ?? DEFAULT_PIN_RULES.wrongPerDay,
  };
}

function grantsOf(file: string, content: Static<typeof PolicyFile>): readonly PolicyGrant[] {
  return (content.origins ?? []).map(({ origin, scopes, expires }) => ({
    origin,
    scopes,
    expiresAt: expires === undefined ? undefined : Date.parse(`${expires}T23:59:59.999Z`),
    source: file,
  }));
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

function readFile(file: string, ownUid: number | undefined): Static<typeof PolicyFile> {
  const content: unknown = JSON.parse(readAdministratorFile(file, { maxBytes: MAX_FILE_BYTES, ownUid }));
  if (!validator.Check(content)) {
    const [error] = validator.Errors(content);
    throw new Error(`${error?.instancePath ?? ''} ${error?.message ?? 'does not fit'}`.trim());
  }
  checkRoles(content);
  checkIssuance(content.issuance ?? {});
  checkPads(content.pads ?? {});
  checkVerdicts(content.verdicts ?? {});
  checkPortraits(content.portraits ?? {});
  const exceptions: OriginRules = {
    developmentOrigins: (content.developmentOrigins ?? []).map(requireDevelopmentOrigin),
    extensionOrigins: (content.extensionOrigins ?? []).map(requireExtensionOrigin),
  };
  parseModules(content.modules ?? []);
  for (const { origin } of content.origins ?? []) {
    const parsed = parseOrigin(origin, exceptions);
    if ('refusal' in parsed) throw new Error(`origin ${origin} can hold no grant: ${parsed.refusal}`);
  }
  return content;
}

/** What a refused file would say; undefined when that cannot be told. */
function readAnything(file: string): unknown {
  try {
    const status = statSync(file);
    return status.isFile() && status.size <= MAX_FILE_BYTES ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  } catch {
    return undefined;
  }
}

/** Without a name and password in it. */
function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

/** http on this computer or in a test network: written as browsers write it, never https (which needs no exception). */
function requireDevelopmentOrigin(text: string): string {
  if (text.startsWith('http://') && URL.canParse(text) && new URL(text).origin === text) return text;
  throw new Error(`developmentOrigins: ${text} is no http origin`);
}

function requireExtensionOrigin(text: string): string {
  if (/^(?:chrome|moz|safari-web)-extension:\/\/[A-Za-z0-9-]{8,64}$/.test(text)) return text;
  throw new Error(`extensionOrigins: ${text} is no extension origin`);
}
