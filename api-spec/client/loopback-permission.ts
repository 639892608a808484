/**
 * What the browser says of reaching programs on this computer (Local Network Access, https://wicg.github.io/local-network-access/).
 * A page cannot see a refusal any other way: its calls fail as if nothing listened.
 */

/** `unsupported`: the browser knows no such permission. `exempt`: the page itself comes from this computer, and is not asked. */
export type LoopbackPermission = 'granted' | 'prompt' | 'denied' | 'unsupported' | 'exempt';

/** Newest first. Chromium 145 split the older permission; Firefox 153 throws for a name that it does not know. */
const PERMISSION_NAMES = ['loopback-network', 'local-network-access'] as const;
/** The answer needs no person: a browser that does not give it is treated as one without the permission. */
const QUERY_TIMEOUT_MS = 2_000;

/** What a web page has and Node has not; the types of this package know neither. */
interface Platform {
  readonly navigator?: {
    readonly permissions?: { readonly query: (descriptor: { readonly name: string }) => Promise<{ readonly state: string }> };
  };
  readonly document?: {
    readonly featurePolicy?: { readonly features: () => readonly string[]; readonly allowsFeature: (name: string) => boolean };
  };
  readonly location?: { readonly hostname?: string };
  readonly isSecureContext?: boolean;
  readonly origin?: string;
  readonly self?: unknown;
  readonly top?: unknown;
}

/** Looked up at each use: what a page may do changes while it is open. */
export function platform(): Platform {
  return globalThis as unknown as Platform;
}

/** Never rejects, and never waits for a person. */
export async function loopbackPermission(): Promise<LoopbackPermission> {
  const { location, navigator } = platform();
  if (isLoopback(location?.hostname ?? '')) return 'exempt';
  for (const name of PERMISSION_NAMES) {
    const state = await query(navigator?.permissions, name);
    if (state === 'granted' || state === 'prompt' || state === 'denied') return state;
  }
  return 'unsupported';
}

/** True when the page or a frame around it forbids what the person could allow: there is nothing that a person can do. */
export function isForbiddenByPage(): boolean {
  const { document, self, top } = platform();
  const policy = document?.featurePolicy;
  const name = PERMISSION_NAMES.find((candidate) => policy?.features().includes(candidate));
  // A browser that does not tell (Firefox): in a frame that is the likelier cause.
  return policy && name !== undefined ? !policy.allowsFeature(name) : top !== undefined && self !== top;
}

async function query(permissions: NonNullable<Platform['navigator']>['permissions'], name: string): Promise<string | undefined> {
  if (!permissions) return undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), QUERY_TIMEOUT_MS);
  });
  try {
    return (await Promise.race([permissions.query({ name }), late]))?.state;
  } catch {
    return undefined; // a name that the browser does not know
  } finally {
    clearTimeout(timer);
  }
}

/** As a browser writes the host of a page: "[::1]", and 127.0.0.0/8 in four numbers. */
function isLoopback(hostname: string): boolean {
  return hostname === '[::1]' || /^(?:.+\.)?localhost$/.test(hostname) || /^127(?:\.\d+){3}$/.test(hostname);
}
