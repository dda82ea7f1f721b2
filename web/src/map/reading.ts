/** What lies under the cursor, from the data that are drawn: no request is made. */

import { createSignal } from "solid-js";
import { decode, TILE_SIZE } from "./data.ts";
import { mercatorX, mercatorY } from "./geometry.ts";
import type { StripItem, TileItem } from "./layer.ts";
import { locate } from "./pick.ts";
import type { Scene } from "./scene.ts";

/** A pixel, or a mean of pixels (`exact` false), under the cursor. */
export interface Reading {
  lon: number;
  lat: number;
  exact: boolean;
  /** Values of A and B; NaN: there is none; `null`: not asked for or not loaded. */
  a: number | null;
  b: number | null;
  cell: { pass: number; side: string; line: number; pixel: number; time: number } | null;
  /** The raw flags of A. */
  flags: number | null;
  /** Values of the layers that are shown there, uppermost first. */
  layers: { id: string; value: number; units: string }[];
}

export const [reading, setReading] = createSignal<Reading | null>(null);

/** Reads the value at a place. The swath that is drawn last lies on top; one with a value hides one without. */
export function readAt(scene: Scene, lon: number, lat: number): Reading {
  return { ...readSwath(scene, lon, lat), layers: readLayers(scene, lon, lat) };
}

function readLayers(scene: Scene, lon: number, lat: number): Reading["layers"] {
  const found = scene.beside.drawn.map(({ id, units, items }) => {
    const value = tileValues(items, lon, lat)?.a;
    return { id, units, value: value ?? Number.NaN };
  });
  return found.reverse();
}

function readSwath(scene: Scene, lon: number, lat: number): Reading {
  let empty: Reading | null = null;
  for (let index = scene.stripItems.length - 1; index >= 0; index--) {
    const found = readStrip(scene.stripItems[index]!, lon, lat);
    if (found && (Number.isFinite(found.a ?? Number.NaN) || Number.isFinite(found.b ?? Number.NaN))) return found;
    empty ??= found;
  }
  return empty ?? readTile(scene, lon, lat);
}

function readStrip(item: StripItem, lon: number, lat: number): Reading | null {
  const some = item.a ?? item.b;
  if (!some) return null;
  const place = locate(item.mesh, item.first, some.rows, mercatorX(lon), mercatorY(lat));
  if (!place) return null;
  const line = Math.round(place.line);
  const pixel = Math.min(some.columns - 1, Math.max(0, Math.round(place.pixel)));
  const row = line - some.firstLine;
  if (row < 0 || row >= some.rows) return null;
  const at = row * some.columns + pixel;
  const value = (strip: StripItem["a"]) => (strip ? decode(strip.raw[at]!, strip) : null);
  const { pass, side } = item.mesh;
  const flags = item.flagsA?.raw[at];
  const cell = { pass, side, line, pixel, time: some.time[row] ?? Number.NaN };
  return { lon, lat, exact: true, a: value(item.a), b: value(item.b), cell, flags: flags ?? null, layers: [] };
}

function readTile(scene: Scene, lon: number, lat: number): Reading {
  const values = tileValues(scene.tileItems, lon, lat) ?? { a: null, b: null };
  return { lon, lat, exact: false, ...values, cell: null, flags: null, layers: [] };
}

/** Values of the tile that lies at a place. */
function tileValues(items: readonly TileItem[], lon: number, lat: number): Pick<Reading, "a" | "b"> | null {
  const [x, y] = [mercatorX(lon), mercatorY(lat)];
  for (const item of items) {
    const size = 2 ** -item.z;
    const u = (x - Math.floor(x) - (item.x * size - Math.floor(item.x * size))) / size;
    const v = y / size - item.y;
    if (u < 0 || u >= 1 || v < 0 || v >= 1) continue;
    const column = Math.floor((item.piece[0] + u * item.piece[2]) * TILE_SIZE);
    const row = Math.floor((item.piece[1] + v * item.piece[3]) * TILE_SIZE);
    const value = (tile: typeof item.a) =>
      tile
        ? tile.values
          ? decode(tile.values[row * TILE_SIZE + column]!, { ...tile, fill: -32768 })
          : Number.NaN
        : null;
    return { a: value(item.a), b: value(item.b) };
  }
  return null;
}
