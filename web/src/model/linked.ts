/** The place that the cursor is at in any of the linked views. */

import { createMemo, createRoot, createSignal } from "solid-js";
import { reading } from "../map/reading.ts";

export interface Linked {
  pass: number;
  line: number;
  pixel: number | null;
  cycle: number | null;
  lon: number;
  lat: number;
}

const [pointed, setPointed] = createSignal<Linked | null>(null);

/** Tells where the cursor of a plot is; `null` when it leaves. */
export const pointAt = setPointed;

/** A place under the cursor of a plot. */
export const pointedAt = pointed;

/** The place under the cursor, of a plot or of the map. */
export const linked = createRoot(() =>
  createMemo<Linked | null>(() => {
    const fromPlot = pointed();
    if (fromPlot) return fromPlot;
    const now = reading();
    return now?.cell
      ? { pass: now.cell.pass, line: now.cell.line, pixel: now.cell.pixel, cycle: null, lon: now.lon, lat: now.lat }
      : null;
  }),
);
