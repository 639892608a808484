/** The families of signature pads on this machine, a row each. Their libraries are loaded here. */
import { hidPorts } from '../ports/hid.ts';
import type { PadDriver } from './driver.ts';
import { StuDriver } from './stu/driver.ts';

export function createPadDrivers(): readonly PadDriver[] {
  return [new StuDriver({ ports: hidPorts })];
}
