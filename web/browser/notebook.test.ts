/** The widget in a real JupyterLab and a real Notebook 7: the same map, over the channel of the notebook, moved and read from Python. */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Frame, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { isSkipped, launch, samples, whole } from "./page.ts";

const PYTHON = process.env.KARIN_PYTHON ?? join(import.meta.dirname, "../../.venv/bin/python");
const TOKEN = "of-the-test";
/** Made with KARIN_WEB_PICTURES=1, as those of the README. */
const PICTURE = join(import.meta.dirname, "../../docs/pictures/notebook.jpg");

/** Where notebooks are opened: name, Python module, path of a notebook, what it shows once a kernel listens (what is run before
    may never be heard), and what keeps it from asking for news. */
const APPS = [
  [
    "JupyterLab",
    "jupyterlab",
    "lab/tree/map.ipynb",
    '[data-status="idle"]',
    ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
  ],
  ["Notebook 7", "notebook", "notebooks/map.ipynb", ".jp-NotebookKernelStatus-fade", []],
] as const;

/** Why there is no notebook to test in; empty if there is one. */
function whatIsMissing(module: string): string {
  if (isSkipped()) return "there is no browser";
  if (!existsSync(PYTHON)) return `there is no ${PYTHON}`;
  const tried = spawnSync(PYTHON, ["-c", `import anywidget, ${module}, karin`], { encoding: "utf8" });
  const missing = tried.status === 0 ? "" : (tried.stderr.trim().split("\n").at(-1) ?? `no ${module}`);
  if (missing) {
    console.warn(`tests in ${module} skipped: ${missing}`);
    if (process.env.KARIN_SKIP_LOG) appendFileSync(process.env.KARIN_SKIP_LOG, `web/browser/notebook: ${missing}\n`);
  }
  return missing;
}

const CELLS = [
  `import karin\nswot = karin.open("swot.karin")\n` +
    `w = swot.sel(cycle_number=12, variables="ssha_karin_2", bbox=(-60, 20, -20, 50)).view(height=420)\nw`,
  `import json\nprint("state", json.dumps([w.cycle, w.variable, w.bounds, w.region]))`,
  `w.cycle = 11\nw.bounds = (-22, 34, -19, 36)`,
  `print("state", json.dumps([w.cycle, w.variable, w.bounds, w.region]))`,
  `w.selected`,
];

/** A notebook of these cells, as JupyterLab saves it. */
function notebook(cells: string[]): string {
  const kernel = { name: "python3", display_name: "Python 3", language: "python" };
  const cell = (source: string, index: number) => ({
    cell_type: "code",
    id: `cell-${index}`,
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  });
  return JSON.stringify({ cells: cells.map(cell), metadata: { kernelspec: kernel }, nbformat: 4, nbformat_minor: 5 });
}

const found = APPS.filter(([, module]) => whatIsMissing(module) === "");

describe.skipIf(found.length === 0).each(found)("a notebook in %s", (_, module, path, ready, options) => {
  let browser: Browser;
  let page: Page;
  let server: ChildProcess;
  let folder: string;
  let ran = 0;
  const trouble: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "karin-notebook-"));
    symlinkSync(inject("collection"), join(folder, "swot.karin"));
    writeFileSync(join(folder, "map.ipynb"), notebook(CELLS));
    const words = ["-m", module, "--no-browser", "--allow-root", "--port=0", `--IdentityProvider.token=${TOKEN}`];
    server = spawn(PYTHON, [...words, ...options], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, HOME: folder, XDG_CACHE_HOME: folder },
    });
    const origin = await addressOf(server);
    browser = await launch();
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
    await context.addInitScript(() => localStorage.setItem("karin.hints", "closed"));
    page = await context.newPage();
    // Errors of Jupyter's own scripts (Notebook 7 has one about settings as it starts) are not karin's.
    page.on("pageerror", ({ message, stack }) => {
      if (!stack?.includes("/static/")) trouble.push(`${message} ${stack}`);
    });
    await page.goto(`${origin}/${path}?token=${TOKEN}`);
    await page.waitForSelector(".jp-Notebook .jp-Cell", { timeout: 60_000 });
    await page.waitForSelector(ready, { state: "attached", timeout: 60_000 });
    await page.locator(".jp-Cell").first().click();
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs the next cell, and gives what it says. Jupyter may lose keys while it settles: they are pressed until they are heard. */
  async function run(): Promise<string> {
    const cell = page.locator(".jp-Cell").nth(ran++);
    const begun = cell.locator(".jp-InputPrompt", { hasText: /\[(\d+|\*)\]/ });
    for (let heard = false, tries = 0; !heard && tries < 6; tries++) {
      await cell.locator(".cm-content").click();
      await page.keyboard.press("Shift+Enter");
      heard = await begun.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
      );
    }
    await cell.locator(".jp-InputPrompt", { hasText: /\[\d+\]/ }).waitFor({ timeout: 60_000 });
    await page.waitForTimeout(300);
    return (
      (await cell
        .locator(".jp-OutputArea")
        .first()
        .textContent()
        .catch(() => "")) ?? ""
    );
  }

  async function frame(): Promise<Frame> {
    const element = await page.waitForSelector('iframe[title="karin"]', { timeout: 30_000 });
    return (await element.contentFrame())!;
  }

  const stateOf = (said: string) => JSON.parse(said.slice(said.indexOf("state") + 6).split("\n")[0]!) as unknown[];

  /** Compares pixels of the picture with the values that xarray gets. */
  async function expectExact(shown: Frame): Promise<void> {
    const found = await samples(shown, 60, 7);
    expect(found.length).toBeGreaterThan(20);
    const code = [
      "import json, sys, xarray, karin",
      "cells = json.load(sys.stdin)",
      "ds = karin.open(sys.argv[1]).sel(cycle_number=11, variables='ssha_karin_2').to_xarray()",
      "one = lambda c: float(ds.ssha_karin_2.sel(cycle_number=11, pass_number=c['pass'])[c['line'], c['pixel']])",
      "print(json.dumps([one(c) for c in cells]))",
    ].join("\n");
    const exact = found.filter(({ cell }) => cell !== null);
    const input = JSON.stringify(exact.map(({ cell }) => cell));
    const told = spawnSync(PYTHON, ["-c", code, inject("collection")], { input, encoding: "utf8" });
    const values = JSON.parse(told.stdout || `"${told.stderr}"`) as number[];
    exact.forEach(({ value }, index) => {
      expect(Math.abs(value - values[index]!)).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(values[index]!)));
    });
    expect(exact.length).toBeGreaterThan(20);
  }

  async function takePicture(): Promise<void> {
    // JupyterLab asks whether it may bring news.
    await page.addStyleTag({ content: ".Toastify { display: none }" });
    await page.locator(".jp-Cell").first().scrollIntoViewIfNeeded();
    await page.waitForTimeout(500);
    await page.screenshot({ path: PICTURE, type: "jpeg", quality: 82 });
  }

  test("shows the map without another port", async () => {
    const elsewhere: string[] = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.host !== new URL(page.url()).host) elsewhere.push(url.href);
    });
    await run();
    const shown = await frame();
    await whole(shown);
    expect(elsewhere).toEqual([]);
  });

  test("Python reads what is shown, and moves it to where pixels have the values of the engine", async () => {
    const [cycle, variable, bounds, region] = stateOf(await run());
    expect([cycle, variable, region]).toEqual([12, "ssha_karin_2", [-60, 20, -20, 50]]);
    const [west, , east] = bounds as number[];
    expect(west).toBeLessThanOrEqual(-55);
    expect(east).toBeGreaterThanOrEqual(-25);
    await run();
    const shown = await frame();
    await shown.waitForFunction(
      () => (window as unknown as { karin: { view: { cycle: number } } }).karin.view.cycle === 11,
    );
    await whole(shown);
    await page.waitForTimeout(600);
    await expectExact(shown);
    if (process.env.KARIN_WEB_PICTURES && module === "jupyterlab") await takePicture();
    const [then, , closer] = stateOf(await run());
    expect(then).toBe(11);
    expect((closer as number[])[0]).toBeGreaterThan(-27);
    expect((closer as number[])[2]).toBeLessThan(-14);
    expect(await run()).toMatch(/cycles? 0?11|cycle_number/);
    expect(trouble).toEqual([]);
  });
});

/** The address of a server that says it on its way up. */
function addressOf(server: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    server.stderr!.on("data", (part: Buffer) => {
      said += part.toString();
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? /http:\/\/localhost:\d+/.exec(said);
      if (found) resolve(found[0]);
    });
    server.once("exit", () => reject(new Error(`Jupyter did not start: ${said}`)));
  });
}
