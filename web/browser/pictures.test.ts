/** The pictures of the README: made with KARIN_WEB_PICTURES=1, looked at, and committed. */

import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { go, isSkipped, shared, whole } from "./page.ts";

const FOLDER = join(import.meta.dirname, "../../docs/pictures");
const LIMIT = 150_000;

describe.skipIf(isSkipped() || !process.env.KARIN_WEB_PICTURES)("pictures", () => {
  const opened = shared("#at=-42,22,2.05&tracks=false");

  async function take(name: string): Promise<void> {
    const path = join(FOLDER, name);
    await whole(opened.page);
    await opened.page.waitForLoadState("networkidle");
    await opened.page.waitForTimeout(500);
    await opened.page.screenshot({ path, type: "jpeg", quality: 82 });
    expect(statSync(path).size).toBeLessThan(LIMIT);
  }

  test("the globe", async () => {
    await take("viewer-globe.jpg");
  });

  test("pixels, two cycles and a Hovmöller", async () => {
    await go(
      opened.page,
      "#at=-20.5,35,6.2&cycle=12&compare=swipe&cycleB=10&pin=-20.6,35,16,2964,52&tab=hovmoller&tracks=false",
    );
    await opened.page.locator(".raster-plot canvas").waitFor();
    await opened.page.mouse.move(560, 250);
    await take("viewer-pixels.jpg");
  });
});
