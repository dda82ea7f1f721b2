/** Positions on the map. */

/** Mercator x of a longitude: 0 at -180, 1 at 180, running on beyond. */
export const mercatorX = (lon: number): number => (lon + 180) / 360;

/** Mercator y of a latitude: 0 in the north at 85.05 degrees, 1 in the south. */
export function mercatorY(lat: number): number {
  const sine = Math.sin((lat * Math.PI) / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
}

export const longitudeOf = (x: number): number => x * 360 - 180;

export const latitudeOf = (y: number): number => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;

/** A longitude from -180 to 180. */
export const wrapped = (lon: number): number => lon - 360 * Math.floor((lon + 180) / 360);

const RADIUS_KM = 6371.0088;

/** Distance of two places on the sphere in kilometres. */
export function distanceKm(lon1: number, lat1: number, lon2: number, lat2: number): number {
  const radians = Math.PI / 180;
  const a =
    Math.sin(((lat2 - lat1) * radians) / 2) ** 2 +
    Math.cos(lat1 * radians) * Math.cos(lat2 * radians) * Math.sin(((lon2 - lon1) * radians) / 2) ** 2;
  return 2 * RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(a)));
}

/** A box in longitude (continuous, may pass 180) and latitude. */
export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

/** True if two boxes have a place in common, on any turn of the globe. */
export function overlaps(a: Box, b: Box): boolean {
  if (a.south > b.north || a.north < b.south) return false;
  const turns = Math.round((a.west + a.east - b.west - b.east) / 720);
  return [turns - 1, turns, turns + 1].some((turn) => a.west <= b.east + 360 * turn && a.east >= b.west + 360 * turn);
}
