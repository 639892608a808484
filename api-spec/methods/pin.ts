import { CARD_ERRORS, PIN_ERRORS } from '../errors.ts';
import { PERSON_TIMEOUT_MS, defineMethod } from '../method.ts';
import { AllowLastTry, Closed, NewPinParam, Pin, PinParam, PinReference, Purpose, PukParam, cardParams } from '../schemas.ts';

const errors = [...CARD_ERRORS, ...PIN_ERRORS, 'object_not_found'] as const;
/** A person may be typing on the reader's keypad. */
const timeoutMs = PERSON_TIMEOUT_MS;

export const pinMethods = {
  'pin.change': defineMethod({
    summary: 'Change a PIN or the PUK.',
    attempt: { en: 'Changing the PIN', sv: 'Att ändra PIN-koden' },
    since: 1,
    scope: 'pin.manage',
    rest: { verb: 'POST', path: '/v1/pins/change' },
    timeoutMs,
    params: Closed({
      ...cardParams,
      pinReference: PinReference,
      pin: PinParam,
      newPin: NewPinParam,
      allowLastTry: AllowLastTry,
      purpose: Purpose,
    }),
    result: Closed({ pin: Pin }),
    errors,
  }),
  'pin.unblock': defineMethod({
    summary: 'Set a new PIN with the PUK.',
    attempt: { en: 'Unblocking the PIN', sv: 'Att låsa upp PIN-koden' },
    since: 1,
    scope: 'pin.manage',
    rest: { verb: 'POST', path: '/v1/pins/unblock' },
    timeoutMs,
    params: Closed({
      ...cardParams,
      pinReference: PinReference,
      puk: PukParam,
      newPin: NewPinParam,
      allowLastTry: AllowLastTry,
      purpose: Purpose,
    }),
    result: Closed({ pin: Pin }),
    errors,
  }),
  'pin.verify': defineMethod({
    summary: 'Check a PIN. It counts for this call only: the card is reset afterwards.',
    attempt: { en: 'Verifying the PIN', sv: 'Att kontrollera PIN-koden' },
    since: 1,
    scope: 'pin.manage',
    rest: { verb: 'POST', path: '/v1/pins/verify' },
    timeoutMs,
    params: Closed({ ...cardParams, pinReference: PinReference, pin: PinParam, allowLastTry: AllowLastTry, purpose: Purpose }),
    result: Closed({ pin: Pin }),
    errors,
  }),
};
