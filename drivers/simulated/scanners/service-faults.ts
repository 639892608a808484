/** What goes wrong with a vendor's service, as data: ordered for the next answers, at an address of it or at any. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { SimulationFileError } from '../errors.ts';

const strict = { additionalProperties: false } as const;
/** How many answers it is for; default 1, and 0 for all from now on. */
const times = Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 }));
/** Only addresses that end so; default: every one that is not the bench's own. */
const at = Type.Optional(Type.String({ minLength: 1, maxLength: 200 }));

const faultSchema = Type.Union([
  /** The answer comes late. */
  Type.Object({ kind: Type.Literal('slow'), delayMs: Type.Integer({ minimum: 0, maximum: 600_000 }), times, at }, strict),
  /** An answer of so many bytes, none of them told before. */
  Type.Object({ kind: Type.Literal('flood'), bytes: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }), times, at }, strict),
  /** The right answer, declared as a picture. */
  Type.Object({ kind: Type.Literal('wrong type'), times, at }, strict),
  /** A page in HTML that is declared as JSON. */
  Type.Object({ kind: Type.Literal('lying type'), times, at }, strict),
  /** The first half of the right answer, whole as HTTP goes. */
  Type.Object({ kind: Type.Literal('garbage'), times, at }, strict),
  /** JSON of another shape than the answer's. */
  Type.Object({ kind: Type.Literal('other shape'), times, at }, strict),
  /** 403: the licence is over. */
  Type.Object({ kind: Type.Literal('licence refused'), times, at }, strict),
  /** 401, until a new token is fetched. */
  Type.Object({ kind: Type.Literal('token expired'), times, at }, strict),
  /** Verdicts are words and numbers that nobody has written down. */
  Type.Object({ kind: Type.Literal('unknown verdict'), times, at }, strict),
  /** Where pictures should be there is something else. */
  Type.Object({ kind: Type.Literal('bad picture'), times, at }, strict),
  /** The service has not come to its end in the time that it gives itself. */
  Type.Object({ kind: Type.Literal('unfinished'), times, at }, strict),
  /** The connection ends in the middle of the answer. */
  Type.Object({ kind: Type.Literal('cut'), times, at }, strict),
  /** A redirect to another machine. */
  Type.Object({ kind: Type.Literal('redirect'), times, at }, strict),
  /** Compressed, although nobody asked. */
  Type.Object({ kind: Type.Literal('compressed'), times, at }, strict),
  /** 503. */
  Type.Object({ kind: Type.Literal('busy'), times, at }, strict),
]);

export type ServiceFault = Static<typeof faultSchema>;
export type ServiceFaultKind = ServiceFault['kind'];

const faultCheck = Compile(faultSchema);

/** Throws SimulationFileError for what is no fault. */
export function parseServiceFault(value: unknown): ServiceFault {
  if (!faultCheck.Check(value)) throw new SimulationFileError('fault: there is none of this form', { field: 'fault' });
  return value;
}

/** Those that are ordered, in their order. */
export class OrderedFaults {
  readonly #ordered: { readonly fault: ServiceFault; left: number }[] = [];

  order(fault: ServiceFault): void {
    this.#ordered.push({ fault, left: fault.times === 0 ? Number.POSITIVE_INFINITY : (fault.times ?? 1) });
  }

  clear(): void {
    this.#ordered.length = 0;
  }

  /** The first that fits, counted as done. */
  take(path: string): ServiceFault | undefined {
    const index = this.#ordered.findIndex(({ fault }) => fault.at === undefined || path.endsWith(fault.at));
    const entry = this.#ordered[index];
    if (!entry) return undefined;
    if (--entry.left <= 0) this.#ordered.splice(index, 1);
    return entry.fault;
  }
}
