import { expect, test } from "vitest";
import { pieceOf } from "../src/map/layer_tiles.ts";
import { stepsAt } from "../src/model/layers.ts";
import { defaults, fromHash, toHash } from "../src/model/view.ts";

const day = (number: number): [string, string] => {
  const iso = `2024-01-${String(number).padStart(2, "0")}T00:00:00Z`;
  return [iso, iso];
};
const at = (from: number, to: number): [number, number] => [Date.parse(day(from)[0]), Date.parse(day(to)[0])];

test("a map is shown at the moment nearest to the middle of the cycle", () => {
  const map = { kind: "map" as const, times: [1, 5, 9, 28].map(day) };
  expect(stepsAt(map, at(1, 9))).toEqual([1]);
  expect(stepsAt(map, at(8, 12))).toEqual([2]);
  expect(stepsAt(map, at(30, 31))).toEqual([3]);
  expect(stepsAt(map, null)).toEqual([0]);
  expect(stepsAt({ kind: "map", times: [] }, at(1, 2))).toEqual([]);
  expect(stepsAt({ kind: "map", times: [[null, null]] }, at(1, 2))).toEqual([0]);
});

test("all tracks of the cycle are shown, the nearest one where there are none", () => {
  const tracks = { kind: "track" as const, times: [1, 5, 9, 28].map(day) };
  expect(stepsAt(tracks, at(2, 12))).toEqual([1, 2]);
  expect(stepsAt(tracks, at(15, 17))).toEqual([2]);
});

test("the address holds layers, and forgets what is no layer", () => {
  const layers = [
    { id: "dt_global", variable: "adt", over: false, opacity: 1, colorMap: "", range: null, same: false },
    {
      id: "S6A",
      variable: "data_01/ku/ssha",
      over: true,
      opacity: 0.45,
      colorMap: "vik_r",
      range: [-0.5, 1] as [number, number],
      same: true,
    },
  ];
  expect(fromHash(toHash({ ...defaults(), layers })).layers).toEqual(layers);
  expect(fromHash("#layer=~&layer=one&layer=a~b~over~NaN~~5").layers).toEqual([
    { id: "a", variable: "b", over: true, opacity: 1, colorMap: "", range: null, same: false },
  ]);
});

test("a coarser tile stands for one that is not there", () => {
  const tile = { values: null, scale: 1, offset: 0, header: {} as never };
  const item = pieceOf({ z: 3, x: 5, y: 2, wrap: -1 }, ({ z }) => (z === 1 ? { a: tile, b: null } : null));
  expect(item).toMatchObject({ z: 3, x: -3, y: 2, piece: [0.25, 0.5, 0.25, 0.25] });
  expect(pieceOf({ z: 3, x: 5, y: 2, wrap: 0 }, () => null)).toBeNull();
});
