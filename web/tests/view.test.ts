import { expect, test } from "vitest";
import { start, view } from "../src/model/store.ts";
import { defaults, fromHash, toHash, type View } from "../src/model/view.ts";

const elsewhere: View = {
  ...defaults(),
  group: "L2_LR_SSH_Expert.D.science",
  variable: "my_height",
  lets: ["my_height=ssha_karin_2 + height_cor_xover", "twice=2*ssha_karin_2"],
  quality: "good",
  where: "abs(cross_track_distance) > 1e4 and ssha_karin_2 < 1",
  masks: ["suspect_rain_likely", "degraded_ice"],
  why: true,
  cycle: 475,
  cycleB: 474,
  compare: "swipe",
  divide: 0.25,
  colorMap: "vik_r",
  range: [-0.25, 0.5],
  differenceRange: [-1e-7, 1e-7],
  scale: "log",
  tracks: false,
  projection: "mercator",
  theme: "light",
  lon: -179.9999,
  lat: -77.5,
  zoom: 8.25,
  bearing: 30,
  pitch: 45,
  tab: "hovmoller",
  pin: { lon: 179.5, lat: -60.25, pass: 584, line: 9865, pixel: 0 },
  region: [
    [170, -10],
    [-170, 10],
    [175, 20.5],
  ],
  variable2: "swh_karin",
};

test("the address holds the whole view", () => {
  expect({ ...defaults(), ...fromHash(toHash(elsewhere)) }).toEqual(elsewhere);
  expect({ ...defaults(), ...fromHash(toHash(defaults())) }).toEqual(defaults());
});

test("what is at its default is not in the address", () => {
  expect(toHash(defaults())).toBe("#at=-25,18,1.9");
});

test("nonsense in the address is as if it were not there", () => {
  const view = fromHash(
    "#at=1,2&quality=best&cycle=x&region=1,2;3&pin=1,2&range=a,b&tab=__proto__&tracks=maybe&nothing=1",
  );
  expect(view).toEqual({});
  expect(fromHash("#at=0,99,50")).toMatchObject({ lat: 89, zoom: 13 });
});

test("what was shown before leaves no trace in what is shown next, nor in links", () => {
  const { region, lets, masks, layers } = elsewhere;
  start({ ...defaults(), region, lets, masks, layers });
  start(defaults());
  expect(JSON.parse(JSON.stringify(view))).toEqual(defaults());
  expect(fromHash(toHash({ ...defaults(), region, lets, masks }))).toMatchObject({ region, lets, masks });
});
