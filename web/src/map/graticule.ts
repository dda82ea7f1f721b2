/** Meridians and parallels. */

import { wrapped } from "./geometry.ts";

/** Degrees between the lines of the graticule at a zoom of the map. */
export function graticuleStep(zoom: number): number {
  if (zoom < 2.5) return 30;
  if (zoom < 4) return 15;
  if (zoom < 5.2) return 10;
  if (zoom < 6.3) return 5;
  if (zoom < 7.6) return 2;
  return zoom < 9 ? 1 : 0.5;
}

/** Where the lines of the graticule are named: meridians along one parallel, parallels along one meridian. */
export function graticuleLabels(step: number, { lon, lat }: { lon: number; lat: number }): GeoJSON.FeatureCollection {
  const nearest = (value: number) => Math.round(value / step) * step;
  const reach = Math.floor(80 / step) * step;
  const [meridian, parallel] = [nearest(lon), Math.min(reach, Math.max(-reach, nearest(lat)))];
  const label = (at: [number, number], text: string, kind: string): GeoJSON.Feature => ({
    type: "Feature",
    properties: { text, kind },
    geometry: { type: "Point", coordinates: at },
  });
  // Names beyond a quarter of the globe would not be seen.
  const count = Math.min(Math.floor(180 / step), 12);
  const around = Array.from({ length: 2 * count + 1 }, (_, index) => (index - count) * step);
  const meridians = around.map((by) => {
    const value = wrapped(meridian + by);
    return label([value, parallel], degrees(value, "E", "W"), "meridian");
  });
  const parallels = around
    .map((by) => parallel + by)
    .filter((value) => Math.abs(value) <= reach)
    .map((value) => label([wrapped(meridian), value], degrees(value, "N", "S"), "parallel"));
  return { type: "FeatureCollection", features: [...meridians, ...parallels] };
}

function degrees(value: number, positive: string, negative: string): string {
  const size = Math.abs(Number(value.toFixed(2)));
  const isPlain = size === 0 || size === 180;
  return `${size}°${isPlain ? "" : value > 0 ? positive : negative}`;
}

/** Lines every `step` degrees, with points close enough together for a globe. */
export function graticule(step: number): GeoJSON.FeatureCollection {
  const line = (coordinates: [number, number][], value: number, kind: string): GeoJSON.Feature => ({
    type: "Feature",
    properties: { kind, value },
    geometry: { type: "LineString", coordinates },
  });
  const range = (from: number, to: number, by: number) =>
    Array.from({ length: Math.round((to - from) / by) + 1 }, (_, index) => from + index * by);
  const meridians = range(-180, 180 - step, step).map((lon) =>
    line(
      range(-85, 85, 2.5).map((lat): [number, number] => [lon, lat]),
      lon,
      "meridian",
    ),
  );
  const reach = Math.floor(85 / step) * step;
  const parallels = range(-reach, reach, step).map((lat) =>
    line(
      range(-180, 180, 2.5).map((lon): [number, number] => [lon, lat]),
      lat,
      "parallel",
    ),
  );
  return { type: "FeatureCollection", features: [...meridians, ...parallels] };
}
