/** What people are told of a card that they are asked about. */
import { kindOf } from '../../api-spec/card-kinds.ts';
import type { CardRecord } from './records.ts';

/** Its kind and number, and where it is: `PIV 10000001, Reader 00 00`. */
export function cardTitle({ kind, serialNumber, reader }: Pick<CardRecord, 'kind' | 'reader' | 'serialNumber'>): string {
  const serial = serialNumber === undefined ? '' : ` ${serialNumber}`;
  return `${kind ? kindOf(kind.id) : 'card'}${serial}, ${reader.name}`;
}
