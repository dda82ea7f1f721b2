/** How values are shown: the colour map, its range and which pixels are rejected, from the view and the data. */

import { createMemo, createRoot, createSignal } from "solid-js";
import { flagColor } from "../color/maps.ts";
import { lookupTable, type Stretch, usable } from "../color/scale.ts";
import type { Look } from "../map/layer.ts";
import { MAX_FLAGS } from "../map/shaders.ts";
import type { Flag, FlagSet } from "../transport/types.ts";
import * as catalog from "./catalog.ts";
import { areUnlike } from "./operands.ts";
import { view } from "./store.ts";
import { MAX_CYCLES, type Quality, type Statistic, type View } from "./view.ts";

export const isDifference = (): boolean => view.compare === "difference";

/** Which of the two cycles blinking shows. */
export const [blinkShowsB, setBlinkShowsB] = createSignal(false);

/** Colour maps of statistics that are no values of the variable: they begin at zero. */
const MAPS_OF_STATISTICS: Partial<Record<Statistic, string>> = { std: "amp", count: "dense" };

/** Name of the colour map that is shown. */
export function colorMapName(): string {
  const chosen =
    view.colorMap ||
    (view.span === "all" && MAPS_OF_STATISTICS[view.statistic]) ||
    catalog.variable()?.color_map ||
    "haline";
  if (!isDifference() || isDivergingMap(chosen)) return chosen;
  return "balance";
}

const DIVERGING = new Set([
  "balance",
  "curl",
  "delta",
  "diff",
  "tarn",
  "topo",
  "vik",
  "roma",
  "berlin",
  "broc",
  "cork",
]);

export const isDivergingMap = (name: string): boolean => DIVERGING.has(name.replace(/_r$/, ""));

/** The range that suits the variable: robust, symmetric where zero is the middle. */
export function suggestedRange(): [number, number] {
  const known = catalog.range();
  const found = known?.suggested ?? (known && known.min !== null && known.max !== null ? [known.min, known.max] : null);
  const [low, high] = found ?? [0, 1];
  if (view.span === "all" && view.statistic === "std") return [0, Math.max(1e-9, (high - low) / 4)];
  // From near a pixel has a value per cycle; from afar more: the range fits the view at a key.
  if (view.span === "all" && view.statistic === "count") return [0, Math.min(MAX_CYCLES, catalog.cycles().length)];
  if (!isDifference()) return [low, high];
  const reach = Math.max(1e-9, (high - low) / 4);
  return [-reach, reach];
}

/**
 * True if levels of quality are applied while drawing, by the flag of the variable. What is derived is gated by all its
 * inputs: the server does that, unless it is to be shown why; and so it does where A and B have flags of their own.
 */
export const levelsHere = (): boolean =>
  catalog.flag() !== undefined && !areUnlike() && (catalog.variable()?.kind === "stored" || view.why);

const made = createRoot(() => {
  const stretch = createMemo<Stretch>(() => {
    const chosen = isDifference() ? view.differenceRange : view.range;
    const scale = isDifference() ? "linear" : view.scale;
    return { range: usable(chosen ?? suggestedRange(), scale), scale, histogram: catalog.range()?.histogram ?? null };
  });
  const lut = createMemo(() => lookupTable(colorMapName(), stretch()));
  const look = createMemo<Look>(() => {
    const { range, scale } = stretch();
    const flags = catalog.flag()?.flags ?? null;
    const level = levelsHere() ? view.quality : "any";
    const mode = { off: 0, difference: 2, swipe: 3, blink: blinkShowsB() ? 1 : 0 } as const;
    return {
      mode: mode[view.compare],
      divide: view.divide,
      lut: lut(),
      range,
      log: scale === "log",
      opacity: 1,
      flags: catalog.variable()?.shape === "pixels" && !areUnlike() ? rejected(flags, level, view.masks) : [],
      rejectBits: rejectedBits(flags, level),
      why: view.why,
    };
  });
  return { stretch, look };
});

export const stretch = made.stretch;
export const look = made.look;

const DROPPED: Record<Quality, readonly (Flag["level"] | undefined)[]> = {
  any: [],
  degraded: ["bad"],
  suspect: ["bad", "degraded"],
  good: ["bad", "degraded", "suspect"],
};

/** True if a level of quality drops values with a flag. */
export const isDropped = (flag: Pick<Flag, "level">, quality: Quality): boolean =>
  DROPPED[quality].includes(flag.level);

/** Flags that reject a pixel: those that the level drops, and those that are masked by name. */
export function rejected(flags: FlagSet | null, quality: Quality, masks: readonly string[]): Look["flags"] {
  return (flags?.flags ?? [])
    .map((flag, index) => ({ ...flag, color: flagColor(index) }))
    .filter((flag) => isDropped(flag, quality) || masks.includes(flag.name))
    .slice(0, MAX_FLAGS);
}

/** Bits that reject a pixel whatever they are called: `good` of a bit mask is zero. */
export function rejectedBits(flags: FlagSet | null, quality: Quality): number {
  return flags?.kind === "bits" && quality === "good" ? -1 : 0;
}

/** The `where` of the view with its masks, as an expression: what far views and answers of the server are asked with. */
export function whereWithMasks(now: Pick<View, "where" | "masks">): string {
  const flag = catalog.flag();
  const masks = (flag?.flags?.flags ?? [])
    .filter(({ name }) => now.masks.includes(name))
    .map(({ mask, value }) => `(${flag!.name} & ${mask}) != ${value}`);
  return [now.where ? `(${now.where})` : "", ...masks].filter(Boolean).join(" and ");
}

/** The colour of a value as `rgb(...)`. */
export function colorOf(value: number): string {
  const { range, scale } = stretch();
  const place =
    scale === "log"
      ? Math.log(value / range[0]) / Math.log(range[1] / range[0])
      : (value - range[0]) / (range[1] - range[0]);
  const lut = look().lut;
  const at = 4 * Math.round(Math.min(1, Math.max(0, place)) * (lut.length / 4 - 1));
  return `rgb(${lut[at]} ${lut[at + 1]} ${lut[at + 2]})`;
}
