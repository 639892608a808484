/** A recorded card at a simulated desk: what a scenario file names by `"kind": "trace"`. It answers in any order, as a card does that is used by more than one program. */
import { resolve } from 'node:path';
import Type from 'typebox';
import type { ForeignCardKind } from '../../drivers/simulated/card-kind.ts';
import { SimulationFileError } from '../../drivers/simulated/errors.ts';
import type { Trace } from './entry.ts';
import { ReplayCard, recordedCards, type Deviation } from './replay-card.ts';
import { TraceTextError } from './text.ts';
import { readTraceFile } from './trace-file.ts';

export const TRACE_KIND = 'trace';
/** Of one card; a program that asks on and on does not fill the log. */
const MAX_TOLD = 200;
/** ISO/IEC 7816-4:2020, table 6: no such application or file, and an instruction that the card does not have. */
const SW_FILE_NOT_FOUND = 0x6a82;
const SW_INS_NOT_SUPPORTED = 0x6d00;
const INS_SELECT = 0xa4;

const schema = Type.Object(
  {
    /** Beside the scenario file, unless the path says otherwise. */
    file: Type.String({ minLength: 1, maxLength: 4096 }),
    /** Its number in the trace; the first unless given. */
    card: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999 })),
  },
  { additionalProperties: false },
);

interface RecordedCardOptions {
  readonly file: string;
  readonly card?: number;
}

/** What is asked of a card, by its name in the scenario, that was not recorded. */
export type TellDeviation = (card: string, deviation: Deviation) => void;

/** For `loadScenario`. The card throws SimulationFileError for a file that is no trace, or has no such card. */
export function recordedCardKinds(tell: TellDeviation): ReadonlyMap<string, ForeignCardKind> {
  return new Map([
    [
      TRACE_KIND,
      {
        schema,
        create: (options, { folder, name }) => createRecordedCard(options as RecordedCardOptions, { folder, name, tell }),
      },
    ],
  ]);
}

function createRecordedCard(
  { file, card: which }: RecordedCardOptions,
  { folder, name, tell }: { readonly folder: string; readonly name: string; readonly tell: TellDeviation },
): ReplayCard {
  const path = resolve(folder, file);
  const cards = recordedCards(read(path));
  const recorded = which === undefined ? cards[0] : cards.find(({ card }) => card === which);
  if (!recorded) throw missing(path, which, cards.length);
  let told = 0;
  return new ReplayCard({
    atr: recorded.atr,
    exchanges: recorded.transactions.flatMap(({ exchanges }) => exchanges),
    isLenient: true,
    supportsExtendedLength: recorded.supportsExtendedLength,
    answerToStranger: (command) => (command[1] === INS_SELECT ? SW_FILE_NOT_FOUND : SW_INS_NOT_SUPPORTED),
    onDeviation: (deviation) => {
      told++;
      if (told <= MAX_TOLD) tell(name, deviation);
      if (told === MAX_TOLD)
        tell(name, { exchange: deviation.exchange, message: 'what else was not recorded is not told any more' });
    },
  });
}

function read(path: string): Trace {
  try {
    return readTraceFile(path);
  } catch (error) {
    if (!(error instanceof TraceTextError)) throw error;
    throw new SimulationFileError(
      `${path} is no trace that can be read: ${error.message}`,
      { field: 'file', sv: `${path} är ingen inspelning som går att läsa: ${error.sv}` },
      { cause: error },
    );
  }
}

function missing(path: string, which: number | undefined, count: number): SimulationFileError {
  const isEmpty = count === 0;
  const en = isEmpty ? 'no card was recorded in it' : `it has cards 1 to ${count}, and no card ${which}`;
  const sv = isEmpty ? 'inget kort är inspelat i den' : `den har korten 1 till ${count}, och inget kort ${which}`;
  return new SimulationFileError(`${path}: ${en}`, { field: which === undefined ? 'file' : 'card', sv: `${path}: ${sv}` });
}
