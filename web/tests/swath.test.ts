import { expect, test } from "vitest";
import { decode, type Mesh, stripsIn, type Tracks } from "../src/map/data.ts";
import { latitudeOf, longitudeOf, mercatorX, mercatorY, overlaps, wrapped } from "../src/map/geometry.ts";
import { quadIndices } from "../src/map/meshes.ts";
import { centreOf, locate } from "../src/map/pick.ts";

/** A swath that runs north-east across the antimeridian, by a closed form. */
function slanted(): Mesh {
  const line = Float32Array.from({ length: 33 }, (_, index) => index * 16 - 0.5);
  const pixel = Float32Array.from([-0.5, 15.5, 33.5, 51.5, 68.5]);
  const vertices = new Float32Array(line.length * pixel.length * 4);
  let at = 0;
  for (const l of line) {
    for (const p of pixel) {
      const [lon, lat] = place(l, p);
      vertices.set([mercatorX(lon), mercatorY(lat), l, p], at);
      at += 4;
    }
  }
  return { pass: 7, side: "", numLines: 512, numPixels: 69, line, pixel, vertices };
}

const place = (line: number, pixel: number): [number, number] => [
  177 + line * 0.008 + pixel * 0.017,
  40 + line * 0.016 - pixel * 0.006,
];

test("the pixel under a place is the one that is drawn there, across the antimeridian too", () => {
  const mesh = slanted();
  for (let line = 0; line < 512; line += 7) {
    for (let pixel = 0; pixel < 69; pixel += 5) {
      const centre = centreOf(mesh, line, pixel)!;
      // The closed form, with the mesh's interpolation in Mercator: less than a tenth of a pixel apart.
      const [lon, lat] = place(line, pixel);
      expect(Math.abs(longitudeOf(centre.x) - lon)).toBeLessThan(2e-3);
      expect(Math.abs(latitudeOf(centre.y) - lat)).toBeLessThan(2e-3);
      for (const turn of [0, -1]) {
        const cell = locate(mesh, 0, 512, centre.x + turn, centre.y)!;
        expect(Math.round(cell.line) - line).toBeCloseTo(0);
        expect(Math.round(cell.pixel) - pixel).toBeCloseTo(0);
      }
    }
  }
  expect(locate(mesh, 0, 512, mercatorX(170), mercatorY(44))).toBeNull();
  expect(locate(mesh, 0, 128, ...(Object.values(centreOf(mesh, 300, 3)!) as [number, number]))).toBeNull();
});

test("quads without a place are not drawn", () => {
  const whole = quadIndices(2, 3, () => true);
  expect([...whole]).toEqual([0, 1, 3, 1, 4, 3, 1, 2, 4, 2, 5, 4]);
  expect([...quadIndices(2, 3, (vertex) => vertex !== 5)].slice(6)).toEqual([0, 0, 0, 0, 0, 0]);
});

test("strips in view are found on either turn of the globe", () => {
  const count = 11;
  const line = Float32Array.from({ length: count }, (_, index) => index * 100);
  const lon = new Float32Array(3 * count);
  const lat = new Float32Array(3 * count);
  for (let edge = 0; edge < 3; edge++) {
    for (let point = 0; point < count; point++) {
      lon[edge * count + point] = 178 + point * 0.5 + edge * 0.5;
      lat[edge * count + point] = point * 1.5;
    }
  }
  const tracks: Tracks = { passes: Int32Array.of(3), count, line, lon, lat, time: new Float64Array(count) };
  const box = (west: number, east: number, south: number, north: number) =>
    stripsIn(tracks, { west, east, south, north }, 1024).get(3);
  expect(box(-179, -178, 0, 15)).toEqual([0, 512]);
  expect(box(178, 179, -1, 1)).toEqual([0]);
  expect(box(538, 539, -1, 1)).toEqual([0]);
  expect(box(100, 120, 0, 15)).toBeUndefined();
  expect(box(-179, -178, 40, 50)).toBeUndefined();
  // Where lines of a cut granule lie is not known: all of them may be seen.
  tracks.line.fill(Number.NaN);
  expect(box(178, 179, -1, 1)).toEqual([0, 512]);
  expect(box(100, 120, 0, 15)).toBeUndefined();
});

test("Mercator goes there and back", () => {
  for (const lat of [-84, -78, 0, 33.3, 78]) expect(latitudeOf(mercatorY(lat))).toBeCloseTo(lat, 9);
  expect(mercatorY(85.0511287798066)).toBeCloseTo(0, 9);
  expect(wrapped(190)).toBe(-170);
  expect(overlaps({ west: 170, east: 190, south: 0, north: 1 }, { west: -175, east: -171, south: 0, north: 1 })).toBe(
    true,
  );
});

test("raw numbers become true values", () => {
  expect(decode(1234, { scale: 1e-4, offset: 1, fill: -32768 })).toBeCloseTo(1.1234);
  expect(decode(-32768, { scale: 1e-4, offset: 1, fill: -32768 })).toBeNaN();
});
