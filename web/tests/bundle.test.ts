/** The bundle that the program embeds is the one that the sources give, and it is small. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { afterAll, expect, test } from "vitest";

const COMMITTED = join(import.meta.dirname, "../../crates/karin-viewer/assets");
/** Bytes that a first visit loads at most, compressed: scripts and styles, the worker of the map among them. */
const BUDGET = 550_000;

const WIDGET = join(import.meta.dirname, "../../python/karin/_assets");

const fresh = mkdtempSync(join(tmpdir(), "karin-bundle-"));
afterAll(() => rmSync(fresh, { recursive: true }));

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

test("the committed bundle equals a fresh build: npm run build makes it so", { timeout: 120_000 }, async () => {
  await expectFresh("vite.config.ts", COMMITTED, join(fresh, "page"));
});

test("so does the widget of notebooks, which is small", { timeout: 60_000 }, async () => {
  await expectFresh("vite.widget.config.ts", WIDGET, join(fresh, "widget"));
  const size = readFileSync(join(WIDGET, "widget.js")).length;
  console.info(`widget: ${(size / 1000).toFixed(1)} kB; the page in it comes from the kernel`);
  expect(size).toBeLessThanOrEqual(20_000);
});

async function expectFresh(config: string, committed: string, outDir: string): Promise<void> {
  const root = join(import.meta.dirname, "..");
  // Vitest's own mode would build for development.
  process.env.NODE_ENV = "production";
  const how = { root, configFile: join(root, config), mode: "production", logLevel: "error" as const };
  await build({ ...how, build: { outDir, emptyOutDir: true } });
  expect(files(committed)).toEqual(files(outDir));
  for (const file of files(outDir)) {
    expect(readFileSync(join(committed, file)).equals(readFileSync(join(outDir, file))), file).toBe(true);
  }
}

test("a first visit loads no more than its budget", () => {
  const page = readFileSync(join(COMMITTED, "index.html"), "utf8");
  const named = [...page.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.(?:js|css))"/g)].map((match) => match[1]!);
  const worker = files(COMMITTED).filter((file) => file.includes("worker"));
  expect(worker.length).toBe(1);
  const sizes = [...named, ...worker].map((file) => gzipSync(readFileSync(join(COMMITTED, file)), { level: 9 }).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  console.info(`first visit: ${(total / 1000).toFixed(0)} kB of scripts and styles, compressed`);
  expect(named.length).toBeGreaterThan(1);
  expect(total).toBeLessThanOrEqual(BUDGET);
});
