/**
 * Keys and certificates onto a card: the calls that `nextCall` names, one after the other, with the authority in between. Each call does what one PIN allows, and what was
 * done stands in kortd's journal: after any failure, pull or reload the same loop goes on from there.
 */
import { CallError } from '../../../api-spec/client/client.ts';
import { fetchCertificates, reportRevocation, type Order } from './authority.ts';
import { valueAt, type CardTarget, type Ceremony, type RoutineStep } from './case.ts';
import type { Kortd } from './kortd.ts';

type EnrolStep = Extract<RoutineStep, { kind: 'enrol' }>;

export interface DownloadOptions {
  readonly kortd: Kortd;
  readonly step: EnrolStep;
  readonly target: { readonly card?: CardTarget };
  readonly signal: AbortSignal;
  /** After each call. */
  readonly onProgress: (ceremony: Ceremony) => void;
}

/** One call for each PIN, and one for the certificates: no routine needs more. */
const MAX_CALLS = 8;
/** Issued, and not yet taken by kortd: a second try must not have them issued again. */
const issued = new Map<string, string[]>();

export async function download(begun: Ceremony, options: DownloadOptions): Promise<Ceremony> {
  let ceremony = begun;
  for (let calls = 0; calls < MAX_CALLS; calls++) {
    const next = await takeCall(ceremony, options);
    if (!next) return ceremony;
    ceremony = next;
    options.onProgress(ceremony);
  }
  return ceremony;
}

/** What was begun on the card, on or back, until it is done: a call for each PIN. */
export async function goOn(begun: Ceremony, kortd: Kortd, signal: AbortSignal): Promise<Ceremony> {
  let ceremony = begun;
  for (let calls = 0; calls < MAX_CALLS && ceremony.nextCall === 'issuance.resume'; calls++)
    ceremony = await kortd.call('issuance.resume', { ceremony: ceremony.ceremony }, signal);
  return ceremony;
}

/** Undefined: the card is done with for now. */
async function takeCall(at: Ceremony, { kortd, step, target, signal }: DownloadOptions): Promise<Ceremony | undefined> {
  const { ceremony } = at;
  if (at.nextCall === 'issuance.enrol' && at.nextStep === step.id)
    return await kortd.call('issuance.enrol', { ceremony, step: step.id, ...target }, signal);
  // kortd finds the card by its number, in whatever reader it is.
  if (at.nextCall === 'issuance.resume') return await kortd.call('issuance.resume', { ceremony }, signal);
  if (at.nextCall !== 'issuance.writeCertificates') return undefined;
  const certificates = issued.get(ceremony) ?? (await fetchCertificates(orderOf(at, step), signal));
  issued.set(ceremony, certificates);
  try {
    const written = await kortd.call('issuance.writeCertificates', { ceremony, certificates }, signal);
    issued.delete(ceremony);
    return written;
  } catch (error) {
    // They are not what was ordered: the next try has others issued.
    if (error instanceof CallError && error.code === 'certificates_refused') {
      issued.delete(ceremony);
      await reportRevocation(certificates);
    }
    throw error;
  }
}

/** The routine says where it stands how long they are valid. */
function orderOf(at: Ceremony, step: EnrolStep): Order {
  const { id, validTo, validDays } = step;
  const keys = at.steps.find((one) => one.step === id)?.job?.keys ?? [];
  const [day, days] = [valueAt(at, validTo), valueAt(at, validDays)];
  const assuranceLevel = step.assuranceLevel ?? valueAt(at, step.assuranceLevelOf);
  return {
    requests: keys.flatMap(({ request }) => (request === undefined ? [] : [request])),
    ...(assuranceLevel === undefined ? {} : { assuranceLevel }),
    ...(day === undefined ? {} : { validTo: day }),
    ...(days === undefined ? {} : { days: Number(days) }),
  };
}
