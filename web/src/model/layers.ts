/** Layers beside the swath: which are shown, at which of their moments, and in which colours. */

import { createMemo, createResource, createRoot } from "solid-js";
import { lookupTable, usable } from "../color/scale.ts";
import type { Look } from "../map/layer.ts";
import type { LayerInfo, LayerVariable, Range } from "../transport/types.ts";
import * as api from "./api.ts";
import * as catalog from "./catalog.ts";
import { look, stretch } from "./look.ts";
import { change, view } from "./store.ts";
import type { ShownLayer } from "./view.ts";

/** All layers that the viewer was started with. */
export const layers = (): LayerInfo[] => catalog.catalog()?.layers ?? [];

export const layerOf = (id: string): LayerInfo | undefined => layers().find((layer) => layer.id === id);

/** How a layer is shown; nothing if it is not. */
export const shownOf = (id: string): ShownLayer | undefined => view.layers.find((layer) => layer.id === id);

export const variableOf = (shown: ShownLayer): LayerVariable | undefined =>
  layerOf(shown.id)?.variables.find((variable) => variable.name === shown.variable);

/** Shows a layer, or hides it. */
export function toggleLayer(id: string): void {
  const info = layerOf(id);
  if (!info) return;
  if (shownOf(id)) {
    change({ layers: view.layers.filter((layer) => layer.id !== id) });
    return;
  }
  const shown: ShownLayer = {
    id,
    variable: info.default_variable,
    over: info.kind === "track",
    opacity: 1,
    colorMap: "",
    range: null,
    same: false,
  };
  change({ layers: [...view.layers, shown] });
}

/** Changes how a layer is shown. */
export function changeLayer(id: string, part: Partial<ShownLayer>): void {
  change({ layers: view.layers.map((layer) => (layer.id === id ? { ...layer, ...part } : layer)) });
}

/** Brings a layer one place up or down among those that are shown. */
export function moveLayer(id: string, by: -1 | 1): void {
  const order = [...view.layers];
  const from = order.findIndex((layer) => layer.id === id);
  const other = order[from + by];
  if (from < 0 || !other) return;
  [order[from], order[from + by]] = [other, order[from]!];
  change({ layers: order });
}

const milliseconds = (iso: string | null): number => (iso ? Date.parse(iso) : Number.NaN);

/** First and last moment of what the map shows: of the pinned granule, else of the cycle. */
function period(): [number, number] | null {
  const granules = (catalog.coverage()?.granules ?? []).filter(({ cycle, time }) => cycle === view.cycle && time);
  const pinned = granules.filter(({ pass }) => pass === view.pin?.pass);
  const some = pinned.length ? pinned : granules;
  if (some.length === 0) return null;
  const starts = some.map(({ time }) => milliseconds(time![0]));
  const ends = some.map(({ time }) => milliseconds(time![1]));
  return [Math.min(...starts), Math.max(...ends)];
}

/**
 * The moments of a layer that are shown: of a map the one nearest to the middle of the period, of tracks those inside it;
 * the nearest one if there are none.
 */
export function stepsAt(info: Pick<LayerInfo, "kind" | "times">, period: [number, number] | null): number[] {
  const count = info.times.length;
  if (count === 0) return [];
  if (!period) return [0];
  const times = info.times.map(([start, end]) => [milliseconds(start), milliseconds(end)] as const);
  if (info.kind === "track") {
    const inside = times.flatMap(([start, end], index) => (start <= period[1] && end >= period[0] ? [index] : []));
    if (inside.length) return inside;
  }
  const middle = (period[0] + period[1]) / 2;
  const away = ([start, end]: readonly [number, number]) => {
    const distance = Math.max(start - middle, middle - end, 0);
    return Number.isNaN(distance) ? Infinity : distance;
  };
  let best = 0;
  times.forEach((time, index) => {
    if (away(time) < away(times[best]!)) best = index;
  });
  return [best];
}

/** Steps as the server reads them. */
export const stepsText = (steps: readonly number[]): string => steps.join(",");

export interface LayerNow {
  shown: ShownLayer;
  info: LayerInfo;
  steps: number[];
  /** Units of its values. */
  units: string;
  look: Look;
}

const made = createRoot(() => {
  const periodNow = createMemo(period, null, {
    equals: (a, b) => a?.[0] === b?.[0] && a?.[1] === b?.[1],
  });
  const wanted = createMemo(() =>
    view.layers.flatMap((shown) => {
      const info = layerOf(shown.id);
      return info ? [{ shown, info, steps: stepsAt(info, periodNow()) }] : [];
    }),
  );
  // One range per layer and variable: colours stay when the moment changes.
  const asked = createMemo(
    () => JSON.stringify(wanted().map(({ shown, steps }) => [shown.id, shown.variable, steps[0] ?? 0])),
    "",
  );
  const kept = new Map<string, Range>();
  const [ranges] = createResource(asked, async (key) => {
    for (const [id, variable, step] of JSON.parse(key) as [string, string, number][]) {
      if (kept.has(`${id}~${variable}`)) continue;
      const found = await api.layerRange(id, variable, String(step)).catch(() => null);
      if (found) kept.set(`${id}~${variable}`, found);
    }
    return new Map(kept);
  });
  const now = createMemo<LayerNow[]>(() =>
    wanted().map(({ shown, info, steps }) => {
      const known = ranges.latest?.get(`${shown.id}~${shown.variable}`);
      const variable = info.variables.find(({ name }) => name === shown.variable);
      const own = {
        range: usable(shown.range ?? known?.suggested ?? [0, 1], "linear"),
        scale: "linear" as const,
        histogram: null,
      };
      const colors = shown.same ? look() : null;
      return {
        shown,
        info,
        steps,
        units: variable?.units ?? "",
        look: {
          mode: 0,
          divide: 0.5,
          lut: colors?.lut ?? lookupTable(mapOf(shown), own),
          range: shown.same ? stretch().range : own.range,
          log: colors?.log ?? false,
          opacity: shown.opacity,
          flags: [],
          rejectBits: 0,
          why: false,
        },
      };
    }),
  );
  return { now };
});

/** The layers that are shown, lowest first. */
export const layersNow = made.now;

/** Name of the colour map of a layer. */
export const mapOf = (shown: ShownLayer): string => shown.colorMap || variableOf(shown)?.color_map || "haline";

/** When what is shown of a layer was, in words. */
export function whenOf({ info, steps }: Pick<LayerNow, "info" | "steps">): string {
  const starts = steps.map((step) => info.times[step]?.[0]).filter((time): time is string => Boolean(time));
  if (starts.length === 0) return "no time";
  const day = (iso: string) => iso.slice(0, 10);
  if (starts.length === 1) return day(starts[0]!);
  return `${starts.length} tracks, ${day(starts[0]!)} to ${day(starts.at(-1)!)}`;
}
