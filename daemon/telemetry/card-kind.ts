/** What kind a card is, in a word of a closed set: a vendor's module tells kinds in words of its own, and those stay out. */
import { CARD_PROFILES } from '../../apdu/cards/index.ts';
import type { CardRecord } from '../desk/records.ts';

/** Those that kortd knows, those behind a vendor's module, and all others. */
export const CARD_KIND_LABELS: readonly string[] = [...CARD_PROFILES.map(({ id }) => id), 'module', 'unknown'].sort();

export function cardKindLabel({ kind, through }: Pick<CardRecord, 'kind' | 'through'>): string {
  if (through) return 'module';
  return kind && CARD_KIND_LABELS.includes(kind.id) ? kind.id : 'unknown';
}
