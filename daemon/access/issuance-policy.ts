/**
 * The `issuance` of a policy file: who the office's administrators are, to whom evidence is encrypted, whose desks' exported ceremonies are taken over, where
 * certificates are fetched, and where pictures of a kiosk go. What several files name adds up, but for `pictureFolder`: the last one counts.
 */
import { isAbsolute } from 'node:path';
import Type, { type Static } from 'typebox';

const strict = { additionalProperties: false } as const;
const File = Type.String({ minLength: 1, maxLength: 4_096 });
const HsaId = Type.String({ pattern: '^[A-Za-z]{2}[0-9]{10}-[A-Za-z0-9]{1,18}$' });

const Administrator = Type.Object(
  {
    hsaId: HsaId,
    /** Also for persons with protected personal data. */
    protectedPersons: Type.Optional(Type.Boolean()),
  },
  strict,
);

/** Of a certification authority that kortd asks itself: EST (RFC 7030) or CMP (RFC 4210, RFC 9483). */
const Authority = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,31}$' }),
    protocol: Type.Enum(['cmp', 'est'] as const),
    url: Type.String({ maxLength: 2_048 }),
    /** EST: the label after /.well-known/est (RFC 7030, section 3.2.2). */
    label: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._~-]{1,64}$' })),
    /** PEM files: who the server must be, for https, and whose signature protects CMP answers. */
    trustAnchors: Type.Optional(Type.Array(File, { maxItems: 20 })),
    /** PEM files of the workstation's own certificate and key, for TLS or for signed CMP messages. */
    clientCertificate: Type.Optional(File),
    clientKey: Type.Optional(File),
    /** File with `user:password` (EST: HTTP Basic) or `reference:secret` (CMP: password-based MAC); readable by its owner alone. */
    credentials: Type.Optional(File),
    /** CMP: the name of the authority (RFC 4514), for servers that have several. */
    recipient: Type.Optional(Type.String({ minLength: 3, maxLength: 512 })),
    /** CMP: PEM file of the certificate that signs the answers, where it does not say itself that it may (RFC 9480, section 2.2). */
    serverCertificate: Type.Optional(File),
    /** CMP: asks that the certificate needs no confirmation (RFC 4210, section 5.1.1.1). */
    implicitConfirm: Type.Optional(Type.Boolean()),
    /** For one certificate, with all waiting that the authority asks for. */
    timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: 120_000 })),
  },
  strict,
);
export type AuthorityEntry = Static<typeof Authority>;

export const IssuanceSection = Type.Object(
  {
    administrators: Type.Optional(Type.Array(Administrator, { maxItems: 1_000 })),
    /** PEM files of certificates: evidence is encrypted so that the holder of any of their keys can read it. */
    evidenceRecipients: Type.Optional(Type.Array(File, { maxItems: 10 })),
    /** PEM files of the seals of other desks. */
    trustedDesks: Type.Optional(Type.Array(File, { maxItems: 1_000 })),
    authorities: Type.Optional(Type.Array(Authority, { maxItems: 16 })),
    pictureFolder: Type.Optional(File),
  },
  strict,
);
export type IssuanceSection = Static<typeof IssuanceSection>;

export interface IssuancePolicy {
  /** Compare HSA-ids by `isSameHsaId`. */
  readonly administrators: readonly { readonly hsaId: string; readonly protectedPersons: boolean }[];
  /** Absolute paths. */
  readonly evidenceRecipients: readonly string[];
  readonly trustedDesks: readonly string[];
  readonly authorities: readonly AuthorityEntry[];
  readonly pictureFolder: string | undefined;
}

/** Throws for what the schema cannot say. */
export function checkIssuance({
  evidenceRecipients = [],
  trustedDesks = [],
  authorities = [],
  pictureFolder,
}: IssuanceSection): void {
  const files = [
    ...evidenceRecipients,
    ...trustedDesks,
    ...authorities.flatMap(({ trustAnchors = [], clientCertificate, clientKey, credentials, serverCertificate }) => [
      ...trustAnchors,
      ...[clientCertificate, clientKey, credentials, serverCertificate].filter((file) => file !== undefined),
    ]),
    ...(pictureFolder === undefined ? [] : [pictureFolder]),
  ];
  for (const file of files) if (!isAbsolute(file)) throw new Error(`issuance: ${file} is no absolute path`);
  for (const authority of authorities) {
    const problem = problemOf(authority);
    if (problem !== undefined) throw new Error(`issuance: authority ${authority.name}: ${problem}`);
  }
}

function problemOf(authority: AuthorityEntry): string | undefined {
  const { protocol, url, label, trustAnchors = [], clientCertificate, clientKey, credentials } = authority;
  if (!URL.canParse(url) || !['http:', 'https:'].includes(new URL(url).protocol)) return `${url} is no http or https address`;
  const { protocol: scheme, hostname, username, password, search, hash } = new URL(url);
  if (username + password + search + hash !== '') return `${url} has more than host, port and path`;
  if ((clientCertificate === undefined) !== (clientKey === undefined)) return 'a client certificate goes with its key';
  const isOfThisMachine = protocol === 'est' && isLoopback(hostname);
  if (clientCertificate === undefined && credentials === undefined && !isOfThisMachine)
    return 'it needs credentials or a client certificate: it could not know who asks';
  if (scheme === 'https:' && trustAnchors.length === 0) return 'https needs trustAnchors';
  if (protocol === 'est') {
    // RFC 7030, section 3.3: the transport alone protects it.
    if (scheme === 'http:' && !isOfThisMachine) return 'EST over plain http is for this machine alone';
    const strange = (['recipient', 'serverCertificate', 'implicitConfirm'] as const).find((key) => authority[key] !== undefined);
    return strange && `${strange} is of CMP`;
  }
  if (label !== undefined) return 'label is of EST';
  const signs = credentials === undefined;
  return signs && trustAnchors.length === 0 ? 'signed CMP messages need trustAnchors for the answers' : undefined;
}

/** RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3; RFC 6761, section 6.3. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.[0-9]{1,3}){3}$/.test(hostname);
}

/** Of two authorities of one name the later one counts. */
export function mergeIssuance(sections: readonly IssuanceSection[]): IssuancePolicy {
  const authorities = new Map(sections.flatMap((one) => one.authorities ?? []).map((authority) => [authority.name, authority]));
  return {
    administrators: sections
      .flatMap((one) => one.administrators ?? [])
      .map(({ hsaId, protectedPersons = false }) => ({ hsaId, protectedPersons })),
    evidenceRecipients: sections.flatMap((one) => one.evidenceRecipients ?? []),
    trustedDesks: sections.flatMap((one) => one.trustedDesks ?? []),
    authorities: [...authorities.values()],
    pictureFolder: sections.findLast((one) => one.pictureFolder !== undefined)?.pictureFolder,
  };
}
