/** The families of signature pads on this machine, a row each. Their libraries are loaded here. */
import { hidPorts } from '../ports/hid.ts';
import { systemLines } from '../ports/system-lines.ts';
import type { PadDriver } from './driver.ts';
import { createLinePadDrivers, linePortsOf, type LinePads } from './line-configuration.ts';
import { StuDriver } from './stu/driver.ts';
import { joinPorts } from './stu/serial-ports.ts';

/** `configured`: what cannot be found by itself. Throws when a file that it names cannot be read. */
export function createPadDrivers(configured: LinePads = {}): readonly PadDriver[] {
  const onLines = createLinePadDrivers(configured, { lines: systemLines, now: () => performance.now() });
  return [new StuDriver({ ports: joinPorts(hidPorts, linePortsOf(configured, systemLines)) }), ...onLines];
}
