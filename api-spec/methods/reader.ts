import Type from 'typebox';
import { defineMethod } from '../method.ts';
import { Closed, Reader } from '../schemas.ts';

export const readerMethods = {
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
};
