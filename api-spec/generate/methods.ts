/** What the documents derive from a method beyond its own fields. */
import { COMMON_ERRORS, ERRORS, type ErrorCode, type ErrorDefinition } from '../errors.ts';
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS, SECRET_PARAMS, type ApiMethod } from '../method.ts';
import { METHODS, METHOD_NAMES, type MethodName } from '../methods/index.ts';
import { isObject, plain } from './json-schema.ts';

export interface NamedMethod extends ApiMethod {
  readonly name: MethodName;
}

/** In the order of METHODS. */
export const namedMethods: readonly NamedMethod[] = METHOD_NAMES.map((name) => ({ name, ...(METHODS[name] as ApiMethod) }));

export function nounOf(method: NamedMethod): string {
  return method.name.slice(0, method.name.indexOf('.'));
}

export function deadlineOf(method: ApiMethod): number {
  return method.timeoutMs ?? DEFAULT_TIMEOUT_MS;
}

/** The longest that a call may name, for a list as long as it may be. */
export function longestDeadlineOf(method: ApiMethod): number {
  const { param, timeoutMs } = method.timeoutPerItem ?? { param: '', timeoutMs: 0 };
  const { properties } = plain(method.params);
  const list = isObject(properties) ? properties[param] : undefined;
  return MAX_TIMEOUT_MS + (isObject(list) ? Number(list['maxItems']) * timeoutMs : 0);
}

/** What the method itself adds to the errors of every call, sorted. */
export function ownErrors(method: ApiMethod): readonly ErrorCode[] {
  const common: ReadonlySet<string> = new Set(COMMON_ERRORS);
  return [...new Set(method.errors)].filter((code) => !common.has(code)).sort();
}

export function allErrors(method: ApiMethod): readonly ErrorCode[] {
  return [...new Set<ErrorCode>([...COMMON_ERRORS, ...method.errors])].sort();
}

/** By HTTP status, ascending. */
export function groupByStatus(codes: readonly ErrorCode[]): ReadonlyMap<number, readonly ErrorCode[]> {
  const statuses = [...new Set(codes.map((code) => ERRORS[code].httpStatus))].sort((one, other) => one - other);
  return new Map(statuses.map((status) => [status, codes.filter((code) => ERRORS[code].httpStatus === status)]));
}

export function errorDefinition(code: ErrorCode): ErrorDefinition {
  return ERRORS[code];
}

export function hasRequiredParams(method: ApiMethod): boolean {
  const { required } = plain(method.params);
  return Array.isArray(required) && required.length > 0;
}

/** Parameters that are secrets: whoever gives one needs the scope pin.direct. */
export function secretParams(method: ApiMethod): readonly string[] {
  const { properties } = plain(method.params);
  return isObject(properties) ? SECRET_PARAMS.filter((name) => Object.hasOwn(properties, name)) : [];
}
