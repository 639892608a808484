/** A version that was ready and failed soon after it was installed: found, with the way back; and nothing is found where the service does well, or failed for other causes. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { thisMachine } from '../../daemon/doctor/this-machine.ts';
import { upgradeCheck } from '../../daemon/doctor/checks/upgrade.ts';
import { saidIn, type Finding } from '../../daemon/doctor/check.ts';
import type { Look, Ran, Seen } from '../../daemon/doctor/look.ts';
import { runChecks } from '../../daemon/doctor/run.ts';
import { VERSION } from '../../daemon/version.ts';
import { PlantedMachine } from './planted-machine.ts';

const MINUTE_MS = 60_000;

let machine: PlantedMachine;
beforeEach(() => (machine = new PlantedMachine()));
afterEach(() => machine[Symbol.dispose]());

/** What the package keeps of a version at an upgrade. */
function keepFormer(version: string, minutesAgo: number): void {
  const folder = join(machine.emptyData, 'former', version);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'audit.sqlite'), '');
  const then = (Date.now() - minutesAgo * MINUTE_MS) / 1_000;
  utimesSync(folder, then, then);
}

interface Service {
  readonly active?: string;
  readonly result?: string;
  readonly restarts?: number;
  readonly minutesAgo?: number;
}

/** As systemctl show prints it: microseconds since the computer started. */
function shown({ active = 'failed', result = 'exit-code', restarts = 5, minutesAgo = 1 }: Service): Seen<Ran> {
  const at = process.hrtime.bigint() / 1_000n - BigInt(Math.round(minutesAgo * MINUTE_MS * 1_000));
  const lines = [`ActiveState=${active}`, `Result=${result}`, `NRestarts=${restarts}`];
  const times = [`InactiveExitTimestampMonotonic=${at}`, `StateChangeTimestampMonotonic=${at}`];
  return { state: 'seen', value: { status: 0, stdout: `${[...lines, ...times].join('\n')}\n`, stderr: '' } };
}

/** As journalctl prints the restarts within the time that it is asked for. */
function restartsIn(parameters: readonly string[], minutesAgo: readonly number[]): Seen<Ran> {
  expect(parameters).toEqual(expect.arrayContaining(['kortd.service', '--quiet', 'MESSAGE_ID=5eb03494b6584870a536b337290809b3']));
  const [since, until] = ['--since', '--until'].map((word) => Number(parameters[parameters.indexOf(word) + 1]?.replace('@', '')));
  const times = minutesAgo.map((minutes) => (Date.now() - minutes * MINUTE_MS) / 1_000);
  const within = times.filter((time) => time >= (since ?? Infinity) && time <= (until ?? 0));
  const lines = within.map((_, index) => `kortd.service: Scheduled restart job, restart counter is at ${index + 1}.\n`);
  return { state: 'seen', value: { status: 0, stdout: lines.join(''), stderr: '' } };
}

async function diagnose(
  service: Service & { readonly restartedMinutesAgo?: readonly number[] },
  alter: Partial<Look> = {},
): Promise<readonly Finding[]> {
  await using looked = thisMachine({
    ...{ dataFolder: machine.emptyData, policyFolder: machine.policyFolder, root: machine.root, port: 1, isService: true },
    environment: { PATH: '/usr/bin:/usr/sbin', HOME: machine.home },
  });
  const run: Look['run'] = (program, parameters) => {
    if (program === 'journalctl') return Promise.resolve(restartsIn(parameters, service.restartedMinutesAgo ?? []));
    return Promise.resolve(program === 'systemctl' ? shown(service) : { state: 'absent' });
  };
  const { findings } = await runChecks([upgradeCheck], {
    timeoutMs: 10_000,
    look: (signal) => ({ ...looked.look(signal), run, ...alter }),
  });
  return findings;
}

describe('a version that fails repeatedly soon after it was installed', () => {
  it('is found where systemd has given it up, with the command that goes back, databases included', async () => {
    machine.install('dpkg');
    keepFormer('0.0.8', 4_000);
    keepFormer('0.0.9', 3);
    const [finding, ...others] = await diagnose({});
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ id: 'upgrade_fails', severity: 'error' });
    const folder = join(machine.emptyData, 'former');
    expect(finding?.command).toBe(
      `sudo systemctl stop kortd.service kortd.socket && echo 0.0.9 | sudo tee ${folder}/unproven >/dev/null && sudo dpkg --install kortd_0.0.9_$(dpkg --print-architecture).deb`,
    );
    expect(JSON.stringify(finding?.evidence)).toContain('0.0.9 was replaced at 2');
    expect(JSON.stringify(finding?.evidence)).toContain('har startats om 5 gånger');
  });

  it('is found while it is started again and again, also when somebody looks later', async () => {
    machine.install('dpkg');
    keepFormer('0.0.9', 30);
    const looping = { active: 'active', result: 'success', minutesAgo: 0.2, restartedMinutesAgo: [29, 28, 27, 26] };
    expect((await diagnose({ ...looping, restarts: 30 })).map(({ id }) => id)).toEqual(['upgrade_fails']);
    expect(await diagnose({ ...looping, restarts: 4 })).toEqual([]);
  });

  it('is not found where it did well for weeks, and is started without end since a disk is full or a port taken', async () => {
    machine.install('dpkg');
    keepFormer('0.0.9', 30 * 24 * 60);
    const looping = { active: 'activating', result: 'exit-code', minutesAgo: 0.02, restarts: 34_560 };
    expect(await diagnose({ ...looping, restartedMinutesAgo: [3, 2, 1] })).toEqual([]);
    expect(await diagnose({ ...looping, restartedMinutesAgo: [30 * 24 * 60 - 1, 3, 2, 1] })).toEqual([]);
  });

  it('is not guessed where the journal may not be read', async () => {
    keepFormer('0.0.9', 30);
    const unseen: string[] = [];
    const service = { active: 'activating', restarts: 700, minutesAgo: 0.02 };
    await upgradeCheck.look(
      {
        ...({ isService: true, dataFolder: machine.emptyData, now: () => new Date() } as Look),
        run: (program) =>
          Promise.resolve(
            program === 'systemctl'
              ? shown(service)
              : { state: 'seen', value: { status: 1, stdout: '', stderr: 'No journal files' } },
          ),
        list: () => Promise.resolve({ state: 'seen', value: ['0.0.9'] }),
        status: () =>
          Promise.resolve({
            state: 'seen',
            value: { kind: 'folder', mode: 0o700, uid: 0, gid: 0, sizeBytes: 0, modifiedMs: Date.now() - 30 * MINUTE_MS },
          }),
      },
      { found: () => expect.unreachable(), unseen: (_, why) => void unseen.push(saidIn(why, 'sv')) },
    );
    expect(unseen).toEqual(['journalen kan inte läsas: kör detta som root (sudo)']);
  });

  it('is found where it came as an .rpm', async () => {
    keepFormer('0.0.9', 3);
    const [finding] = await diagnose({});
    expect(finding).toMatchObject({ id: 'upgrade_fails_rpm' });
    expect(finding?.command).toContain('rpm --upgrade --oldpackage kortd-0.0.9-1.$(uname -m).rpm');
  });

  it.each<[string, Service, number]>([
    ['runs', { active: 'active', result: 'success', restarts: 0 }, 3],
    ['failed once, and runs again', { active: 'active', result: 'success', restarts: 1 }, 3],
    ['failed hours after the upgrade', { minutesAgo: 1 }, 300],
    ['failed before the upgrade', { minutesAgo: 30 }, 3],
    ['was stopped', { active: 'inactive', result: 'success', restarts: 0 }, 3],
  ])('is not found where the service %s', async (_, service, minutesAgo) => {
    machine.install('dpkg');
    keepFormer('0.0.9', minutesAgo);
    expect(await diagnose(service)).toEqual([]);
  });

  it('is not found where no version was there before, this one was copied, or names are none of versions', async () => {
    machine.install('dpkg');
    expect(await diagnose({})).toEqual([]);
    for (const name of [VERSION, '0.1;reboot', 'unproven', '$(reboot)']) keepFormer(name, 3);
    expect(await diagnose({})).toEqual([]);
  });

  it('is said not to be seen by somebody who may not look into the service’s folder', async () => {
    keepFormer('0.0.9', 3);
    const unseen: string[] = [];
    await upgradeCheck.look(
      {
        ...({ isService: true, dataFolder: machine.emptyData, now: () => new Date() } as Look),
        run: () => Promise.resolve(shown({})),
        list: () => Promise.resolve({ state: 'forbidden', why: 'EACCES' }),
      },
      { found: () => expect.unreachable(), unseen: (_, why) => void unseen.push(saidIn(why, 'en')) },
    );
    expect(unseen).toEqual(['EACCES']);
  });
});
