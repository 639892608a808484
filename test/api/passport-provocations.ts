/** passport.read among the tables of provocations: the document that stands on the stage, and how its own errors come. */
import type { MethodName } from '../../api-spec/methods/index.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { createEmrtdCard, type EmrtdCardOptions } from '../../drivers/simulated/cards/emrtd.ts';
import type { Provocation, ProvocationsOf } from './provocation.ts';
import type { ErrorCode } from '../../api-spec/errors.ts';

const ZONE = 'P<UTOLINDQVIST<<ANNA<MARIA<<<<<<<<<<<<<<<<<<\nXA12000110UTO8502142F3403015198502149801<<40';
const OTHER_ZONE = 'P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10';

export const GOOD_READING = { access: { mrz: ZONE } };

export function goodDocument(method: MethodName): SimulatedCard | undefined {
  return method === 'passport.read' ? createEmrtdCard() : undefined;
}

const onDocument =
  (changes: object, options: EmrtdCardOptions = {}): Provocation =>
  async ({ bench, call }) =>
    await call(await bench.insert(createEmrtdCard(options)), changes);

export const PASSPORT_PROVOCATIONS: ProvocationsOf<ErrorCode> = {
  card_refused: async ({ bench, call }) => {
    const id = await bench.insert(createEmrtdCard({ access: ['BAC'] }));
    for (let at = 1; at < 20; at++) {
      bench.reader().arm([{ kind: 'statusWord', at, statusWord: '6F00' }]);
      const outcome = await call(id);
      bench.reader().disarm();
      if (outcome === 'card_refused') return outcome;
    }
    return 'ok';
  },
  chip_not_genuine: onDocument({ requiresGenuineChip: true }, { defects: ['cloned chip'] }),
  document_access_refused: onDocument({ access: { mrz: OTHER_ZONE } }),
  mrz_invalid: onDocument({ access: { mrz: ZONE.replace('XA12000110', 'XA12000111') } }),
};
