/** The desk with what it goes by: bindings in the data folder, the policy, and who the holders of cards are. */
import { join } from 'node:path';
import type { ReaderSelector } from '../../api-spec/schemas.ts';
import type { TokenCertificate } from '../../apdu/token.ts';
import type { Policy } from '../access/policy.ts';
import { readIdentity, type CardIdentity, type IdentitySettings } from '../identity/identity.ts';
import { codeOf } from '../api/wire-error.ts';
import { identify } from './card-access.ts';
import { Desk, type DeskOptions } from './desk.ts';
import { isIgnoredReader } from './ignored-readers.ts';
import { ROLES_FILE, RoleStore } from './role-store.ts';
import { Roles } from './roles.ts';

export interface OpenDeskOptions extends Pick<
  DeskOptions,
  'sources' | 'ways' | 'profiles' | 'publish' | 'log' | 'cache' | 'telemetry'
> {
  readonly dataFolder: string;
  /** As they stand. */
  readonly policy: () => Policy;
  readonly identity: () => IdentitySettings;
  readonly scenarioRoles: ReadonlyMap<string, ReaderSelector> | undefined;
}

/** Watches nothing yet: see `Desk.open`. */
export function openDesk(options: OpenDeskOptions): Desk {
  const { dataFolder, policy, identity, scenarioRoles: scenario, ...rest } = options;
  const store = new RoleStore(join(dataFolder, ROLES_FILE));
  const roles = new Roles({
    store,
    policy: () => {
      const { roles: said, rolesRefused } = policy();
      return { roles: said, ...(rolesRefused === undefined ? {} : { refused: rolesRefused }) };
    },
    ...(scenario ? { scenario } : {}),
    holderOf: (certificates) => holderOf(certificates, identity(), policy()),
  });
  const desk: Desk = new Desk({
    ...rest,
    roles,
    isIgnored: (name) => isIgnoredReader(name, policy().ignoredReaders),
    identify: (card) =>
      identify(desk, card, (error) => ({ code: codeOf(error), message: error instanceof Error ? error.message : '' })),
  });
  return desk;
}

/** Once the administrator has named trust anchors, nobody is whom an untrusted certificate says: also when none of them can be read. */
function holderOf(
  certificates: readonly TokenCertificate[],
  settings: IdentitySettings,
  policy: Policy,
): CardIdentity | undefined {
  const holder = readIdentity(certificates, settings, new Date());
  const wantsTrust = settings.anchors.length > 0 || policy.identity.some(({ trustAnchors = [] }) => trustAnchors.length > 0);
  return wantsTrust && holder?.isTrusted !== true ? undefined : holder;
}
