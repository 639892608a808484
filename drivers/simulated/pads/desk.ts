/** The pads of a simulated desk, and a person's hand at them. The buttons of a capture stand side by side along the lower edge: clear, cancel, accept. */
import { SimulatedHidBus } from './hid-bus.ts';
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

  constructor(pads: readonly SimulatedStuOptions[]) {
    this.pads = pads.map((options) => new SimulatedStu(options));
    for (const pad of this.pads) this.bus.plug(pad);
  }

  isPlugged(pad: SimulatedStu): boolean {
    return this.bus.isPlugged(pad);
  }

  /** False when there is no such pad. A write or a tap has ended when it resolves. */
  async use(serialNumber: string, { act, ...how }: PadUse): Promise<boolean> {
    const pad = this.pads.find((one) => one.serialNumber === serialNumber);
    if (!pad) return false;
    if (act === 'pull') this.bus.unplug(pad);
    else if (act === 'plug') {
      if (!this.bus.isPlugged(pad)) this.bus.plug(pad);
    } else if (act === 'write') await write(pad, how);
    else await tap(pad, { x: (BUTTONS.indexOf(act) + 0.5) / BUTTONS.length, y: BUTTON_ROW }, how.signal);
    return true;
  }
}
