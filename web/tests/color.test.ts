import { expect, test } from "vitest";
import { COLOR_MAPS, colorsOf } from "../src/color/maps.ts";
import { cumulative, lookupTable, placeOf, usable, valueAt } from "../src/color/scale.ts";
import { format, formatPlace, formatTime, logTicks, prettyUnits, ticks } from "../src/color/ticks.ts";

test("every colour map has 256 colours, and its reverse is its reverse", () => {
  expect(COLOR_MAPS.length).toBeGreaterThan(35);
  for (const map of COLOR_MAPS) {
    expect(map.rgb.length, map.name).toBe(768);
    expect([...colorsOf(`${map.name}_r`).slice(0, 3)], map.name).toEqual([...map.rgb.slice(765)]);
  }
  // matplotlib's own first and last colours of viridis.
  expect([...colorsOf("viridis").slice(0, 3)]).toEqual([68, 1, 84]);
  expect([...colorsOf("viridis").slice(765)]).toEqual([253, 231, 37]);
});

test("diverging maps are palest in the middle", () => {
  const lightness = (rgb: Uint8Array, at: number) => rgb[3 * at]! + rgb[3 * at + 1]! + rgb[3 * at + 2]!;
  const balance = colorsOf("balance");
  expect(lightness(balance, 128)).toBeGreaterThan(Math.max(lightness(balance, 10), lightness(balance, 245)));
});

test("places and values are inverse to each other", () => {
  for (const stretch of [
    { range: [-0.3, 0.7] as [number, number], scale: "linear" as const, histogram: null },
    { range: [1e-4, 20] as [number, number], scale: "log" as const, histogram: null },
  ]) {
    for (const place of [0, 0.1, 0.5, 0.99, 1])
      expect(placeOf(valueAt(place, stretch), stretch)).toBeCloseTo(place, 12);
  }
});

test("an equalised table gives equal shares of values equal shares of colours", () => {
  const histogram = { edges: [0, 1, 2, 3, 4], counts: [10, 30, 30, 30] };
  const share = cumulative(histogram, [0, 4]);
  expect(share(1)).toBeCloseTo(0.1);
  expect(share(2.5)).toBeCloseTo(0.55);
  const linear = lookupTable("gray", { range: [0, 4], scale: "linear", histogram });
  const equalized = lookupTable("gray", { range: [0, 4], scale: "equalized", histogram });
  const at = 4 * Math.round(1023 / 4);
  expect(linear[at]).toBeGreaterThan(equalized[at]!);
  expect(equalized.length).toBe(4096);
});

test("ranges that cannot be shown become ones that can", () => {
  expect(usable([-1, 10], "log")).toEqual([0.01, 10]);
  const [low, high] = usable([2, 2], "linear");
  expect(low).toBeLessThan(high);
});

test("ticks are round and inside", () => {
  expect(ticks(-0.31, 0.31, 5)).toEqual([-0.2, 0, 0.2]);
  expect(ticks(0, 1, 4)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(logTicks(0.01, 30)).toEqual([0.01, 0.1, 1, 10]);
  expect(logTicks(0.5, 5)).toEqual([0.5, 1, 2, 5]);
});

test("numbers, units, places and times read as in a paper", () => {
  expect(format(-0.25, 0.25)).toBe("−0.25");
  expect(format(2, 0.5)).toBe("2.0");
  expect(format(0.1234, 0.0001)).toBe("0.1234");
  expect(format(1.5e-5)).toBe("1.5×10⁻⁵");
  expect(format(Number.NaN)).toBe("–");
  expect(prettyUnits("m s-1")).toBe("m s⁻¹");
  expect(prettyUnits("m2 / cpkm")).toBe("m² / cpkm");
  expect(prettyUnits("(m)2 / cpkm")).toBe("m² / cpkm");
  expect(prettyUnits("degrees_north")).toBe("°");
  expect(prettyUnits("1")).toBe("");
  expect(formatPlace(-20.5, -35.25, 2)).toBe("35.25°S 20.50°W");
  expect(formatTime(0)).toBe("2000-01-01 00:00:00");
});
