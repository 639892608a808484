/**
 * Certificates that an authority of the policy issues for a card that waits for them. No card is held meanwhile. What came stands in the journal before anything else is
 * done, also when the caller has gone: it is asked for once, and confirmed until the authority has said that it knows.
 */
import type { ErrorCode } from '../../../api-spec/errors.ts';
import { ApiError } from '../../errors.ts';
import type { Authority } from '../../issuance/authority/authority.ts';
import { isOver, type CardJob, type IssuedToJob } from '../../issuance/card-job.ts';
import type { Ceremony } from '../../issuance/ceremony.ts';
import type { JobEntry } from '../../issuance/entry.ts';
import type { Call } from '../call.ts';
import type { HandlerContext } from './context.ts';
import type { JobStep } from '../../issuance/routine.ts';

/** A card that waits for its certificates. */
interface Waiting {
  readonly ceremony: Pick<Ceremony, 'id'>;
  readonly step: JobStep;
}

interface Asking extends Waiting {
  readonly context: HandlerContext;
}

/** Answers without a certificate. Of every other failure nobody knows whether one was issued. */
const ANSWERS: Partial<Record<ErrorCode, 'refused' | 'waits'>> = { authority_refused: 'refused', authority_waits: 'waits' };

/** One after the other. Throws authority_…, and what the call was given up with: between two of them. */
export async function haveIssued(context: HandlerContext, waiting: Waiting, name: string, call: Call): Promise<void> {
  const asking = { context, ...waiting };
  for (const issued of jobNow(asking).issued) {
    call.signal.throwIfAborted();
    await confirmAgain(asking, issued);
  }
  const { issued, places } = jobNow(asking);
  const missing = places.filter(({ keyReference }) => !issued.some((one) => one.keyReference === keyReference));
  if (missing.length === 0) return;
  const authority = context.authorities.named(name);
  const { signal } = context.authorities;
  for (const { keyReference } of missing) {
    call.signal.throwIfAborted();
    await confirming(asking, keyReference, () => askFor(asking, keyReference, authority, signal));
  }
  call.signal.throwIfAborted();
}

/** The journal knows of the question before the authority does, and of the answer before anything comes of it. */
async function askFor(asking: Asking, keyReference: string, authority: Authority, signal: AbortSignal): Promise<void> {
  const { name } = authority;
  const request = new Uint8Array(parseRequest(jobNow(asking).requests.get(keyReference) ?? ''));
  try {
    await authority.requestCertificate(request, {
      signal,
      onAsking: () => note(asking, { type: 'certificate.asking', keyReference, authority: name }),
      onReceived: ({ certificate, unconfirmed }) => {
        const der = Buffer.from(certificate).toString('base64');
        const open = unconfirmed ? { unconfirmed } : {};
        note(asking, { type: 'certificate.issued', keyReference, der, authority: name, ...open });
      },
    });
  } catch (error) {
    const answer = error instanceof ApiError ? ANSWERS[error.code] : undefined;
    if (answer && jobNow(asking).asked.has(keyReference)) note(asking, { type: 'certificate.answered', keyReference, answer });
    throw error;
  }
}

/** Its confirmation may have been lost, or the answer to it. */
async function confirmAgain(asking: Asking, { keyReference, der, authority, unconfirmed }: IssuedToJob): Promise<void> {
  if (!unconfirmed) return;
  const { authorities } = asking.context;
  await confirming(asking, keyReference, () =>
    authorities
      .named(authority)
      .confirmCertificate(new Uint8Array(Buffer.from(der, 'base64')), unconfirmed, { signal: authorities.signal }),
  );
}

/** One that the authority does not let count is of no use: what was issued is reported for revocation, and asked for anew. */
async function confirming(asking: Asking, keyReference: string, work: () => Promise<void>): Promise<void> {
  const isOpen = (): boolean =>
    jobNow(asking).issued.some((one) => one.keyReference === keyReference && one.unconfirmed !== undefined);
  try {
    await work();
  } catch (error) {
    if (error instanceof ApiError && error.code === 'authority_refused' && isOpen())
      note(asking, { type: 'certificates.refused', problem: error.message, keyReference });
    throw error;
  }
  if (isOpen()) note(asking, { type: 'certificate.confirmed', keyReference });
}

function jobNow({ context, ceremony: { id }, step }: Asking): CardJob {
  const job = context.issuance.get(id).jobs.get(step.id);
  if (!job || isOver(job)) throw new Error(`asking for certificates of ${id}: ${step.id} has no job under way`);
  return job;
}

function note({ context, ceremony: { id }, step }: Asking, entry: JobEntry): void {
  context.issuance.noteJob(context.issuance.get(id), step, entry);
}

/** PEM (RFC 7468, section 7), as kortd made it. */
function parseRequest(pem: string): Buffer {
  return Buffer.from(pem.replaceAll(/-----[A-Z ]+-----/g, ''), 'base64');
}
