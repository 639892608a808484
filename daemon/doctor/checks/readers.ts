/** Card readers: those that are plugged in against those that PC/SC sees, and those against kortd's; cards that do not answer, and who keeps one from others. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ReaderRow } from '../../../drivers/pcsc/pcscd-messages.ts';
import { findPcscPrograms } from '../../../drivers/pcsc/holders.ts';
import { readPolicy } from '../../access/policy.ts';
import { defineCheck, type TypedReport } from '../check.ts';
import type { DaemonView, Look } from '../look.ts';
import { isDeskSimulated } from '../simulated-desk.ts';
import { usbDevices } from '../usb-devices.ts';

/** PCSC/pcsclite.h of pcsc-lite: PCSCLITE_SHARING_EXCLUSIVE_CONTEXT is -1; SCARD_PRESENT, SCARD_SWALLOWED, SCARD_POWERED. */
const SHARING_EXCLUSIVE = 0xffff_ffff;
const SCARD_PRESENT = 0x0004;
const SCARD_SWALLOWED = 0x0008;

const FAULTS = {
  card_mute: {
    severity: 'warning',
    en: 'A card is in the reader and does not answer: it is the wrong way round, dirty or broken.',
    sv: 'Ett kort sitter i läsaren men svarar inte: det är felvänt, smutsigt eller trasigt.',
    command: '# Take the card out, wipe its contacts, and put it in with the chip towards the reader.',
  },
  card_unreadable: {
    severity: 'warning',
    en: 'kortd could not read the card in a reader.',
    sv: 'kortd kunde inte läsa kortet i en läsare.',
    command: 'kortd call card.read \'{"card":{"reader":"{reader}"},"refresh":true}\'',
  },
  reader_blocked: {
    severity: 'error',
    en: 'Another program holds the card in this reader for itself, and no other program can use it.',
    sv: 'Ett annat program håller kortet i den här läsaren för sig självt, och inget annat program kan använda det.',
    command: '# Close the program that is named, or: kill {pid}',
  },
  reader_not_driven: {
    severity: 'error',
    en: 'A card reader is plugged in that the PC/SC service does not find: its driver is missing, or it did not start.',
    sv: 'En kortläsare är inkopplad som PC/SC-tjänsten inte hittar: drivrutinen saknas, eller så startade den inte.',
    command: 'sudo apt-get install libccid && sudo systemctl restart pcscd.service',
  },
  reader_unknown_to_kortd: {
    severity: 'error',
    en: 'The PC/SC service has a reader that kortd does not list.',
    sv: 'PC/SC-tjänsten har en läsare som kortd inte visar.',
    command: 'sudo systemctl restart kortd.service',
  },
} as const;

type Fault = keyof typeof FAULTS;
type Running = Extract<DaemonView, { readonly state: 'running' }>;

const NO_REASON = { en: 'no reason was given', sv: 'ingen orsak angavs' };
const LOOKS = 5;
const LOOK_AGAIN_MS = 300;

export const readersCheck = defineCheck({
  id: 'readers',
  title: { en: 'Card readers and what is in them', sv: 'Kortläsare och det som sitter i dem' },
  faults: FAULTS,
  async look(look, report) {
    const daemon = await look.daemon();
    const readers = daemon.state === 'running' ? (await daemon.ask.readers()).readers : [];
    for (const { name } of readers.filter(({ status }) => status === 'mute')) report.found('card_mute', name);
    if (await isDeskSimulated(look)) return;
    const service = await look.pcsc();
    if (service.state !== 'answers') return;
    await reportDriven(look, service.readers, report);
    if (daemon.state === 'running') {
      await reportUnlisted(look, { rows: service.readers, daemon }, report);
      const { cards } = await daemon.ask.cards();
      for (const card of cards.filter(({ status }) => status === 'failed'))
        report.found('card_unreadable', card.problem?.message ?? NO_REASON, { reader: card.reader });
    } else for (const { name } of service.readers.filter(isMute)) report.found('card_mute', name);
    await reportBlocked(look, service.readers, report);
  },
});

/** Present, and not reset: pcscd has tried, and it gave no ATR. */
function isMute({ state, atr }: ReaderRow): boolean {
  return (state & SCARD_PRESENT) !== 0 && (state & SCARD_SWALLOWED) !== 0 && atr.length === 0;
}

async function reportDriven(look: Look, rows: readonly ReaderRow[], report: TypedReport<Fault>): Promise<void> {
  const devices = (await usbDevices(look)).filter(({ isCardReader }) => isCardReader);
  if (devices.length === 0 || rows.length > 0) return;
  const evidence = devices.map(({ name, vendorId, productId }) => `${name} (USB ${vendorId}:${productId})`);
  report.found('reader_not_driven', evidence);
}

/** One that was just plugged in is given time: it is listed when it has said who it is. */
async function reportUnlisted(
  look: Look,
  { rows, daemon }: { readonly rows: readonly ReaderRow[]; readonly daemon: Running },
  report: TypedReport<Fault>,
): Promise<void> {
  if (readPolicy(look.policyFolder).ignoredReaders.length > 0) {
    report.unseen(
      { en: 'readers that kortd does not list', sv: 'läsare som kortd inte visar' },
      { en: 'a policy keeps some out (ignoredReaders)', sv: 'en policy håller några utanför (ignoredReaders)' },
    );
    return;
  }
  for (let attempt = 1; ; attempt++) {
    const names = new Set((await daemon.ask.readers()).readers.map(({ name }) => name));
    const missing = rows.filter(({ name }) => !names.has(name) && !isKeptOut(name));
    if (missing.length === 0 || look.signal.aborted) return;
    if (attempt === LOOKS) {
      for (const { name } of missing) report.found('reader_unknown_to_kortd', name);
      return;
    }
    await pause(LOOK_AGAIN_MS);
  }
}

/** Readers of Windows Hello and the like, which kortd leaves out by itself. */
function isKeptOut(name: string): boolean {
  return /windows hello|virtual|remote desktop/i.test(name);
}

async function reportBlocked(look: Look, rows: readonly ReaderRow[], report: TypedReport<Fault>): Promise<void> {
  const blocked = rows.filter(({ sharing }) => sharing >>> 0 === SHARING_EXCLUSIVE);
  if (blocked.length === 0) return;
  const daemon = await look.daemon();
  const ours = daemon.state === 'running' ? daemon.endpoint.pid : undefined;
  const programs = (await findPcscPrograms({ signal: look.signal })).filter(({ pid }) => pid !== ours);
  const holders = programs.map(({ name, pid }) => ({
    en: `perhaps held by ${name} (process ${pid})`,
    sv: `kanske hålls den av ${name} (process ${pid})`,
  }));
  for (const { name } of blocked)
    report.found('reader_blocked', [name, ...holders], { pid: String(programs[0]?.pid ?? 'PROCESS') });
}
