/** What is drawn is what the engine says. */

import { describe, expect, test } from "vitest";
import type { Handle } from "../src/main.tsx";
import { distanceKm } from "../src/map/geometry.ts";
import type { Point } from "../src/transport/types.ts";
import { ask, go, isSkipped, type Sample, samples, shared } from "./page.ts";

const GROUP = "L2_LR_SSH_Basic.C.science";

describe.skipIf(isSkipped())("pixels", () => {
  const opened = shared("#at=-20,35,1.9");

  test("the pictures are drawn by WebGL2", async () => {
    const { page, trouble } = opened;
    const renderer = await page.evaluate(() => {
      const gl = document.createElement("canvas").getContext("webgl2");
      const info = gl?.getExtension("WEBGL_debug_renderer_info");
      return info ? String(gl?.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
    });
    expect(renderer).not.toBe("");
    expect(trouble).toEqual([]);
  });

  /** Compares samples with the exact values of their pixels, and their places with those of the pixels. */
  async function compare(found: Sample[], variable: string): Promise<void> {
    const wrong: string[] = [];
    for (let start = 0; start < found.length; start += 50) {
      const some = found.slice(start, start + 50);
      const points = await opened.page.evaluate(
        ([cells, group, name]) =>
          Promise.all(
            cells.map(async (cell) => {
              const place = `pass=${cell.pass}&line=${cell.line}&pixel=${cell.pixel}`;
              const response = await fetch(`api/v1/point?group=${group}&cycle=12&${place}&var=${name}`);
              return (await response.json()) as Point;
            }),
          ),
        [some.map((sample) => sample.cell!), GROUP, variable] as const,
      );
      points.forEach((point, index) => {
        const sample = some[index]!;
        const value = point.values[0]?.value ?? Number.NaN;
        // What is drawn went through float32: six digits are the same.
        const isEqual = Math.abs(value - sample.value) <= 2e-6 * Math.max(1, Math.abs(value));
        // A cell of 2 km reaches 1.42 km from its centre, and a little more where lines lie apart.
        const away = distanceKm(point.lon, point.lat, sample.lon, sample.lat);
        if (!isEqual || away > 1.7) wrong.push(`${JSON.stringify(sample)}: ${value}, ${away.toFixed(2)} km`);
      });
    }
    expect(wrong).toEqual([]);
  }

  /** Where a pass crosses the antimeridian, and where one turns in the north: from the outlines that the page has. */
  const specialPlaces = () =>
    opened.page.evaluate(() => {
      const { lon, lat, count, passes } = (window as unknown as { karin: Handle }).karin.tracks()!;
      const turn = (x: number) => Math.floor((x + 180) / 360);
      let [crossing, turning, north] = [0, 0, 0];
      for (let pass = 0; pass < passes.length; pass++) {
        for (let point = 0; point + 1 < count; point++) {
          const at = (pass * 3 + 1) * count + point;
          if (turn(lon[at]!) !== turn(lon[at + 1]!) && Math.abs(lat[at]!) < 60) crossing = lat[at]!;
          if (lat[at]! > north) [turning, north] = [lon[at]! - 360 * turn(lon[at]!), lat[at]!];
        }
      }
      return { crossing, turning };
    });

  const views = [
    ["mid-latitudes, on the globe", "#at=-20.5,35,6.6&variable=ssha_karin_2&cycle=12", 300],
    ["the antimeridian", "#at=180,CROSSING,6.6&variable=ssha_karin_2&cycle=12", 250],
    ["78 degrees north, Mercator", "#at=TURNING,77.5,6.2&variable=ssha_karin_2&projection=mercator&cycle=12", 250],
    ["floating numbers of a derived quantity", "#at=-20.5,35,7&variable=ssha&cycle=12", 200],
  ] as const;
  test.each(views)("%s: read back, they are the engine's values at their places", async (_, hash, count) => {
    const { crossing, turning } = await specialPlaces();
    await go(opened.page, hash.replace("CROSSING", crossing.toFixed(3)).replace("TURNING", turning.toFixed(3)));
    const found = await samples(opened.page, count, 7);
    expect(found.length).toBe(count);
    expect(found.filter((sample) => !sample.cell)).toEqual([]);
    await compare(found, hash.includes("variable=ssha_karin_2") ? "ssha_karin_2" : "ssha");
    expect(opened.trouble).toEqual([]);
  });

  test("the difference of two cycles is that of their values", async () => {
    await go(opened.page, "#at=-20.5,35,7&variable=ssha_karin_2&compare=difference&cycle=12&cycleB=10");
    const found = await samples(opened.page, 60, 3);
    expect(found.length).toBe(60);
    for (const { value, cell } of found.slice(0, 25)) {
      const place = `group=${GROUP}&pass=${cell!.pass}&line=${cell!.line}&pixel=${cell!.pixel}&var=ssha_karin_2`;
      const [a, b] = await Promise.all(
        [12, 10].map((cycle) => ask<Point>(opened.page, `point?${place}&cycle=${cycle}`)),
      );
      expect(value).toBeCloseTo(a!.values[0]!.value! - b!.values[0]!.value!, 5);
    }
  });

  test("the difference of two variables is that of their values, integers less floats too", async () => {
    await go(
      opened.page,
      "#at=-20.5,35,7&variable=ssha_karin_2&compare=difference&cycle=12&cycleB=12&variableB=height_cor_xover",
    );
    const stored = await samples(opened.page, 20, 3);
    await go(opened.page, "#at=-20.5,35,7&variable=ssha_karin_2&compare=difference&cycle=12&cycleB=11&variableB=ssha");
    const derived = await samples(opened.page, 20, 4);
    expect([stored.length, derived.length]).toEqual([20, 20]);
    const check = async ({ value, cell }: Sample, name: string, cycle: number) => {
      const place = `group=${GROUP}&pass=${cell!.pass}&line=${cell!.line}&pixel=${cell!.pixel}`;
      const of = async (variable: string, at: number) =>
        (await ask<Point>(opened.page, `point?${place}&cycle=${at}&var=${variable}`)).values[0]!.value!;
      expect(value).toBeCloseTo((await of("ssha_karin_2", 12)) - (await of(name, cycle)), 5);
    };
    for (const sample of stored) await check(sample, "height_cor_xover", 12);
    for (const sample of derived) await check(sample, "ssha", 11);
    expect(opened.trouble).toEqual([]);
  });

  test("from afar, what is drawn is what the tiles hold", async () => {
    await go(opened.page, "#at=-30,20,3&projection=mercator");
    const found = await samples(opened.page, 300, 5);
    expect(found.length).toBe(300);
    expect(found.filter(({ value, a }) => !(Math.abs(value - (a ?? Number.NaN)) < 1e-5))).toEqual([]);
  });
});
