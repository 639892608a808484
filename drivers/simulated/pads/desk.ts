/** The pads of a simulated desk, and a person's hand at them. The buttons of a capture stand side by side along the lower edge: clear, cancel, accept. */
import { SimulatedHidBus } from './hid-bus.ts';
import { SimulatedLineDesk } from './line-desk.ts';
import type { LinePadRow } from './line-pad-schema.ts';
import { tap, write } from './person.ts';
import { SimulatedStu, type SimulatedStuOptions } from './stu.ts';

export interface PadUse {
  readonly act: 'write' | 'accept' | 'clear' | 'cancel' | 'pull' | 'plug';
  readonly seed: number;
  readonly samples: number;
  readonly signal: AbortSignal;
  /** Between two samples; 5 unless given. */
  readonly periodMs?: number;
}

const BUTTONS = ['clear', 'cancel', 'accept'];
/** The middle of the row of buttons, from the top. */
const BUTTON_ROW = 0.91;

export class SimulatedPadDesk {
  readonly bus = new SimulatedHidBus();
  readonly pads: readonly SimulatedStu[];

  /** Those on serial lines, and of a service. */
  readonly onLines: SimulatedLineDesk;

  constructor(pads: readonly SimulatedStuOptions[], onLines: readonly LinePadRow[] = []) {
    this.onLines = new SimulatedLineDesk(onLines);
    this.pads = pads.map((options) => new SimulatedStu(options));
    for (const pad of this.pads) this.bus.plug(pad);
  }

  isPlugged(pad: SimulatedStu): boolean {
    return this.bus.isPlugged(pad);
  }

  /** Every pad as it stands. */
  states(): readonly { readonly pad: string; readonly model: string; readonly isPlugged: boolean }[] {
    const onHid = this.pads.map((pad) => ({ pad: pad.serialNumber, model: pad.name, isPlugged: this.isPlugged(pad) }));
    const onLines = this.onLines.pads.map(({ serialNumber, name, isPlugged }) => ({ pad: serialNumber, model: name, isPlugged }));
    return [...onHid, ...onLines];
  }

  /** False when there is no such pad. A write or a tap has ended when it resolves. */
  async use(serialNumber: string, { act, ...how }: PadUse): Promise<boolean> {
    const pad = this.pads.find((one) => one.serialNumber === serialNumber);
    if (!pad) return await this.onLines.use(serialNumber, { act, ...how });
    if (act === 'pull') this.bus.unplug(pad);
    else if (act === 'plug') {
      if (!this.bus.isPlugged(pad)) this.bus.plug(pad);
    } else if (act === 'write') await write(pad, how);
    else await tap(pad, { x: (BUTTONS.indexOf(act) + 0.5) / BUTTONS.length, y: BUTTON_ROW }, how.signal);
    return true;
  }
}
