/**
 * What the administrator says about identities: section `identity` of the policy files. Trust anchors and further authorities stand in PEM files (RFC 7468), which
 * are read at start and at each reload. A file that is broken is left out and named: less is trusted then, never more.
 */
import { isAbsolute } from 'node:path';
import Type, { type Static } from 'typebox';
import { readAdministratorFile } from '../../drivers/administrator-file.ts';
import type { Log } from '../log.ts';
import { certificateFacts, type CertificateFacts } from './certificate-facts.ts';
import type { IdentitySettings } from './identity.ts';

const MAX_PEM_BYTES = 1_048_576;
const MAX_CERTIFICATES_PER_FILE = 200;
const files = Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 4_096 }), { maxItems: 100 }));

export const IdentitySection = Type.Object(
  {
    trustAnchors: files,
    intermediates: files,
    assuranceLevels: Type.Optional(
      Type.Array(
        Type.Object(
          {
            policy: Type.String({ pattern: '^[0-2](?:\\.(?:0|[1-9][0-9]{0,18})){1,30}$' }),
            level: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,31}$' }),
          },
          { additionalProperties: false },
        ),
        { maxItems: 200 },
      ),
    ),
  },
  { additionalProperties: false },
);
export type IdentitySection = Static<typeof IdentitySection>;

export interface AssuranceLevel {
  /** Object identifier of a certificate policy. */
  readonly policy: string;
  readonly level: string;
}

/**
 * The one that Inera has told in public: mobile SITHS, level 3 ("Tillitsnivåer", versions 15 and 16). Those of cards were not: they are for the administrator to
 * take from the issuer's certificate policy.
 */
const KNOWN_LEVELS: readonly AssuranceLevel[] = [{ policy: '1.2.752.74.8.512', level: 'LoA3' }];

/** What a simulated desk brings with it. Its keys are public: it is never used beside real readers. */
export interface SimulatedAuthorities {
  /** X.509, DER. Those that issued themselves are anchors. */
  readonly authorities: readonly { readonly certificate: Uint8Array }[];
  readonly assuranceLevels: readonly AssuranceLevel[];
}

export interface ReadSettings {
  readonly settings: IdentitySettings;
  readonly problems: readonly { readonly file: string; readonly problem: string }[];
}

/** Of several sections, what they name adds up; of a policy with two levels the last one counts. */
export function readIdentitySettings(
  sections: readonly IdentitySection[],
  simulated: SimulatedAuthorities | undefined,
  ownUid: number | undefined = process.getuid?.(),
): ReadSettings {
  const problems: { file: string; problem: string }[] = [];
  const readAll = (paths: readonly string[]): readonly CertificateFacts[] =>
    [...new Set(paths)].flatMap((file) => {
      try {
        return readAuthorities(file, ownUid);
      } catch (error) {
        problems.push({ file, problem: error instanceof Error ? error.message : String(error) });
        return [];
      }
    });
  const bench = (simulated?.authorities ?? []).flatMap(({ certificate }) => certificateFacts(certificate) ?? []);
  const isRoot = ({ subject, issuer }: CertificateFacts): boolean => subject.key === issuer.key;
  const levels = [
    ...KNOWN_LEVELS,
    ...(simulated?.assuranceLevels ?? []),
    ...sections.flatMap((one) => one.assuranceLevels ?? []),
  ];
  const settings = {
    anchors: [...readAll(sections.flatMap((one) => one.trustAnchors ?? [])), ...bench.filter(isRoot)],
    intermediates: [...readAll(sections.flatMap((one) => one.intermediates ?? [])), ...bench.filter((one) => !isRoot(one))],
    assuranceLevels: new Map(levels.map(({ policy, level }) => [policy, level])),
  };
  return { settings, problems };
}

export interface IdentityAuthoritiesOptions {
  readonly simulated: boolean;
  /** Used only with `simulated`. */
  readonly simulatedAuthorities?: SimulatedAuthorities;
  readonly log: Log;
}

/** The settings in force: as read at start, and at the last reload. */
export class IdentityAuthorities {
  readonly #sections: () => readonly IdentitySection[];
  readonly #options: IdentityAuthoritiesOptions;
  #read: ReadSettings;

  constructor(sections: () => readonly IdentitySection[], options: IdentityAuthoritiesOptions) {
    this.#sections = sections;
    this.#options = options;
    this.#read = this.#readAnew();
  }

  get settings(): IdentitySettings {
    return this.#read.settings;
  }

  get problems(): ReadSettings['problems'] {
    return this.#read.problems;
  }

  reload(): void {
    this.#read = this.#readAnew();
  }

  #readAnew(): ReadSettings {
    const { simulated, simulatedAuthorities, log } = this.#options;
    const read = readIdentitySettings(this.#sections(), simulated ? simulatedAuthorities : undefined);
    for (const { file, problem } of read.problems) log.error({ file, problem }, 'certificates of authorities were not taken');
    return read;
  }
}

/** Text between the blocks is passed over, as RFC 7468, section 5.2, has it. Throws with the reason when not every block is the certificate of an authority. */
export function readAuthorities(file: string, ownUid: number | undefined): readonly CertificateFacts[] {
  if (!isAbsolute(file)) throw new Error('it is no absolute path');
  const text = readAdministratorFile(file, { maxBytes: MAX_PEM_BYTES, ownUid });
  const blocks = text.split('-----BEGIN CERTIFICATE-----').slice(1);
  if (blocks.length === 0) throw new Error('it holds no certificate in PEM');
  if (blocks.length > MAX_CERTIFICATES_PER_FILE) throw new Error(`it holds more than ${MAX_CERTIFICATES_PER_FILE} certificates`);
  return blocks.map((block, index) => {
    const base64 = /^([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(block)?.[1];
    const facts = base64 === undefined ? undefined : certificateFacts(new Uint8Array(Buffer.from(base64, 'base64')));
    if (!facts) throw new Error(`certificate ${index + 1} in it does not parse`);
    if (!facts.isAuthority) throw new Error(`certificate ${index + 1} in it is not that of an authority: ${facts.subjectText}`);
    return facts;
  });
}
