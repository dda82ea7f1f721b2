/** Meridians and parallels. */

/** Degrees between the lines of the graticule at a zoom of the map. */
export function graticuleStep(zoom: number): number {
  if (zoom < 2.5) return 30;
  if (zoom < 4) return 15;
  if (zoom < 5.2) return 10;
  if (zoom < 6.3) return 5;
  if (zoom < 7.6) return 2;
  return zoom < 9 ? 1 : 0.5;
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
