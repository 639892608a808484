/**
 * Faults planted around the built daemon on PC/SC, with pcscd's end of its socket played by a test double, and devices in a /sys of its own: each is found by its own
 * check alone. test/pcsc/doctor.test.ts does the same with the real service.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Result } from '../../api-spec/methods/index.ts';
import { startFakePcscd, words, type FakePcscd, type FakeReader } from '../../drivers/pcsc/fake-pcscd.ts';
import { layout } from '../../installer/linux/layout.ts';
import { systemFiles } from '../../installer/linux/system-files.ts';
import { polkitRule } from '../../installer/linux/units.ts';
import { build } from '../cli/program.ts';
import { startProgram, type RunningDaemon } from '../support/program.ts';
import { findingIn, foundIn, PlantedMachine, type Planted } from './planted-machine.ts';

const ATTEMPT_MS = 60_000;
const EVENTUALLY = { timeout: 20_000 };
/** What answers at all does so far sooner. */
const PATIENCE_MS = 3_000;
const READER: FakeReader = { name: 'Office Reader 00 00', state: 0x0002 };
const ATR = Uint8Array.of(0x3b, 0x80, 0x80, 0x01, 0x01);

let pcscd: FakePcscd;
let daemon: RunningDaemon;
let machine: PlantedMachine;
let stack: AsyncDisposableStack;

beforeAll(async () => {
  build();
  pcscd = await startFakePcscd();
  pcscd.setReaders([READER]);
  daemon = await startProgram([], { environment: { ...process.env, ...pcscd.environment, KORTD_PCSC: 'socket' } });
  await readerIs('empty');
}, ATTEMPT_MS);
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  await pcscd[Symbol.asyncDispose]();
});
beforeEach(() => {
  stack = new AsyncDisposableStack();
  machine = stack.use(new PlantedMachine());
});
afterEach(async () => {
  await stack.disposeAsync();
});

async function readerIs(status: string): Promise<void> {
  const deadline = Date.now() + EVENTUALLY.timeout;
  while ((await daemon.client.call('reader.list')).readers[0]?.status !== status) {
    if (Date.now() > deadline) throw new Error(`the reader is not ${status}`);
    await pause(20);
  }
}

const diagnose = (planted: Planted = {}) =>
  machine.diagnose({ dataFolder: daemon.dataFolder, ...planted, environment: { ...pcscd.environment, ...planted.environment } });

/** Another service than the daemon's, for this test. */
async function otherPcscd(...readers: readonly FakeReader[]): Promise<FakePcscd> {
  const other = stack.use(await startFakePcscd());
  other.setReaders(readers);
  return other;
}

/** As its package does. */
function installService(): void {
  for (const { path, content } of systemFiles.filter(({ path }) => /\.(service|rules)$/.test(path)))
    machine.write(path, String(content));
  machine.write('/etc/passwd', 'kortd:x:4711:4711::/var/lib/kortd:/usr/sbin/nologin\n');
  machine.write('/etc/group', 'dialout:x:20:kortd\nkortd:x:4711:\n');
}

function removeRules(folder: string): void {
  rmSync(join(machine.root, folder), { recursive: true, force: true });
}

it('nothing is wrong with a daemon on a PC/SC service and a reader, with the service installed as its package does it', async () => {
  expect(foundIn(await diagnose())).toEqual([]);
  installService();
  expect(foundIn(await diagnose())).toEqual([]);
});

describe('the PC/SC service', () => {
  it('is not installed, or installed and not running', async () => {
    const environment = { PCSCLITE_CSOCK_NAME: join(machine.root, 'nowhere') };
    expect(foundIn(await diagnose({ environment }))).toEqual(['pcsc: pcsc_not_installed']);
    machine.install('pcscd');
    expect(foundIn(await diagnose({ environment }))).toEqual(['pcsc: pcsc_not_running']);
  });

  it('left its socket and its number behind', async () => {
    const child = spawn('/usr/bin/true');
    await once(child, 'exit');
    machine.install('pcscd');
    machine.write('/run/pcscd/pcscd.pid', `${child.pid ?? 0}\n`);
    const environment = { PCSCLITE_CSOCK_NAME: join(machine.root, 'nowhere') };
    expect(foundIn(await diagnose({ environment }))).toEqual(['pcsc: pcsc_not_running', 'resume: pcscd_left_behind']);
  });

  it('takes connections and answers nothing: doctor does not hang with it', async () => {
    const sockets = new Set<Socket>();
    const path = join(machine.root, 'hung');
    const server = createServer((socket) => void sockets.add(socket.on('error', () => undefined))).listen(path);
    await once(server, 'listening');
    stack.defer(async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    const environment = { PCSCLITE_CSOCK_NAME: path };
    expect(foundIn(await diagnose({ environment, answerMs: PATIENCE_MS }))).toEqual(['pcsc: pcsc_hangs']);
  });

  it('hangs after it gave its version', async () => {
    const other = await otherPcscd(READER);
    other.answer(0x12, () => undefined);
    expect(foundIn(await diagnose({ environment: other.environment, answerMs: PATIENCE_MS }))).toEqual(['pcsc: pcsc_hangs']);
  });

  it('refuses this user by polkit', async () => {
    const other = await otherPcscd(READER);
    other.answer(0x01, () => words(2, 0, 0x8010006a));
    expect(foundIn(await diagnose({ environment: other.environment }))).toEqual(['polkit: polkit_denied']);
  });

  it('speaks a protocol that is not known', async () => {
    const other = stack.use(await startFakePcscd(() => false));
    const diagnosis = await diagnose({ environment: other.environment });
    expect(foundIn(diagnosis)).toEqual(['pcsc: pcsc_protocol_unknown']);
    expect(findingIn(diagnosis, 'pcsc_protocol_unknown').severity).toBe('info');
  });

  it('is of the version that refuses every service', async () => {
    const run = async (program: string) =>
      Promise.resolve(
        program === 'pcscd'
          ? ({ state: 'seen', value: { status: 0, stdout: 'pcsc-lite version 2.3.2.\n', stderr: '' } } as const)
          : ({ state: 'absent' } as const),
      );
    expect(foundIn(await diagnose({ alter: () => ({ run }) }))).toEqual(['pcsc: pcsc_version_refuses_services']);
  });

  it('has a socket that is closed to this user', async () => {
    const pcsc = async () => Promise.resolve({ state: 'forbidden', socket: '/run/pcscd/pcscd.comm', why: 'EACCES' } as const);
    expect(foundIn(await diagnose({ alter: () => ({ pcsc }) }))).toEqual(['pcsc: pcsc_socket_forbidden']);
  });
});

describe('polkit', () => {
  const RULE = readyRule('function (action, subject)');

  function readyRule(head: string): string {
    return `polkit.addRule(${head} {\n  // a => b\n  if (action.id === "org.debian.pcsc-lite.access_pcsc" && subject.user === "kortd") return polkit.Result.YES;\n});\n`;
  }

  beforeEach(() => {
    installService();
    removeRules(layout.polkit);
    machine.write('/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy', '<policyconfig/>');
  });

  it('without a rule, and with one', async () => {
    machine.write('/etc/polkit-1/rules.d/10-other.rules', 'polkit.addRule((a) => undefined);');
    expect(foundIn(await diagnose())).toEqual(['polkit: polkit_rule_missing']);
    machine.write('/usr/share/polkit-1/rules.d/50-kortd.rules', RULE);
    expect(foundIn(await diagnose())).toEqual([]);
    machine.write('/usr/share/polkit-1/rules.d/50-kortd.rules', polkitRule);
    expect(foundIn(await diagnose())).toEqual([]);
  });

  it('with a rule in later JavaScript, and one that is none', async () => {
    machine.write('/usr/share/polkit-1/rules.d/50-kortd.rules', readyRule('(action, subject) =>'));
    expect(foundIn(await diagnose())).toEqual(['polkit: polkit_rule_too_new']);
    machine.write('/usr/share/polkit-1/rules.d/50-kortd.rules', RULE.slice(0, -5));
    expect(foundIn(await diagnose())).toEqual(['polkit: polkit_rule_broken']);
  });
});

describe('readers', () => {
  it('with a card that does not answer', async () => {
    const mute = { ...READER, state: 0x0004 | 0x0008 };
    pcscd.setReaders([mute]);
    stack.defer(async () => {
      pcscd.setReaders([READER]);
      await readerIs('empty');
    });
    await expect.poll(async () => foundIn(await diagnose()), EVENTUALLY).toEqual(['readers: card_mute']);
  });

  it('that another program holds for itself', async () => {
    const other = await otherPcscd({ ...READER, state: 0x0034, sharing: 0xffff_ffff, atr: ATR });
    const diagnosis = await diagnose({ environment: other.environment });
    expect(foundIn(diagnosis)).toEqual(['readers: reader_blocked']);
    expect(findingIn(diagnosis, 'reader_blocked').evidence[0]).toBe(READER.name);
  });

  it('that kortd does not list', async () => {
    const other = await otherPcscd(READER, { name: 'Second Reader 01 00', state: 0x0002 });
    const diagnosis = await diagnose({ environment: other.environment });
    expect(foundIn(diagnosis)).toEqual(['readers: reader_unknown_to_kortd']);
    expect(findingIn(diagnosis, 'reader_unknown_to_kortd').evidence).toEqual(['Second Reader 01 00']);
  });

  it('with a card that kortd cannot read', async () => {
    const card = { id: 'c', reader: 'r-1', status: 'failed', problem: { code: 'card_removed', message: 'it went' } };
    const alter: Planted['alter'] = (look) => ({
      daemon: async () => {
        const view = await look.daemon();
        const cards = async () => Promise.resolve({ cards: [card] } as unknown as Result<'card.list'>);
        return view.state === 'running' ? { ...view, ask: { ...view.ask, cards } } : view;
      },
    });
    const diagnosis = await diagnose({ alter });
    expect(foundIn(diagnosis)).toEqual(['readers: card_unreadable']);
    expect(findingIn(diagnosis, 'card_unreadable').command).toContain('"reader":"r-1"');
  });

  it('that are plugged in and not seen, and did not wake', async () => {
    plugIn({ port: '1-2', vendorId: '076b', productId: '3031', interfaceClass: '0b' });
    expect(foundIn(await diagnose())).toEqual([]);
    const other = await otherPcscd();
    expect(foundIn(await diagnose({ environment: other.environment }))).toEqual(['readers: reader_not_driven']);
    machine.write('/sys/bus/usb/devices/1-2/power/runtime_status', 'error\n');
    expect(foundIn(await diagnose())).toEqual(['resume: reader_asleep']);
  });

  it('that are virtual, configured or present', async () => {
    machine.write('/etc/reader.conf.d/ccid', 'FRIENDLYNAME "A"\nLIBPATH /usr/lib/pcsc/drivers/libccid.so\n');
    expect(foundIn(await diagnose())).toEqual([]);
    machine.write('/etc/reader.conf.d/vpcd', 'FRIENDLYNAME "Virtual PCD"\nLIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so\n');
    expect(foundIn(await diagnose())).toEqual(['virtual-readers: virtual_reader_configured']);
    machine.write('/etc/reader.conf.d/vpcd', '');
    const other = await otherPcscd(READER, { name: 'Virtual PCD 00 00', state: 0x0002 });
    expect(foundIn(await diagnose({ environment: other.environment }))).toContain('virtual-readers: virtual_reader_present');
  });
});

function plugIn(device: {
  readonly port: string;
  readonly vendorId: string;
  readonly productId: string;
  readonly interfaceClass: string;
}): string {
  const folder = `/sys/bus/usb/devices/${device.port}`;
  machine.write(`${folder}/idVendor`, `${device.vendorId}\n`);
  machine.write(`${folder}/idProduct`, `${device.productId}\n`);
  machine.write(`/sys/bus/usb/devices/${device.port}:1.0/bInterfaceClass`, `${device.interfaceClass}\n`);
  return folder;
}

describe('signature pads and scanners', () => {
  const PAD = 'DRIVER=hid-generic\nHID_ID=0003:0000056A:000000A8\nHID_NAME=STU-540\n';

  it('without udev rules, and without rights', async () => {
    installService();
    machine.write('/sys/class/hidraw/hidraw0/device/uevent', PAD);
    machine.write('/sys/class/hidraw/hidraw1/device/uevent', 'HID_ID=0003:0000046D:0000C31C\n');
    const node = machine.write('/dev/hidraw0', '', 0o666);
    machine.write('/dev/hidraw1', '', 0o600);
    removeRules(layout.udev);
    expect(foundIn(await diagnose())).toEqual(['udev: udev_rules_missing']);
    machine.write('/usr/lib/udev/rules.d/60-kortd.rules', '');
    expect(foundIn(await diagnose())).toEqual([]);
    chmodSync(node, 0o600);
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['udev: device_node_forbidden']);
    expect(findingIn(diagnosis, 'device_node_forbidden').evidence[0]).toMatch(/^Wacom STU-\w+ at \/dev\/hidraw0: mode 600/);
  });

  it('a pad of Topaz behind its converter without rights, and a converter of somebody else’s', async () => {
    installService();
    const folder = plugIn({ port: '1-4', vendorId: '0403', productId: '6001', interfaceClass: 'ff' });
    machine.write('/sys/bus/usb/devices/1-4:1.0/ttyUSB0/port_number', '0\n');
    machine.write('/dev/ttyUSB0', '', 0o600);
    machine.write(`${folder}/serial`, 'A50285BI\n');
    expect(foundIn(await diagnose())).toEqual([]);
    machine.write(`${folder}/serial`, 'TOPAZBSB\n');
    const diagnosis = await diagnose();
    expect(foundIn(diagnosis)).toEqual(['udev: device_node_forbidden']);
    expect(findingIn(diagnosis, 'device_node_forbidden').evidence[0]).toContain('/dev/ttyUSB0');
  });

  it('a scanner on a serial line without rights', async () => {
    installService();
    machine.write('/sys/class/tty/ttyACM0/device/uevent', 'DRIVER=cdc_acm\nPRODUCT=db5/138/100\n');
    machine.write('/dev/ttyACM0', '', 0o600);
    expect(foundIn(await diagnose())).toEqual(['udev: device_node_forbidden']);
  });
});

describe('the daemon', () => {
  it('does not run', async () => {
    expect(foundIn(await diagnose({ dataFolder: machine.emptyData }))).toEqual(['daemon: daemon_not_running']);
  });

  it.each([
    ['activating', 'auto-restart', 12, 'daemon_fails'],
    ['activating', 'start', 12, 'daemon_fails'],
    ['activating', 'start', 0, 'daemon_not_running'],
    ['inactive', 'dead', 0, 'daemon_not_running'],
  ])('is a service that is %s (%s), and was started anew %i times', async (active, sub, restarts, id) => {
    const stdout = `ActiveState=${active}\nSubState=${sub}\nNRestarts=${restarts}\n`;
    const diagnosis = await diagnose({
      dataFolder: machine.emptyData,
      alter: (look) => ({
        isService: true,
        run: (program, parameters) =>
          parameters.includes('--property=ActiveState,SubState,NRestarts')
            ? Promise.resolve({ state: 'seen', value: { status: 0, stdout, stderr: '' } })
            : look.run(program, parameters),
      }),
    });
    expect(foundIn(diagnosis).filter((found) => found.startsWith('daemon'))).toEqual([`daemon: ${id}`]);
  });

  it('was killed', async () => {
    const killed = await startProgram([], { environment: { ...process.env, ...pcscd.environment, KORTD_PCSC: 'socket' } });
    stack.use(killed);
    process.kill(killed.pid, 'SIGKILL');
    const diagnosed = async () => foundIn(await diagnose({ dataFolder: killed.dataFolder }));
    await expect.poll(diagnosed, EVENTUALLY).toEqual(['daemon: daemon_died']);
  });

  it('is stopped in its tracks: doctor does not wait for it', async () => {
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      expect(foundIn(await diagnose({ answerMs: PATIENCE_MS }))).toEqual(['daemon: daemon_mute']);
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
    await expect.poll(async () => foundIn(await diagnose()), EVENTUALLY).toEqual([]);
  });

  it('belongs to another user: doctor says that it could not look', async () => {
    const daemonView = async () => Promise.resolve({ state: 'forbidden' } as const);
    const diagnosis = await diagnose({ alter: () => ({ daemon: daemonView }) });
    expect(foundIn(diagnosis)).toEqual([]);
    expect(diagnosis.unseen.map(({ check }) => check)).toContain('daemon');
  });

  it('left a folder whose files are no JSON', async () => {
    mkdirSync(join(machine.emptyData), { recursive: true });
    writeFileSync(join(machine.emptyData, 'endpoint.json'), '{', { mode: 0o600 });
    expect(readFileSync(join(machine.emptyData, 'endpoint.json'), 'utf8')).toBe('{');
    expect(foundIn(await diagnose({ dataFolder: machine.emptyData }))).toEqual(['daemon: daemon_not_running']);
  });
});
