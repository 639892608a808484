import { describe, expect, it } from 'vitest';
import * as cardErrors from '../../apdu/errors.ts';
import { COMMON_ERRORS, ERRORS } from '../../api-spec/errors.ts';
import { METHODS, METHOD_NAMES } from '../../api-spec/methods/index.ts';
import * as deviceErrors from '../../drivers/errors.ts';
import { ApiError } from '../errors.ts';
import { CLASS_CODES, codeOf, toWireError } from './wire-error.ts';

const unexpected = (error: unknown): void => {
  throw error;
};

type ErrorClass = abstract new (...parameters: never[]) => Error;

/** Every class of error that a layer below exports. */
const exported: readonly (readonly [string, unknown])[] = Object.entries({ ...cardErrors, ...deviceErrors });
const classes = exported.filter(
  (entry): entry is readonly [string, ErrorClass] => typeof entry[1] === 'function' && entry[1].prototype instanceof Error,
);

describe('the codes of errors', () => {
  it.each(classes)('%s has a row of its own', (_, errorClass) => {
    expect(CLASS_CODES.map(([known]) => known)).toContain(errorClass);
  });

  it('no row is hidden by one above it', () => {
    for (const [index, [errorClass]] of CLASS_CODES.entries())
      for (const [above] of CLASS_CODES.slice(0, index)) expect(errorClass.prototype, errorClass.name).not.toBeInstanceOf(above);
  });

  it('anything else is a defect', () => {
    for (const error of [new Error('x'), new RangeError('x'), 'text', undefined]) expect(codeOf(error)).toBe('internal_error');
  });
});

describe('an error that its method does not document', () => {
  it('is told as a refusal with the status word that the card gave', () => {
    const error = new cardErrors.ObjectNotFoundError('asking for PIN 80: card has no such PIN', { statusWord: 0x6a88 });
    expect(toWireError(error, 'card.read', unexpected)).toMatchObject({ code: 'card_refused', details: { statusWord: '6A88' } });
    expect(toWireError(error, 'pin.verify', unexpected).code).toBe('object_not_found');
  });

  it('is told as data that cannot be right when the card gave none', () => {
    const error = new cardErrors.KeyNotFoundError('looking up a key');
    expect(toWireError(error, 'card.read', unexpected).code).toBe('card_data_invalid');
  });

  it('of a card is documented for every method with a card, whatever its class', () => {
    for (const method of METHOD_NAMES.filter((name) => METHODS[name].errors.includes('card_refused'))) {
      for (const [, errorClass] of classes.filter(([, known]) => known.prototype instanceof cardErrors.CardError)) {
        const error = Object.assign(Object.create(errorClass.prototype as object) as Error, { message: 'm', statusWord: 0x6f00 });
        const { code } = toWireError(error, method, unexpected);
        expect([...METHODS[method].errors, ...COMMON_ERRORS], method).toContain(code);
      }
    }
  });
});

describe('the texts', () => {
  it('say so when the card does not tell how many tries are left', () => {
    const error = toWireError(
      new cardErrors.PinRejectedError('verifying PIN 80: wrong', { statusWord: 0x6300 }),
      'pin.verify',
      unexpected,
    );
    expect(error.en).toContain('an unknown number of tries are left');
    expect(error.sv).toContain('ett okänt antal försök återstår');
  });

  it('begin with what was tried, in both languages', () => {
    const error = toWireError(new ApiError('no_card', 'looking'), 'sign.digest', unexpected);
    expect(error.en).toMatch(/^Signing failed: no card is in the reader\. /);
    expect(error.sv).toMatch(/^Att signera misslyckades: det finns inget kort i läsaren\. /);
  });

  it('are there for every code, in both languages, as sentences', () => {
    for (const [code, { en, sv }] of Object.entries(ERRORS)) {
      for (const { happened, action } of [en, sv]) {
        expect(happened, code).toMatch(/^(\{\w+\}|[a-zåäö0-9"]|PIN|API|PDF|X\.509|Host).*\.$/u);
        expect(action, code).toMatch(/^[A-ZÅÄÖ].*\.$/u);
      }
      expect(en.happened, code).not.toBe(sv.happened);
    }
  });
});
