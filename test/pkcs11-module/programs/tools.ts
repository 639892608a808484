/** A desk with a PIV card, two e-ID cards and a token of SoftHSM 2 behind its module, and the programs of Debian that use it through p11-kit's own client. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createEidCard } from '../../../drivers/simulated/cards/eid.ts';
import {
  cardKey,
  certificateFor,
  eventually,
  openBench,
  testKey,
  watchedPivCard,
  type Bench,
  type TestKeyKind,
} from '../../api/support.ts';
import { createStaffToken, STAFF, staffPolicy } from '../staff.ts';

/** Debian's package p11-kit-modules. */
const CLIENTS = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/pkcs11/p11-kit-client.so`);
export const MODULE = CLIENTS.find((path) => existsSync(path)) ?? 'p11-kit-client.so';
const TOOL_TIMEOUT_MS = 25_000;
export const PIN = STAFF.pin;
export { STAFF };
const PINS = { legitimering: PIN, underskrift: '964731', puk: '12345679' };

const PIV_KEYS = [
  ['9A', 'RSA-2048'],
  ['9D', 'P-256'],
  ['9E', 'P-256'],
] as const satisfies readonly (readonly [string, TestKeyKind])[];

/** A key that programs use, by its URI (RFC 7512). */
export interface UsedKey {
  readonly name: string;
  readonly kind: 'EC' | 'RSA';
  readonly uri: string;
  /** For pkcs11-tool: of the token, which has the serial number too where that is known before. */
  readonly token: string;
  readonly serial?: string;
  readonly id: string;
  /** What programs call the key by. */
  readonly label: string;
  /** The common name in its certificate. */
  readonly person: string;
}

const EID = 'EID card (authentication)';
const uriOf = (token: string, serial?: string): string => {
  const named = encodeURIComponent(token).replaceAll('(', '%28').replaceAll(')', '%29');
  return `pkcs11:token=${named}${serial === undefined ? '' : `;serial=${serial}`}`;
};

const EID_RSA = '2000000000000011';
const EID_CURVES = '2000000000000029';
/** What those of one token have in common. */
const EID_KEY = { token: EID, id: '45', label: 'Legitimering' } as const;

export const KEYS: readonly UsedKey[] = [
  {
    ...{ name: 'a PIV card', kind: 'RSA', uri: `${uriOf('PIV card', '20202020')};id=%9a` },
    ...{ token: 'PIV card', serial: '20202020', id: '9a', label: 'PIV Authentication Key', person: 'Person 9A' },
  },
  {
    ...{ name: 'an e-ID card with RSA', kind: 'RSA', uri: `${uriOf(EID, EID_RSA)};id=%45` },
    ...{ ...EID_KEY, serial: EID_RSA, person: 'Anna Lindqvist' },
  },
  {
    ...{ name: 'an e-ID card with curves', kind: 'EC', uri: `${uriOf(EID, EID_CURVES)};id=%45` },
    ...{ ...EID_KEY, serial: EID_CURVES, person: 'Björn Åkesson' },
  },
  {
    ...{ name: 'a token of a module with RSA', kind: 'RSA', uri: `${uriOf(STAFF.label)};id=%A1%01` },
    ...{ token: STAFF.label, id: 'a101', label: 'Staff RSA', person: 'Staff with RSA' },
  },
  {
    ...{ name: 'a token of a module with a curve', kind: 'EC', uri: `${uriOf(STAFF.label)};object=Staff%20curve` },
    ...{ token: STAFF.label, id: 'a102', label: 'Staff curve', person: 'Staff with a curve' },
  },
];

export interface ToolDesk extends AsyncDisposable {
  readonly bench: Bench;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  file(name: string, content: string | Uint8Array, mode?: number): Promise<string>;
  read(name: string): Promise<Buffer>;
  /** Beside the module's, which stays. */
  setPolicy(content: object): Promise<void>;
  /** Runs to its end; what it printed. Rejects with that when its exit status is not 0. */
  run(command: string, parameters: readonly string[], input?: string): Promise<string>;
}

/** `agreement`: of what kind the PIV card's key 9D is. */
export async function openToolDesk({ agreement = 'P-256' }: { readonly agreement?: TestKeyKind } = {}): Promise<ToolDesk> {
  await using undo = new AsyncDisposableStack();
  const policy = staffPolicy(undo.use(await createStaffToken(KEYS.filter(({ token }) => token === STAFF.label))));
  const bench = undo.use(await openBench({ readers: [{}, {}, {}], policy, pkcs11Front: {} }));
  const folder = await mkdtemp(join(tmpdir(), 'kortd-tools-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const keys = PIV_KEYS.map(([name, usual]) => {
    const kind = name === '9D' ? agreement : usual;
    return [
      name,
      cardKey(kind, { name, certificate: certificateFor(testKey(kind, name).publicKey, { name: `Person ${name}` }) }),
    ];
  });
  await bench.insert(
    watchedPivCard({
      serialNumber: 20_202_020,
      pin: PIN,
      keys: Object.fromEntries(keys) as Record<string, ReturnType<typeof cardKey>>,
    }),
  );
  await bench.insert(createEidCard({ persona: 'anna', pins: PINS }), 1);
  await bench.insert(createEidCard({ persona: 'bjorn', pins: PINS }), 2);
  await eventually('identifying the token of the module', () =>
    bench.daemon.desk.cards.find(({ reader, status }) => reader.source.id !== 'simulated' && status === 'ready'),
  );
  const environment = {
    P11_KIT_SERVER_ADDRESS: `unix:path=${bench.dataFolder}/pkcs11`,
    PKCS11_MODULE_PATH: MODULE,
    GNUTLS_PIN: PIN,
    HOME: folder,
  };
  const resources = undo.move();
  return {
    bench,
    folder,
    environment,
    file: async (name, content, mode = 0o600) => {
      await writeFile(join(folder, name), content);
      await chmod(join(folder, name), mode);
      return join(folder, name);
    },
    read: (name) => readFile(join(folder, name)),
    setPolicy: (content) => bench.setPolicy({ ...policy, ...content }),
    run: (command, parameters, input = '') => runTool(command, parameters, { environment, input, folder }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Rejects with what it printed when its exit status is not 0; the cause has status and signal. */
export async function runTool(
  command: string,
  parameters: readonly string[],
  { environment, input, folder }: { readonly environment: object; readonly input: string; readonly folder: string },
): Promise<string> {
  const running = promisify(execFile)(command, parameters, {
    cwd: folder,
    timeout: TOOL_TIMEOUT_MS,
    env: { ...process.env, ...environment },
  });
  running.child.stdin?.on('error', () => undefined); // a program may end before it has read everything
  running.child.stdin?.end(input);
  try {
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } catch (error) {
    const output =
      error instanceof Error && 'stderr' in error && 'stdout' in error ? `${String(error.stdout)}${String(error.stderr)}` : '';
    throw new Error(`${command} ${parameters.join(' ')} failed: ${output}`, { cause: error });
  }
}
