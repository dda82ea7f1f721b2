import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { graticule } from "../src/map/graticule.ts";
import { polygons, type Ring, readRings, shores } from "../src/map/land.ts";

const table = (detail: string) =>
  new Uint8Array(readFileSync(new URL(`../../crates/karin/assets/land-${detail}.bin`, import.meta.url)));

function isIn(x: number, y: number, rings: Ring[]): boolean {
  let crossings = 0;
  for (const ring of rings) {
    ring.forEach(([x1, y1], index) => {
      const [x2, y2] = ring[(index + 1) % ring.length]!;
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) crossings++;
    });
  }
  return crossings % 2 === 1;
}

test.each(["110m", "50m"])("land %s is cut at 180 degrees, and known from sea", (detail) => {
  const land = polygons(readRings(table(detail)));
  const isLand = (x: number, y: number) => land.some((polygon) => isIn(x, y, polygon));
  const edges = land.flat().flatMap((ring) => ring.slice(1).map((to, index) => ({ from: ring[index]!, to })));
  expect(edges.filter(({ from }) => Math.abs(from[0]) > 180)).toEqual([]);
  // Only Antarctica's edge along the pole runs round the world.
  expect(edges.filter(({ from, to }) => Math.abs(to[0] - from[0]) >= 180 && to[1] > -89.9)).toEqual([]);
  const places: [string, number, number, boolean][] = [
    ["Toulouse", 1.44, 43.6, true],
    ["Alice Springs", 133.9, -23.7, true],
    ["South Pole", 0.5, -89, true],
    ["Chukotka", -175, 66.8, true],
    ["Chukotka, west of 180", 178, 67.5, true],
    ["Bay of Biscay", -5, 45.5, false],
    ["Baltic Sea", 19.5, 57.8, false],
    ["Norwegian Sea", 4, 66, false],
    ["Caspian Sea", 51, 41, false],
    ["Fiji's latitude", -160, -16.5, false],
    ["Point Nemo", -123.4, -48.9, false],
  ];
  for (const [name, x, y, expected] of places) expect(isLand(x, y), name).toBe(expected);
  const drawn = shores(land).flatMap((line) => line.slice(1).map((to, index) => ({ from: line[index]!, to })));
  expect(drawn.filter(({ from, to }) => Math.abs(to[0] - from[0]) >= 180)).toEqual([]);
  expect(drawn.filter(({ from, to }) => from[0] === to[0] && Math.abs(from[0]) === 180)).toEqual([]);
});

test("a table that is cut short is told", () => {
  expect(() => readRings(table("110m").subarray(0, 1000))).toThrow("cut short");
});

test("meridians and parallels lie at multiples of the step", () => {
  const lines = graticule(30).features;
  const values = (kind: string) =>
    lines.filter((one) => one.properties?.kind === kind).map((one) => one.properties?.value);
  expect(values("meridian")).toEqual([-180, -150, -120, -90, -60, -30, 0, 30, 60, 90, 120, 150]);
  expect(values("parallel")).toEqual([-60, -30, 0, 30, 60]);
});
