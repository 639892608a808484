/**
 * The Windows service, from the same description as the systemd unit. It runs as the virtual account of its own name: no password, no rights but its own, and a security
 * identifier that nobody else has, so that its folder can be its own.
 */
import { createHash } from 'node:crypto';
import { payloadPaths, product } from '../product.ts';

const { service, nodeFlags } = product;

/** Microsoft, "Virtual Accounts": NT SERVICE\ and the name of the service. */
export const SERVICE_ACCOUNT = `NT SERVICE\\${service.name}`;

/** ChangeServiceConfig2W: what MsiServiceConfig calls ConfigType. Microsoft, "MsiServiceConfig table". */
export const CONFIG_TYPE = {
  delayedAutoStart: 3,
  failureActionsFlag: 4,
  serviceSidInfo: 5,
  requiredPrivilegesInfo: 6,
  preshutdownInfo: 7,
} as const;

/** SC_ACTION_RESTART of winsvc.h, later and later; the last holds for every failure after that (Microsoft, "SERVICE_FAILURE_ACTIONSW"). A day without one starts the count anew. */
export const FAILURE_ACTIONS = {
  action: 1,
  delaysMs: [service.restartSeconds * 1_000, 5_000, 60_000],
  resetSeconds: 86_400,
} as const;

/** What the service is told beside its name, as rows of MsiServiceConfig. SERVICE_SID_TYPE_UNRESTRICTED is 1 (winnt.h). */
export const SERVICE_CONFIGURATION: readonly { readonly type: number; readonly argument: string }[] = [
  { type: CONFIG_TYPE.delayedAutoStart, argument: '1' },
  { type: CONFIG_TYPE.failureActionsFlag, argument: '1' },
  { type: CONFIG_TYPE.serviceSidInfo, argument: '1' },
  { type: CONFIG_TYPE.requiredPrivilegesInfo, argument: 'SeChangeNotifyPrivilege' },
  { type: CONFIG_TYPE.preshutdownInfo, argument: String(service.stopSeconds * 1_000) },
];

/** After the program's name, in the form that Windows Installer fills in: [NAME] is a folder with \ at its end. */
export function serviceArguments(): string {
  const main = `"[INSTALLDIR]${payloadPaths.main.replaceAll('/', '\\')}"`;
  // Behind a backslash a quotation mark would be part of the name.
  return [...nodeFlags, main, 'windows-service', '"[DATADIR]."'].join(' ');
}

/** S-1-5-80 and five little-endian words of the SHA-1 of the name in capitals, UTF-16 (Microsoft, "Well-known SIDs"; `sc showsid` prints it). */
export function serviceSid(name: string): string {
  const digest = createHash('sha1').update(Buffer.from(name.toUpperCase(), 'utf16le')).digest();
  return ['S-1-5-80', ...[0, 4, 8, 12, 16].map((offset) => digest.readUInt32LE(offset))].join('-');
}

/** Full rights for the system, administrators and the service, inherited; none for anybody else (Microsoft, "SDDL"). */
export function dataFolderSddl(): string {
  const grants = ['SY', 'BA', serviceSid(service.name)].map((who) => `(A;OICI;FA;;;${who})`);
  return `D:PAI${grants.join('')}`;
}
