/**
 * What the page that shows the desk may see and do. It reads; of acts it has those that take access away, those that go on with a ceremony's card or
 * end it, and those that look at what is personal. They go the way of every other caller's: through the dispatcher, into the audit log. What gives
 * anything is decided, and each PIN typed, where prompts are answered. Persons with protected personal data it never sees.
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
  'scanner.review',
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
  'issuance.cancel',
  'issuance.get',
  'issuance.list',
  'issuance.listRoutines',
  'issuance.resume',
  'pad.list',
  'pad.unwatch',
  'pad.watch',
  'prompt.list',
  'reader.list',
  'reader.listRoles',
  'scanner.list',
  'scanner.listScans',
  'scanner.picture',
  'scanner.review',
  'system.health',
  'system.info',
]);
