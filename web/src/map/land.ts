/** The land of Natural Earth, from the tables that karin's own pictures use (crates/karin/assets). */

import fineUrl from "../../../crates/karin/assets/land-50m.bin?url";
import coarseUrl from "../../../crates/karin/assets/land-110m.bin?url";

export type Position = [number, number];
export type Ring = Position[];

/** Positions per degree in the tables. */
const STEPS_PER_DEGREE = 500;

/** Rings of a table: counts and differences of positions as zigzag varints. Longitudes run on beyond 180. */
export function readRings(bytes: Uint8Array): Ring[] {
  let at = 0;
  const next = () => {
    let number = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the table of the land is cut short");
      number += (byte & 127) * factor;
      if (byte < 128) return number % 2 ? -(number + 1) / 2 : number / 2;
    }
  };
  return Array.from({ length: next() }, () => {
    let x = 0;
    let y = 0;
    return Array.from({ length: next() }, (): Position => {
      x += next();
      y += next();
      return [x / STEPS_PER_DEGREE, y / STEPS_PER_DEGREE];
    });
  });
}

/** Twice the area of a ring, positive if it runs anticlockwise. */
function area2(ring: Ring): number {
  return ring.reduce((sum, [x, y], index) => {
    const [x2, y2] = ring[(index + 1) % ring.length]!;
    return sum + x * y2 - x2 * y;
  }, 0);
}

/** The part of a ring on one side of a meridian: `sign` 1 east of it, -1 west of it. */
function clip(ring: Ring, meridian: number, sign: 1 | -1): Ring {
  const out: Ring = [];
  ring.forEach((from, index) => {
    const to = ring[(index + 1) % ring.length]!;
    const isIn = sign * (from[0] - meridian) >= 0;
    if (isIn) out.push(from);
    if (isIn !== sign * (to[0] - meridian) >= 0) {
      const part = (meridian - from[0]) / (to[0] - from[0]);
      out.push([meridian, from[1] + part * (to[1] - from[1])]);
    }
  });
  return out;
}

/** The parts of a ring in the world from -180 to 180, shifted there. */
function pieces(ring: Ring): Ring[] {
  const longitudes = ring.map(([x]) => x);
  const first = Math.floor((Math.min(...longitudes) + 180) / 360);
  const last = Math.ceil((Math.max(...longitudes) - 180) / 360);
  const out: Ring[] = [];
  for (let turn = first; turn <= last; turn++) {
    const kept = clip(clip(ring, 360 * turn - 180, 1), 360 * turn + 180, -1);
    if (kept.length > 2) out.push(kept.map(([x, y]): Position => [x - 360 * turn, y]));
  }
  return out;
}

function isInside([x, y]: Position, ring: Ring): boolean {
  let inside = false;
  ring.forEach(([x1, y1], index) => {
    const [x2, y2] = ring[(index + 1) % ring.length]!;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}

const closed = (ring: Ring): Ring => [...ring, ring[0]!];

/** The land as polygons (outer ring first, then lakes), cut at 180 degrees so that no edge runs round the world. */
export function polygons(rings: Ring[]): Ring[][] {
  const parts = rings.flatMap((ring) => pieces(ring));
  // The largest ring is land; lakes run the other way round.
  const largest = parts.reduce((best, ring) => (Math.abs(area2(ring)) > Math.abs(area2(best)) ? ring : best));
  const isLand = (ring: Ring) => area2(ring) > 0 === area2(largest) > 0;
  const land = parts.filter(isLand).map((ring) => [ring]);
  for (const lake of parts.filter((ring) => !isLand(ring))) {
    const around = land.filter(([outer]) => isInside(lake[0]!, outer!));
    around.sort((a, b) => Math.abs(area2(a[0]!)) - Math.abs(area2(b[0]!)));
    around[0]?.push(lake);
  }
  return land.map((polygon) => polygon.map(closed));
}

/** The shores: outlines of the land without the edges that close a ring along 180 degrees or the pole. */
export function shores(land: Ring[][]): Ring[] {
  const isCut = ([x1, y1]: Position, [x2, y2]: Position) =>
    (Math.abs(x1) === 180 && x1 === x2) || (y1 < -89.9 && y2 < -89.9) || Math.abs(x1 - x2) > 180;
  const lines: Ring[] = [];
  for (const ring of land.flat()) {
    let line: Ring = [];
    for (const point of ring) {
      const before = line.at(-1);
      if (before && isCut(before, point)) {
        lines.push(line);
        line = [];
      }
      line.push(point);
    }
    lines.push(line);
  }
  return lines.filter((line) => line.length > 1);
}

export type GeoJson = GeoJSON.FeatureCollection;

/** The land as GeoJSON: one feature of areas and one of shores. */
export function landFeatures(bytes: Uint8Array): GeoJson {
  const land = polygons(readRings(bytes));
  const feature = (geometry: GeoJSON.Geometry, kind: string): GeoJSON.Feature => ({
    type: "Feature",
    properties: { kind },
    geometry,
  });
  return {
    type: "FeatureCollection",
    features: [
      feature({ type: "MultiPolygon", coordinates: land }, "land"),
      feature({ type: "MultiLineString", coordinates: shores(land) }, "shore"),
    ],
  };
}

/** Fetches the land: coarse for a globe, fine for regions. */
export async function loadLand(fine: boolean): Promise<GeoJson> {
  const response = await fetch(fine ? fineUrl : coarseUrl);
  if (!response.ok) throw new Error(`the coastline cannot be loaded (${response.status})`);
  return landFeatures(new Uint8Array(await response.arrayBuffer()));
}
