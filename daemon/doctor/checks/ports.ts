/** The ports that web apps look for the daemon on: a taken one is an error of the daemon, never a silent move. */
import { defineCheck, type Texts } from '../check.ts';
import { findListeners, type Listener } from '../listeners.ts';

const FAULTS = {
  port_taken: {
    severity: 'error',
    en: 'Another program listens on a port that kortd needs, so kortd cannot start.',
    sv: 'Ett annat program lyssnar på en port som kortd behöver, så kortd kan inte starta.',
    command: '# Stop the program that is named: sudo ss -ltnp "sport = :{port}" shows it',
  },
} as const;

export const portsCheck = defineCheck({
  id: 'ports',
  title: { en: 'Ports that kortd listens on', sv: 'Portar som kortd lyssnar på' },
  faults: FAULTS,
  async look(look, report) {
    const daemon = await look.daemon();
    // Whoever runs has its ports; one that is somebody else's cannot be told from a stranger.
    if (daemon.state !== 'none' && daemon.state !== 'died') return;
    const listeners = await findListeners(look, [look.port, look.port + 1, look.port + 2]);
    if (!listeners) {
      report.unseen(
        { en: 'who listens on which port', sv: 'vem som lyssnar på vilken port' },
        { en: 'this system does not tell', sv: 'det här systemet berättar det inte' },
      );
      return;
    }
    for (const listener of listeners) report.found('port_taken', describe(listener), { port: String(listener.port) });
  },
});

function describe({ port, uid, program, pid }: Listener): Texts {
  const who = program === undefined ? `a program of user ${uid}` : `${program} (process ${pid ?? 0}, user ${uid})`;
  return {
    en: `port ${port}: ${who}`,
    sv: `port ${port}: ${program ?? 'ett program'}, ${pid === undefined ? '' : `process ${pid}, `}användare ${uid}`,
  };
}
