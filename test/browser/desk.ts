/**
 * The daemon of one browser test, in this process, on one simulated reader: what pages sent to it, as it came over the wire, and everything
 * that it could have done because of that.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { connect, type Client } from '../../api-spec/client/client.ts';
import type { EventData } from '../../api-spec/events.ts';
import { startDaemon } from '../../daemon/daemon.ts';
import { silentLog } from '../../daemon/log.ts';
import { createPivCard } from '../../drivers/simulated/cards/piv.ts';
import { SimulatedReader } from '../../drivers/simulated/reader.ts';
import { createSimulatedSource } from '../../drivers/simulated/source.ts';
import { eventually, within } from '../api/transports.ts';

/** A request as it reached kortd. */
export interface Arrival {
  readonly method: string;
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly isUpgrade: boolean;
}

export interface BrowserDesk extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Of the signature creation service, where the policy switches it on. */
  readonly scsPort: number | undefined;
  /** The person at this computer. */
  readonly person: Client;
  /** What came from browsers, oldest first; the person's own connection is not in it. */
  readonly arrivals: readonly Arrival[];
  /** Decides on the next request for access, whoever asks. */
  decideNext(verb: 'access.approve' | 'access.deny'): Promise<EventData<'access.requested'>>;
  insertCard(): Promise<void>;
  /**
   * Attacks twice, without and with a card in the reader, and checks that kortd did nothing for it: no event, no act in the audit log, no
   * request for access, no connection, no grant. Resolves with what the page saw: the same both times.
   */
  unmoved<T>(attack: () => Promise<T>): Promise<T>;
}

export async function openDesk(policy?: object): Promise<BrowserDesk> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'kortd-browser-'));
  undo.defer(() => rmSync(folder, { recursive: true, force: true }));
  const policyFolder = join(folder, 'policy.d');
  mkdirSync(policyFolder);
  if (policy) writeFileSync(join(policyFolder, '10.json'), JSON.stringify(policy), { mode: 0o600 });
  const reader = new SimulatedReader({ name: 'Browser 0' });
  const sources = [createSimulatedSource([reader])];
  const dataFolder = join(folder, 'data');
  const daemon = undo.use(await startDaemon({ dataFolder, port: 0, sources, simulated: true, log: silentLog, policyFolder }));
  const port = Number(new URL(daemon.url).port);
  const person = await connect({ url: daemon.url, token: daemon.token });
  undo.defer(async () => {
    person.close();
    await person.closed;
  });
  const watch = undo.use(watchArrivals(port));
  const requests = await listenForRequests(person);
  await eventually('finding the reader', () => daemon.desk.readers.length === 1);
  const insertCard = async (): Promise<void> => {
    reader.insert(createPivCard());
    await eventually('identifying the card', () => daemon.desk.cards[0]?.status === 'ready');
  };
  const resources = undo.move();
  return {
    url: daemon.url,
    port,
    scsPort: daemon.scsPorts().http,
    person,
    arrivals: watch.arrivals,
    decideNext: async (verb) => {
      const request = await requests();
      await person.call(verb, { code: request.code });
      return request;
    },
    insertCard,
    unmoved: async (attack) => {
      const seen: unknown[] = [];
      for (const prepare of [undefined, insertCard]) {
        await prepare?.();
        const before = await everything(person);
        seen.push(await attack());
        expect(await everything(person)).toEqual(before);
      }
      expect(seen[1]).toEqual(seen[0]);
      return seen[0] as Awaited<ReturnType<typeof attack>>;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** What an attack could change. The sequence number counts every event of the daemon. */
async function everything(person: Client): Promise<object> {
  const { sequence } = await person.call('event.subscribe', { events: ['access.requested'] });
  const { records } = await person.call('audit.list', {});
  const { grants, requests } = await person.call('access.list');
  const { clients } = await person.call('system.health');
  const { readers } = await person.call('reader.list');
  const { cards } = await person.call('card.list');
  return { sequence, records, grants, requests, clients, readers, cards };
}

async function listenForRequests(person: Client): Promise<() => Promise<EventData<'access.requested'>>> {
  const waiting: EventData<'access.requested'>[] = [];
  let hear: (() => void) | undefined;
  await person.subscribe(
    {
      onEvent: (event) => {
        if (event.name !== 'access.requested') return;
        waiting.push(event.data);
        hear?.();
      },
    },
    { events: ['access.requested'] },
  );
  return async () => {
    const heard = new Promise<void>((resolve) => (hear = resolve));
    if (waiting.length === 0) await within(heard, 'a request for access');
    const request = waiting.shift();
    if (!request) throw new Error('waiting for a request for access: heard of one that is not there');
    return request;
  };
}

/** Node tells of every request; a WebSocket's is told by the server that it came to. */
function watchArrivals(port: number): Disposable & { readonly arrivals: readonly Arrival[] } {
  const arrivals: Arrival[] = [];
  const servers = new Set<Server>();
  const note = (request: IncomingMessage, isUpgrade: boolean): void => {
    if (request.socket.localPort !== port) return;
    const { host, origin, 'sec-fetch-site': site } = request.headers;
    const fetchSite = Array.isArray(site) ? site.join() : site;
    arrivals.push({ method: request.method ?? '', path: request.url ?? '', host, origin, fetchSite, isUpgrade });
  };
  const onRequest = (message: unknown): void => note((message as { readonly request: IncomingMessage }).request, false);
  const onUpgrade = (request: IncomingMessage): void => note(request, true);
  const onConnection = (message: unknown): void => {
    const { server } = (message as { readonly socket: Socket & { readonly server: Server } }).socket;
    if (servers.has(server)) return;
    servers.add(server);
    server.prependListener('upgrade', onUpgrade);
  };
  subscribe('http.server.request.start', onRequest);
  subscribe('net.server.socket', onConnection);
  return {
    arrivals,
    [Symbol.dispose]: () => {
      unsubscribe('http.server.request.start', onRequest);
      unsubscribe('net.server.socket', onConnection);
      for (const server of servers) server.off('upgrade', onUpgrade);
    },
  };
}
