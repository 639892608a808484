/** Every view, in the order of the navigation. The first one is where the page begins. */
import type { View } from '../view.ts';
import { readersView } from './readers.tsx';

export const VIEWS: readonly [View, ...View[]] = [readersView];
