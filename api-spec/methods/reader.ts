import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed, Id, Reader, Role, RoleName } from '../schemas.ts';

/** A person walks to the reader and puts a card in. */
const ASSIGN_TIMEOUT_MS = 120_000;

export const readerMethods = {
  'reader.assignRole': defineMethod({
    summary:
      'Bind a reader to a role, for good. Without `reader` it is guided: the next reader that a card is put into is taken; one that has a card in it wants it taken out and put in again.',
    attempt: { en: 'Binding a reader to the role', sv: 'Att knyta en läsare till rollen' },
    since: 1,
    scope: 'reader.manage',
    rest: { verb: 'POST', path: '/v1/readers/roles/assign' },
    timeoutMs: ASSIGN_TIMEOUT_MS,
    params: Closed({ role: RoleName, reader: Type.Optional(Id('reader')) }),
    result: Closed({ role: Role, reader: Reader }),
    errors: ['not_found', 'reader_ambiguous', 'reader_has_role', 'reader_unavailable', 'role_by_policy'],
  }),
  'reader.list': defineMethod({
    summary: 'Every reader of this workstation.',
    attempt: { en: 'Listing the readers', sv: 'Att lista läsarna' },
    since: 1,
    scope: 'card.read',
    rest: { verb: 'GET', path: '/v1/readers' },
    params: Closed({}),
    result: Closed({ readers: Type.Array(Reader) }),
    errors: [],
  }),
  'reader.listRoles': defineMethod({
    summary: 'Every role, how its reader is found, and whether it is there.',
    attempt: { en: 'Listing the roles', sv: 'Att lista rollerna' },
    since: 1,
    scope: 'card.read',
    rest: { verb: 'GET', path: '/v1/readers/roles' },
    params: Closed({}),
    result: Closed({ roles: Type.Array(Role) }),
    errors: [],
  }),
  'reader.removeRole': defineMethod({
    summary: 'Take the reader of a role back.',
    attempt: { en: 'Taking the reader from the role', sv: 'Att ta läsaren från rollen' },
    since: 1,
    scope: 'reader.manage',
    rest: { verb: 'POST', path: '/v1/readers/roles/remove' },
    params: Closed({ role: RoleName }),
    result: Closed({}),
    errors: ['not_found', 'role_by_policy'],
  }),
};
