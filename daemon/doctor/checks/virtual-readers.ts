/** Virtual readers (vpcd and the like) belong on test benches: on a desk anybody with the network can put a card into them. */
import { defineCheck, type TypedReport } from '../check.ts';
import type { Look } from '../look.ts';
import { isDeskSimulated } from '../simulated-desk.ts';

const FAULTS = {
  virtual_reader_configured: {
    severity: 'warning',
    en: 'The PC/SC service is set up with a virtual reader, which belongs on a test bench: it opens a port through which anybody can put a card in.',
    sv: 'PC/SC-tjänsten är inställd med en virtuell läsare, som hör hemma på en testbänk: den öppnar en port som vem som helst kan sätta in kort genom.',
    command: 'sudo apt-get purge vsmartcard-vpcd; sudo rm -f {file}; sudo systemctl restart pcscd.service',
  },
  virtual_reader_present: {
    severity: 'warning',
    en: 'The PC/SC service shows a virtual reader, which belongs on a test bench.',
    sv: 'PC/SC-tjänsten visar en virtuell läsare, som hör hemma på en testbänk.',
    command: 'sudo apt-get purge vsmartcard-vpcd && sudo systemctl restart pcscd.service',
  },
} as const;

/** pcscd(8), --config. */
const FOLDER = '/etc/reader.conf.d';
const LIBRARY = /^\s*LIBPATH\s+.*(vpcd|vicc|virtual)/im;
/** As vpcd and vendors' emulators call theirs. */
const NAME = /^Virtual PCD|vpcd|vsmartcard|emulat/i;

export const virtualReadersCheck = defineCheck({
  id: 'virtual-readers',
  title: { en: 'Virtual readers left behind', sv: 'Kvarlämnade virtuella läsare' },
  faults: FAULTS,
  async look(look, report) {
    if (look.platform !== 'linux' || (await isDeskSimulated(look))) return;
    await reportConfigured(look, report);
    const service = await look.pcsc();
    if (service.state !== 'answers') return;
    for (const { name } of service.readers.filter((reader) => NAME.test(reader.name)))
      report.found('virtual_reader_present', name);
  },
});

async function reportConfigured(look: Look, report: TypedReport<keyof typeof FAULTS>): Promise<void> {
  const names = await look.list(FOLDER);
  for (const name of names.state === 'seen' ? names.value : []) {
    const text = await look.readText(`${FOLDER}/${name}`);
    const [line] = (text.state === 'seen' && LIBRARY.exec(text.value)) || [];
    if (line !== undefined)
      report.found('virtual_reader_configured', `${FOLDER}/${name}: ${line.trim()}`, { file: `${FOLDER}/${name}` });
  }
}
