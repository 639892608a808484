/** simulation.*: cards in and out of the readers of a simulated desk. At a real one every call is refused. */
import type { Result } from '../../../api-spec/methods/index.ts';
import type { Scenario } from '../../../drivers/simulated/scenario.ts';
import type { SimulatedReader } from '../../../drivers/simulated/reader.ts';
import type { SimulatedPadDesk } from '../../../drivers/simulated/pads/desk.ts';
import { readerId } from '../../desk/desk.ts';
import { ApiError } from '../../errors.ts';
import type { Handlers } from '../call.ts';
import type { HandlerContext } from './context.ts';

type SimulationMethod = 'simulation.insertCard' | 'simulation.list' | 'simulation.removeCard' | 'simulation.usePad';

/** Pads, and a hand at them. */
export type SimulatedPads = Pick<SimulatedPadDesk, 'states' | 'use'>;

/** Readers, and cards by name. */
export type SimulatedDesk = Pick<Scenario, 'source' | 'cards'>;

export function simulationHandlers(context: HandlerContext): Pick<Handlers, SimulationMethod> {
  return {
    'simulation.insertCard': ({ reader: id, card: name }) => {
      const simulated = requireSimulated(context, 'putting a card in');
      const reader = requireReader(simulated, id);
      const entry = simulated.cards.get(name);
      if (!entry) throw new ApiError('not_found', `putting a card in: the scenario has no card ${name}`, { what: 'card' });
      if (reader.card !== entry.card) {
        simulated.source.readers.find(({ card }) => card === entry.card)?.remove();
        reader.insert(entry.card);
      }
      return describe(context, simulated);
    },
    'simulation.list': () => describe(context, requireSimulated(context, 'looking at the simulated desk')),
    'simulation.removeCard': ({ reader: id }) => {
      const simulated = requireSimulated(context, 'taking a card out');
      requireReader(simulated, id).remove();
      return describe(context, simulated);
    },
    'simulation.usePad': async ({ pad: serialNumber, act, seed = 1, samples = 300 }, { signal }) => {
      const { simulatedPads } = context;
      if (!simulatedPads) throw new ApiError('not_simulated', 'using a pad: this desk has no simulated pads');
      if (!(await simulatedPads.use(serialNumber, { act, seed, samples, signal })))
        throw new ApiError('not_found', `using a pad: the simulated desk has no pad ${serialNumber}`, { what: 'pad' });
      return { pads: [...simulatedPads.states()] };
    },
  };
}

function requireSimulated({ simulatedDesk }: HandlerContext, attempt: string): SimulatedDesk {
  if (simulatedDesk) return simulatedDesk;
  throw new ApiError('not_simulated', `${attempt}: this desk is not simulated`);
}

function idOf({ source }: SimulatedDesk, { name }: SimulatedReader): string {
  return readerId(source.id, name);
}

function requireReader(simulated: SimulatedDesk, id: string): SimulatedReader {
  const reader = simulated.source.readers.find((one) => idOf(simulated, one) === id);
  if (reader) return reader;
  throw new ApiError('not_found', `moving a card: the simulated desk has no reader ${id}`, { what: 'reader' });
}

function describe({ desk }: HandlerContext, simulated: SimulatedDesk): Result<'simulation.list'> {
  const { readers } = simulated.source;
  const cards = [...simulated.cards.values()];
  return {
    readers: readers.map((reader) => {
      const id = idOf(simulated, reader);
      const role = desk.readers.find((one) => one.id === id)?.role;
      const inside = cards.find(({ card }) => card === reader.card)?.name;
      return {
        ...{ reader: id, name: reader.name, isOccupied: reader.card !== undefined },
        ...(role === undefined ? {} : { role }),
        ...(inside === undefined ? {} : { card: inside }),
      };
    }),
    cards: cards.map(({ name, card, persona, note }) => {
      const reader = readers.find((one) => one.card === card);
      return {
        card: name,
        ...(persona ? { holder: persona.name } : {}),
        ...(note ? { note } : {}),
        ...(reader ? { reader: idOf(simulated, reader) } : {}),
      };
    }),
  };
}
