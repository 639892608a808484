/** What a program that plays an agent may send to the daemon, by chance: every prompt ends, no secret is left, and nothing else breaks. */
import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Secret } from '../../apdu/secret.ts';
import { ApiError } from '../../daemon/errors.ts';
import { EnteredPins } from '../../daemon/prompt/entered-pins.ts';
import { PromptError } from '../../daemon/prompt/errors.ts';
import type { PinAction, Prompt } from '../../daemon/prompt/prompt.ts';
import { encodeAnswer, encodeEntries, STATION_SUBPROTOCOL, type ToStation } from '../../daemon/prompt/station-messages.ts';
import { forSeeds, FUZZ_TIMEOUT_MS, type SeededRandom } from '../fuzz/seeded.ts';
import { openDaemonSide, USER, type DaemonSide } from './daemon-side.ts';

const PIN = '739146';
const OUTCOMES = ['approved', 'cancelled', 'failed', 'no_entry', 'timed_out'] as const;

function prompt(action: PinAction): Prompt {
  const lengths = { pinLength: { min: 4, max: 8 }, pukLength: { min: 4, max: 8 } };
  return { kind: 'pin', action, asker: { kind: 'origin', name: 'https://a.example' }, card: 'c', purpose: 'p', ...lengths };
}

function entries(id: number, random: SeededRandom): Buffer {
  using pins = new EnteredPins();
  for (const name of ['pin', 'newPin', 'puk'] as const) if (random.below(2) === 0) pins.add(name, Secret.fromText(PIN));
  return encodeEntries(id, pins);
}

async function openStation(daemon: DaemonSide): Promise<WebSocket> {
  const station = new WebSocket(`ws+unix:${daemon.socketPath}:/v1/prompts`, STATION_SUBPROTOCOL, { perMessageDeflate: false });
  station.on('error', () => undefined);
  await once(station, 'open');
  return station;
}

/** Answers every prompt, now in one way, now in another. */
function misbehave(station: WebSocket, random: SeededRandom): void {
  station.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as ToStation;
    const id = random.below(4) === 0 ? random.below(9) : message.id;
    for (let count = random.below(4); count >= 0; count--) sendOne(station, id, random);
    // In the end it hangs up or answers: a station that does neither is waited for, which other tests see to.
    if (random.below(3) === 0) station.terminate();
    else if (station.readyState === WebSocket.OPEN) station.send(encodeAnswer({ id: message.id, outcome: 'cancelled' }));
  });
}

function sendOne(station: WebSocket, id: number, random: SeededRandom): void {
  if (station.readyState !== WebSocket.OPEN) return;
  const answer = Buffer.from(encodeAnswer({ id, outcome: random.pick(OUTCOMES), problem: PIN.slice(0, random.below(4)) }));
  switch (random.below(6)) {
    case 0:
      station.send(random.bytes(random.below(40)));
      return;
    case 1:
      station.send(random.damage(entries(id, random)));
      return;
    case 2:
      station.send(Buffer.from(random.damage(answer)).toString());
      return;
    case 3:
      station.send(answer.toString());
      return;
    case 4: {
      const message = entries(id, random);
      const cut = random.below(message.length);
      station.send(message.subarray(0, cut), { binary: true, fin: false });
      station.send(message.subarray(cut), { binary: true, fin: true });
      return;
    }
    default:
      station.send(entries(id, random));
  }
}

it('every prompt ends as one may, and every secret that was not handed out is wiped', { timeout: FUZZ_TIMEOUT_MS }, async () => {
  await using daemon = await openDaemonSide();
  const taken = vi.spyOn(Secret, 'take');
  try {
    await forSeeds({ first: 1, rounds: 150 }, async (random) => {
      taken.mockClear();
      const stations = [await openStation(daemon), await openStation(daemon)];
      for (const station of stations) misbehave(station, random);
      await daemon.whenAgent();
      const asked = Array.from({ length: 3 }, async () => {
        const signal = AbortSignal.timeout(random.below(4) === 0 ? 1 + random.below(5) : 5_000);
        const action = random.pick(['verify', 'change', 'unblock'] as const);
        try {
          using pins = await daemon.prompts.ask(prompt(action), { user: USER, signal, timeoutMs: 200 });
          expect(pins.secrets.size).toBe(action === 'verify' ? 1 : 2);
        } catch (error) {
          expect(error instanceof PromptError || error instanceof ApiError || error === signal.reason, String(error)).toBe(true);
          expect(String(error)).not.toContain(PIN);
        }
      });
      await Promise.all(asked);
      for (const station of stations) station.terminate();
      await vi.waitFor(() => expect(daemon.prompts.placesOf(USER)).toEqual([]), { timeout: 5_000, interval: 1 });
      for (const [bytes] of taken.mock.calls) expect(bytes.every((byte) => byte === 0)).toBe(true);
    });
  } finally {
    taken.mockRestore();
  }
});
