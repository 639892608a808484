/**
 * Changes of cards by programs: keys made and deleted, certificates written and deleted. Each is allowed by the policy, is none of a card that a job of issuance
 * is about, has the right that the card wants, is read back, stands in the audit log, and is told to everybody else.
 */
import type { PinReference } from '../../apdu/token.ts';
import * as ck from '../../pkcs11-module/constants.ts';
import type { ChangeRequest } from '../../pkcs11-module/desk.ts';
import { CkError } from '../../pkcs11-module/errors.ts';
import type { Audit } from '../audit/trace.ts';
import { managementOf } from '../desk/card-session.ts';
import type { CardRecord } from '../desk/records.ts';
import { fullNameOf } from '../full-name.ts';
import type { PromptDesk } from '../prompt/prompt-desk.ts';
import { recorded } from './acts.ts';
import { AskedPins, Authority, PinNeededError } from './change-authority.ts';
import { prepare } from './change-steps.ts';
import { askPin, type Program } from './prompts.ts';
import { takeTurn, type TurnDesk } from './turn.ts';

/** Cards take a minute and more for the longest keys. */
const CHANGE_TIMEOUT_MS = 180_000;

export interface CardChangesOptions extends TurnDesk {
  readonly prompts: PromptDesk;
  readonly audit: Audit;
  /** As the policy has it now. */
  readonly mayWrite: () => boolean;
  /** A job of issuance may change it yet. */
  readonly isInJob: (card: CardRecord) => boolean;
}

/** Whose change it is. */
export interface Changer {
  readonly program: Program;
  readonly card: CardRecord;
  /** Of the token that the program uses. */
  readonly pin: PinReference;
}

export class CardChanges {
  readonly #options: CardChangesOptions;

  constructor(options: CardChangesOptions) {
    this.#options = options;
  }

  get isAllowed(): boolean {
    return this.#options.mayWrite();
  }

  /** In the transaction of the change: no job can begin on the card until it ends. */
  requireAllowed(card: CardRecord): void {
    if (!this.isAllowed)
      throw new CkError(ck.CKR_TOKEN_WRITE_PROTECTED, 'changing the card: the policy lets no program do it (pkcs11.writes)');
    if (this.#options.isInJob(card))
      throw new CkError(ck.CKR_FUNCTION_REJECTED, 'changing the card: a job of issuance has begun on it and not ended');
  }

  /** A PIN that nobody gave is asked for while nothing is held, and the change begun anew. */
  async change(changer: Changer, request: ChangeRequest): Promise<void> {
    const { audit, prompts } = this.#options;
    const { program, card } = changer;
    const { signal } = request;
    await recorded(audit, { act: request.change.act, program: fullNameOf(program), card }, async () => {
      using asked = new AskedPins();
      for (;;) {
        try {
          await this.#turn(changer, request, asked);
          return;
        } catch (error) {
          if (!(error instanceof PinNeededError)) throw error;
          const { reference } = error;
          if (asked.get(reference) || prompts.placesOf(program.user).length === 0)
            throw new CkError(ck.CKR_USER_NOT_LOGGED_IN, error.message, { cause: error });
          asked.add(reference, await askPin(prompts, { program, card, pin: reference, signal }));
        }
      }
    });
  }

  /** A program that goes takes nothing back: what was begun on the card is brought to its end. */
  async #turn(changer: Changer, { change, right, signal }: ChangeRequest, asked: AskedPins): Promise<void> {
    const { desk } = this.#options;
    const { card, program } = changer;
    using wait = new Wait(signal);
    const turn = { program, act: change.act, signal: wait.signal, workMs: CHANGE_TIMEOUT_MS, changes: true };
    await takeTurn(this.#options, card, turn, async (session) => {
      this.requireAllowed(card);
      const token = await session.token();
      const authority = new Authority(changer.pin, { session, token, asked, right });
      const perform = await prepare(change, { session, token, management: managementOf(token), authority });
      if (!perform) return;
      await authority.prove(change);
      wait.end();
      session.forget();
      try {
        await perform();
      } catch (error) {
        card.contents = undefined;
        throw error;
      } finally {
        desk.announce(card);
      }
    });
  }
}

/** Ends with the program only until the change is begun. */
class Wait implements Disposable {
  readonly #controller = new AbortController();
  readonly #of: AbortSignal;
  readonly #abort: () => void;

  constructor(of: AbortSignal) {
    of.throwIfAborted();
    this.#of = of;
    this.#abort = () => this.#controller.abort(of.reason);
    of.addEventListener('abort', this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#of.removeEventListener('abort', this.#abort);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
