import type { Handlers } from '../call.ts';
import type { HandlerContext } from './context.ts';

export function promptHandlers({ prompts }: HandlerContext): Pick<Handlers, 'prompt.list'> {
  return { 'prompt.list': () => ({ prompts: [...prompts.open.list()] }) };
}
