/** Maps with the swath, by a user's hands. */

import { describe, expect, test } from "vitest";
import type { Handle } from "../src/main.tsx";
import { axe } from "./axe.ts";
import { ask, go, isSkipped, samples, shared, whole } from "./page.ts";

const NEAR = "#at=-20.5,35,6&variable=ssha_karin_2&cycle=12&tracks=false";

describe.skipIf(isSkipped())("layers", () => {
  const opened = shared(NEAR);

  const canvas = () => opened.page.locator(".map-canvas").screenshot();
  const layers = () =>
    opened.page.evaluate(() => JSON.parse(JSON.stringify((window as unknown as { karin: Handle }).karin.view.layers)));

  test("a layer is shown and hidden, and the address holds it", async () => {
    const before = await canvas();
    await opened.page.getByRole("checkbox", { name: "means", exact: true }).check();
    await whole(opened.page);
    expect(await layers()).toMatchObject([{ id: "means", variable: "ssha_karin_2", over: false }]);
    await expect.poll(async () => (await canvas()).equals(before)).toBe(false);
    await expect.poll(() => opened.page.url()).toContain("layer=means");
    await opened.page.reload();
    await whole(opened.page);
    expect(await layers()).toHaveLength(1);
    await opened.page.getByRole("checkbox", { name: "means", exact: true }).uncheck();
    expect(await layers()).toEqual([]);
    await opened.page.keyboard.press("Control+z");
    await whole(opened.page);
    expect(await layers()).toHaveLength(1);
  });

  test("colours, opacity and place of a layer change the picture and ask for nothing", async () => {
    await opened.page.waitForLoadState("networkidle");
    const asked = opened.requests.length;
    const shots = [await canvas()];
    const changed = async () => {
      await opened.page.waitForTimeout(500);
      const now = await canvas();
      expect(shots.some((shot) => shot.equals(now))).toBe(false);
      shots.push(now);
    };
    await opened.page.getByRole("combobox", { name: "Colour map of means" }).selectOption("viridis");
    await changed();
    await opened.page.getByRole("radio", { name: "Over" }).click();
    await changed();
    await opened.page.getByLabel("Opacity of means").fill("0.4");
    await changed();
    await opened.page.getByLabel("Highest value of the colours of means").fill("0.05");
    await opened.page.keyboard.press("Enter");
    await changed();
    await opened.page.getByRole("checkbox", { name: "As the swath" }).check();
    await changed();
    expect(opened.requests.slice(asked)).toEqual([]);
  });

  test("the value under the cursor is that of the tile, and values of the swath stay its own", async () => {
    await go(opened.page, `${NEAR}&layer=means~ssha_karin_2~over`);
    const found = await samples(opened.page, 20, 5);
    for (const sample of found) expect(sample.value).toBeCloseTo(sample.a!, 5);
    const { lon, lat } = found[0]!;
    const read = await opened.page.evaluate(
      ([x, y]) => {
        const { current, readAt } = (window as unknown as { karin: Handle }).karin;
        return readAt(current()!.scene, x, y).layers;
      },
      [lon, lat] as const,
    );
    const range = await ask<{ min: number; max: number }>(opened.page, "layers/means/range?var=ssha_karin_2&steps=0");
    expect(read).toHaveLength(1);
    expect(read[0]!.value).toBeGreaterThanOrEqual(range.min);
    expect(read[0]!.value).toBeLessThanOrEqual(range.max);
    await opened.page.mouse.move(700, 330);
    await opened.page.locator(".readout-layer").waitFor();
    expect(await axe(opened.page)).toEqual([]);
    expect(opened.trouble).toEqual([]);
  });

  test("what the graticule shows has names", async () => {
    const names = () =>
      opened.page.evaluate(() => {
        const { map } = (window as unknown as { karin: Handle }).karin.current()!;
        return map.queryRenderedFeatures({ layers: ["names"] }).map((feature) => String(feature.properties.text));
      });
    await expect.poll(async () => (await names()).join()).toMatch(/\d+°W.*\d+°N|\d+°N.*\d+°W/);
    await opened.page.getByRole("checkbox", { name: "Graticule" }).uncheck();
    await expect.poll(names).toEqual([]);
  });
});
