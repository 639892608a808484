/** Masks of BER-TLV data objects (ISO/IEC 7816-4:2020, section 6): headers stay, and values that the whitelist keeps. What is no such object has no mask. */
import { equalBytes } from '../../apdu/bytes.ts';
import { TlvError, decodeFirstTlv } from '../../apdu/tlv/ber-tlv.ts';
import { maskDer, maskPoint } from './der-mask.ts';
import { hidden, kept, type Mask, type Run } from './run.ts';
import { APPLICATIONS, type ObjectRule, type Template } from './whitelist.ts';

export function isKnownApplication(bytes: Uint8Array): boolean {
  return APPLICATIONS.some((known) => equalBytes(known, bytes));
}

/** As SELECT names it: the card finds it by a beginning that is long enough to name who registered it (ISO/IEC 7816-4:2020, section 12.2.3). */
export function startsApplication(bytes: Uint8Array): boolean {
  return bytes.length >= 5 && APPLICATIONS.some((known) => equalBytes(known.subarray(0, bytes.length), bytes));
}

/** Undefined unless all of it are data objects, the first of which has a row. An unknown first tag may be anything: text, a number. */
export function maskTemplate(bytes: Uint8Array, rules: Template): Mask | undefined {
  const first = decodeOrNothing(bytes);
  return first && rules.has(first.object.tag) ? maskObjects(bytes, rules) : undefined;
}

/** Within an object that is known, every tag stays. */
function maskObjects(bytes: Uint8Array, rules: Template): Mask | undefined {
  const runs: Run[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const next = decodeOrNothing(rest);
    if (!next) return undefined;
    const { tag, value } = next.object;
    runs.push(...kept(rest.length - next.rest.length - value.length), ...maskValue(value, rules.get(tag)));
    rest = next.rest;
  }
  return runs;
}

function decodeOrNothing(bytes: Uint8Array): ReturnType<typeof decodeFirstTlv> | undefined {
  if (bytes[0] === 0x00 || bytes[0] === 0xff) return undefined;
  try {
    return decodeFirstTlv(bytes);
  } catch (error) {
    if (error instanceof TlvError) return undefined;
    throw error;
  }
}

function maskValue(value: Uint8Array, rule: ObjectRule | undefined): Mask {
  if (rule === undefined) return hidden(value.length);
  if (typeof rule === 'number') return value.length <= rule ? kept(value.length) : hidden(value.length);
  if (rule === 'application') return isKnownApplication(value) ? kept(value.length) : hidden(value.length);
  if (rule === 'der') return maskDer(value) ?? hidden(value.length);
  if (rule === 'point') return maskPoint(value);
  return maskObjects(value, rule) ?? hidden(value.length);
}
