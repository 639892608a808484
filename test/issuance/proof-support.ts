/** Evidence of other parts of kortd, made at the office's desk for a ceremony to take up: verdicts about documents, signatures on the pad. */
import { unpackZip } from '../../daemon/issuance/evidence/zip.ts';
import type { Ceremony } from '../../api-spec/issuance.ts';
import type { Params } from '../../api-spec/methods/index.ts';
import { RpcSocket, eventually, http, resultOf } from '../api/support.ts';
import { openOffice, stepOf, type Office } from './office.ts';

const PAD = 'BENCHPAD1';
const signal = AbortSignal.timeout(60_000);

export async function openWithRules(policy: object = {}): Promise<Office> {
  return await openOffice({ policy: { ...policy, verdicts: { ruleSets: { desk: { mandatory: ['manual.person'] } } } } });
}

/** A page that the policy lets in. */
export async function openPage({ bench }: Office, origin: string, scopes: readonly string[]): Promise<RpcSocket> {
  const { text } = await http({
    ...{ port: bench.port, method: 'POST', path: '/v1/access/request' },
    headers: { host: `127.0.0.1:${bench.port}`, origin, 'content-type': 'application/json' },
    body: JSON.stringify({ scopes, reason: 'to hand out cards' }),
  });
  return await RpcSocket.open(bench.port, (JSON.parse(text) as { readonly token: string }).token, { origin });
}

export interface JudgeOptions {
  /** Somebody looked at the person. Default: yes. */
  readonly isSeen?: boolean;
  /** What the document states besides. */
  readonly stated?: Params<'document.verify'>['typed'];
  /** Who asks. Default: the office's program. */
  readonly api?: Office['api'];
}

/** Typed, and looked at by somebody, unless not. Resolves with the id of the verdict. */
export async function judge(office: Office, documentNumber: string, options: JudgeOptions = {}): Promise<string> {
  const { api = office.api, isSeen = true, stated } = options;
  const typed = { documentNumber, ...stated };
  const { verdict } = resultOf(await api.call('document.verify', { ruleSet: 'desk', typed }));
  if (isSeen) resultOf(await api.call('document.addManualCheck', { verdict, check: 'manual.person', outcome: 'passed' }));
  return verdict;
}

type CaptureParams = Pick<Params<'pad.capture'>, 'content' | 'text'>;

/** The same hand, but never the same movement: `seed`. Resolves with the id of the capture. */
export async function captureOnPad(
  { api: officeApi, bench: { pads } }: Office,
  params: CaptureParams,
  { seed = 1, api = officeApi }: { readonly seed?: number; readonly api?: Office['api'] } = {},
): Promise<string> {
  const answer = api.call('pad.capture', params);
  await eventually('the pad being ready to be written on', () => pads.pads[0]?.state === 'capture');
  await pads.use(PAD, { act: 'write', seed, samples: 200, periodMs: 0, signal });
  await pads.use(PAD, { act: 'accept', seed: 0, samples: 0, signal });
  return resultOf(await answer).capture;
}

export async function signOnPad(office: Office, text: string, options: Parameters<typeof captureOnPad>[2] = {}): Promise<string> {
  return await captureOnPad(office, { content: { data: Buffer.from(text).toString('base64') }, text }, options);
}

/** What the ceremony wants signed on the pad in its next step. */
export function textToSign(ceremony: Ceremony, step: string, language: 'en' | 'sv'): string {
  const { document } = stepOf(ceremony, step);
  if (!document) throw new Error(`${step} has nothing that is signed on a pad`);
  return document[language].text;
}

/** Of the container of a finished ceremony, by their names. */
export async function evidenceFiles({ api }: Office, ceremony: string): Promise<ReadonlyMap<string, Buffer>> {
  const { data = '' } = resultOf(await api.call('issuance.evidence', { ceremony }));
  return new Map(unpackZip(Buffer.from(data, 'base64')).entries.map(({ name, content }) => [name, Buffer.from(content)]));
}
