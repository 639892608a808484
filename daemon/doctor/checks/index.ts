/** Every check of `kortd doctor`, in the order in which a person would look: what stands below first. */
import type { Check } from '../check.ts';
import { browserPolicyCheck } from './browser-policy.ts';
import { clockCheck } from './clock.ts';
import { configurationCheck } from './configuration.ts';
import { daemonCheck } from './daemon.ts';
import { databasesCheck } from './databases.ts';
import { diskCheck } from './disk.ts';
import { lastErrorsCheck } from './last-errors.ts';
import { middlewareCheck } from './middleware.ts';
import { modulesCheck } from './modules.ts';
import { pcscCheck } from './pcsc.ts';
import { pkcs11Check } from './pkcs11.ts';
import { policyCheck } from './policy.ts';
import { polkitCheck } from './polkit.ts';
import { portsCheck } from './ports.ts';
import { readersCheck } from './readers.ts';
import { resumeCheck } from './resume.ts';
import { rightsCheck } from './rights.ts';
import { trustCheck } from './trust.ts';
import { udevCheck } from './udev.ts';
import { upgradeCheck } from './upgrade.ts';
import { virtualReadersCheck } from './virtual-readers.ts';

export const CHECKS: readonly Check[] = [
  ...[clockCheck, diskCheck, rightsCheck, databasesCheck, daemonCheck, upgradeCheck, portsCheck, configurationCheck, policyCheck],
  ...[pcscCheck, polkitCheck, readersCheck, virtualReadersCheck, resumeCheck, udevCheck],
  ...[middlewareCheck, modulesCheck, pkcs11Check, browserPolicyCheck, trustCheck, lastErrorsCheck],
];
