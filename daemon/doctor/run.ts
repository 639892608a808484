/**
 * Runs checks beside each other, each with a deadline: what hangs on a machine that is not well must not hang who looks at it. A check that fails by itself is
 * told as something that could not be looked at.
 */
import type { Check, Finding, Said, Severity, Texts, Unseen } from './check.ts';
import { SEVERITIES } from './check.ts';
import type { Look } from './look.ts';

/** For all of them, since they run at the same time. */
const CHECK_MS = 4_000;

export interface Checked {
  readonly id: string;
  readonly title: Texts;
  readonly tookMs: number;
}

export interface Diagnosis {
  readonly checks: readonly Checked[];
  /** The worst first, then in the order of their checks. */
  readonly findings: readonly Finding[];
  readonly unseen: readonly Unseen[];
}

export interface RunOptions {
  readonly look: (signal: AbortSignal) => Look;
  readonly timeoutMs?: number;
}

const REST = { en: 'the rest of this check', sv: 'resten av den här kontrollen' };

/** Never rejects. */
export async function runChecks(checks: readonly Check[], { look, timeoutMs = CHECK_MS }: RunOptions): Promise<Diagnosis> {
  const outcomes = await Promise.all(checks.map((check) => runCheck(check, look, timeoutMs)));
  const findings = outcomes.flatMap(({ findings: found }) => found);
  return {
    checks: outcomes.map(({ checked }) => checked),
    findings: SEVERITIES.toReversed().flatMap((severity) => findings.filter((finding) => finding.severity === severity)),
    unseen: outcomes.flatMap(({ unseen }) => unseen),
  };
}

/** Undefined when nothing was found. */
export function worstOf({ findings }: Pick<Diagnosis, 'findings'>): Severity | undefined {
  return findings[0]?.severity;
}

interface Outcome {
  readonly checked: Checked;
  readonly findings: readonly Finding[];
  readonly unseen: readonly Unseen[];
}

async function runCheck(check: Check, look: RunOptions['look'], timeoutMs: number): Promise<Outcome> {
  const { id, title } = check;
  const findings: Finding[] = [];
  const unseen: Unseen[] = [];
  const end = new AbortController();
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), timeoutMs);
  const started = performance.now();
  // What comes after the deadline is not told: the report is out by then.
  const isOpen = (): boolean => !end.signal.aborted;
  const running = check.look(look(end.signal), {
    found: (fault, evidence, places) => {
      if (isOpen()) findings.push(findingOf(check, fault, { evidence, places }));
    },
    unseen: (what, why) => {
      if (isOpen()) unseen.push({ check: id, what, why });
    },
  });
  try {
    const isDone = await Promise.race([running.then(() => true), late]);
    if (!isDone)
      unseen.push({
        check: id,
        what: REST,
        why: { en: `it took more than ${timeoutMs} ms`, sv: `det tog mer än ${timeoutMs} ms` },
      });
  } catch (error) {
    unseen.push({ check: id, what: REST, why: error instanceof Error ? error.message : String(error) });
  } finally {
    clearTimeout(timer);
    end.abort();
    running.catch(() => undefined); // it may end later, when nobody listens
  }
  return { checked: { id, title, tookMs: Math.round(performance.now() - started) }, findings, unseen };
}

interface Seeing {
  readonly evidence: Said | readonly Said[];
  readonly places: Readonly<Record<string, string>> | undefined;
}

function findingOf({ id: check, faults }: Check, id: string, { evidence, places = {} }: Seeing): Finding {
  const fault = faults[id];
  if (!fault) throw new Error(`the check ${check} has no text for ${id}`);
  const command = fault.command.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const place = places[name];
    return place === undefined ? `{${name}}` : quoted(place);
  });
  const lines = isOne(evidence) ? [evidence] : evidence;
  return { id, check, ...fault, command, evidence: lines };
}

/** A path that a shell would take apart, or carry out. */
function quoted(place: string): string {
  return place.startsWith('/') && /[^\w./:@%+,=~-]/.test(place) ? `'${place.replaceAll("'", String.raw`'\''`)}'` : place;
}

function isOne(evidence: Said | readonly Said[]): evidence is Said {
  return !Array.isArray(evidence);
}
