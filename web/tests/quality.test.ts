import { expect, test } from "vitest";
import { rejected, rejectedBits } from "../src/model/look.ts";
import { flagNames } from "../src/panels/readout.tsx";
import type { FlagSet } from "../src/transport/types.ts";

const bits: FlagSet = {
  kind: "bits",
  flags: [
    { name: "suspect_rain", mask: 1, value: 1, level: "suspect" },
    { name: "degraded_ice", mask: 2 ** 30, value: 2 ** 30, level: "degraded" },
    { name: "bad_not_usable", mask: 2 ** 31, value: 2 ** 31, level: "bad" },
  ],
};

const names = (quality: "any" | "degraded" | "suspect" | "good", masks: string[] = []) =>
  rejected(bits, quality, masks).map(({ value }) => bits.flags.find((flag) => flag.value === value)!.name);

test("levels are cumulative, and masks add to them", () => {
  expect(names("any")).toEqual([]);
  expect(names("degraded")).toEqual(["bad_not_usable"]);
  expect(names("suspect")).toEqual(["degraded_ice", "bad_not_usable"]);
  expect(names("good")).toEqual(["suspect_rain", "degraded_ice", "bad_not_usable"]);
  expect(names("degraded", ["suspect_rain"])).toEqual(["suspect_rain", "bad_not_usable"]);
});

test("good means zero, whatever a bit is called", () => {
  expect(rejectedBits(bits, "good")).toBe(-1);
  expect(rejectedBits(bits, "suspect")).toBe(0);
  expect(rejectedBits({ ...bits, kind: "values" }, "good")).toBe(0);
});

test("flags are told by name, the sign bit too", () => {
  expect(flagNames(1 | (2 ** 31), bits)).toEqual(["suspect_rain", "bad_not_usable"]);
  expect(flagNames(0, bits)).toEqual([]);
});
