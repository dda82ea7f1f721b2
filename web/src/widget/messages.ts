/** What the page in its frame and the widget around it tell each other. */

import type { View } from "../model/view.ts";
import type { Answer, Ask } from "../transport/port.ts";

/** West, south, east, north in degrees. */
export type Bounds = [number, number, number, number];

/** A change of the view that the notebook wants; `serial` counts them. */
export interface Wanted {
  serial?: number;
  view?: Partial<View>;
  /** What the map is to show whole. */
  bounds?: Bounds;
}

/** What is shown, and the last change that it follows. */
export interface Shown {
  serial: number;
  view: View;
  bounds: Bounds | null;
}

export type ToNotebook = Ask | { shown: Shown };
export type ToPage = Answer | { wanted: Wanted };

/** The word with which the page says that it is there. */
export const READY = "karin: ready";
