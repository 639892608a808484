import Type from 'typebox';
import { CARD_ERRORS, PIN_ERRORS } from '../errors.ts';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import { Closed, Key, KeyAlgorithm, KeyReference, PinPolicy, TouchPolicy, cardParams, managementParams } from '../schemas.ts';

const errors = [
  ...CARD_ERRORS,
  ...PIN_ERRORS,
  'algorithm_unsupported',
  'management_key_rejected',
  'management_key_required',
  'object_not_found',
] as const;

export const keyMethods = {
  'key.delete': defineMethod({
    summary: 'Delete a private key, on cards that can.',
    attempt: { en: 'Deleting the key', sv: 'Att ta bort nyckeln' },
    since: 1,
    scope: 'card.manage',
    rest: { verb: 'POST', path: '/v1/keys/delete' },
    timeoutMs: PERSON_TIMEOUT_MS,
    params: Closed({ ...cardParams, keyReference: KeyReference, ...managementParams }),
    result: Closed({}),
    errors,
  }),
  'key.generate': defineMethod({
    summary: 'Make a key pair on the card. An earlier key under this reference is lost.',
    attempt: { en: 'Making the key', sv: 'Att skapa nyckeln' },
    since: 1,
    scope: 'card.manage',
    rest: { verb: 'POST', path: '/v1/keys/generate' },
    timeoutMs: 180_000,
    params: Closed({
      ...cardParams,
      keyReference: KeyReference,
      algorithm: KeyAlgorithm,
      ...managementParams,
      pinPolicy: Type.Optional(PinPolicy),
      touchPolicy: Type.Optional(TouchPolicy),
    }),
    result: Closed({ key: Key }),
    errors,
  }),
};
