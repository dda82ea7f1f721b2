/** Lines over the map: outlines of passes, what is pinned, regions. */

import type { Pin } from "../model/view.ts";
import type { Tracks } from "./data.ts";

type Position = [number, number];

function edge(tracks: Tracks, index: number, which: 0 | 1 | 2): Position[] {
  const start = (index * 3 + which) * tracks.count;
  return Array.from(
    { length: tracks.count },
    (_, point): Position => [tracks.lon[start + point]!, tracks.lat[start + point]!],
  );
}

const feature = (geometry: GeoJSON.Geometry, properties: GeoJSON.GeoJsonProperties): GeoJSON.Feature => ({
  type: "Feature",
  properties,
  geometry,
});

/** Both edges of every pass that `has` tells. */
export function trackFeatures(tracks: Tracks, has: (pass: number) => boolean): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  tracks.passes.forEach((pass, index) => {
    if (has(pass))
      features.push(
        feature({ type: "MultiLineString", coordinates: [edge(tracks, index, 0), edge(tracks, index, 2)] }, { pass }),
      );
  });
  return { type: "FeatureCollection", features };
}

/** The outline of the pass that is pinned. */
export function pinFeatures(tracks: Tracks | null, pin: Pin | null): GeoJSON.FeatureCollection {
  const index = pin && tracks ? tracks.passes.indexOf(pin.pass) : -1;
  if (!tracks || index < 0) return { type: "FeatureCollection", features: [] };
  const lines = [edge(tracks, index, 0), edge(tracks, index, 2)];
  return { type: "FeatureCollection", features: [feature({ type: "MultiLineString", coordinates: lines }, {})] };
}

/** The corners of a region: those of a box in order, or of a polygon. */
export function cornersOf(region: readonly Position[]): Position[] {
  if (region.length !== 2) return [...region];
  const [[west, south], [east, north]] = region as [Position, Position];
  const right = east < west ? east + 360 : east;
  return [
    [west, south],
    [right, south],
    [right, north],
    [west, north],
  ];
}

/** A region with its edges straight in longitude and latitude, as the server understands them. */
export function regionFeatures(region: readonly Position[]): GeoJSON.FeatureCollection {
  const corners = cornersOf(region);
  if (corners.length < 2) return { type: "FeatureCollection", features: [] };
  const ring = [...corners, corners[0]!].flatMap((corner, index, all) => {
    const next = all[index + 1];
    if (!next) return [corner];
    const pieces = Math.max(1, Math.ceil(Math.max(Math.abs(next[0] - corner[0]), Math.abs(next[1] - corner[1])) / 2));
    return Array.from(
      { length: pieces },
      (_, piece): Position => [
        corner[0] + ((next[0] - corner[0]) * piece) / pieces,
        corner[1] + ((next[1] - corner[1]) * piece) / pieces,
      ],
    );
  });
  const features = [feature({ type: "LineString", coordinates: ring }, { kind: "edge" })];
  if (corners.length > 2) features.push(feature({ type: "Polygon", coordinates: [ring] }, { kind: "area" }));
  return { type: "FeatureCollection", features };
}
