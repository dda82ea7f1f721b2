/** From values to places on the colour bar, the same as the shader computes. */

import type { Scale } from "../model/view.ts";
import { colorsOf } from "./maps.ts";

const STEPS = 1024;

export interface Stretch {
  range: [number, number];
  scale: Scale;
  /** Counts of values between edges, for `equalized`. */
  histogram: { edges: number[]; counts: number[] } | null;
}

/** Share of the values between low and high that lie below `value`: 0 to 1. */
export function cumulative(
  { edges, counts }: { edges: number[]; counts: number[] },
  [low, high]: [number, number],
): (value: number) => number {
  const sums = [0];
  for (const count of counts) sums.push(sums.at(-1)! + count);
  const below = (value: number) => {
    if (value <= edges[0]!) return 0;
    if (value >= edges.at(-1)!) return sums.at(-1)!;
    const bin = edges.findIndex((edge) => edge > value) - 1;
    const part = (value - edges[bin]!) / (edges[bin + 1]! - edges[bin]!);
    return sums[bin]! + part * counts[bin]!;
  };
  const [from, to] = [below(low), below(high)];
  if (to <= from) return (value) => (value - low) / (high - low);
  return (value) => (below(value) - from) / (to - from);
}

/** Place of a value on the colour bar: 0 at the low end, 1 at the high end; may lie outside. */
export function placeOf(value: number, { range: [low, high], scale }: Stretch): number {
  if (scale === "log") return (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low));
  return (value - low) / (high - low);
}

/** Value at a place of the colour bar. */
export function valueAt(place: number, { range: [low, high], scale }: Stretch): number {
  if (scale === "log") return Math.exp(Math.log(low) + place * (Math.log(high) - Math.log(low)));
  return low + place * (high - low);
}

/** Colours along the bar as RGBA: equal shares of the values get equal shares of the colours if `equalized`. */
export function lookupTable(name: string, stretch: Stretch): Uint8Array {
  const rgb = colorsOf(name);
  const { histogram, range } = stretch;
  const share = stretch.scale === "equalized" && histogram ? cumulative(histogram, range) : null;
  const table = new Uint8Array(STEPS * 4);
  for (let step = 0; step < STEPS; step++) {
    const place = step / (STEPS - 1);
    const at = 255 * (share ? share(range[0] + place * (range[1] - range[0])) : place);
    const lower = Math.min(254, Math.floor(at));
    for (let part = 0; part < 3; part++) {
      const [from, to] = [rgb[3 * lower + part]!, rgb[3 * lower + 3 + part]!];
      table[4 * step + part] = Math.round(from + (at - lower) * (to - from));
    }
    table[4 * step + 3] = 255;
  }
  return table;
}

/** A range that the scale can show: low before high, and positive for a logarithm. */
export function usable([low, high]: [number, number], scale: Scale): [number, number] {
  if (scale === "log") {
    const top = high > 0 ? high : 1;
    return [low > 0 && low < top ? low : top / 1000, top];
  }
  return low < high ? [low, high] : [low, low + Math.max(1e-6, Math.abs(low) * 1e-3)];
}
