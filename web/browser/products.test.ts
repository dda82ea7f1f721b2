/** Several products side by side, at their full sizes: 2 km, 250 m, and granules of L3 from orbit. */

import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { distanceKm } from "../src/map/geometry.ts";
import type { Collections, Point, Profile } from "../src/transport/types.ts";
import { ask, go, isSkipped, launch, type Opened, open, type Sample, samples } from "./page.ts";
import { type Served, serve } from "./server.ts";

const BASIC = "L2_LR_SSH_Basic.C.science";
const EXPERT = "L2_LR_SSH_Expert.C.science";
/** Granules that were measured in orbit. */
const L3 = join(process.env.KARIN_SHARED_DATA ?? join(import.meta.dirname, "../../../shared/data"), "swot_l3");
const WITH_KARIN = join(L3, "SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc");
const NADIR_ALONE = join(L3, "SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc");
const hasL3 = existsSync(WITH_KARIN) && existsSync(NADIR_ALONE);
if (!hasL3 && !isSkipped()) {
  console.warn("tests of granules from orbit skipped: they are not here");
  if (process.env.KARIN_SKIP_LOG) appendFileSync(process.env.KARIN_SKIP_LOG, "web/browser/products: no L3 granules\n");
}

describe.skipIf(isSkipped())("products", () => {
  let browser: Browser;
  let opened: Opened;
  let served: Served;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "karin-products-"));
    const simulate = (product: string, variables: string, ...more: string[]) =>
      execFileSync(inject("karin"), [
        ...["simulate", join(folder, product), "--product", product, "--cycles", "12", "--passes", "16", "--quiet"],
        ...["--vars", variables, ...more],
      ]);
    const flagged = "ssha_karin_2,ssha_karin_2_qual,height_cor_xover";
    simulate("L2_LR_SSH_Basic", flagged);
    simulate("L2_LR_SSH_Expert", flagged, "--seed", "1");
    simulate("L2_LR_SSH_Unsmoothed", "ssh_karin_2");
    served = await serve(inject("karin"), [folder, ...(hasL3 ? [WITH_KARIN, NADIR_ALONE] : [])], join(folder, "cache"));
    browser = await launch();
    opened = await open(browser, `#at=-20.5,35,6.6&group=${BASIC}&variable=ssha_karin_2`, { link: served.link });
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const groupOf = async (text: RegExp) => {
    const { groups } = await ask<Collections>(opened.page, "collections?");
    return groups.find(({ id }) => text.test(id))!;
  };

  /** The value of the pixel that a sample lies in, by another question than the one that drew it. */
  async function point(sample: Sample, group: string, cycle: number, variable: string): Promise<Point> {
    const { pass, side, line, pixel } = sample.cell as NonNullable<Sample["cell"]> & { side: string };
    const beside = side ? `&side=${side}` : "";
    const place = `pass=${pass}&line=${line}&pixel=${pixel}${beside}`;
    return ask<Point>(opened.page, `point?group=${group}&cycle=${cycle}&${place}&var=${variable}`);
  }

  /** A place where a granule has a nadir value. */
  async function nadirLine(group: string): Promise<{ lon: number; lat: number }> {
    const path = `profile?group=${group}&cycle=26&pass=165&var=ssha&pixel=34`;
    const { values, lon, lat } = await ask<Profile>(opened.page, path);
    const at = values.findIndex((value) => value !== null);
    return { lon: lon[at]!, lat: lat[at]! };
  }

  test("the difference of two products on one grid is drawn pixel by pixel", async () => {
    const hash = `#at=-20.5,35,7&group=${BASIC}&variable=ssha_karin_2&cycle=12&compare=difference&cycleB=12`;
    await go(opened.page, `${hash}&groupB=${EXPERT}`);
    const found = await samples(opened.page, 30, 3);
    expect(found.length).toBe(30);
    let largest = 0;
    for (const sample of found) {
      expect(sample.cell).not.toBeNull();
      const [a, b] = [await point(sample, BASIC, 12, "ssha_karin_2"), await point(sample, EXPERT, 12, "ssha_karin_2")];
      expect(sample.value).toBeCloseTo(a.values[0]!.value! - b.values[0]!.value!, 5);
      largest = Math.max(largest, Math.abs(sample.value));
    }
    expect(largest).toBeGreaterThan(0.01);
    await opened.page
      .getByText(/Basic.*−.*Expert/)
      .first()
      .waitFor();
  });

  test("products on different grids are subtracted as tiles", async () => {
    const { id } = await groupOf(/Unsmoothed/);
    // On the globe tiles are bent: which of their pixels lies at a place is exact on the flat map.
    const hash = `#at=-20.5,35,6.6&projection=mercator&group=${BASIC}&variable=ssha_karin_2&cycle=12`;
    await go(opened.page, `${hash}&compare=difference&cycleB=12&groupB=${id}&variableB=ssh_karin_2`);
    const found = await samples(opened.page, 60, 3);
    expect(found.length).toBe(60);
    for (const { value, a, b, cell } of found) {
      expect(cell).toBeNull();
      expect(value).toBeCloseTo(a! - b!, 4);
    }
  });

  test("pixels of 250 m are drawn one by one, on both sides", async () => {
    const { id } = await groupOf(/Unsmoothed/);
    await go(opened.page, `#at=-20.5,35,9.6&group=${id}&variable=ssh_karin_2&cycle=12`);
    const left = await samples(opened.page, 20, 3);
    await go(opened.page, `#at=-19.8,35,9.6&group=${id}&variable=ssh_karin_2&cycle=12`);
    const right = await samples(opened.page, 20, 5);
    const sides = new Set<string>();
    for (const sample of [...left, ...right]) {
      const told = await point(sample, id, 12, "ssh_karin_2");
      expect(sample.value).toBeCloseTo(told.values[0]!.value!, 3);
      // Half the diagonal of a pixel of 250 m is 177 m.
      expect(distanceKm(told.lon, told.lat, sample.lon, sample.lat)).toBeLessThan(0.25);
      sides.add((sample.cell as unknown as { side: string }).side);
    }
    expect([left.length + right.length, [...sides].sort()]).toEqual([40, ["left", "right"]]);
  });

  test.skipIf(!hasL3)("a granule of L3 from orbit: pixels, and nadir values where KaRIn was off", async () => {
    const { groups } = await ask<Collections>(opened.page, "collections?");
    const of = (cycle: number) => groups.find(({ id, cycles }) => id.startsWith("L3_") && cycles.includes(cycle))!;
    const old = of(1);
    const { lon, lat } = await ask<Point>(
      opened.page,
      `point?group=${old.id}&cycle=1&pass=155&line=140&pixel=20&var=ssha`,
    );
    await go(opened.page, `#at=${lon},${lat},7&group=${old.id}&variable=ssha&cycle=1`);
    const found = await samples(opened.page, 40, 3);
    expect(found.length).toBe(40);
    for (const sample of found) {
      const told = await point(sample, old.id, 1, "ssha");
      expect(sample.value).toBeCloseTo(told.values[0]!.value!, 5);
      expect(distanceKm(told.lon, told.lat, sample.lon, sample.lat)).toBeLessThan(1.7);
    }
    const off = of(26);
    // KaRIn was off: values of the nadir altimeter alone, in the pixel below it.
    const nadir = await nadirLine(off.id);
    await go(opened.page, `#at=${nadir.lon},${nadir.lat},10&group=${off.id}&variable=ssha&cycle=26`);
    const below = await samples(opened.page, 5, 3);
    expect(below.length).toBe(5);
    for (const sample of below) {
      expect(sample.cell?.pixel).toBe(34);
      expect(sample.value).toBeCloseTo((await point(sample, off.id, 26, "ssha")).values[0]!.value!, 5);
    }
    expect(opened.trouble).toEqual([]);
  });
});
