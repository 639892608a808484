/** The office's ceremonies, opened: the journal in the data folder, who the administrators are, and the watch over times. */
import { join } from 'node:path';
import type { Publish } from '../desk/desk.ts';
import type { IssuancePolicy } from '../access/issuance-policy.ts';
import { isSameHsaId } from '../identity/hsa-id.ts';
import type { Log } from '../log.ts';
import { Ceremonies } from './ceremonies.ts';
import { nextStep } from './ceremony.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { Deadlines } from './deadlines.ts';
import { EvidenceKeeper } from './evidence/keeper.ts';
import { ISSUANCE_JOURNAL_FILE, Journal, type OpenDatabase } from './journal.ts';
import { Pictures } from './pictures.ts';
import { standardRoutines } from './routines.ts';

export { ISSUANCE_JOURNAL_FILE } from './journal.ts';
/** Unless the policy names another. */
const PICTURE_FOLDER = 'pictures';

export interface IssuanceOptions {
  readonly dataFolder: string;
  readonly policy: () => IssuancePolicy;
  /** HSA-ids of those who act as administrators at a simulated desk. */
  readonly simulatedAdministrators: readonly string[];
  readonly audit: Pick<AuditLog, 'head' | 'list'>;
  readonly publish: Publish;
  readonly now: () => Date;
  /** Milliseconds since some moment, never set back. */
  readonly monotonicMs: () => number;
  /** The journal before was lost, and nobody has acknowledged it. */
  readonly isJournalLost?: () => boolean;
  readonly log: Log;
  /** How the journal's database is opened; as every private one unless given. */
  readonly openJournalDatabase?: OpenDatabase | undefined;
}

export interface Issuance extends AsyncDisposable {
  readonly ceremonies: Ceremonies;
  readonly evidence: EvidenceKeeper;
  readonly pictures: Pictures;
}

/** The caller closes. */
export function openIssuance(options: IssuanceOptions): Issuance {
  const { dataFolder, policy, audit, publish, now, monotonicMs, log, openJournalDatabase } = options;
  const undo = new AsyncDisposableStack();
  const journal = undo.use(new Journal(join(dataFolder, ISSUANCE_JOURNAL_FILE), openJournalDatabase));
  const routines = standardRoutines();
  const ceremonies: Ceremonies = new Ceremonies({
    ...{ journal, routines, ...(options.isJournalLost ? { isJournalLost: options.isJournalLost } : {}) },
    isAdministrator: (hsaId, isProtected) => isAdministrator(options, hsaId, isProtected),
    now,
    monotonicMs,
    onChange: (ceremony) => {
      evidence.changed(ceremony);
      deadlines.note(ceremony.id, ceremonies.deadlineOf(ceremony));
      const next = nextStep(ceremony);
      const { id, routine, state, isProtected } = ceremony;
      const data = { ceremony: id, routine: routine.id, state, ...(next ? { nextStep: next.id } : {}) };
      publish('issuance.changed', data, isProtected ? { needs: 'issuance.protected' } : {});
    },
  });
  const deadlines = undo.use(new Deadlines({ ceremonies, log }));
  const evidence: EvidenceKeeper = undo.use(
    new EvidenceKeeper({
      ...{ folder: dataFolder, journal, routines, policy, audit, now, log },
      ceremony: (id) => ceremonies.get(id),
      forget: (ids) => ceremonies.forget(ids),
    }),
  );
  const pictures = new Pictures(() => policy().pictureFolder ?? join(dataFolder, PICTURE_FOLDER));
  return { ceremonies, evidence, pictures, [Symbol.asyncDispose]: () => undo.disposeAsync() };
}

function isAdministrator({ policy, simulatedAdministrators }: IssuanceOptions, hsaId: string, isProtected: boolean): boolean {
  if (simulatedAdministrators.some((one) => isSameHsaId(one, hsaId))) return true;
  return policy().administrators.some((one) => isSameHsaId(one.hsaId, hsaId) && (!isProtected || one.protectedPersons));
}
