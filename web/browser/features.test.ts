/** Everything that the viewer does, done by a user's hands. */

import { describe, expect, inject, test } from "vitest";
import { chunksOf } from "../src/export/apng.ts";
import type { Point, Stats } from "../src/transport/types.ts";
import { axe } from "./axe.ts";
import { ask, downloaded, go, isSkipped, open, samples, shared, spotOf, viewOf, whole } from "./page.ts";

const GROUP = "L2_LR_SSH_Basic.C.science";
/** Near enough for pixels, over pass 16 in the Atlantic. */
const NEAR = "#at=-20.5,35,6.6&variable=ssha_karin_2&cycle=12";
/** A pinned pixel in the middle of that view. */
const PINNED = `${NEAR}&pin=-20.6,35,16,2964,52`;

describe.skipIf(isSkipped())("the viewer", () => {
  const opened = shared(NEAR);

  test("the token is not in the address, and links hold the view alone", async () => {
    expect(opened.page.url()).not.toContain("token");
    expect(new URL(opened.page.url()).hash).toContain("variable=ssha_karin_2");
  });

  test("restyling asks the server for nothing, and changes the picture", async () => {
    await opened.page.waitForLoadState("networkidle");
    const before = await opened.page.locator(".map-canvas").screenshot();
    const asked = opened.requests.length;
    await opened.page.getByLabel("Lowest value of the colours").fill("-0.05");
    await opened.page.keyboard.press("Enter");
    await opened.page.getByRole("radio", { name: "Equalised" }).click();
    await opened.page.getByRole("radio", { name: "Good" }).click();
    await opened.page.waitForTimeout(400);
    const styled = await viewOf(opened.page);
    expect(styled.range?.[0]).toBe(-0.05);
    expect(opened.requests.slice(asked).filter((url) => url.includes("strips") || url.includes("tiles"))).toEqual([]);
    expect((await opened.page.locator(".map-canvas").screenshot()).equals(before)).toBe(false);
    for (let step = 0; step < 3; step++) await opened.page.keyboard.press("Control+z");
    expect((await viewOf(opened.page)).quality).toBe("any");
    await opened.page.keyboard.press("Control+Shift+z");
  });

  test("good leaves exactly the pixels that their flag calls good", async () => {
    await go(opened.page, `${NEAR}&quality=good`);
    const found = await samples(opened.page, 20, 11);
    for (const { cell } of found) {
      const place = `pass=${cell!.pass}&line=${cell!.line}&pixel=${cell!.pixel}`;
      const point = await ask<Point>(opened.page, `point?group=${GROUP}&cycle=12&${place}&var=ssha_karin_2`);
      expect(point.values[0]!.gate?.kept_by).toBe("good");
    }
  });

  test("keys step through cycles, and the address follows", async () => {
    await go(opened.page, NEAR);
    await opened.page.keyboard.press("[");
    await whole(opened.page);
    expect((await viewOf(opened.page)).cycle).toBe(11);
    await expect.poll(() => opened.page.url()).toContain("cycle=11");
    await opened.page.keyboard.press("]");
    expect((await viewOf(opened.page)).cycle).toBe(12);
    await opened.page.keyboard.press("]");
    await opened.page.getByText("This is the last cycle.").waitFor();
    await opened.page.keyboard.press(".");
    expect((await viewOf(opened.page)).pin?.pass).toBeGreaterThan(0);
  });

  test("play goes on by itself, and stops", async () => {
    await opened.page.keyboard.press(" ");
    await expect.poll(async () => (await viewOf(opened.page)).cycle, { timeout: 20_000 }).not.toBe(12);
    await opened.page.keyboard.press(" ");
    await opened.page.waitForTimeout(200);
    const { cycle } = await viewOf(opened.page);
    await opened.page.waitForTimeout(900);
    expect((await viewOf(opened.page)).cycle).toBe(cycle);
  });

  test("two cycles are subtracted, swiped and blinked", async () => {
    await go(opened.page, NEAR);
    await opened.page.keyboard.press("d");
    await whole(opened.page);
    expect(await viewOf(opened.page)).toMatchObject({ compare: "difference", cycle: 12, cycleB: 11 });
    await opened.page.keyboard.press("x");
    expect(await viewOf(opened.page)).toMatchObject({ cycle: 11, cycleB: 12 });
    await opened.page.keyboard.press("s");
    await whole(opened.page);
    const divider = opened.page.getByRole("slider", { name: "Divider between the two cycles" });
    await divider.focus();
    await opened.page.keyboard.press("ArrowLeft");
    expect((await viewOf(opened.page)).divide).toBeCloseTo(0.48);
    await opened.page.keyboard.press("b");
    const shot = () => opened.page.locator(".map-canvas").screenshot();
    const first = await shot();
    await expect.poll(async () => (await shot()).equals(first), { timeout: 5000, interval: 150 }).toBe(false);
    await opened.page.keyboard.press("b");
    expect((await viewOf(opened.page)).compare).toBe("off");
  });

  test("reload gives the same view and the same picture", async () => {
    await go(opened.page, `${NEAR}&range=-0.1,0.2&colorMap=vik_r&compare=swipe&cycleB=10&divide=0.3&graticule=false`);
    const before = [await viewOf(opened.page), await samples(opened.page, 25, 4)];
    await opened.page.reload();
    await whole(opened.page);
    expect([await viewOf(opened.page), await samples(opened.page, 25, 4)]).toEqual(before);
  });

  test("the cursor reads pixels without a request, and a click pins one", async () => {
    await go(opened.page, NEAR);
    await opened.page.waitForLoadState("networkidle");
    const [sample] = await samples(opened.page, 1, 21);
    const spot = await spotOf(opened.page, sample!.lon, sample!.lat);
    const asked = opened.requests.length;
    await opened.page.mouse.move(spot.x, spot.y);
    const readout = opened.page.locator(".readout");
    await expect
      .poll(() => readout.textContent())
      .toContain(`pass ${sample!.cell!.pass} · line ${sample!.cell!.line} · pixel ${sample!.cell!.pixel}`);
    expect(await readout.textContent()).toContain(sample!.value.toFixed(4).replace("-", "−"));
    expect(opened.requests.length).toBe(asked);
    await opened.page.mouse.click(spot.x, spot.y);
    await opened.page
      .getByRole("heading", {
        name: `Pass ${sample!.cell!.pass}, line ${sample!.cell!.line}, pixel ${sample!.cell!.pixel}`,
      })
      .waitFor();
    const row = opened.page.getByRole("row").filter({ hasText: "ssha_karin_2" }).first();
    expect(await row.textContent()).toContain(sample!.value.toFixed(4).replace("-", "−"));
  });

  const tabs: [string, string, RegExp][] = [
    ["strip", "line,pixel,ssha_karin_2", /cycle 12, pass 16/],
    ["profile", "line,distance_km,longitude,latitude,ssha_karin_2", /Along track, pixel 52/],
    ["hovmoller", "cycle,time,line,longitude,latitude,ssha_karin_2", /along pass 16/],
    ["series", "time,cycle,pass,ssha_karin_2,std,n", /at the place/],
    ["spectrum", "wavenumber_cpkm,wavelength_km,density,low,high", /Spectrum of ssha_karin_2/],
    ["histogram", "from,to,count", /Histogram of ssha_karin_2/],
    ["scatter", "ssha_karin_2,height_cor_xover", /height_cor_xover/],
  ];
  test.each(tabs)("%s is drawn, and its numbers are saved", async (tab, columns, title) => {
    await go(opened.page, `${PINNED}&tab=${tab}&variable2=height_cor_xover`);
    const head = opened.page.locator(".plot-head", { hasText: title }).first();
    await head.waitFor();
    const bytes = await downloaded(opened.page, () => head.getByRole("button", { name: "CSV" }).click());
    const lines = new TextDecoder().decode(bytes).trim().split("\n");
    expect(lines[2]).toBe(columns);
    expect(lines.length).toBeGreaterThan(4);
    expect(lines[1]).toContain("SWOT L2 LR SSH Basic");
    expect(await opened.page.locator(".line-plot canvas, .raster-plot canvas").count()).toBeGreaterThan(0);
  });

  test("a box is drawn, its statistics are the engine's, and its data and commands are handed out", async () => {
    await go(opened.page, NEAR);
    await opened.page.keyboard.press("r");
    await opened.page.mouse.move(600, 220);
    await opened.page.mouse.down();
    await opened.page.mouse.move(700, 300);
    await opened.page.mouse.move(760, 380);
    await opened.page.mouse.up();
    await opened.page.getByRole("heading", { name: "Take the data" }).waitFor();
    const { region } = await viewOf(opened.page);
    expect(region.length).toBe(2);
    const bbox = region
      .flat()
      .map((x: number) => x.toFixed(4))
      .join(",");
    const stats = await ask<Stats>(opened.page, `stats?group=${GROUP}&var=ssha_karin_2&cycles=12&bbox=${bbox}`);
    await opened.page.getByText(`${stats.count.toLocaleString("en")} values of`).waitFor();
    await expect.poll(() => opened.page.locator(".command").textContent()).toContain("karin extract");
    expect(await opened.page.locator(".command").textContent()).toContain("--bbox");
    const file = await downloaded(opened.page, () => opened.page.getByRole("link", { name: "Download" }).click());
    expect(new TextDecoder().decode(file.subarray(1, 4))).toBe("HDF");
    await opened.page.keyboard.press("Delete");
    expect((await viewOf(opened.page)).region).toEqual([]);
  });

  test("a polygon is drawn with clicks", async () => {
    await opened.page.keyboard.press("Shift+R");
    for (const [x, y] of [
      [600, 200],
      [760, 240],
      [640, 380],
    ] as const)
      await opened.page.mouse.click(x, y);
    await opened.page.keyboard.press("Enter");
    await opened.page.getByText("Polygon of 3 corners").waitFor();
    await opened.page.keyboard.press("Delete");
  });

  test("the picture and an animation of all cycles are saved", async () => {
    await go(opened.page, "#at=-20.5,35,6.6&variable=ssha_karin_2&cycle=12");
    const picture = chunksOf(await downloaded(opened.page, () => opened.page.keyboard.press("p")));
    const width = new DataView(picture[0]!.data.buffer, picture[0]!.data.byteOffset).getUint32(0);
    expect(width).toBeGreaterThan(1900);
    const animation = chunksOf(await downloaded(opened.page, () => opened.page.keyboard.press("Shift+P")));
    const control = animation.find(({ type }) => type === "acTL")!;
    expect(new DataView(control.data.buffer, control.data.byteOffset).getUint32(0)).toBe(3);
  });

  test("the palette finds variables and commands, the sheet shows keys", async () => {
    await opened.page.keyboard.press("/");
    await opened.page.keyboard.type("vorticity_over");
    await opened.page.keyboard.press("Enter");
    await whole(opened.page);
    expect((await viewOf(opened.page)).variable).toBe("vorticity_over_f");
    await opened.page.keyboard.press("?");
    await opened.page.getByRole("heading", { name: "Keys" }).waitFor();
    await opened.page.keyboard.press("Escape");
    await opened.page.keyboard.press("c");
    await opened.page.keyboard.type("lapaz");
    await opened.page.keyboard.press("Enter");
    expect((await viewOf(opened.page)).colorMap).toBe("lapaz");
  });

  test("an expression becomes a variable", async () => {
    await opened.page.keyboard.press("v");
    await opened.page.getByRole("button", { name: "New expression…" }).click();
    await opened.page.getByRole("textbox", { name: "Name" }).fill("twice");
    await opened.page.getByRole("textbox", { name: "Expression" }).fill("2 * ssha_karin_2");
    await opened.page.keyboard.press("Enter");
    await whole(opened.page);
    expect(await viewOf(opened.page)).toMatchObject({ variable: "twice", lets: ["twice=2 * ssha_karin_2"] });
    const [sample] = await samples(opened.page, 1, 2);
    const { pass, line, pixel } = sample!.cell!;
    const point = await ask<Point>(
      opened.page,
      `point?group=${GROUP}&cycle=12&pass=${pass}&line=${line}&pixel=${pixel}&var=ssha_karin_2`,
    );
    expect(sample!.value).toBeCloseTo(2 * point.values[0]!.value!, 5);
  });

  test("nothing went wrong on the way, and nothing was fetched from elsewhere", () => {
    expect(opened.trouble).toEqual([]);
  });

  const screens: [string, string, "dark" | "light"][] = [
    ["the globe", "#at=-25,18,1.9", "dark"],
    ["the globe, light", "#at=-25,18,1.9&theme=light", "light"],
    ["a pinned pixel", `${PINNED}&tab=point`, "dark"],
    ["a Hovmöller, light", `${PINNED}&tab=hovmoller&theme=light`, "light"],
    ["a region", `${NEAR}&tab=region&region=-21,34;-19,36&compare=swipe&cycleB=10`, "dark"],
  ];
  test.each(screens)("axe finds nothing serious: %s", async (_, hash) => {
    await go(opened.page, hash);
    await opened.page.waitForLoadState("networkidle");
    expect(await axe(opened.page)).toEqual([]);
  });

  test("axe finds nothing serious in dialogs", async () => {
    for (const key of ["/", "?", "v", "c"]) {
      await opened.page.keyboard.press(key);
      await opened.page.locator("dialog[open]").waitFor();
      expect(await axe(opened.page), key).toEqual([]);
      await opened.page.keyboard.press("Escape");
    }
  });

  test("who has no session is told how to get one", async () => {
    if (process.env.KARIN_WEB_FRESH) return;
    const context = await opened.browser.newContext();
    const stranger = await context.newPage();
    await stranger.goto(new URL(inject("link")).origin);
    await stranger.getByText("This browser has no session with the server.").waitFor();
    await context.close();
  });

  test("it fits a tablet and a small screen, and nothing jumps", async () => {
    const small = await open(opened.browser, "#at=-25,18,1.9", { width: 820, height: 1100, hints: true });
    const overflow = await small.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    await small.page.getByLabel("First steps").waitFor();
    const shift = await small.page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          new PerformanceObserver((list) => {
            const all = list.getEntries() as unknown as { value: number }[];
            resolve(all.reduce((sum, entry) => sum + entry.value, 0));
          }).observe({ type: "layout-shift", buffered: true });
          setTimeout(() => resolve(0), 300);
        }),
    );
    expect(shift).toBeLessThan(0.05);
    await small.context.close();
  });
});
