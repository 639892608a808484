/** What a person at the desk can do about a ceremony: go on with its card, or cancel it. Both go the way of every caller, and leave a record. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useTexts } from '../../language.ts';
import { Problem } from '../../parts.tsx';
import { useAct } from '../../use-live.ts';
import { CEREMONY_TEXTS } from './ceremony-texts.ts';

interface ActProps {
  readonly id: string;
  readonly onDone: () => void;
}

const REASON_CHARACTERS = 200;

export function ResumeAct({ id, onDone }: ActProps): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  const { run, isRunning, error } = useAct('issuance.resume', onDone);
  return (
    <div class="stack">
      <p class="soft">{texts.resumeHelp}</p>
      {error !== undefined && <Problem error={error} />}
      <p>
        <button type="button" class="primary" disabled={isRunning} onClick={() => run({ ceremony: id })}>
          {isRunning ? texts.resuming : texts.resume}
        </button>
      </p>
    </div>
  );
}

/** Asks once more, and why: there is no way back from it. */
export function CancelAct({ id, onDone }: ActProps): JSX.Element {
  const texts = useTexts(CEREMONY_TEXTS);
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState('');
  const [isCardLost, setCardLost] = useState(false);
  const [isMissing, setMissing] = useState(false);
  const { run, isRunning, error } = useAct('issuance.cancel', () => {
    dialog.current?.close();
    onDone();
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    const text = reason.trim();
    setMissing(text === '');
    if (text !== '') run({ ceremony: id, reason: text, ...(isCardLost ? { isCardLost } : {}) });
  };
  return (
    <>
      <p>
        <button type="button" class="danger" onClick={() => dialog.current?.showModal()}>
          {texts.cancel}
        </button>
      </p>
      <dialog ref={dialog} aria-labelledby="cancel-title">
        <form class="stack" noValidate onSubmit={submit}>
          <h2 id="cancel-title">{texts.cancelTitle}</h2>
          <p>{texts.cancelHelp}</p>
          <label class="field">
            {texts.cancelReason}
            <input
              type="text"
              value={reason}
              maxLength={REASON_CHARACTERS}
              required
              aria-invalid={isMissing}
              onInput={(event) => setReason(event.currentTarget.value)}
            />
          </label>
          {isMissing && (
            <p class="problem" role="alert">
              {texts.cancelNeedsReason}
            </p>
          )}
          <label>
            <input type="checkbox" checked={isCardLost} onChange={(event) => setCardLost(event.currentTarget.checked)} />{' '}
            {texts.isCardLost}
          </label>
          {error !== undefined && <Problem error={error} />}
          <p class="inline-buttons">
            <button type="button" class="plain" onClick={() => dialog.current?.close()}>
              {texts.keep}
            </button>
            <button type="submit" class="danger" disabled={isRunning}>
              {isRunning ? texts.cancelling : texts.cancelNow}
            </button>
          </p>
        </form>
      </dialog>
    </>
  );
}
