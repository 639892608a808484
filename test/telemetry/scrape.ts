/** What Prometheus gets: a scrape, its samples, and what promtool says. */
import { spawnSync } from 'node:child_process';
import { request, type IncomingHttpHeaders } from 'node:http';
import type { Bench } from '../api/support.ts';

export const METRICS_ON = { metrics: { port: 0 } } as const;

export interface Scrape {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A connection of its own, which ends with the answer. */
export async function get(port: number, { path = '/metrics', method = 'GET', headers = {} }: GetOptions = {}): Promise<Scrape> {
  const { promise, resolve, reject } = Promise.withResolvers<Scrape>();
  const asked = request(
    { host: '127.0.0.1', port, path, method, headers, agent: false, signal: AbortSignal.timeout(20_000) },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(chunks).toString() }),
      );
      answer.on('error', reject);
    },
  );
  asked.on('error', reject);
  asked.end();
  return await promise;
}

export interface GetOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function portOf({ daemon }: Pick<Bench, 'daemon'>): number {
  const port = daemon.metricsPort();
  if (port === undefined) throw new Error('the bench serves no metrics');
  return port;
}

export async function scrape(bench: Pick<Bench, 'daemon'>): Promise<string> {
  const { status, text } = await get(portOf(bench));
  if (status !== 200) throw new Error(`scraping: the answer is ${status}`);
  return text;
}

export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

/** Text format of Prometheus, version 0.0.4. Throws for a line that is none. */
export function samplesOf(text: string): readonly ScrapedSample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`this is no sample: ${line}`);
      return {
        name,
        labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text])),
        value: Number(value),
      };
    });
}

/** Sum of the samples of this name that have these labels; undefined when there are none. */
export function valueOf(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const found = samplesOf(text).filter(
    (sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}

/** What promtool (Debian: prometheus) says; empty when it has nothing to say against it. Throws when it is not there. */
export function promtool(parameters: readonly string[], input?: string): { readonly status: number; readonly said: string } {
  const { error, status, stdout, stderr } = spawnSync('promtool', parameters, { encoding: 'utf8', input, timeout: 60_000 });
  if (error) throw error;
  return { status: status ?? -1, said: `${stdout}${stderr}` };
}
