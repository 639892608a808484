/**
 * How the reader of a role is found again: by serial number, else by the USB port it is plugged into, else by its name without the numbers that the
 * system gives in the order of plugging in. A reader has a selector when it has every property that the selector names; a selector that
 * more than one reader has finds none.
 */
import type { ReaderSelector } from '../../api-spec/schemas.ts';
import { parseReaderName } from '../../drivers/reader-name.ts';

export interface KnownReader {
  readonly name: string;
  readonly serialNumber?: string | undefined;
  readonly usbPath?: string | undefined;
  /** Its serial number and port are still being read. */
  readonly isIdentityPending: boolean;
}

export interface RoleBinding {
  readonly role: string;
  readonly source: 'assigned' | 'policy' | 'scenario';
  readonly selector: ReaderSelector;
}

/** Where the reader of a role is. `readers`: that reader, or those among which it cannot be told. */
export interface RoleReader<R> {
  readonly binding: RoleBinding;
  readonly status: 'ready' | 'away' | 'ambiguous';
  readonly readers: readonly R[];
}

/** True for a serial number that two readers of one name were seen with: it tells nothing. */
export type IsShared = (serialNumber: string, stem: string) => boolean;

/** By the strongest property that tells the reader from all others; undefined when none does. */
export function selectorOf(reader: KnownReader, others: readonly KnownReader[], isShared: IsShared): ReaderSelector | undefined {
  const { stem, slot } = parseReaderName(reader.name);
  const name = { name: stem, ...(slot === undefined ? {} : { slot }) };
  const { serialNumber, usbPath } = reader;
  const selectors: ReaderSelector[] = [
    ...(serialNumber === undefined || isShared(serialNumber, stem) ? [] : [{ serialNumber, ...name }]),
    ...(usbPath === undefined ? [] : [{ usbPath, ...name }]),
    name,
  ];
  return selectors.find((selector) => !others.some((other) => hasSelector(other, selector)));
}

export function hasSelector(reader: KnownReader, selector: ReaderSelector): boolean {
  const { stem, slot } = parseReaderName(reader.name);
  return (
    (selector.serialNumber === undefined || selector.serialNumber === reader.serialNumber) &&
    (selector.usbPath === undefined || selector.usbPath === reader.usbPath) &&
    (selector.name === undefined || parseReaderName(selector.name).stem === stem) &&
    (selector.slot === undefined || selector.slot === slot)
  );
}

/** Gives each role its reader, and no reader to two roles. What cannot be told is not guessed. */
export function findReaders<R extends KnownReader>(
  bindings: readonly RoleBinding[],
  readers: readonly R[],
  isShared: IsShared,
): ReadonlyMap<string, RoleReader<R>> {
  const found = bindings.map((binding) => findReader(binding, readers, isShared));
  return new Map(found.map((one) => [one.binding.role, withoutRivals(one, found)]));
}

function findReader<R extends KnownReader>(binding: RoleBinding, readers: readonly R[], isShared: IsShared): RoleReader<R> {
  const { selector } = binding;
  const fitting = readers.filter((reader) => hasSelector(reader, selector));
  const [reader] = fitting;
  if (!reader) return { binding, status: 'away', readers: [] };
  const tellsNothing = selector.serialNumber !== undefined && isShared(selector.serialNumber, parseReaderName(reader.name).stem);
  if (fitting.length > 1 || tellsNothing) return { binding, status: 'ambiguous', readers: fitting };
  // By its name alone: it may yet turn out to be another role's.
  const isKnown = selector.serialNumber !== undefined || selector.usbPath !== undefined || !reader.isIdentityPending;
  return { binding, status: isKnown ? 'ready' : 'away', readers: [reader] };
}

/** Of two roles that find the same reader the stronger one has it; of two that are equal neither. */
function withoutRivals<R>(own: RoleReader<R>, all: readonly RoleReader<R>[]): RoleReader<R> {
  if (own.status !== 'ready') return own;
  const rank = rankOf(own.binding);
  const rivals = all.filter((other) => other !== own && other.status === 'ready' && other.readers[0] === own.readers[0]);
  if (rivals.some(({ binding }) => rankOf(binding) > rank)) return { ...own, status: 'away', readers: [] };
  return rivals.some(({ binding }) => rankOf(binding) === rank) ? { ...own, status: 'ambiguous' } : own;
}

const SOURCES: readonly RoleBinding['source'][] = ['scenario', 'assigned', 'policy'];

function rankOf({ source, selector }: RoleBinding): number {
  const strength = selector.serialNumber !== undefined ? 3 : selector.usbPath !== undefined ? 2 : 1;
  return SOURCES.indexOf(source) * 10 + strength;
}
