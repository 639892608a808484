/** How a case ended, and what it leaves to the portal: kortd says what is to be reported, the portal reports it. */
import { reportRevocation } from './authority.ts';
import { certificatesOf, type Ceremony } from './case.ts';
import { announce, h } from './dom.ts';
import { say } from './language.ts';
import { explain } from './problems.ts';
import { WORDS } from './words.ts';

export function createEnding(ceremony: Ceremony): readonly HTMLElement[] {
  const { state, reason, reports } = ceremony;
  const isFinished = state === 'finished';
  return [
    h('h2', { id: 'panel-title', class: isFinished ? 'right' : 'wrong' }, say(WORDS[state])),
    h('p', {}, isFinished ? say(WORDS.finishedText) : say(WORDS.cancelledText, { reason: sayReason(reason) })),
    ...(reports.includes('paperReceiptMissing') ? [h('p', { class: 'wrong' }, say(WORDS.paperReceiptMissing))] : []),
    ...(reports.includes('certificateUnaccounted') ? [h('p', { class: 'wrong' }, say(WORDS.certificateUnaccounted))] : []),
    ...(reports.includes('revocation') || isLeftWithCertificates(ceremony) ? [createRevocation(certificatesOf(ceremony))] : []),
    h('p', {}, h('a', { class: 'button', href: '#' }, say(WORDS.toStart))),
  ];
}

/** Cancelled after they were issued: nobody shall use them. */
function isLeftWithCertificates(ceremony: Ceremony): boolean {
  return ceremony.state === 'cancelled' && certificatesOf(ceremony).length > 0;
}

/** kortd's own words for why; a person's stand as they were written. */
function sayReason(reason: string | undefined): string {
  if (reason === 'late') return say(WORDS.reasonLate);
  return reason === 'key_replaced' ? say(WORDS.reasonReplaced) : (reason ?? '');
}

/** At once, and again when the case is looked at again: what is revoked stays so. */
export function createRevocation(certificates: readonly string[]): HTMLElement {
  if (certificates.length === 0) return h('p', {}, say(WORDS.noneToRevoke));
  const element = h('div', { role: 'status' });
  const report = async (): Promise<void> => {
    element.replaceChildren(h('p', {}, say(WORDS.revoking)));
    try {
      await reportRevocation(certificates);
      element.replaceChildren(h('p', { class: 'right' }, say(WORDS.revoked)));
      announce(say(WORDS.revoked));
    } catch (error) {
      const again = h('button', { type: 'button', click: () => void report() }, say(WORDS.revokeAgain));
      element.replaceChildren(...explain(error).map((line) => h('p', { class: 'wrong' }, line)), again);
    }
  };
  void report();
  return element;
}
