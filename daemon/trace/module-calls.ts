/** Calls into a vendor's PKCS #11 module, one a line: see README.md. */
import type { SeenCall } from '../../drivers/reader-source.ts';
import { CALLED_FUNCTIONS, OPERATIONS } from '../../drivers/pkcs11/functions.ts';
import { nameOf } from '../../drivers/pkcs11/return-values.ts';
import { codeOf } from '../api/wire-error.ts';
import type { TraceCall } from './entry.ts';

/** In the order in which they are written. */
const SIZES = [
  ['attributes', 'attributes'],
  ['in', 'bytesIn'],
  ['out', 'bytesOut'],
  ['found', 'found'],
] as const;

export function callOf(seen: SeenCall): TraceCall {
  if (!('problem' in seen)) return { kind: 'call', ...seen };
  return { kind: 'call', ...seen, problem: codeOf(seen.problem) };
}

export function formatCall(call: TraceCall): string {
  const { slot, durationMs } = call;
  const ms = `${Math.round(durationMs)} ms`;
  if ('problem' in call) return `* ${call.operation} slot ${slot} ! ${call.problem} ; ${ms}`;
  const mechanism = call.mechanism === undefined ? [] : [`mechanism ${hex(call.mechanism)}`];
  const sizes = SIZES.flatMap(([word, name]) => (call[name] === undefined ? [] : [`${word} ${call[name]}`]));
  return `${[`* ${call.function} slot ${slot}`, ...mechanism, ...sizes].join(' ')} = ${hex(call.value)} ; ${ms}`;
}

const NUMBER = '(\\d{1,10})';
const HEX = '([0-9A-F]{8})';
const CALL = new RegExp(
  `^\\* (${CALLED_FUNCTIONS.join('|')}) slot ${NUMBER}(?: mechanism ${HEX})?` +
    SIZES.map(([word]) => `(?: ${word} ${NUMBER})?`).join('') +
    ` = ${HEX} ; ${NUMBER} ms$`,
);
const FAILED = new RegExp(`^\\* (${OPERATIONS.join('|')}) slot ${NUMBER} ! ([a-z][a-z_]{0,63}) ; ${NUMBER} ms$`);

/** Undefined for a line that is none. */
export function parseCall(line: string): TraceCall | undefined {
  const failed = FAILED.exec(line);
  if (failed) {
    const [, operation = '', slot, problem = '', ms] = failed;
    return { kind: 'call', slot: Number(slot), operation, problem, durationMs: Number(ms) };
  }
  const found = CALL.exec(line);
  if (!found) return undefined;
  const [, name = '', slot, mechanism, ...rest] = found;
  const [value = '', ms] = rest.slice(SIZES.length);
  const sizes = SIZES.flatMap(([, size], index) => (rest[index] === undefined ? [] : [[size, Number(rest[index])] as const]));
  return {
    ...{ kind: 'call', slot: Number(slot), function: name, value: Number.parseInt(value, 16), durationMs: Number(ms) },
    ...(mechanism === undefined ? {} : { mechanism: Number.parseInt(mechanism, 16) }),
    ...Object.fromEntries(sizes),
  };
}

/** In words. */
export function describeCall(call: TraceCall): string {
  if ('problem' in call) return `${call.operation}, slot ${call.slot} → no answer (${call.problem}) (${call.durationMs} ms)`;
  const { mechanism, attributes, bytesIn, bytesOut, found } = call;
  const words = [
    `${call.function}, slot ${call.slot}`,
    ...(mechanism === undefined ? [] : [`mechanism ${hex(mechanism)}`]),
    ...(attributes === undefined ? [] : [`${attributes} attributes`]),
    ...(bytesIn === undefined ? [] : [`${bytesIn} bytes in`]),
    ...(bytesOut === undefined ? [] : [`${bytesOut} bytes out`]),
    ...(found === undefined ? [] : [`${found} found`]),
  ];
  return `${words.join(', ')} → ${call.value === 0 ? 'CKR_OK' : `${nameOf(call.value)} (${hex(call.value)})`} (${call.durationMs} ms)`;
}

function hex(value: number): string {
  return value.toString(16).toUpperCase().padStart(8, '0');
}
