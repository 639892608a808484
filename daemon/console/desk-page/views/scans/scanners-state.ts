/** The scanners as they stand, how far each has come, and how often a scan ended or was judged: then the list of scans is read again. */
import type { EventData } from '../../../../../api-spec/events.ts';
import type { Scanner } from '../../../../../api-spec/methods/scanner.ts';
import { Topic, type AnyEvent } from '../../topic.ts';

type Progress = Pick<EventData<'scanner.progress'>, 'light' | 'stage'>;

export interface ScannersState {
  readonly scanners: ReadonlyMap<string, Scanner>;
  readonly progress: ReadonlyMap<string, Progress>;
  /** What is wrong with the file that names them. */
  readonly problems: readonly string[];
  readonly changes: number;
}

let changesBefore = 0;

export const scannersTopic = new Topic<ScannersState>({
  events: ['document.judged', 'scanner.added', 'scanner.changed', 'scanner.progress', 'scanner.removed'],
  load: async (client) => {
    const { scanners, problems } = await client.call('scanner.list');
    // Something may have changed in what was lost.
    changesBefore++;
    return {
      scanners: new Map(scanners.map((scanner) => [scanner.id, scanner])),
      progress: new Map(),
      problems,
      changes: changesBefore,
    };
  },
  apply: applyToScanners,
});

export function applyToScanners(state: ScannersState, events: readonly AnyEvent[]): ScannersState {
  const [scanners, progress] = [new Map(state.scanners), new Map(state.progress)];
  let { changes } = state;
  for (const { name, data } of events) {
    if (name === 'scanner.added' || name === 'scanner.changed') scanners.set(data.scanner.id, data.scanner);
    if (name === 'scanner.removed') {
      scanners.delete(data.scanner);
      progress.delete(data.scanner);
    }
    if (name === 'document.judged') changes++;
    if (name !== 'scanner.progress') continue;
    if (data.stage === 'ended') {
      progress.delete(data.scanner);
      changes++;
    } else progress.set(data.scanner, data);
  }
  return { ...state, scanners, progress, changes };
}
