/**
 * How the screens look: each is compared, coarsely, with a small picture of it that was looked at.
 *
 * With KARIN_WEB_REFERENCES=1 the small pictures are made anew: look at them before they are committed.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { go, isSkipped, shared, whole } from "./page.ts";

const FOLDER = join(import.meta.dirname, "references");
const isMade = Boolean(process.env.KARIN_WEB_REFERENCES);

/** Width of a kept picture. */
const KEPT = 640;
/** Width of what is compared: letters are gone, panels and swaths are not. */
const COMPARED = 64;
/** Mean difference of colours (of 255) that another version of fonts or of Chromium may make. */
const ALLOWED = 6;

const NEAR = "at=-20.5,35,6.2&cycle=12&variable=ssha";
const PINNED = `${NEAR}&pin=-20.6,35,16,2964,52`;
const SCREENS: [name: string, hash: string, key?: string][] = [
  ["globe", "#at=-20,25,1.6"],
  ["mercator", "#at=-20,20,1.4&projection=mercator"],
  ["pixels", `#${NEAR}&tracks=false`],
  ["difference", `#${NEAR}&compare=difference&cycleB=10`],
  ["why", `#${NEAR}&quality=good&why=true`],
  ["profile", `#${PINNED}&tab=profile`],
  ["strip", `#${PINNED}&tab=strip`],
  ["hovmoller", `#${PINNED}&compare=swipe&cycleB=10&tab=hovmoller`],
  ["series", `#${PINNED}&tab=series`],
  ["spectrum", `#${PINNED}&tab=spectrum`],
  ["histogram", `#${PINNED}&tab=histogram`],
  ["region", `#${PINNED}&tab=region&region=-22,33;-19,37`],
  ["keys", `#${NEAR}`, "?"],
];

/** Scales a picture down; as pixels, and as a small JPEG in base64. */
function scaled(page: Page, picture: Buffer, width: number): Promise<{ pixels: number[]; jpeg: string }> {
  return page.evaluate(
    async ([data, w]) => {
      const blob = await (await fetch(`data:image/*;base64,${data}`)).blob();
      const bitmap = await createImageBitmap(blob, { resizeWidth: w, resizeQuality: "high" });
      const h = bitmap.height;
      const canvas = new OffscreenCanvas(w, h);
      const context = canvas.getContext("2d")!;
      context.drawImage(bitmap, 0, 0);
      const made = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.7 });
      const bytes = new Uint8Array(await made.arrayBuffer());
      const jpeg = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
      return { pixels: Array.from(context.getImageData(0, 0, w, h).data), jpeg };
    },
    [picture.toString("base64"), width] as const,
  );
}

/** Keeps a screen, or holds it against the one that is kept. */
async function hold(page: Page, beside: Page, name: string): Promise<void> {
  await whole(page);
  await page.waitForLoadState("networkidle");
  await page.waitForTimeout(300);
  const screen = await page.screenshot();
  const path = join(FOLDER, `${name}.jpg`);
  if (isMade) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, Buffer.from((await scaled(beside, screen, KEPT)).jpeg, "base64"));
  }
  const now = (await scaled(beside, screen, COMPARED)).pixels;
  const kept = (await scaled(beside, readFileSync(path), COMPARED)).pixels;
  const difference = now.reduce((sum, value, at) => sum + Math.abs(value - kept[at]!), 0) / now.length;
  expect(difference, `${name} looks different from ${path}`).toBeLessThan(ALLOWED);
}

/** Those that are looked at on paper, too. */
const LIGHT = ["globe", "profile", "region"];

describe.skipIf(isSkipped()).each(["dark", "light"] as const)("screens, %s", (theme) => {
  const opened = shared(SCREENS[0]![1], { theme });
  let beside: Page;
  beforeAll(async () => {
    beside = await opened.browser.newPage();
  });

  test.each(SCREENS.filter(([name]) => theme === "dark" || LIGHT.includes(name)))("%s", async (name, hash, key) => {
    await go(opened.page, hash);
    if (key) await opened.page.keyboard.press(key);
    await hold(opened.page, beside, `${name}-${theme}`);
  });
});

describe.skipIf(isSkipped())("screens of a tablet, at the first visit", () => {
  const opened = shared(`#${PINNED}&tab=series`, { width: 820, height: 1100, hints: true });

  test("series", async () => {
    await hold(opened.page, await opened.browser.newPage(), "tablet");
  });
});
