/** A part of a page that is drawn again only when what it is drawn from changed, however often what it stands in is: a thousand events a second are. */
import type { ComponentChildren, JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { useLanguage } from './language.ts';

interface StillProps {
  /** As many each time. */
  readonly on: readonly unknown[];
  readonly children: () => ComponentChildren;
}

/** Preact passes over what is the same object as before. What is inside still draws itself when it follows something of its own. */
export function Still({ on, children }: StillProps): JSX.Element {
  return <>{useMemo(children, [useLanguage(), ...on])}</>;
}
