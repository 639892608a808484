/**
 * What every answer of the API must be, whatever the question: a result that fits its schema, or an error that is documented for its method, with texts
 * for people in both languages.
 */
import { expect } from 'vitest';
import { Compile, type Validator } from 'typebox/compile';
import { COMMON_ERRORS, ERRORS, WireErrorSchema, type ErrorCode, type WireError } from '../../api-spec/errors.ts';
import { METHODS, isMethodName, type MethodName, type Result } from '../../api-spec/methods/index.ts';

export type Answer<R = unknown> = { readonly result: R } | { readonly error: WireError };

const wireError = Compile(WireErrorSchema);
const results = new Map<MethodName, Validator>();

/** Codes that a method may answer: its own and the common ones. */
export function documentedErrors(method: MethodName): ReadonlySet<ErrorCode> {
  return new Set<ErrorCode>([...METHODS[method].errors, ...COMMON_ERRORS]);
}

/** Fails the test unless the answer is as the API promises. Gives it back, typed. */
export function checkAnswer<N extends MethodName>(method: N, answer: Answer): Answer<Result<N>>;
export function checkAnswer(method: string, answer: Answer): Answer;
export function checkAnswer(method: string, answer: Answer): Answer {
  if ('error' in answer) checkError(answer.error, isMethodName(method) ? method : undefined);
  else if (isMethodName(method)) checkResult(method, answer.result);
  return answer;
}

export function checkError(error: WireError, method?: MethodName): WireError {
  expect([...wireError.Errors(error)], JSON.stringify(error)).toEqual([]);
  const { code, message, en, sv, retry } = error;
  const documented = method ? documentedErrors(method) : new Set<ErrorCode>(COMMON_ERRORS);
  expect([...documented], `${method ?? 'no method'} answers ${code}: ${message}`).toContain(code);
  expect(retry).toBe(ERRORS[code].retry);
  expect(message).not.toBe('');
  for (const text of [en, sv]) {
    expect(text.length, text).toBeGreaterThan(20);
    expect(text, 'a placeholder was not filled').not.toMatch(/\?|[{}]|undefined|\[object/);
  }
  // What is refused before its method is looked at says "The call".
  const attempts = [{ en: 'The call', sv: 'Anropet' }, ...(method ? [METHODS[method].attempt] : [])];
  expect(
    attempts.some((attempt) => en.startsWith(`${attempt.en} failed: `) && sv.startsWith(`${attempt.sv} misslyckades: `)),
    en,
  ).toBe(true);
  expect(en).toContain(ERRORS[code].en.action);
  expect(sv).toContain(ERRORS[code].sv.action);
  return error;
}

function checkResult(method: MethodName, result: unknown): void {
  let validator = results.get(method);
  if (!validator) {
    validator = Compile(METHODS[method].result);
    results.set(method, validator);
  }
  expect([...validator.Errors(result)], `${method} answers ${JSON.stringify(result)}`).toEqual([]);
}

/** The result, or the test fails with what came instead. */
export function resultOf<R>(answer: Answer<R>): R {
  if ('error' in answer) throw new Error(`a result was expected, not ${answer.error.code}: ${answer.error.message}`);
  return answer.result;
}

export function errorOf(answer: Answer): WireError {
  if (!('error' in answer)) throw new Error(`an error was expected, not ${JSON.stringify(answer.result)}`);
  return answer.error;
}

/** "ok", or the code of the error. */
export function outcomeOf(answer: Answer): 'ok' | ErrorCode {
  return 'error' in answer ? answer.error.code : 'ok';
}
