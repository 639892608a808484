/** A clock that runs down, for a step that must be taken in time. It is drawn every second, and said aloud only now and then. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useTexts } from '../../language.ts';
import { CEREMONY_TEXTS } from './ceremony-texts.ts';
import { formatRemaining, remainingAt, spokenMinutes, urgencyOf } from './countdown.ts';

const TICK_MS = 1_000;

interface ClockProps {
  readonly remainingMs: number;
  /** The answer that it stands in: a new one sets the clock. */
  readonly told: unknown;
  /** `silent`: another clock of the same step speaks. */
  readonly voice?: 'silent' | 'speaking';
}

export function Clock({ remainingMs, told, voice = 'speaking' }: ClockProps): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  const [left, setLeft] = useState(remainingMs);
  const [spoken, setSpoken] = useState('');
  useEffect(() => {
    const deadline = { remainingMs, toldAt: performance.now() };
    let before = remainingMs;
    setLeft(remainingMs);
    const timer = setInterval(() => {
      const now = remainingAt(deadline, performance.now());
      const minutes = spokenMinutes(before, now);
      if (minutes !== undefined) setSpoken(texts.soon(minutes));
      if (now === 0 && before > 0) setSpoken(texts.late);
      before = now;
      setLeft(now);
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [told, remainingMs, texts]);
  const urgency = urgencyOf(left);
  return (
    <span class="clock" data-urgency={urgency}>
      <span class="soft">{urgency === 'over' ? texts.late : texts.remaining}</span>{' '}
      {urgency !== 'over' && <span role="timer">{formatRemaining(left)}</span>}
      {voice === 'speaking' && (
        <span class="unseen" role="status">
          {spoken}
        </span>
      )}
    </span>
  );
}
