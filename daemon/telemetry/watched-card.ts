/**
 * A card's session and connection that tell what is done with them. Made only while somebody observes: else cards are used as they are. Every object is passed through
 * as it is, but for the methods that the tables name.
 */
import type { CardConnection } from '../../apdu/card-connection.ts';
import type { CardSession } from '../desk/card-session.ts';
import { cardKindLabel } from './card-kind.ts';
import {
  APPLICATION_OPERATIONS,
  DOCUMENT_OPERATIONS,
  MANAGEMENT_KEY_OPERATIONS,
  MANAGEMENT_OPERATIONS,
  SESSION_OPERATIONS,
  TOKEN_OPERATIONS,
  type CardOperation,
} from './card-operations.ts';
import type { Telemetry } from './telemetry.ts';

/** Counts what goes to the card and comes back. */
export function watchedConnection(connection: CardConnection, telemetry: Telemetry): CardConnection {
  const { atr, supportsExtendedLength, keypad } = connection;
  return {
    ...{ atr, supportsExtendedLength, ...(keypad ? { keypad } : {}) },
    async transmit(command, options) {
      const response = await connection.transmit(command, options);
      telemetry.exchanged(command.length, response.length);
      return response;
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

export function watchedSession(session: CardSession, telemetry: Telemetry): CardSession {
  return watched(session, SESSION, (name, work) =>
    telemetry.watch({ kind: 'operation', name, card: () => cardKindLabel(session.card) }, work),
  );
}

interface Plan {
  readonly operations: Readonly<Record<string, CardOperation>>;
  /** Members that are objects to be watched in their turn. */
  readonly members?: Readonly<Record<string, Plan>>;
  /** Of operations: what they resolve with is watched by this plan. */
  readonly results?: Readonly<Record<string, Plan>>;
}

const MANAGEMENT: Plan = {
  operations: MANAGEMENT_OPERATIONS,
  members: { managementKey: { operations: MANAGEMENT_KEY_OPERATIONS } },
};
const TOKEN: Plan = { operations: TOKEN_OPERATIONS, members: { management: MANAGEMENT } };
const APPLICATION: Plan = {
  operations: APPLICATION_OPERATIONS,
  members: { token: TOKEN },
  results: { openDocument: { operations: DOCUMENT_OPERATIONS } },
};
const SESSION: Plan = {
  operations: SESSION_OPERATIONS,
  results: { application: APPLICATION, find: { operations: {}, members: { application: APPLICATION } }, token: TOKEN },
};

type Watch = (name: CardOperation, work: () => Promise<unknown>) => Promise<unknown>;

function watched<T extends object>(target: T, plan: Plan, watch: Watch): T {
  return new Proxy(target, {
    get(object, key) {
      // Of the object itself: what is private to its class is out of a proxy's reach.
      const value: unknown = Reflect.get(object, key, object);
      if (typeof key === 'symbol') return value;
      const member = plan.members?.[key];
      if (member && isObject(value)) return watched(value, member, watch);
      if (typeof value !== 'function') return value;
      const call = (...values: readonly unknown[]): unknown => Reflect.apply(value, object, values);
      const operation = Object.hasOwn(plan.operations, key) ? plan.operations[key] : undefined;
      if (operation === undefined) return call;
      return async (...values: readonly unknown[]) => {
        const result = await watch(operation, async () => await call(...values));
        const resultPlan = plan.results?.[key];
        return resultPlan && isObject(result) ? watched(result, resultPlan, watch) : result;
      };
    },
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
