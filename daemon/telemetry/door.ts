/**
 * What is told of the daemon's work, as the settings have it: metrics, traces, both or nothing. What is off is not loaded. A port that is taken, or a token that cannot
 * be read, keeps nobody from cards: it is told as a problem.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../log.ts';
import type { WatchedParts } from './figures.ts';
import type { SpanOutcome } from './open-telemetry.ts';
import type { MetricsSettings, TelemetrySettings, TraceSettings } from './settings.ts';
import type { Telemetry } from './telemetry.ts';

/** One failing collector is told once in so long. */
const TOLD_MS = 600_000;
/** RFC 6750, section 2.1: b64token; a file has one line. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;

export interface TelemetryDoorOptions {
  readonly telemetry: Telemetry;
  readonly parts: Omit<WatchedParts, 'spans'>;
  readonly log: Log;
  readonly now?: () => number;
}

export interface TelemetryProblem {
  readonly file: string;
  readonly problem: string;
}

interface Opened<S> {
  readonly settings: S;
  readonly resources: AsyncDisposable;
  readonly port?: number;
}

export class TelemetryDoor implements AsyncDisposable {
  readonly #options: TelemetryDoorOptions;
  readonly #now: () => number;
  #metrics: Opened<MetricsSettings> | undefined;
  #traces: Opened<TraceSettings> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  readonly #spans = new Map<SpanOutcome, number>();
  #toldAt = -Infinity;

  constructor(options: TelemetryDoorOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Where Prometheus reads; undefined while it is off. */
  get metricsPort(): number | undefined {
    return this.#metrics?.port;
  }

  /** What became of the pieces of traces since the start. */
  get spans(): ReadonlyMap<SpanOutcome, number> {
    return this.#spans;
  }

  /** What is as it was goes on. Resolves with what is wrong; the rest is as the settings say then. */
  apply(settings: TelemetrySettings): Promise<readonly TelemetryProblem[]> {
    const applied = this.#turn.then(() => this.#apply(settings));
    this.#turn = applied.catch(() => undefined); // whoever asked is told
    return applied;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.apply({});
  }

  async #apply({ metrics, traces }: TelemetrySettings): Promise<readonly TelemetryProblem[]> {
    const problems: TelemetryProblem[] = [];
    this.#metrics = await this.#change('metrics', problems, {
      ...{ opened: this.#metrics, wanted: metrics },
      open: (wanted) => this.#openMetrics(wanted),
    });
    this.#traces = await this.#change('traces', problems, {
      ...{ opened: this.#traces, wanted: traces },
      open: (wanted) => this.#openTraces(wanted),
    });
    return problems;
  }

  async #change<S>(
    name: string,
    problems: TelemetryProblem[],
    { opened, wanted, open }: Change<S>,
  ): Promise<Opened<S> | undefined> {
    if (opened && wanted && isDeepStrictEqual(opened.settings, wanted)) return opened;
    await opened?.resources[Symbol.asyncDispose]();
    if (!wanted) return undefined;
    try {
      return await open(wanted);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.#options.log.error({ problem }, `${name} are not told`);
      problems.push({ file: `telemetry.${name}`, problem });
      return undefined;
    }
  }

  async #openMetrics(settings: MetricsSettings): Promise<Opened<MetricsSettings>> {
    const { telemetry, parts, log } = this.#options;
    const token = readToken(settings.tokenFile);
    await using undo = new AsyncDisposableStack();
    const [{ openMetrics }, { openMetricsServer }] = await Promise.all([
      import('./prometheus.ts'),
      import('./metrics-server.ts'),
    ]);
    const onProblem = (name: string, error: unknown): void =>
      log.warn({ err: error, metric: name }, 'a figure could not be read');
    const metrics = undo.use(openMetrics({ telemetry, parts: { ...parts, spans: () => this.#spans }, onProblem }));
    const { port } = undo.use(await openMetricsServer({ port: settings.port, metrics, token, log }));
    log.info({ port }, 'metrics are served');
    return { settings, resources: undo.move(), port };
  }

  async #openTraces(settings: TraceSettings): Promise<Opened<TraceSettings>> {
    requireSafe(settings.url);
    const token = readToken(settings.tokenFile);
    const { openTraces } = await import('./open-telemetry.ts');
    const onExported = (count: number, outcome: SpanOutcome): void => this.#note(count, outcome);
    return { settings, resources: openTraces(this.#options.telemetry, { url: settings.url, token, onExported }) };
  }

  #note(count: number, outcome: SpanOutcome): void {
    this.#spans.set(outcome, (this.#spans.get(outcome) ?? 0) + count);
    if (outcome !== 'failed' || this.#now() - this.#toldAt < TOLD_MS) return;
    this.#toldAt = this.#now();
    this.#options.log.warn({ spans: count }, 'the collector did not take traces: they are lost, and calls go on');
  }
}

interface Change<S> {
  readonly opened: Opened<S> | undefined;
  readonly wanted: S | undefined;
  readonly open: (wanted: S) => Promise<Opened<S>>;
}

function readToken(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const token = readFileSync(file, 'utf8').trim();
  if (!TOKEN.test(token))
    throw new Error(`reading the token in ${file}: it must be one line of 16 to 512 letters, digits and ._~+/-`);
  return token;
}

/** What a desk does goes over a network only when nobody can read it there. */
function requireSafe(text: string): void {
  const url = new URL(text);
  const isLoopback = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)) return;
  throw new Error(`sending traces to ${url.origin}: over a network only https is taken`);
}
