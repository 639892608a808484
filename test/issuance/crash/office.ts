/** The people of the office, as one program that calls the API: they do what the ceremony says is next, until it has ended. */
import type { Client } from '../../../api-spec/client/client.ts';
import { CallError } from '../../../api-spec/client/client.ts';
import type { Ceremony } from '../../../api-spec/issuance.ts';
import { issueAll, orderFields, stepOf } from '../authority.ts';
import { PINS } from './cards.ts';
import { AUTHORITY_NAME } from './desk.ts';
import type { Scenario } from './scenarios.ts';

/** Calls of one ceremony, at most: more go round in a circle. */
const MAX_CALLS = 60;
/** Later than the receipt may be (reserve-card-loa3.json: 15 minutes). */
export const TOO_LATE_MS = 16 * 60_000;

type Use = 'authentication' | 'signature';

export interface OfficeTools {
  readonly client: Client;
  readonly scenario: Scenario;
  /** Id of the card, when it is not in its holder's reader. */
  readonly card?: string;
  /** Has the clock go on. */
  readonly waitTooLong: () => Promise<void>;
}

/** From wherever it stands until `until` holds, or it has ended. */
export async function goOn(
  tools: OfficeTools,
  ceremony: string,
  until: (view: Ceremony) => boolean = () => false,
): Promise<Ceremony> {
  for (let calls = 0; calls < MAX_CALLS; calls++) {
    const view = await tools.client.call('issuance.get', { ceremony });
    if (view.state !== 'open' || until(view)) return view;
    await takeNext(tools, view);
  }
  const view = await tools.client.call('issuance.get', { ceremony });
  throw new Error(`the ceremony does not end: ${view.nextCall ?? 'nothing'} is next, after ${MAX_CALLS} calls`);
}

/** The ceremony that was begun, or one that is begun. */
export async function findOrStart({ client, scenario: { routine } }: OfficeTools): Promise<string> {
  const { ceremonies } = await client.call('issuance.list', { routine });
  const [known] = ceremonies;
  return known?.ceremony ?? (await client.call('issuance.start', { routine })).ceremony;
}

export async function cancel(tools: OfficeTools, ceremony: string): Promise<Ceremony> {
  return await tools.client.call('issuance.cancel', { ceremony, reason: 'it is to end', ...rights(tools, 'authentication') });
}

async function takeNext(tools: OfficeTools, view: Ceremony): Promise<void> {
  const { client, scenario, card } = tools;
  const { ceremony, nextStep: step = '' } = view;
  const onCard = card === undefined ? {} : { card };
  switch (view.nextCall) {
    case 'issuance.record':
      await client.call('issuance.record', { ceremony, step, fields: fieldsOf(step) });
      return;
    case 'issuance.readCard':
      await client.call('issuance.readCard', { ceremony, step, ...onCard });
      return;
    case 'issuance.sign':
      await sign(tools, view);
      return;
    case 'issuance.enrol':
      await client.call('issuance.enrol', { ceremony, step, ...onCard, ...rights(tools, 'authentication') });
      return;
    case 'issuance.resume':
      await resume(tools, ceremony);
      return;
    case 'issuance.writeCertificates':
      if (scenario.authority) {
        const authority = { ceremony, authority: AUTHORITY_NAME };
        await client.call('issuance.requestCertificates', { ...authority, ...onCard, ...rights(tools, 'authentication') });
        return;
      }
      await client.call('issuance.writeCertificates', {
        ...{ ceremony, certificates: [...issueAll(view, step)] },
        ...rights(tools, 'authentication'),
      });
      return;
    case 'issuance.confirm':
      if (scenario.ending === 'cancel') await cancel(tools, ceremony);
      else await client.call('issuance.confirm', { ceremony, ...rights(tools, 'authentication') });
      return;
    case 'issuance.attach':
    case 'issuance.removeCertificates':
    case 'issuance.unblockPin':
    case 'issuance.verifyPin':
      throw new Error(`${view.nextCall} is next in ${ceremony}, which none of these scenarios takes`);
    case undefined:
      throw new Error(`nothing is next, and ${ceremony} is ${view.state}`);
  }
}

/** With one PIN after the other, as long as something is to be done: the one that is not wanted is sent to nobody. */
async function resume(tools: OfficeTools, ceremony: string): Promise<void> {
  for (const use of ['authentication', 'signature'] as const) {
    const { nextCall } = await tools.client.call('issuance.resume', { ceremony, ...rights(tools, use) });
    if (nextCall !== 'issuance.resume') return;
  }
}

async function sign({ client, scenario, card, waitTooLong }: OfficeTools, view: Ceremony): Promise<void> {
  const { ceremony, nextStep: step = '' } = view;
  const isReceipt = stepOf(view, step).by === 'holder';
  if (isReceipt && scenario.ending === 'late') await waitTooLong();
  const { pin } = isReceipt ? scenario.card.pins.signature : { pin: PINS.underskrift };
  const onCard = isReceipt && card !== undefined ? { card } : {};
  try {
    await client.call('issuance.sign', { ceremony, step, language: 'sv', pin, ...onCard });
  } catch (error) {
    // It is too late, and was said to be.
    if (scenario.ending !== 'late' || !(error instanceof CallError) || error.code !== 'ceremony_late') throw error;
  }
}

function rights(
  { scenario: { card } }: OfficeTools,
  use: Use,
): { readonly pin: string; readonly pinReference: string; readonly managementKey?: string } {
  const { pin, reference } = card.pins[use];
  return { pin, pinReference: reference, ...(card.managementKey ? { managementKey: card.managementKey } : {}) };
}

function fieldsOf(step: string): Readonly<Record<string, string>> {
  return step === 'order' ? orderFields(new Date()) : { accepted: 'yes' };
}
