/** What is seen and asked with the mouse: timeline, colour bar, flags, cursors of plots, regions, errors. */

import type { Locator } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { Handle } from "../src/main.tsx";
import type { FlagCounts, Passes, Profile } from "../src/transport/types.ts";
import { ask, downloaded, go, isSkipped, samples, shared, spotOf, viewOf, whole } from "./page.ts";

const GROUP = "L2_LR_SSH_Basic.C.science";
const NEAR = "#at=-20.5,35,6.6&variable=ssha_karin_2&cycle=12";
const PINNED = `${NEAR}&pin=-20.6,35,16,2964,52`;
const REGION = `${NEAR}&tab=region&region=-21,34;-19,36`;
const FLAG = "ssha_karin_2_qual";

describe.skipIf(isSkipped())("seen and asked with the mouse", () => {
  const opened = shared(NEAR);
  beforeAll(() => opened.context.grantPermissions(["clipboard-read", "clipboard-write"]));

  /** A spot of an element, in parts of its width and height. */
  async function spotIn(what: Locator, across: number, down: number): Promise<[number, number]> {
    const box = (await what.boundingBox())!;
    return [box.x + across * box.width, box.y + down * box.height];
  }

  const asked = (what: RegExp, since: number) => opened.requests.slice(since).filter((url) => what.test(url));

  test("the timeline tells what exists and what is missing, and chooses cycles A and B", async () => {
    const { page } = opened;
    await go(page, NEAR);
    const timeline = page.getByRole("slider", { name: "Cycle", exact: true });
    const tip = page.locator(".coverage .tip");
    // Three cycles to the right, three passes down.
    await page.mouse.move(...(await spotIn(timeline, 5 / 6, 0.6)));
    expect(await tip.textContent()).toMatch(/^Cycle 12: 3 of 584 passes · pass 16 · .*20\d\d-\d\d-\d\d/);
    await page.mouse.move(...(await spotIn(timeline, 1 / 2, 0.1)));
    expect(await tip.textContent()).toBe("Cycle 11: 2 of 584 passes · pass 1 is missing");
    await page.mouse.down();
    await page.mouse.up();
    expect((await viewOf(page)).cycle).toBe(11);
    await page.keyboard.down("Shift");
    await page.mouse.click(...(await spotIn(timeline, 1 / 6, 0.4)));
    await page.keyboard.up("Shift");
    expect(await viewOf(page)).toMatchObject({ cycle: 11, compare: "difference", cycleB: 10 });
    await whole(page);
  });

  test("all cycles together: each statistic is another picture, of values that the tiles hold", async () => {
    const { page } = opened;
    await go(page, "#at=-20.5,35,6.6&variable=ssha_karin_2&cycle=12&projection=mercator");
    await page.getByRole("checkbox", { name: "Combine all cycles" }).check();
    const middle: number[] = [];
    for (const [name, kind] of [
      ["Mean", "mean"],
      ["Std", "std"],
      ["Count", "count"],
    ] as const) {
      const since = opened.requests.length;
      await page.getByRole("radio", { name, exact: true }).click();
      await whole(page);
      if (kind !== "mean") expect(asked(new RegExp(`stat=${kind}`), since).length).toBeGreaterThan(0);
      const found = await samples(page, 30, 9);
      for (const { value, a } of found) expect(value).toBeCloseTo(a!, 4);
      middle.push(found.map(({ value }) => value).sort((x, y) => x - y)[15]!);
    }
    // Values of three cycles at most, and cells of a pixel together.
    expect(new Set(middle).size).toBe(3);
    expect(middle[2]).toBeGreaterThanOrEqual(1);
    expect(Number.isInteger(middle[2])).toBe(true);
  });

  test("dragging the colour bar changes the range, with no request; logarithms and a double click fit", async () => {
    const { page } = opened;
    await go(page, NEAR);
    await page.waitForLoadState("networkidle");
    const shot = () => page.locator(".map-canvas").screenshot();
    const before = await shot();
    const since = opened.requests.length;
    const bar = page.locator(".color-bar-bar");
    await page.mouse.move(...(await spotIn(bar, 0.9, 0.5)));
    await page.mouse.down();
    await page.mouse.move(...(await spotIn(bar, 0.8, 0.5)), { steps: 3 });
    await page.mouse.up();
    const dragged = (await viewOf(page)).range!;
    expect(dragged[1]).toBeGreaterThan(dragged[0]);
    await page.waitForTimeout(300);
    const narrow = await shot();
    expect(narrow.equals(before)).toBe(false);
    await page.getByRole("radio", { name: "Log", exact: true }).click();
    await page.waitForTimeout(300);
    expect((await shot()).equals(narrow)).toBe(false);
    await page.getByRole("radio", { name: "Linear", exact: true }).click();
    await bar.dblclick();
    await expect.poll(async () => (await viewOf(page)).range).not.toEqual(dragged);
    const fitted = (await viewOf(page)).range!;
    const values = (await samples(page, 60, 3)).map(({ value }) => value);
    expect(values.filter((value) => value < fitted[0] || value > fitted[1]).length).toBeLessThan(8);
    expect(opened.requests.slice(since)).toEqual([]);
  });

  test("flags tell how many pixels they reject, and a mask leaves exactly the others", async () => {
    const { page } = opened;
    await go(page, PINNED);
    await page.locator(".flags summary").click();
    const counts = await ask<FlagCounts>(page, `flags?group=${GROUP}&var=${FLAG}&cycles=12&passes=16`);
    /** Raw flags of pixels that are drawn. */
    const flagsDrawn = async () =>
      page.evaluate(
        (cells) => {
          const { current, readAt } = (window as unknown as { karin: Handle }).karin;
          return cells.map(([lon, lat]) => readAt(current()!.scene, lon, lat).flags ?? 0);
        },
        (await samples(page, 300, 5)).map(({ lon, lat }) => [lon, lat] as const),
      );
    type Flag = FlagCounts["flags"][number];
    const having = (raw: number[], { mask, value }: Flag) => raw.filter((one) => (one & mask) === (value | 0)).length;
    const before = await flagsDrawn();
    const [flag] = [...counts.flags].sort((a, b) => having(before, b) - having(before, a)) as [Flag];
    expect(having(before, flag)).toBeGreaterThan(0);
    const row = page.locator(".flag", { hasText: flag.name.replaceAll("_", " ") });
    const share = (100 * flag.count) / counts.count;
    const told = share < 0.1 ? "< 0.1" : share < 10 ? share.toFixed(1) : String(Math.round(share));
    await expect.poll(() => row.locator(".flag-count").textContent()).toBe(`${told} %`);
    const since = opened.requests.length;
    await row.getByRole("checkbox").check();
    await page.waitForTimeout(300);
    const after = await flagsDrawn();
    expect([after.length, having(after, flag)]).toEqual([300, 0]);
    const shot = () => page.locator(".map-canvas").screenshot();
    const masked = await shot();
    await page.getByRole("checkbox", { name: "Show why pixels are rejected" }).check();
    await page.waitForTimeout(300);
    expect((await shot()).equals(masked)).toBe(false);
    expect(asked(/strips|tiles/, since)).toEqual([]);
  });

  test("cursors move together: that of a profile on the map, that of the map in the strip", async () => {
    const { page } = opened;
    await go(page, `${PINNED}&tab=profile`);
    const plot = page.locator(".line-plot .u-over").first();
    await plot.waitFor();
    await page.mouse.move(...(await spotIn(plot, 0.7, 0.5)));
    const ghost = page.locator(".ghost");
    await ghost.waitFor({ state: "attached" });
    const profile = await ask<Profile>(
      page,
      `profile?group=${GROUP}&var=ssha_karin_2&cycle=12&pass=16&pixel=52&lines=2464-3464`,
    );
    const at = Math.round(0.7 * (profile.lon.length - 1));
    const { x, y } = await spotOf(page, profile.lon[at]!, profile.lat[at]!);
    const box = await ghost.evaluate((element) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      return { x: left + width / 2, y: top + height / 2 };
    });
    // Two per cent of the profile is 40 km: as many pixels at this zoom.
    expect(Math.hypot(box.x - x, box.y - y)).toBeLessThan(40);
    await page.mouse.move(640, 5);
    await expect.poll(() => ghost.count()).toBe(0);

    await go(page, `${PINNED}&tab=strip`);
    const strip = page.locator(".raster-plot canvas");
    await strip.waitFor();
    await page.waitForTimeout(300);
    const before = await strip.screenshot();
    const [sample] = (await samples(page, 40, 8)).filter(({ cell }) => cell?.pass === 16);
    const spot = await spotOf(page, sample!.lon, sample!.lat);
    await page.mouse.move(spot.x, spot.y);
    await expect.poll(async () => (await strip.screenshot()).equals(before)).toBe(false);
  });

  test("a region: its series, and the passes that saw it and will see it", async () => {
    const { page } = opened;
    await go(page, REGION);
    const passes = page.getByRole("region", { name: "Passes over the region" });
    await passes.getByText(/^\d+ passes until/).waitFor();
    await passes.getByText("So far").click();
    await passes.getByText(/^\d+ passes since/).waitFor();
    const time = await page.evaluate(
      () =>
        (window as unknown as { karin: Handle }).karin.view.group && fetch("api/v1/collections?").then((r) => r.json()),
    );
    const span = (time as { groups: { time: [string, string] }[] }).groups[0]!.time.join("..");
    const told = await ask<Passes>(page, `passes?group=${GROUP}&bbox=-21,34,-19,36&time=${span}`);
    const here = told.passes.filter(({ present }) => present);
    expect(here.length).toBeGreaterThan(0);
    await passes.getByText(`${told.passes.length} passes since`).waitFor();
    await passes.getByText(`${here.length} of them are here`).waitFor();
    const csv = await downloaded(page, () => passes.getByRole("button", { name: "CSV" }).click());
    expect(new TextDecoder().decode(csv).trim().split("\n").length).toBe(told.passes.length + 3);
    await page.getByRole("tab", { name: "Series" }).click();
    await page.getByText("ssha_karin_2 in the region").waitFor();
  });

  test("the data of a region are handed out in every form", async () => {
    const { page } = opened;
    await go(page, REGION);
    const beginnings = { netCDF: "\x89HDF", Zarr: "PK", Parquet: "PAR1", CSV: "cycle" };
    for (const [name, start] of Object.entries(beginnings)) {
      await page.getByRole("radio", { name, exact: true }).click();
      const file = await downloaded(page, () => page.getByRole("link", { name: "Download" }).click());
      expect(new TextDecoder("latin1").decode(file.subarray(0, 400)), name).toContain(start);
    }
  });

  test("a copied link opens the same view", async () => {
    const { page } = opened;
    await go(page, `${PINNED}&tab=histogram&quality=good&compare=blink&cycleB=10`);
    await page.keyboard.press("y");
    await page.getByText("Link copied.").waitFor();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    expect(link).not.toContain("token");
    const other = await opened.context.newPage();
    await other.goto(link);
    await whole(other);
    expect(await viewOf(other)).toEqual(await viewOf(page));
    await other.close();
  });

  test("what there is nothing of, and what goes wrong, is said with what to do", async () => {
    const { page } = opened;
    await go(page, `${NEAR}&tab=spectrum`);
    const dock = page.getByRole("complementary", { name: "Plots" });
    expect(await dock.textContent()).toMatch(/[Cc]lick|pin/);
    const problem = { kind: "too_much", status: 413, detail: "That is too much.", hint: "Take a smaller area." };
    await page.route(/api\/v1\/stats/, (route) => route.fulfill({ status: 413, json: problem }));
    await go(page, REGION);
    await dock.getByText("That is too much.").waitFor();
    await dock.getByText("Take a smaller area.").waitFor();
    await page.unroute(/api\/v1\/stats/);
    await page.route(/api\/v1\/histogram/, (route) => route.abort());
    await go(page, `${PINNED}&tab=histogram`);
    await dock.getByText("The karin server does not answer.").waitFor();
    await page.unroute(/api\/v1\/histogram/);
  });

  test("work over a second tells how far it is", async () => {
    const { page } = opened;
    const progress = { job: "x", stage: "reading", done: 12, total: 84, bytes: 1 };
    const jobs: string[] = [];
    await page.route(/api\/v1\/progress/, (route) => {
      jobs.push(new URL(route.request().url()).searchParams.get("job")!);
      return route.fulfill({ json: progress });
    });
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const names: string[] = [];
    await page.route(/api\/v1\/stats/, async (route) => {
      names.push(new URL(route.request().url()).searchParams.get("job")!);
      await held;
      await route.continue();
    });
    await go(page, REGION);
    await page.getByText("Computing… 12 of 84 granules").waitFor();
    release();
    await page.getByText(/values of \d+ pass/).waitFor();
    await expect.poll(() => page.getByText("Computing…").count()).toBe(0);
    // It is asked after the work that is waited for.
    expect(jobs).toContain(names[0]);
    await page.unrouteAll({ behavior: "ignoreErrors" });
  });

  test("a viewer whose granules are gone says so", async () => {
    const { page } = opened;
    const other = await opened.context.newPage();
    await other.route(/api\/v1\/collections/, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...(await answer.json()), groups: [] } });
    });
    await other.goto(`${new URL(page.url()).origin}/`);
    await other.getByText("There are no granules here.").waitFor();
    await other.unroute(/api\/v1\/collections/);
    await other.getByRole("button", { name: "Try again" }).click();
    await whole(other);
    await other.close();
  });

  test("nothing else went wrong on the way", () => {
    expect(opened.trouble.filter((text) => !/413|ERR_FAILED/.test(text))).toEqual([]);
  });
});
