/**
 * The table of methods against the daemon: each method is reached as the table says, and each error that it documents is provoked here, or is named below
 * with the reason why simulated parts cannot provoke it.
 */
import { describe, expect, it } from 'vitest';
import { COMMON_ERRORS, ERROR_TABLES, ERRORS, type ErrorCode } from '../../api-spec/errors.ts';
import { EXAMPLE_CMS, EXAMPLE_CONTENT } from '../../api-spec/generate/example-signatures.ts';
import type { ApiMethod } from '../../api-spec/method.ts';
import { METHODS, METHOD_NAMES, type MethodName } from '../../api-spec/methods/index.ts';
import { readerId } from '../../daemon/desk/desk.ts';
import { TRANSPORTS, createOtherCard, errorOf, openBench, resultOf, type Bench } from './support.ts';
import { OFFICE_RULES } from '../issuance/office.ts';
import { goodIssuanceCard, goodTransfer } from './issuance-provocations.ts';
import { goodDocument } from './passport-provocations.ts';
import { goodStepCard, isStepMethod } from './issuance-step-provocations.ts';
import type { SimulatedCard } from '../../drivers/simulated/card.ts';
import { GOOD_PADS, usePad } from './pad-provocations.ts';
import { makeCard } from './provocation.ts';
import { goodScan } from './scanner-provocations.ts';
import { goodVerdict, isDocumentMethod } from './document-provocations.ts';
import { NOT_PROVOKED, goodParams, provoke, provoked } from './provocations.ts';

const DOCUMENTED = METHOD_NAMES.flatMap((method) =>
  METHODS[method].errors.map((code): [MethodName, ErrorCode] => [method, code]),
);

describe('every documented error', () => {
  it.each(DOCUMENTED.filter(([method, code]) => !(`${method} ${code}` in NOT_PROVOKED)))(
    'of %s: %s is provoked',
    async (method, code) => {
      expect(await provoke(method, code)).toBe(code);
    },
  );

  it('is provoked, or named with the reason why it cannot be', () => {
    const missing = DOCUMENTED.map(([method, code]) => `${method} ${code}`).filter(
      (row) => !provoked.has(row) && !(row in NOT_PROVOKED),
    );
    expect(missing).toEqual([]);
  });

  it('that is named as not to be provoked is documented, and was not provoked after all', () => {
    const documented = new Set(DOCUMENTED.map(([method, code]) => `${method} ${code}`));
    for (const row of Object.keys(NOT_PROVOKED)) {
      expect([...documented]).toContain(row);
      expect(provoked.has(row), row).toBe(false);
    }
  });
});

describe('every common error', () => {
  /** By the file and test that provokes it. */
  const WHERE: Readonly<Record<(typeof COMMON_ERRORS)[number], string>> = {
    audit_unavailable: 'daemon/audit/audit-log.test.ts: a disk that fails is given to the log there',
    call_cancelled: 'giving-up.test.ts',
    deadline_exceeded: 'giving-up.test.ts',
    host_refused: 'bad-request.test.ts',
    idempotency_conflict: 'flows.test.ts',
    internal_error: 'conformance.test.ts',
    invalid_json: 'bad-request.test.ts',
    invalid_params: 'bad-request.test.ts',
    invalid_request: 'bad-request.test.ts',
    message_too_large: 'bad-request.test.ts',
    method_not_found: 'bad-request.test.ts',
    origin_refused: 'bad-request.test.ts',
    scope_missing: 'daemon/api/dispatcher.test.ts: the token of the data folder has every scope',
    too_many_calls: 'bad-request.test.ts',
    unauthorized: 'bad-request.test.ts',
  };

  it.each(COMMON_ERRORS.filter((code) => !WHERE[code].startsWith('daemon/')))(
    '%s is looked for in a test of this folder',
    async (code) => {
      const { readFile } = await import('node:fs/promises');
      expect(await readFile(new URL(WHERE[code], import.meta.url), 'utf8')).toContain(code);
    },
  );

  it('a defect answers internal_error with an incident that the log has, and nothing of the inside', async () => {
    const logged: object[] = [];
    const drop = (): void => undefined;
    await using bench = await openBench({
      log: { debug: drop, info: drop, warn: drop, error: (fields) => void logged.push(fields) },
    });
    const id = await bench.insert(makeCard());
    const api = await bench.socket();
    bench.intercept.refuse = () => new TypeError('/home/somebody: undefined is not a function');
    const error = errorOf(await api.call('card.read', { card: id }));
    expect(error).toMatchObject({ code: 'internal_error', message: 'an unexpected error' });
    expect(JSON.stringify(error)).not.toContain('somebody');
    expect(logged).toMatchObject([{ incidentId: error.details?.['incidentId'], method: 'card.read' }]);
  });
});

describe('every method', () => {
  /** Parameters of the methods that take no card. */
  const OTHERS: Readonly<Partial<Record<MethodName, object>>> = {
    'access.list': {},
    'prompt.list': {},
    'audit.export': {},
    'audit.list': {},
    'audit.verify': {},
    'call.cancel': { id: 1 },
    'console.open': {},
    'event.subscribe': {},
    'event.unsubscribe': {},
    'reader.assignRole': { role: 'holder', reader: readerId('simulated', 'Bench 0') },
    'reader.list': {},
    'reader.listRoles': {},
    'reader.removeRole': { role: 'holder' },
    'card.list': {},
    ...GOOD_PADS,
    'scanner.cancel': { scanner: 'bench.main' },
    'scanner.list': {},
    'scanner.listScans': {},
    'scanner.scan': { scanner: 'bench.main' },
    'signature.verify': { cms: { data: EXAMPLE_CMS }, content: { data: EXAMPLE_CONTENT } },
    'simulation.insertCard': { reader: readerId('simulated', 'Bench 0'), card: 'beside' },
    'simulation.list': {},
    'simulation.removeCard': { reader: readerId('simulated', 'Bench 0') },
    'system.acknowledgeDatabase': { file: 'roles.sqlite' },
    'system.health': {},
    'system.info': {},
    'system.reload': {},
    'trace.list': {},
    'trace.start': {},
    'trace.stop': {},
    'version.select': { apiVersion: 1 },
  };
  const paramsOf = (bench: Bench, method: MethodName, card: string): object => ({
    ...goodParams(bench, method),
    ...((method.startsWith('issuance.') && !goodCardOf(method)) || isDocumentMethod(method) ? {} : { card }),
  });
  const goodCardOf = (method: MethodName): SimulatedCard | undefined =>
    isStepMethod(method) ? goodStepCard(method) : (goodDocument(method) ?? goodIssuanceCard(method));
  const reached = new Set<string>();
  /** They decide on a web origin, or are called by one: test/access/web-origin.test.ts. */
  const OF_A_PAGE: readonly MethodName[] = ['access.approve', 'access.deny', 'access.request', 'access.revoke'];
  const methods = METHOD_NAMES.filter((method) => !OF_A_PAGE.includes(method));

  describe.each(TRANSPORTS)('over %s', (name) => {
    it.each(methods.filter((method) => name === 'WebSocket' || (METHODS[method] as ApiMethod).rest))(
      '%s succeeds, and its result fits its schema',
      async (method) => {
        await using bench = await openBench(
          method.startsWith('issuance.') ? OFFICE_RULES : { cards: [{ name: 'beside', card: createOtherCard() }] },
        );
        const id = await bench.insert(goodCardOf(method) ?? makeCard());
        const api = await bench.transport(name);
        const lease = method === 'card.release' ? resultOf(await api.call('card.lease', { card: id })).lease : undefined;
        if (method === 'trace.stop') resultOf(await api.call('trace.start'));
        if (method === 'reader.removeRole') resultOf(await api.call('reader.assignRole', OTHERS['reader.assignRole']));
        const others = OTHERS[method] ?? {
          ...paramsOf(bench, method, id),
          ...(await goodTransfer(bench, method)),
          ...(await goodVerdict(bench, method)),
        };
        const scan = await goodScan(api, method);
        const params = scan ?? (lease === undefined ? others : { lease });
        const signing = method === 'pad.capture' ? usePad(bench, 'write', 'accept') : undefined;
        resultOf(await api.call(method, params));
        await signing;
        reached.add(`${name} ${method}`);
      },
    );
  });

  it('is reached over both, but for those that concern a WebSocket', () => {
    const wanted = methods.flatMap((method) => [
      ...((METHODS[method] as ApiMethod).rest ? [`REST ${method}`] : []),
      `WebSocket ${method}`,
    ]);
    expect([...reached].sort()).toEqual(wanted.sort());
    expect(METHOD_NAMES.filter((method) => !(METHODS[method] as ApiMethod).rest)).toEqual([
      'call.cancel',
      'event.subscribe',
      'event.unsubscribe',
      'version.select',
    ]);
  });

  it('has a path of its own, and only errors that exist', () => {
    const paths = METHOD_NAMES.flatMap((method) => {
      const { rest }: ApiMethod = METHODS[method];
      return rest ? [`${rest.verb} ${rest.path}`] : [];
    });
    expect(new Set(paths).size).toBe(paths.length);
    for (const [, code] of DOCUMENTED) expect(ERRORS).toHaveProperty(code);
  });

  it('ends in errors that are each defined once', () => {
    const codes = ERROR_TABLES.flatMap((table) => Object.keys(table));
    expect(codes.toSorted()).toEqual(Object.keys(ERRORS));
  });
});
