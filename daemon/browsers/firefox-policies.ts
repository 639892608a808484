/**
 * The policies of Firefox with ours among them, as values: what is added to a list of somebody else's is known, so that exactly that is taken out again.
 * https://mozilla.github.io/policy-templates/ (LocalNetworkAccess, Certificates).
 */

export interface FirefoxPolicies {
  readonly policies?: Readonly<Record<string, unknown>> & {
    readonly LocalNetworkAccess?: PolicyWithList;
    readonly Certificates?: PolicyWithList;
  };
}

/** LocalNetworkAccess has the first list, Certificates the second. */
interface PolicyWithList extends Readonly<Record<string, unknown>> {
  readonly SkipDomains?: readonly string[];
  readonly Install?: readonly string[];
}

export interface FirefoxWanted {
  readonly hosts: readonly string[];
  readonly certificates: readonly string[];
}

export interface FirefoxAdditions extends FirefoxWanted {
  /** There was no file. */
  readonly isNew: boolean;
  /** There was no policy of this name; all of it is ours. */
  readonly ownsAccess: boolean;
  readonly ownsCertificates: boolean;
}

export interface FirefoxWithout {
  readonly policies: FirefoxPolicies;
  /** Nothing is left in it. */
  readonly isEmpty: boolean;
  readonly isNew: boolean;
}

/** What it said before ours were added; `added` undefined when none were. */
export function takeFromFirefox(found: FirefoxPolicies | undefined, added: FirefoxAdditions | undefined): FirefoxWithout {
  const { LocalNetworkAccess: access, Certificates: certificates, ...others } = found?.policies ?? {};
  const keptAccess = without(access, 'SkipDomains', { values: added?.hosts ?? [], isOurs: added?.ownsAccess ?? false });
  const keptCertificates = without(certificates, 'Install', {
    values: added?.certificates ?? [],
    isOurs: added?.ownsCertificates ?? false,
  });
  const policies = {
    ...others,
    ...(keptAccess ? { LocalNetworkAccess: keptAccess } : {}),
    ...(keptCertificates ? { Certificates: keptCertificates } : {}),
  };
  const isEmpty = Object.keys(policies).length === 0 && Object.keys(found ?? {}).every((key) => key === 'policies');
  return { policies: { ...found, policies }, isEmpty, isNew: added?.isNew ?? found === undefined };
}

export function addToFirefox(
  { policies: { policies = {}, ...others }, isNew }: FirefoxWithout,
  { hosts, certificates }: FirefoxWanted,
): { readonly policies: FirefoxPolicies; readonly additions: FirefoxAdditions } {
  const { LocalNetworkAccess: access, Certificates: installed } = policies;
  const newHosts = hosts.filter((host) => access?.SkipDomains?.includes(host) !== true);
  const newCertificates = certificates.filter((path) => installed?.Install?.includes(path) !== true);
  const defaults = { Enabled: true, EnablePrompting: true };
  const SkipDomains = [...(access?.SkipDomains ?? []), ...newHosts];
  const Install = [...(installed?.Install ?? []), ...newCertificates];
  return {
    policies: {
      ...others,
      policies: {
        ...policies,
        ...(newHosts.length > 0 ? { LocalNetworkAccess: { ...(access ?? defaults), SkipDomains } } : {}),
        ...(newCertificates.length > 0 ? { Certificates: { ...installed, Install } } : {}),
      },
    },
    additions: {
      hosts: newHosts,
      certificates: newCertificates,
      isNew,
      ownsAccess: access === undefined,
      ownsCertificates: installed === undefined,
    },
  };
}

interface Taken {
  readonly values: readonly string[];
  /** The policy goes with the last value that somebody else has not added since. */
  readonly isOurs: boolean;
}

function without(
  policy: PolicyWithList | undefined,
  list: 'SkipDomains' | 'Install',
  { values, isOurs }: Taken,
): PolicyWithList | undefined {
  if (policy === undefined || values.length === 0) return policy;
  const left = (policy[list] ?? []).filter((value) => !values.includes(value));
  if (left.length > 0) return { ...policy, [list]: left };
  if (isOurs) return undefined;
  const { [list]: _, ...others } = policy;
  return others;
}
