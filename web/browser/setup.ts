/** Makes a small mission, and serves it by the real program: what all browser tests look at. */

import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { serve } from "./server.ts";

const VARIABLES = "ssha_karin_2,ssha_karin_2_qual,height_cor_xover,height_cor_xover_qual";
/** As many passes as a picture of the globe wants. */
const EVERY_FIFTH = Array.from({ length: 117 }, (_, index) => 1 + 5 * index).join();
/** Passes that a picture of pixels shows, in more cycles. */
const OVER_ATLANTIC = "16,31,266,281,294,309,322,544";
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

declare module "vitest" {
  interface ProvidedContext {
    /** The link that the viewer printed; empty if the tests are skipped. */
    link: string;
    chromium: string;
    /** The program. */
    karin: string;
    /** The collection that is shown. */
    collection: string;
  }
}

/** Counts what is skipped, as every test of the project does. */
function skip(project: TestProject, why: string): void {
  console.warn(`browser tests skipped: ${why}`);
  const log = process.env.KARIN_SKIP_LOG;
  if (log) appendFileSync(log, `web/browser: ${why}\n`);
  project.provide("link", "");
  project.provide("chromium", "");
  project.provide("karin", "");
  project.provide("collection", "");
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const karin = process.env.KARIN_BIN ?? join(import.meta.dirname, "../../target/release/karin");
  const chromium = CHROMIUM.find((path) => existsSync(path));
  if (!chromium) {
    skip(project, "there is no Chromium");
    return undefined;
  }
  if (!existsSync(karin))
    throw new Error(`there is no ${karin}: build it with cargo build --release, or set KARIN_BIN`);
  const folder = mkdtempSync(join(tmpdir(), "karin-browser-"));
  const run = (...words: string[]) => execFileSync(karin, words, { stdio: ["ignore", "ignore", "inherit"] });
  const simulate = (cycles: string, passes: string) =>
    run("simulate", join(folder, "granules"), "--cycles", cycles, "--passes", passes, "--vars", VARIABLES, "--quiet");
  if (process.env.KARIN_WEB_PICTURES) {
    simulate("12", `${EVERY_FIFTH},${OVER_ATLANTIC}`);
    simulate("5-11", OVER_ATLANTIC);
  } else {
    // Passes that cross the Atlantic and the antimeridian; all reach 78 degrees.
    simulate("10-12", "1,15,16");
    // One of them is missing.
    for (const name of readdirSync(join(folder, "granules"))) {
      if (name.includes("_011_001_")) rmSync(join(folder, "granules", name));
    }
  }
  run("ingest", join(folder, "granules"), join(folder, "small.karin"), "--quiet");
  // A map of the same sea as a layer, with a moment of each cycle's product.
  const map = join(folder, "means.nc");
  run(
    "stat",
    join(folder, "small.karin"),
    "--vars",
    "ssha_karin_2",
    "--grid",
    "1",
    "--stats",
    "mean",
    "-o",
    map,
    "--quiet",
  );
  const served = await serve(karin, [join(folder, "small.karin"), "--layer", map], join(folder, "cache"));
  project.provide("link", served.link);
  project.provide("chromium", chromium);
  project.provide("karin", karin);
  project.provide("collection", join(folder, "small.karin"));
  return async () => {
    await served.close();
    rmSync(folder, { recursive: true, force: true });
  };
}
