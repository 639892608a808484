/**
 * The same policies where they are no files of ours: commands for an administrator, or for the tool that manages a fleet. Sources: Chrome Enterprise and Microsoft Edge
 * policy documentation (registry keys; preference domains on macOS), Mozilla policy-templates. Not tried on these systems.
 */

const POLICY = 'LoopbackNetworkAllowedForUrls';
/** Sorted by name. */
const REGISTRY_KEYS = {
  chrome: 'HKLM\\SOFTWARE\\Policies\\Google\\Chrome',
  chromium: 'HKLM\\SOFTWARE\\Policies\\Chromium',
  edge: 'HKLM\\SOFTWARE\\Policies\\Microsoft\\Edge',
  firefox: 'HKLM\\SOFTWARE\\Policies\\Mozilla\\Firefox',
} as const;
/** Preference domains of which macOS keeps what is managed. Sorted by name. */
const MANAGED_DOMAINS = {
  chrome: 'com.google.Chrome',
  edge: 'com.microsoft.Edge',
  firefox: 'org.mozilla.firefox',
} as const;
const MANAGED_FOLDER = '/Library/Managed Preferences';

export interface PolicyCommands {
  readonly install: readonly string[];
  readonly remove: readonly string[];
}

/** `origins`: checked, so that none holds a quotation mark. */
export function policyCommands(platform: 'darwin' | 'win32' | (string & {}), origins: readonly string[]): PolicyCommands {
  return platform === 'win32' ? windowsCommands(origins) : macosCommands(origins);
}

function windowsCommands(origins: readonly string[]): PolicyCommands {
  const { firefox, ...chromiums } = REGISTRY_KEYS;
  const lists = [
    ...Object.values(chromiums).map((key) => ({ key: `${key}\\${POLICY}`, values: origins })),
    { key: `${firefox}\\LocalNetworkAccess\\SkipDomains`, values: hostsOf(origins) },
  ];
  return {
    install: lists.flatMap(({ key, values }) =>
      values.map((value, index) => `reg add "${key}" /v ${index + 1} /t REG_SZ /d "${value}" /f`),
    ),
    remove: lists.map(({ key }) => `reg delete "${key}" /f`),
  };
}

function macosCommands(origins: readonly string[]): PolicyCommands {
  const { firefox, ...chromiums } = MANAGED_DOMAINS;
  const quoted = (values: readonly string[]): string => values.map((value) => `'${value}'`).join(' ');
  const file = (domain: string): string => `'${MANAGED_FOLDER}/${domain}'`;
  return {
    install: [
      ...Object.values(chromiums).map((domain) => `sudo defaults write ${file(domain)} ${POLICY} -array ${quoted(origins)}`),
      `sudo defaults write ${file(firefox)} EnterprisePoliciesEnabled -bool TRUE`,
      `sudo defaults write ${file(firefox)} LocalNetworkAccess__SkipDomains -array ${quoted(hostsOf(origins))}`,
    ],
    remove: [
      ...Object.values(chromiums).map((domain) => `sudo defaults delete ${file(domain)} ${POLICY}`),
      `sudo defaults delete ${file(firefox)} LocalNetworkAccess__SkipDomains`,
    ],
  };
}

function hostsOf(origins: readonly string[]): readonly string[] {
  return [...new Set(origins.map((origin) => new URL(origin).hostname))];
}
