/** The pieces of data that the map draws: tiles, strips of swath, meshes and tracks. */

import { cached, type Meaning, meaning, transport } from "../model/api.ts";
import { arrayOf, readContainer } from "../transport/container.ts";
import type { MeshHeader, StripHeader, TileHeader } from "../transport/types.ts";
import { type Box, mercatorX, mercatorY, overlaps } from "./geometry.ts";

/** Lines of a strip: one piece of a swath that is loaded and drawn at once. */
export const STRIP_LINES = 512;
/** Lines between control points of a mesh. */
export const MESH_STEP = 16;
export const TILE_SIZE = 256;

export interface Tile {
  values: Int16Array | null;
  scale: number;
  offset: number;
  header: TileHeader;
}

export type Raw = Int16Array | Int32Array | Float32Array;

export interface Strip {
  /** Raw values, rows by columns; unsigned flags as the same bits signed. */
  raw: Raw;
  scale: number;
  offset: number;
  fill: number | null;
  firstLine: number;
  rows: number;
  columns: number;
  /** Seconds since 2000-01-01 per row. */
  time: Float64Array;
  units: string | null;
}

export interface Mesh {
  pass: number;
  side: string;
  numLines: number;
  numPixels: number;
  /** Control lines and pixels: cell corners, at halves. */
  line: Float32Array;
  pixel: Float32Array;
  /** Mercator x, y and line, pixel of every control point, interleaved; x runs on beyond 0 and 1. */
  vertices: Float32Array;
}

export interface Tracks {
  passes: Int32Array;
  count: number;
  line: Float32Array;
  /** Longitude and latitude: pass, then left edge, nadir, right edge, then point. */
  lon: Float32Array;
  lat: Float32Array;
  time: Float64Array;
}

export async function loadTile(
  view: Meaning,
  cycles: string,
  statistic: string,
  place: { z: number; x: number; y: number },
  signal: AbortSignal,
): Promise<Tile> {
  const { z, x, y } = place;
  const query = { ...meaning(view), cycles, stat: statistic, ...cached() };
  return tileOf(await transport.bytes(`tiles/${z}/${x}/${y}`, query, signal));
}

/** A tile of a layer beside the swath. */
export async function loadLayerTile(
  layer: string,
  variable: string,
  steps: string,
  { z, x, y }: { z: number; x: number; y: number },
  signal: AbortSignal,
): Promise<Tile> {
  const path = `layers/${encodeURIComponent(layer)}/${z}/${x}/${y}`;
  return tileOf(await transport.bytes(path, { var: variable, steps, ...cached() }, signal));
}

function tileOf(body: ArrayBuffer): Tile {
  const container = readContainer<TileHeader>(body);
  const { header } = container;
  const values = header.cells > 0 ? arrayOf(container, "values", Int16Array) : null;
  return { values, scale: header.scale, offset: header.offset, header };
}

export async function loadStrip(
  view: Meaning,
  place: { cycle: number; pass: number; side: string; first: number },
  signal: AbortSignal,
): Promise<Strip> {
  const { side, ...rest } = place;
  return loadStripAround({ ...view, side }, { ...rest, lines: STRIP_LINES }, signal);
}

/** The native values of lines from `first` on. */
export async function loadStripAround(
  view: Meaning,
  place: { cycle: number; pass: number; first: number; lines: number },
  signal: AbortSignal,
): Promise<Strip> {
  const lines = `${place.first}-${place.first + place.lines - 1}`;
  const query = { ...meaning(view), cycle: place.cycle, pass: place.pass, lines, ...cached() };
  const container = readContainer<StripHeader>(await transport.bytes("strips", query, signal));
  const { header } = container;
  const values = container.arrays.values?.values;
  const raw = values instanceof Uint32Array ? new Int32Array(values.buffer, values.byteOffset, values.length) : values;
  if (!(raw instanceof Int16Array || raw instanceof Int32Array || raw instanceof Float32Array)) {
    throw new Error("the strip has values of an unexpected type");
  }
  return {
    raw,
    scale: header.scale,
    offset: header.offset,
    fill: header.fill === null ? null : raw instanceof Int32Array ? header.fill | 0 : header.fill,
    firstLine: header.first_line,
    rows: header.rows,
    columns: header.columns,
    time: arrayOf(container, "time", Float64Array),
    units: header.units,
  };
}

export async function loadMesh(
  group: string,
  pass: number,
  side: string,
  cycle: number,
  signal?: AbortSignal,
): Promise<Mesh> {
  const query = { group, pass, side: side || undefined, cycle, step: MESH_STEP, ...cached() };
  const container = readContainer<MeshHeader>(await transport.bytes("mesh", query, signal));
  const line = arrayOf(container, "line", Float32Array);
  const pixel = arrayOf(container, "pixel", Float32Array);
  const lon = arrayOf(container, "lon", Float32Array);
  const lat = arrayOf(container, "lat", Float32Array);
  const vertices = new Float32Array(lon.length * 4);
  for (let row = 0; row < line.length; row++) {
    for (let column = 0; column < pixel.length; column++) {
      const at = row * pixel.length + column;
      vertices.set([mercatorX(lon[at]!), mercatorY(lat[at]!), line[row]!, pixel[column]!], 4 * at);
    }
  }
  const { num_lines, num_pixels } = container.header;
  return { pass, side, numLines: num_lines, numPixels: num_pixels, line, pixel, vertices };
}

export async function loadTracks(group: string, signal?: AbortSignal): Promise<Tracks> {
  const container = readContainer<{ passes: number[] }>(
    await transport.bytes("tracks", { group, ...cached() }, signal),
  );
  const line = arrayOf(container, "line", Float32Array);
  const passes = Int32Array.from(container.header.passes);
  return {
    passes,
    count: passes.length ? line.length / passes.length : 0,
    line,
    lon: arrayOf(container, "lon", Float32Array),
    lat: arrayOf(container, "lat", Float32Array),
    time: arrayOf(container, "time", Float64Array),
  };
}

/** True value of a raw one; NaN if there is none. */
export function decode(raw: number, packing: { scale: number; offset: number; fill: number | null }): number {
  return raw === packing.fill ? Number.NaN : raw * packing.scale + packing.offset;
}

/**
 * The strips (first lines) of each pass that lie in `box`, by the outlines of the passes. Of granules that are cut out of a pass
 * it is not known which lines lie where: all of them may.
 */
export function stripsIn(tracks: Tracks, box: Box, numLines: number): Map<number, number[]> {
  const found = new Map<number, number[]>();
  const { count } = tracks;
  const end = Math.ceil(numLines / STRIP_LINES) - 1;
  tracks.passes.forEach((pass, index) => {
    const strips = new Set<number>();
    for (let point = 0; point + 1 < count; point++) {
      if (!segmentIn(tracks, index, point, box)) continue;
      const from = tracks.line[index * count + point]!;
      const to = tracks.line[index * count + point + 1]!;
      const isKnown = !Number.isNaN(from + to);
      const first = isKnown ? Math.max(0, Math.floor((Math.min(from, to) - 16) / STRIP_LINES)) : 0;
      const last = isKnown ? Math.min(end, Math.floor((Math.max(from, to) + 16) / STRIP_LINES)) : end;
      for (let strip = first; strip <= last; strip++) strips.add(strip * STRIP_LINES);
    }
    if (strips.size)
      found.set(
        pass,
        [...strips].sort((a, b) => a - b),
      );
  });
  return found;
}

/** True if the piece of a swath between two points of its outline may lie in `box`. */
function segmentIn(tracks: Tracks, pass: number, point: number, box: Box): boolean {
  const segment = { west: Infinity, east: -Infinity, south: Infinity, north: -Infinity };
  for (let edge = 0; edge < 3; edge++) {
    for (let next = 0; next < 2; next++) {
      const at = (pass * 3 + edge) * tracks.count + point + next;
      segment.west = Math.min(segment.west, tracks.lon[at]!);
      segment.east = Math.max(segment.east, tracks.lon[at]!);
      segment.south = Math.min(segment.south, tracks.lat[at]!);
      segment.north = Math.max(segment.north, tracks.lat[at]!);
    }
  }
  return overlaps(segment, box);
}
