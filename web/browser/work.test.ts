/** What takes time: giving it up, being refused, taking it back; and what is taken away can be used. */

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Route } from "playwright-core";
import { beforeAll, describe, expect, inject, test } from "vitest";
import type { Stats } from "../src/transport/types.ts";
import { ask, downloaded, go, isSkipped, shared, spotOf, viewOf, whole } from "./page.ts";

const GROUP = "L2_LR_SSH_Basic.C.science";
const NEAR = "#at=-20.5,35,6.6&variable=ssha_karin_2&cycle=12";
const PINNED = `${NEAR}&pin=-20.6,35,16,2964,52`;
const POLYGON = "-22,33;-19,34;-20,37";

describe.skipIf(isSkipped())("work", () => {
  const opened = shared(NEAR);
  beforeAll(() => opened.context.grantPermissions(["clipboard-read", "clipboard-write"]));

  /** Holds answers back while `act` runs; what is given up meanwhile is told. */
  async function heldBack(what: RegExp, act: () => Promise<void>): Promise<string[]> {
    const given: string[] = [];
    const held: Route[] = [];
    const listen = (request: { url(): string; failure(): { errorText: string } | null }) => {
      if (request.failure()?.errorText === "net::ERR_ABORTED") given.push(request.url());
    };
    opened.page.on("requestfailed", listen);
    await opened.page.route(what, (route) => {
      held.push(route);
    });
    try {
      await act();
      await expect.poll(() => given.filter((url) => what.test(url)).length, { timeout: 5000 }).toBeGreaterThan(0);
    } finally {
      await opened.page.unroute(what);
      for (const route of held) await route.abort().catch(() => {});
      opened.page.off("requestfailed", listen);
    }
    return given;
  }

  test("tiles, strips and every plot are given up when nobody wants them any more", async () => {
    await heldBack(/api\/v1\/tiles/, async () => {
      await go(opened.page, NEAR);
      const asked = opened.page.waitForRequest(/api\/v1\/tiles/);
      await opened.page.evaluate(() => {
        location.hash = "#at=60,-30,3&variable=ssha_karin_2&cycle=10";
      });
      await asked;
      await opened.page.evaluate(() => {
        location.hash = "#at=-20.5,35,6.6&variable=ssha_karin_2&cycle=12";
      });
    });
    await go(opened.page, NEAR);
    await heldBack(/api\/v1\/strips.*var=height_cor/, async () => {
      const asked = opened.page.waitForRequest(/api\/v1\/strips.*var=height_cor/);
      await opened.page.evaluate(() => {
        location.hash = "#at=-20.5,35,6.6&variable=height_cor_xover&cycle=12";
      });
      await asked;
      await opened.page.evaluate(() => {
        location.hash = "#at=-20.5,35,6.6&variable=ssha_karin_2&cycle=12";
      });
    });
    for (const [tab, what] of [
      ["strip", /strips.*lines/],
      ["profile", /profile/],
      ["hovmoller", /hovmoller/],
      ["series", /series/],
      ["spectrum", /spectrum/],
      ["histogram", /histogram/],
      ["scatter", /scatter/],
    ] as const) {
      await go(opened.page, PINNED);
      await heldBack(what, async () => {
        const asked = opened.page.waitForRequest(what);
        await opened.page.evaluate((hash) => {
          location.hash = hash;
        }, `${PINNED}&quality=suspect&tab=${tab}`);
        await asked;
        await opened.page.locator(".dock .waiting, .dock .stale").first().waitFor();
        await opened.page.keyboard.press("Escape");
        await expect.poll(async () => (await viewOf(opened.page)).tab).toBe("none");
      });
    }
    await go(opened.page, NEAR);
  });

  test("Escape gives up a drawing, playing and an animation, one after the other", async () => {
    await go(opened.page, `${NEAR}&region=${POLYGON}`);
    await opened.page.keyboard.press("Shift+R");
    await opened.page.mouse.click(600, 220);
    await opened.page.mouse.click(700, 260);
    await opened.page.keyboard.press("Escape");
    expect((await viewOf(opened.page)).region).toHaveLength(3);
    // The map moves again: nothing is drawn by a click.
    const { x, y } = await spotOf(opened.page, -20.6, 35);
    await opened.page.mouse.click(x, y);
    await opened.page.getByRole("heading", { name: /Pass 16/ }).waitFor();
    await go(opened.page, NEAR);
    await opened.page.keyboard.press(" ");
    await opened.page.getByRole("button", { name: "Pause" }).waitFor();
    await opened.page.keyboard.press("Escape");
    await opened.page.getByRole("button", { name: "Play" }).waitFor();
    await go(opened.page, NEAR);
    await opened.page.keyboard.press("Shift+P");
    await opened.page.keyboard.press("Escape");
    await opened.page.getByText("The animation was given up.").waitFor({ timeout: 20_000 });
    expect((await viewOf(opened.page)).cycle).toBe(12);
  });

  test("a server that is busy says so, and the page asks again until it is answered", async () => {
    const { origin, searchParams } = new URL(inject("link"));
    const token = searchParams.get("token");
    const headers = token ? { authorization: `Bearer ${token}` } : undefined;
    const query = `group=${GROUP}&var=vorticity_over_f&cycles=10-12`;
    let isOver = false;
    const refused: Response[] = [];
    let answered = 0;
    const flood = async (number: number) => {
      for (let turn = 0; !isOver; turn++) {
        const response = await fetch(`${origin}/api/v1/stats?${query}&bbox=-180,-${60 + number / 8},180,${turn}`, {
          headers: { ...headers, connection: "close" },
        });
        if (response.status === 429) refused.push(response);
        else answered++;
        if (response.status !== 429) await response.arrayBuffer();
        else await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const all = Array.from({ length: 48 }, (_, number) => flood(number));
    try {
      await expect.poll(() => refused.length, { timeout: 20_000 }).toBeGreaterThan(0);
    } finally {
      setTimeout(() => {
        isOver = true;
      }, 500);
    }
    await opened.page.evaluate((hash) => {
      location.hash = hash;
    }, `${NEAR}&tab=region&region=-21,34;-19,36`);
    await opened.page.getByText(/values of \d+ pass/).waitFor({ timeout: 30_000 });
    await Promise.all(all);
    const problem = (await refused[0]!.json()) as { kind: string; detail: string; status: number };
    expect(problem).toMatchObject({ status: 429 });
    expect(problem.detail.length).toBeGreaterThan(10);
    expect(Number(refused[0]!.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answered).toBeGreaterThan(0);
  });

  test("every change is taken back step by step, and made again", async () => {
    await go(opened.page, PINNED);
    const plain = async () => {
      const { lon, lat, zoom, bearing, pitch, ...rest } = await viewOf(opened.page);
      return rest;
    };
    const states = [await plain()];
    const step = async (act: () => Promise<unknown>) => {
      await act();
      // Changes of the same thing within this time are one step.
      await opened.page.waitForTimeout(650);
      states.push(await plain());
    };
    await step(() => opened.page.keyboard.press("["));
    await step(() => opened.page.keyboard.press("d"));
    await step(() => opened.page.keyboard.press("x"));
    await step(() => opened.page.getByRole("radio", { name: "Good" }).click());
    await step(() => opened.page.keyboard.press("m"));
    await step(() => opened.page.keyboard.press("l"));
    await step(() => opened.page.keyboard.press("o"));
    await step(() => opened.page.getByLabel("Variable of B").selectOption("height_cor_xover"));
    await step(() => opened.page.keyboard.press("t"));
    await step(() => opened.page.getByRole("checkbox", { name: "means", exact: true }).check());
    await step(() => opened.page.keyboard.press("Delete"));
    const distinct = new Set(states.map((state) => JSON.stringify(state)));
    expect(distinct.size).toBe(states.length);
    for (const before of states.slice(0, -1).reverse()) {
      await opened.page.keyboard.press("Control+z");
      expect(await plain()).toEqual(before);
    }
    expect(await opened.page.getByRole("button", { name: "Undo" }).isDisabled()).toBe(true);
    for (const after of states.slice(1)) {
      await opened.page.keyboard.press("Control+Shift+z");
      expect(await plain()).toEqual(after);
    }
  });

  test("the sheet of keys holds every command, each key once, and the keys do what it says", async () => {
    await go(opened.page, NEAR);
    await opened.page.keyboard.press("?");
    const rows = await opened.page
      .locator(".help dl > div")
      .evaluateAll((all) =>
        all.map((row) => [row.querySelector("kbd")!.textContent!, row.querySelector("dd")!.textContent!]),
      );
    await opened.page.keyboard.press("Escape");
    expect(rows.length).toBeGreaterThan(38);
    expect(new Set(rows.map(([key]) => key)).size).toBe(rows.length);
    const keys: [string, string, object][] = [
      ["Globe or flat map", "g", { projection: "mercator" }],
      ["Dark or light", "n", { theme: "light" }],
      ["Outlines of passes", "o", { tracks: false }],
      ["Show why pixels are rejected", "m", { why: true }],
      ["Swipe between two cycles", "s", { compare: "swipe" }],
      ["Histogram", "u", { tab: "histogram" }],
      ["Scatter of two variables", "q", { tab: "scatter" }],
      ["Region: statistics, passes, extract", "f", { tab: "region" }],
      ["Nearer", "+", { zoom: 7.35 }],
    ];
    for (const [title, key, shown] of keys) {
      expect(rows).toContainEqual([key, title]);
      await opened.page.keyboard.press(key);
      await expect.poll(() => viewOf(opened.page)).toMatchObject(shown);
    }
    await go(opened.page, NEAR);
  });

  test("an animation opens: as many frames as cycles, of one size, each another picture", async () => {
    await go(opened.page, NEAR);
    const bytes = await downloaded(opened.page, () => opened.page.keyboard.press("Shift+P"));
    const told = await opened.page.evaluate(
      async (data) => {
        const decoder = new ImageDecoder({ data: Uint8Array.from(data), type: "image/png" });
        await decoder.tracks.ready;
        const { frameCount, animated } = decoder.tracks.selectedTrack!;
        const frames = [];
        for (let frameIndex = 0; frameIndex < frameCount; frameIndex++) {
          const { image } = await decoder.decode({ frameIndex });
          const pixels = new Uint8Array(image.allocationSize());
          await image.copyTo(pixels);
          const hash = await crypto.subtle.digest("SHA-256", pixels);
          frames.push({
            size: `${image.displayWidth}x${image.displayHeight}`,
            duration: image.duration,
            hash: String(new Uint8Array(hash)),
          });
          image.close();
        }
        return { frameCount, animated, frames };
      },
      [...bytes],
    );
    expect([told.frameCount, told.animated]).toEqual([3, true]);
    expect(new Set(told.frames.map(({ hash }) => hash)).size).toBe(3);
    expect(new Set(told.frames.map(({ size }) => size)).size).toBe(1);
    expect(told.frames.map(({ duration }) => duration)).toEqual([500_000, 500_000, 500_000]);
  });

  test("a layer with colours of its own has a colour bar in the saved picture", async () => {
    const heightOf = async () => {
      const png = await downloaded(opened.page, () => opened.page.keyboard.press("p"));
      return new DataView(png.buffer, png.byteOffset).getUint32(20);
    };
    await go(opened.page, NEAR);
    const alone = await heightOf();
    await go(opened.page, `${NEAR}&layer=means~ssha_karin_2~over`);
    // One more bar of 40 pixels, in print quality.
    expect((await heightOf()) - alone).toBe(80);
    await go(opened.page, `${NEAR}&layer=means~ssha_karin_2~over~~~~same`);
    expect(await heightOf()).toBe(alone);
  });

  test("commands that are copied run, and give the numbers that are shown", async () => {
    const folder = mkdtempSync(join(tmpdir(), "karin-copied-"));
    try {
      await go(opened.page, `${NEAR}&tab=region&region=${POLYGON}`);
      await whole(opened.page);
      const copied = async (name: string, told: string) => {
        await opened.page.keyboard.press("/");
        await opened.page.keyboard.type(name);
        await opened.page.keyboard.press("Enter");
        await opened.page.getByText(told).waitFor();
        return opened.page.evaluate(() => navigator.clipboard.readText());
      };
      const shell = await copied("copy as karin", "Command copied.");
      expect(shell).toContain("area.geojson");
      const path = `${dirname(inject("karin"))}:${process.env.PATH}`;
      const run = { cwd: folder, env: { ...process.env, PATH: path }, encoding: "utf8" as const };
      execFileSync("sh", ["-ec", shell], { ...run, stdio: "ignore" });
      const query = `group=${GROUP}&var=ssha_karin_2&cycles=12&polygon=${POLYGON}`;
      const shown = await ask<Stats>(opened.page, `stats?${query}`);
      const words = "stat extract.nc --vars ssha_karin_2 --over all --stats count,mean,std --json".split(" ");
      const extracted = (): [string, number, number, number] =>
        JSON.parse(execFileSync(inject("karin"), words, run)).rows[0];
      const numbers = extracted();
      expect(numbers[1]).toBe(shown.count);
      expect(numbers[2]).toBeCloseTo(shown.mean!, 8);
      expect(numbers[3]).toBeCloseTo(shown.std!, 8);
      const script = await copied("copy as python", "Python code copied.");
      expect(script).toContain("import karin");
      const python = process.env.KARIN_PYTHON ?? join(import.meta.dirname, "../../.venv/bin/python");
      rmSync(join(folder, "extract.nc"));
      const again = spawnSync(python, ["-c", script], run);
      // Where there is no Python package, the shell has been tried all the same.
      if (/No module named|ENOENT/.test(`${again.stderr} ${again.error}`)) return;
      expect(again.stderr).not.toContain("Error");
      expect(extracted()).toEqual(numbers);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("nothing else went wrong on the way", () => {
    const unexpected = opened.trouble.filter((text) => !/429|ERR_FAILED|ERR_ABORTED/.test(text));
    expect(unexpected).toEqual([]);
  });
});
