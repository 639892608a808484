/** What a view is to the page: a part of the address, a name in the navigation, and a component that draws it. */
import type { ComponentType } from 'preact';
import type { In } from './language.ts';

export interface ViewProps {
  /** What follows the view's own name in the address: ["<card id>"]. */
  readonly path: readonly string[];
}

export interface View {
  /** First part of the address; unique. */
  readonly id: string;
  /** In the navigation, as heading, and in the window's title. */
  readonly title: In<string>;
  readonly Component: ComponentType<ViewProps>;
}
