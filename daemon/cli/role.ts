/** `kortd role …`: which reader is for what. */
import type { Client } from '../../api-spec/client/client.ts';
import type { Reader, ReaderSelector, Role } from '../../api-spec/schemas.ts';
import { connectToDaemon } from './connect-to-daemon.ts';
import { printNotice, printResult } from './output.ts';

interface Flags {
  readonly dataDir: string;
}

export async function runRoleList({ dataDir, json }: Flags & { readonly json?: true }): Promise<void> {
  await withClient(dataDir, async (client) => {
    const [{ roles }, { readers }] = await Promise.all([client.call('reader.listRoles'), client.call('reader.list')]);
    if (json) {
      printResult(JSON.stringify({ roles }, undefined, 2));
      return;
    }
    for (const role of roles) printResult(describe(role, readers));
    if (roles.length === 0) printResult('No reader has a role. Bind one: kortd role assign operator');
  });
}

/** Guided unless the reader is named. */
export async function runRoleAssign(
  role: string,
  { dataDir, reader, timeout }: Flags & { readonly reader?: string; readonly timeout?: number },
): Promise<void> {
  await withClient(dataDir, async (client) => {
    if (reader === undefined)
      printNotice(
        `Put a card into the reader that is to be the one of ${role}. If a card is in it, take it out and put it in again. Ctrl+C gives up.`,
      );
    const bound = await client.call(
      'reader.assignRole',
      { role, ...(reader === undefined ? {} : { reader }) },
      timeout === undefined ? {} : { timeoutMs: timeout },
    );
    printResult(describe(bound.role, [bound.reader]));
  });
}

export async function runRoleRemove(role: string, { dataDir }: Flags): Promise<void> {
  await withClient(dataDir, async (client) => {
    await client.call('reader.removeRole', { role });
    printResult(`${role}: no reader is bound to it`);
  });
}

async function withClient(dataDir: string, work: (client: Client) => Promise<void>): Promise<void> {
  const { client } = await connectToDaemon(dataDir);
  try {
    await work(client);
  } finally {
    client.close();
  }
}

function describe(
  { role, source, selector, status, reader, restrictsCards, notSamePersonAs }: Role,
  readers: readonly Reader[],
): string {
  const name = readers.find(({ id }) => id === reader)?.name;
  const found = selector ? `, found by ${describeSelector(selector)} (${source ?? ''})` : '';
  const rules = [
    ...(restrictsCards ? ['only cards that the policy names'] : []),
    ...notSamePersonAs.map((other) => `not the same person as ${other}`),
  ];
  return [`${role}: ${name ?? STATUS[status]}${found}`, ...rules].join('; ');
}

const STATUS: Readonly<Record<Role['status'], string>> = {
  ready: 'there',
  away: 'not connected, or not known again yet',
  ambiguous: 'cannot be told from another reader',
  unassigned: 'no reader is bound to it',
};

function describeSelector({ serialNumber, usbPath, name }: ReaderSelector): string {
  if (serialNumber !== undefined) return `serial number ${serialNumber}`;
  return usbPath === undefined ? `name ${name ?? ''}` : `USB port ${usbPath}`;
}
