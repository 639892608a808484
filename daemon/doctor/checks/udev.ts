/** Signature pads and scanners that are plugged in: that the daemon's user may open their device nodes, and that udev has kortd's rules. */
import { PRODUCT_FT232, VENDOR_FTDI } from '../../../drivers/pads/topaz/models.ts';
import { STU_MODELS, WACOM } from '../../../drivers/pads/stu/models.ts';
import { FRAMINGS, type Framing } from '../../../drivers/scanners/serial/framings.ts';
import { findAccount, type Account } from '../../service/accounts.ts';
import { defineCheck, type TypedReport } from '../check.ts';
import type { FileStatus, Look } from '../look.ts';
import { findServiceUnit } from '../../service/service-unit.ts';
import { isDeskSimulated } from '../simulated-desk.ts';
import { usbDevices } from '../usb-devices.ts';

const FAULTS = {
  device_node_forbidden: {
    severity: 'error',
    en: 'A signature pad or scanner is plugged in that the user of kortd may not open.',
    sv: 'En signaturplatta eller skanner är inkopplad som kortds användare inte får öppna.',
    command: 'sudo udevadm control --reload && sudo udevadm trigger --action=change {node}',
  },
  udev_rules_missing: {
    severity: 'warning',
    en: "A signature pad or scanner is plugged in, and udev has no rules of kortd's that would give its user access.",
    sv: 'En signaturplatta eller skanner är inkopplad, och udev saknar kortds regler som ger dess användare åtkomst.',
    command: 'sudo apt-get install --reinstall kortd && sudo udevadm control --reload && sudo udevadm trigger',
  },
} as const;

type Fault = keyof typeof FAULTS;

/** udev(7), "RULES FILES". */
const RULE_FOLDERS = [
  '/etc/udev/rules.d',
  '/run/udev/rules.d',
  '/usr/local/lib/udev/rules.d',
  '/usr/lib/udev/rules.d',
  '/lib/udev/rules.d',
];
const MAX_DEVICES = 256;

interface Node {
  readonly path: string;
  readonly name: string;
}

export const udevCheck = defineCheck({
  id: 'udev',
  title: { en: 'Rights at signature pads and scanners', sv: 'Rättigheter till signaturplattor och skannrar' },
  faults: FAULTS,
  async look(look, report) {
    if (look.platform !== 'linux' || (await isDeskSimulated(look))) return;
    const nodes = await supportedNodes(look);
    if (nodes.length === 0) return;
    const unit = await findServiceUnit(look);
    if (unit && !(await hasRules(look)))
      report.found(
        'udev_rules_missing',
        nodes.map(({ name, path }) => `${name} at ${path}`),
      );
    await reportNodes(look, { nodes, user: unit?.user }, report);
  },
});

async function reportNodes(
  look: Look,
  { nodes, user }: { readonly nodes: readonly Node[]; readonly user: string | undefined },
  report: TypedReport<Fault>,
): Promise<void> {
  const account = user === undefined ? undefined : await findAccount(look, user);
  if (user !== undefined && !account) return; // that the user is missing is told elsewhere
  for (const node of nodes) {
    const status = await look.status(node.path);
    if (status.state !== 'seen' || mayOpen(status.value, account)) continue;
    // Who sits at the computer may have rights that the mode does not tell (uaccess).
    if (!account && (await hasAccessList(look, node.path))) continue;
    const { mode, uid, gid } = status.value;
    const evidence = `${node.name} at ${node.path}: mode ${mode.toString(8)}, user ${uid}, group ${gid}`;
    report.found('device_node_forbidden', evidence, { node: node.path });
  }
}

/** For reading and writing. Without an account: whoever runs this. */
function mayOpen({ mode, uid, gid }: FileStatus, account: Account | undefined): boolean {
  const ownUid = account?.uid ?? process.geteuid?.() ?? 0;
  if (ownUid === 0) return true;
  const gids = account?.gids ?? new Set([process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])]);
  const bits = uid === ownUid ? mode >> 6 : gids.has(gid) ? mode >> 3 : mode;
  return (bits & 0o6) === 0o6;
}

async function hasAccessList(look: Look, path: string): Promise<boolean> {
  const ran = await look.run('getfacl', ['-cp', path]);
  return ran.state === 'seen' && /^user:[^:]+:rw/m.test(ran.value.stdout);
}

async function hasRules(look: Look): Promise<boolean> {
  const lists = await Promise.all(RULE_FOLDERS.map((folder) => look.list(folder)));
  return lists.some((list) => list.state === 'seen' && list.value.some((name) => /^\d+-kortd.*\.rules$/.test(name)));
}

async function supportedNodes(look: Look): Promise<readonly Node[]> {
  const lists = await Promise.all([listOf(look, '/sys/class/hidraw'), listOf(look, '/sys/class/tty')]);
  const [hid, tty] = lists;
  const found = await Promise.all([
    ...hid.map(async (name) => hidNode(look, name)),
    ...tty.filter((name) => name.startsWith('ttyACM')).map(async (name) => lineNode(look, name)),
  ]);
  return [...found.filter((node) => node !== undefined), ...(await topazNodes(look))];
}

async function listOf(look: Look, folder: string): Promise<readonly string[]> {
  const names = await look.list(folder);
  return names.state === 'seen' ? names.value.slice(0, MAX_DEVICES) : [];
}

/** HID_ID=0003:0000056A:000000A8: bus, vendor, product (drivers/hid/hid-core.c, hid_uevent). */
async function hidNode(look: Look, name: string): Promise<Node | undefined> {
  const text = await look.readText(`/sys/class/hidraw/${name}/device/uevent`);
  const [, vendor = '', product = ''] = (text.state === 'seen' && /^HID_ID=\w+:(\w+):(\w+)/m.exec(text.value)) || [];
  const model = STU_MODELS.find(
    ({ productId }) => Number.parseInt(vendor, 16) === WACOM && Number.parseInt(product, 16) === productId,
  );
  return model && { path: `/dev/${name}`, name: `Wacom ${model.model}` };
}

/** The converter's numbers are many products': only those with the vendor's name in the serial number are its pads, as udev's rule has it. */
async function topazNodes(look: Look): Promise<readonly Node[]> {
  const devices = await usbDevices(look);
  const pads = devices.filter(
    ({ vendorId, productId, serialNumber = '' }) =>
      vendorId === VENDOR_FTDI && productId === PRODUCT_FT232 && /^topaz/i.test(serialNumber),
  );
  return pads.flatMap(({ lines }) => lines.map((line) => ({ path: `/dev/${line}`, name: 'Topaz pad' })));
}

/** PRODUCT=db5/138/100: without leading zeros (drivers/usb/core/driver.c, usb_uevent). */
async function lineNode(look: Look, name: string): Promise<Node | undefined> {
  const text = await look.readText(`/sys/class/tty/${name}/device/uevent`);
  const [, vendor = '', product = ''] = (text.state === 'seen' && /^PRODUCT=(\w+)\/(\w+)/m.exec(text.value)) || [];
  const framing = Object.values<Framing>(FRAMINGS).find(
    ({ usb }) =>
      usb?.vendorId === vendor.padStart(4, '0') && (usb.productId ?? product.padStart(4, '0')) === product.padStart(4, '0'),
  );
  return framing && { path: `/dev/${name}`, name: framing.model };
}
