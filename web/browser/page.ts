/** A page of the viewer, and how tests look into it. */

import { readFileSync } from "node:fs";
import { type Browser, type BrowserContext, chromium, type Frame, type Page } from "playwright-core";
import { afterAll, beforeAll, inject } from "vitest";
import type { Handle } from "../src/main.tsx";
import type { View } from "../src/model/view.ts";

// SwiftShader explicitly: Chromium no longer falls back to it by itself.
const FLAGS = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox", "--force-color-profile=srgb"];

export const isSkipped = (): boolean => inject("link") === "";

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: inject("chromium"), args: FLAGS });

export interface Opened {
  page: Page;
  context: BrowserContext;
  /** What went wrong in the page so far: errors, failed requests, requests to other hosts. */
  trouble: string[];
  /** Requests of the API so far. */
  requests: string[];
}

export interface Options {
  width?: number;
  height?: number;
  theme?: "dark" | "light";
  hints?: boolean;
  /** Another viewer than that of all tests. */
  link?: string;
}

/** Opens the viewer at a view; resolves once its picture is whole. */
export async function open(browser: Browser, hash: string, options: Options = {}): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 720 },
    colorScheme: options.theme ?? "dark",
    acceptDownloads: true,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const trouble: string[] = [];
  const requests: string[] = [];
  const link = options.link ?? inject("link");
  const origin = new URL(link).origin;
  page.on("pageerror", (error) => trouble.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // Work that is over before it is asked how far it is has no progress (404).
    if (message.location().url.includes("/progress?")) return;
    if (message.type() === "error" || message.text().includes("GL_INVALID")) trouble.push(message.text());
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("blob:") && !url.startsWith("data:"))
      trouble.push(`foreign: ${url}`);
    if (url.includes("/api/")) requests.push(url);
  });
  if (!options.hints) await context.addInitScript(() => localStorage.setItem("karin.hints", "closed"));
  // The session first: the token leaves the address.
  await page.goto(link, { waitUntil: "commit" });
  await page.goto(`${origin}/${hash}`);
  await page.reload();
  await whole(page);
  return { page, context, trouble, requests };
}

/** A page that all tests of a `describe` share, opened at a view before the first of them. */
export function shared(hash: string, options: Options = {}): Opened & { browser: Browser } {
  const it = {} as Opened & { browser: Browser };
  beforeAll(async () => {
    it.browser = await launch();
    Object.assign(it, await open(it.browser, hash, options));
  });
  afterAll(() => it.browser?.close());
  return it;
}

/** Waits until all that the view needs is drawn. */
export async function whole(page: Page | Frame): Promise<void> {
  await page.waitForTimeout(60);
  await page.waitForSelector('.map[data-whole="true"]', { timeout: 40_000 });
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/** Changes the address, and waits until the page has followed. */
export async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate(
    (to) =>
      new Promise<void>((resolve) => {
        const twoFrames = () => requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
        if (location.hash === to) twoFrames();
        window.addEventListener("hashchange", twoFrames, { once: true });
        location.hash = to;
      }),
    hash,
  );
  await whole(page);
}

/** Where a place of the map is in the window. */
export function spotOf(page: Page, lon: number, lat: number): Promise<{ x: number; y: number }> {
  return page.evaluate(
    ([x, y]) => {
      const { map } = (window as unknown as { karin: Handle }).karin.current()!;
      const box = map.getCanvas().getBoundingClientRect();
      const at = map.project([x, y]);
      return { x: box.left + at.x, y: box.top + at.y };
    },
    [lon, lat] as [number, number],
  );
}

export interface Sample {
  value: number;
  lon: number;
  lat: number;
  a: number | null;
  b: number | null;
  cell: { pass: number; line: number; pixel: number } | null;
}

/**
 * Pixels of the picture drawn at random (the same ones for a seed) that have a value: read back from the GPU, with the
 * place that they lie at and what the page says of it.
 */
export function samples(page: Page | Frame, count: number, seed: number): Promise<Sample[]> {
  return page.evaluate(
    async ([wanted, start]) => {
      const karin = (window as unknown as { karin: Handle }).karin;
      const { map, layer, scene } = karin.current()!;
      const { width, height, values } = await layer.readValues();
      const ratio = width / map.getCanvas().clientWidth;
      let state = start;
      const random = () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      const out: Sample[] = [];
      for (let attempt = 0; attempt < 400 * wanted && out.length < wanted; attempt++) {
        const x = Math.floor(random() * width);
        const y = Math.floor(random() * height);
        const value = values[y * width + x]!;
        if (Number.isNaN(value)) continue;
        // Rows run from the bottom up.
        const place = map.unproject([(x + 0.5) / ratio, (height - y - 0.5) / ratio]);
        const { a, b, cell } = karin.readAt(scene, place.lng, place.lat);
        // On the border of two cells either may be meant: take places that lie well inside one.
        const isInside = [-0.1, 0.1].every((by) => {
          const beside = map.unproject([(x + 0.5 + by) / ratio, (height - y - 0.5 + by) / ratio]);
          const above = map.unproject([(x + 0.5 + by) / ratio, (height - y - 0.5 - by) / ratio]);
          return [beside, above].every((one) => {
            const read = karin.readAt(scene, one.lng, one.lat);
            return read.a === a && read.b === b && read.cell?.line === cell?.line && read.cell?.pixel === cell?.pixel;
          });
        });
        if (!isInside) continue;
        out.push({ value, lon: place.lng, lat: place.lat, a, b, cell });
      }
      return out;
    },
    [count, seed] as const,
  );
}

/** What the page shows. */
export const viewOf = (page: Page): Promise<View> =>
  page.evaluate(() => JSON.parse(JSON.stringify((window as unknown as { karin: Handle }).karin.view)));

/** The bytes of what an act hands out. */
export async function downloaded(page: Page, act: () => Promise<void>): Promise<Uint8Array> {
  const [download] = await Promise.all([page.waitForEvent("download", { timeout: 50_000 }), act()]);
  return readFileSync(await download.path());
}

/** Asks the API in the name of the page. */
export function ask<T>(page: Page, path: string): Promise<T> {
  return page.evaluate(async (what) => {
    const response = await fetch(`api/v1/${what}`);
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response.json();
  }, path) as Promise<T>;
}
