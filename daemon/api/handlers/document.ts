/** Verdicts about identity documents over the API: what was typed, scanned and read is put together here, and judged elsewhere. */
import type { ManualEntry } from '../../../api-spec/document.ts';
import type { Result } from '../../../api-spec/methods/index.ts';
import type { VerdictInput } from '../../documents/verify/verdict-evidence.ts';
import { ApiError } from '../../errors.ts';
import type { Call, Handlers, PublicParams } from '../call.ts';
import { ownerOf, type HandlerContext } from './context.ts';

type DocumentMethod = 'document.addManualCheck' | 'document.evidence' | 'document.get' | 'document.verify';
type VerifyParams = PublicParams<'document.verify'>;

/** Public register of authentic documents of the Council of the European Union. */
const PRADO = 'https://www.consilium.europa.eu/prado/en';

export function documentHandlers(context: HandlerContext): Pick<Handlers, DocumentMethod> {
  const { verdicts } = context;
  return {
    'document.addManualCheck': (params, call) =>
      noted(context, call, verdicts.addManual(ownerOf(call), params.verdict, entryOf(context, params, call))),
    'document.evidence': ({ verdict }, call) => ({ ...verdicts.evidence(ownerOf(call), verdict) }),
    'document.get': ({ verdict }, call) => verdicts.get(ownerOf(call), verdict),
    'document.verify': (params, call) => {
      const { input, inputs } = gather(context, params, call);
      return noted(context, call, verdicts.verify(ownerOf(call), { ruleSet: params.ruleSet, input, inputs }));
    },
  };
}

/** The audit log learns which verdict it was, and the hash of its evidence: nothing of the person. Others hear that there is one. */
function noted({ verdicts, events }: HandlerContext, call: Call, verdict: Result<'document.verify'>): Result<'document.verify'> {
  const scan = verdicts.scanOf(ownerOf(call), verdict.verdict);
  const told = { verdict: verdict.verdict, ...(scan === undefined ? {} : { scan }) };
  events.publish('document.judged', told, { pages: call.caller.origin ?? 'none' });
  call.subject = { purpose: `${verdict.verdict} ${verdict.overall} sha256:${verdict.evidence}` };
  return verdict;
}

function gather(context: HandlerContext, { typed, lines, scan, passport }: VerifyParams, call: Call) {
  const chip = passport === undefined ? undefined : context.passportReadings.find(ownerOf(call), passport);
  if (passport !== undefined && !chip)
    throw new ApiError('passport_reading_unknown', `judging a document: the caller has no reading ${passport}`);
  const found = typeof scan === 'string' ? context.scanners.store.find(call.caller, scan).scan : scan;
  const inputs: readonly VerdictInput[] = [
    ...(typed ? [{ kind: 'typed', content: typed } as const] : []),
    ...(lines ? [{ kind: 'lines', content: lines } as const] : []),
    ...(found ? [{ kind: 'scan', ...(typeof scan === 'string' ? { id: scan } : {}), content: found } as const] : []),
    ...(chip ? [{ kind: 'passport', ...(passport === undefined ? {} : { id: passport }), content: chip } as const] : []),
  ];
  if (inputs.length === 0) {
    const problem = 'one of typed, lines, scan and passport is needed';
    throw new ApiError('invalid_params', `judging a document: ${problem}`, { problem });
  }
  return { input: { typed, lines, scan: found, chip }, inputs };
}

function entryOf(context: HandlerContext, params: PublicParams<'document.addManualCheck'>, call: Call): ManualEntry {
  const { check, outcome, role, note, reference } = params;
  const { name, origin } = call.caller;
  const cardSerial = role === undefined ? undefined : serialAt(context, role);
  const document = reference?.toUpperCase();
  return {
    ...{ check, verdict: outcome, at: new Date().toISOString() },
    by: { caller: name, ...(origin === undefined ? {} : { origin }), ...(cardSerial === undefined ? {} : { cardSerial }) },
    ...(note === undefined ? {} : { note }),
    ...(document === undefined ? {} : { reference: document, link: `${PRADO}/${document}/index.html` }),
  };
}

/** Of the card that stands in the reader of that role. */
function serialAt({ desk }: HandlerContext, role: string): string {
  const serial = desk.readers.find((reader) => reader.role === role)?.card?.serialNumber;
  if (serial === undefined)
    throw new ApiError('no_card', `recording a check: no card with a serial number is in the reader of ${role}`);
  return serial;
}
