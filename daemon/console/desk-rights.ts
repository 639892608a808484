/**
 * What the page that shows the desk may see and do. It reads; of acts it has only those that take access away, and they go the way of every other
 * caller's: through the dispatcher, into the audit log. What gives anything is decided where prompts are answered.
 */
import type { MethodName } from '../../api-spec/methods/index.ts';
import type { Scope } from '../../api-spec/scopes.ts';

/** For the events, and for the methods below. Sorted by name. */
export const DESK_SCOPES: ReadonlySet<Scope> = new Set<Scope>([
  'access.manage',
  'audit.read',
  'card.read',
  'document.read',
  'document.verify',
  'issuance',
  'pad',
  'scanner',
  'sign',
  'system',
]);

/** Sorted by name. */
export const DESK_METHODS: ReadonlySet<MethodName> = new Set<MethodName>([
  'access.deny',
  'access.list',
  'access.revoke',
  'audit.list',
  'audit.verify',
  'card.list',
  'card.read',
  'issuance.get',
  'issuance.list',
  'issuance.listRoutines',
  'pad.list',
  'reader.list',
  'reader.listRoles',
  'scanner.get',
  'scanner.list',
  'system.health',
  'system.info',
]);
