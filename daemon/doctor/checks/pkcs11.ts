/** PKCS #11 for native programs: that those who were told of kortd still find it. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { SetupError } from '../../pkcs11/setup/errors.ts';
import { programSetups } from '../../pkcs11/setup/index.ts';
import { addressOf } from '../../pkcs11/module-file.ts';
import type { Place, ProgramSetup } from '../../pkcs11/setup/program-setup.ts';
import { defineCheck, type TypedReport } from '../check.ts';
import type { Look } from '../look.ts';
import { setupMachine } from '../setup-machine.ts';

const FAULTS = {
  pkcs11_entry_foreign: {
    severity: 'warning',
    en: "Somebody else's entry stands where kortd's would be, so this program does not find the cards.",
    sv: 'Någon annans post står där kortds skulle vara, så programmet hittar inte korten.',
    command: '# Look at {path} and take the entry named kortd out, then: kortd pkcs11 enable {flag}',
  },
  pkcs11_not_listening: {
    severity: 'error',
    en: 'Programs are told to find the cards through PKCS #11, and kortd runs without listening there.',
    sv: 'Program ska hitta korten genom PKCS #11, men kortd är igång utan att lyssna där.',
    command: 'sudo systemctl restart kortd.service',
  },
  pkcs11_other_address: {
    severity: 'warning',
    en: 'A program is told of another data folder or library than those in use, and does not find the cards.',
    sv: 'Ett program pekar på en annan datamapp eller ett annat bibliotek än de som används och hittar inte korten.',
    command: 'kortd pkcs11 enable {flag} --data-dir {folder}',
  },
  pkcs11_stranded: {
    severity: 'warning',
    en: 'A program is set up to find the cards through p11-kit, and p11-kit is not told of kortd.',
    sv: 'Ett program är inställt på att hitta korten genom p11-kit, men p11-kit känner inte till kortd.',
    command: 'kortd pkcs11 enable --data-dir {folder}',
  },
} as const;

type Fault = keyof typeof FAULTS;

const ANSWER_MS = 1_000;

export const pkcs11Check = defineCheck({
  id: 'pkcs11',
  title: { en: 'PKCS #11 for native programs', sv: 'PKCS #11 för andra program' },
  faults: FAULTS,
  async look(look, report) {
    if (look.platform !== 'linux') return;
    const daemon = await look.daemon();
    const socket = (daemon.state === 'running' ? daemon.endpoint.pkcs11 : undefined) ?? look.programsSocket;
    const setups = programSetups(setupMachine(look), addressOf(socket));
    const places = Object.values(setups).map((setup) => ({ setup, places: placesOf(setup, report) }));
    for (const { setup, places: own } of places) for (const place of own) reportPlace(look, { setup, place }, report);
    const enabled = places.filter(({ places: own }) => own.some(({ state }) => state === 'enabled'));
    if (enabled.length === 0) return;
    const isTold = enabled.some(({ setup }) => setup.id === 'p11Kit');
    const isElsewhere = places.some(
      ({ setup, places: own }) => setup.id === 'p11Kit' && own.some(({ state }) => state !== 'absent'),
    );
    if (!isTold && !isElsewhere)
      report.found(
        'pkcs11_stranded',
        enabled.map(({ setup }) => setup.name),
        { folder: look.dataFolder },
      );
    if (daemon.state === 'running' && (await isRefused(socket))) report.found('pkcs11_not_listening', socket);
  },
});

function placesOf(setup: ProgramSetup, report: TypedReport<Fault>): readonly Place[] {
  try {
    return setup.places();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    // Only Firefox's policies can be that, which have a check of their own.
    if (error.problem !== 'not_understood') report.unseen(setup.name, error.message);
    return [];
  }
}

interface PlaceOf {
  readonly setup: ProgramSetup;
  readonly place: Place;
}

function reportPlace(look: Look, { setup, place: { path, state } }: PlaceOf, report: TypedReport<Fault>): void {
  const flag = setup.id === 'p11Kit' ? '--p11-kit' : `--${setup.id}`;
  if (state === 'foreign') report.found('pkcs11_entry_foreign', `${setup.name}: ${path}`, { path, flag });
  if (state === 'other_address')
    report.found('pkcs11_other_address', `${setup.name}: ${path}`, { flag, folder: look.dataFolder });
}

/** Nobody, or nobody in time. What this user may not try may be well. */
async function isRefused(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(ANSWER_MS) });
    return false;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM'));
  } finally {
    socket.destroy();
  }
}
