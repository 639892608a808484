import { describeReader, describeRole } from '../../desk/describe.ts';
import type { ReaderRecord } from '../../desk/records.ts';
import { Turns } from '../../turns.ts';
import type { Call, Handlers } from '../call.ts';
import type { HandlerContext } from './context.ts';

type ReaderMethods = 'reader.assignRole' | 'reader.list' | 'reader.listRoles' | 'reader.removeRole';

/** Persons who are asked to put a card in, one after the other: one card must not answer for two. */
const MAX_GUIDED = 4;

export function readerHandlers(context: HandlerContext): Pick<Handlers, ReaderMethods> {
  const { desk, events } = context;
  const guided = new Turns('the reader that gets a role', MAX_GUIDED);
  const describe = (role: string): ReturnType<typeof describeRole> =>
    describeRole(role, desk.roleReaders.get(role), desk.roles.ruleOf(role));
  const assign = (role: string, reader: ReaderRecord, call: Call): void => {
    call.subject = { purpose: `${role}: ${reader.name}` };
    desk.assignRole(role, reader);
  };
  const awaitCard = async (role: string, call: Call): Promise<ReaderRecord> => {
    desk.roles.requireUnfixed(role);
    return await guided.run(call.signal, async () => {
      let taken: ReaderRecord | undefined;
      events.publish('reader.roleAwaited', { role, state: 'waiting' });
      try {
        const reader = await desk.nextInsertion(call.signal);
        call.signal.throwIfAborted();
        assign(role, reader, call);
        taken = reader;
        return reader;
      } finally {
        const outcome = taken ? { state: 'assigned' as const, reader: taken.id } : { state: 'ended' as const };
        events.publish('reader.roleAwaited', { role, ...outcome });
      }
    });
  };
  return {
    'reader.assignRole': async ({ role, reader: id }, call) => {
      call.subject = { purpose: role };
      const reader = id === undefined ? await awaitCard(role, call) : desk.reader(id);
      if (id !== undefined) assign(role, reader, call);
      return { role: describe(role), reader: describeReader(reader) };
    },
    'reader.list': () => ({ readers: desk.readers.map(describeReader) }),
    'reader.listRoles': () => ({ roles: desk.roles.names.map(describe) }),
    'reader.removeRole': ({ role }, call) => {
      call.subject = { purpose: role };
      desk.removeRole(role);
      return {};
    },
  };
}
