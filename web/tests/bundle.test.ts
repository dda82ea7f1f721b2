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

const fresh = mkdtempSync(join(tmpdir(), "karin-bundle-"));
afterAll(() => rmSync(fresh, { recursive: true }));

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

test("the committed bundle equals a fresh build: npm run build makes it so", { timeout: 120_000 }, async () => {
  const config = { configFile: join(import.meta.dirname, "../vite.config.ts"), root: join(import.meta.dirname, "..") };
  // Vitest's own mode would build for development.
  process.env.NODE_ENV = "production";
  await build({ ...config, mode: "production", logLevel: "error", build: { outDir: fresh, emptyOutDir: true } });
  expect(files(COMMITTED)).toEqual(files(fresh));
  for (const file of files(fresh)) {
    expect(readFileSync(join(COMMITTED, file)).equals(readFileSync(join(fresh, file))), file).toBe(true);
  }
});

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
