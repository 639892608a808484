/** A card for tests of readers and bridges: answers the command itself and 9000, and remembers what happened to it. */
import { concatBytes } from './bytes.ts';
import type { SimulatedCard } from './card.ts';

const SUCCESS = Uint8Array.of(0x90, 0x00);

export class EchoCard implements SimulatedCard {
  readonly kind = 'echo';
  /** T=1; historical bytes "ECHO" and TCK. */
  readonly atr = Uint8Array.of(0x3b, 0x84, 0x01, 0x45, 0x43, 0x48, 0x4f, 0x84);
  readonly commands: Uint8Array[] = [];
  powerUps = 0;
  resets = 0;
  /** Answers wait for this, where it is set. */
  gate: Promise<void> | undefined;

  powerUp(): void {
    this.powerUps++;
  }

  reset(): void {
    this.resets++;
  }

  process(command: Uint8Array): Uint8Array | Promise<Uint8Array> {
    this.commands.push(command.slice());
    const response = concatBytes(command, SUCCESS);
    return this.gate ? this.gate.then(() => response) : response;
  }
}
