/** Asks whether and why a case is cancelled. */
import { h } from './dom.ts';
import { say } from './language.ts';
import { WORDS } from './words.ts';

export interface Cancellation {
  readonly reason: string;
  readonly isCardLost?: boolean;
}

/** Resolves with undefined when it is not. The focus goes back to where it was, as with every dialog. */
export function openCancelDialog({ hasCard }: { readonly hasCard: boolean }): Promise<Cancellation | undefined> {
  const reason = h('input', {
    id: 'reason',
    type: 'text',
    maxlength: '200',
    'aria-required': 'true',
    'aria-describedby': 'reason-problem',
  });
  const problem = h('p', { id: 'reason-problem', class: 'problem' });
  const lost = h('input', { id: 'card-lost', type: 'checkbox' });
  const dialog = h('dialog', { 'aria-labelledby': 'cancel-title' });
  return new Promise((resolve) => {
    const submit = (event: Event): void => {
      event.preventDefault();
      if (reason.value.trim() === '') {
        problem.textContent = say(WORDS.missing);
        reason.setAttribute('aria-invalid', 'true');
        reason.focus();
        return;
      }
      resolve({ reason: reason.value.trim(), ...(lost.checked ? { isCardLost: true } : {}) });
      dialog.close();
    };
    dialog.append(
      h(
        'form',
        { novalidate: true, submit },
        h('h2', { id: 'cancel-title' }, say(WORDS.cancelTitle)),
        h('p', {}, say(WORDS.cancelText)),
        h('div', { class: 'field' }, h('label', { for: 'reason' }, say(WORDS.reason)), reason, problem),
        hasCard && h('div', { class: 'field tick' }, lost, h('label', { for: 'card-lost' }, say(WORDS.cardLost))),
        h(
          'div',
          { class: 'actions' },
          h('button', { type: 'submit', class: 'primary danger' }, say(WORDS.doCancel)),
          h('button', { type: 'button', class: 'quiet', click: () => dialog.close() }, say(WORDS.keep)),
        ),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(undefined);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
