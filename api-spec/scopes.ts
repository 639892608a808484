/** Rights that a caller can hold. A method wants one; a method that is given a secret wants `pin.direct` too. */

export interface ScopeDefinition {
  readonly summary: string;
  /** False: no web origin can ever be given this scope. */
  readonly webOrigins: boolean;
}

/** Sorted by name. */
export const SCOPES = {
  'access.manage': { summary: 'Decide which web origins have access', webOrigins: false },
  'access.request': { summary: 'Ask for access; every web origin may', webOrigins: true },
  'audit.read': { summary: 'Read, verify and export the audit log', webOrigins: false },
  'card.manage': { summary: 'Make keys, write and delete certificates on a card', webOrigins: true },
  'card.read': { summary: 'See readers, cards and certificates', webOrigins: true },
  'card.transmit': { summary: 'Send raw commands to a card', webOrigins: false },
  'pin.direct': { summary: 'Hand over PINs, PUKs and management keys in a call', webOrigins: false },
  'pin.manage': { summary: 'Have a PIN verified, changed or unblocked', webOrigins: true },
  sign: { summary: 'Have a card sign', webOrigins: true },
  system: { summary: 'See the service itself', webOrigins: true },
} as const satisfies Record<string, ScopeDefinition>;

export type Scope = keyof typeof SCOPES;
