/** The viewer's page in headless Chromium, GL in software: seconds to first picture, to the next cycle, to another range, as JSON. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(join(process.cwd(), "package.json"))("playwright-core");
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const args = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"];
const REGION = "#at=-65,38,6.2&tracks=false&graticule=false&variable=ssha_karin_2&cycle=20";

const link = process.argv[2];
const browser = await chromium.launch({ executablePath, args });
const page = await (await browser.newContext({ viewport: { width: 1280, height: 720 }, reducedMotion: "reduce" })).newPage();
await page.addInitScript(() => {
  localStorage.setItem("karin.hints", "closed");
  // Milliseconds that the page waits for GL: these calls answer once GL has done what came before.
  window.waited = 0;
  const { prototype } = WebGL2RenderingContext;
  const asking = ["getProgramParameter", "getShaderParameter", "getUniformBlockIndex", "getActiveAttrib", "getUniformLocation"];
  for (const name of [...asking, "readPixels"]) {
    const call = prototype[name];
    prototype[name] = function (...words) {
      const start = performance.now();
      const answer = call.apply(this, words);
      window.waited += performance.now() - start;
      return answer;
    };
  }
  // Milliseconds that the page works in frames: what it waits for frames is the work of GL, too.
  window.busy = 0;
  const request = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) =>
    request((time) => {
      const start = performance.now();
      draw(time);
      window.busy += performance.now() - start;
    });
  // When the frame that shows all that was asked for is on the screen: reading a pixel waits for it.
  const watch = () => {
    const here = window.karin?.current();
    if (!here) return void setTimeout(watch, 4);
    const drawn = () => {
      if (!window.karin.isWhole()) return;
      here.map.off("render", drawn);
      const gl = here.map.getCanvas().getContext("webgl2");
      gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
      window.pictureAt = performance.now() / 1000;
    };
    here.map.on("render", drawn);
  };
  watch();
});
const metering = await page.context().newCDPSession(page);
await metering.send("Performance.enable");
let requests = 0;
page.on("request", (request) => {
  if (request.url().includes("/api/")) requests++;
});
const whole = () => page.waitForSelector('.map[data-whole="true"]', { timeout: 60_000 });
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Seconds from the start of a navigation to the frame that shows the whole picture; nothing of a page before is under way. */
async function picture(hash) {
  await page.goto("about:blank");
  await page.goto(new URL("/", link).href + hash, { waitUntil: "commit" });
  await page.waitForFunction(() => window.pictureAt, undefined, { timeout: 60_000 });
  return page.evaluate(() => window.pictureAt);
}

/** Seconds that the page has worked since it was opened, without what it waited for GL. */
async function worked() {
  const { metrics } = await metering.send("Performance.getMetrics");
  const tasks = metrics.find(({ name }) => name === "TaskDuration").value;
  return tasks - (await page.evaluate(() => window.waited / 1000));
}

/** Seconds that an act takes until what it changes is drawn whole, until that is issued, and in which the page itself works. */
const timed = (act) =>
  page.evaluate(async (source) => {
    const { current, isWhole } = window.karin;
    const { layer, map } = current();
    const start = performance.now();
    const drawn = new Promise((resolve) => {
      layer.drawn = () => {
        if (isWhole()) resolve();
      };
    });
    [window.busy, window.waited] = [0, 0];
    new Function("key", source)((key) => window.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
    await Promise.resolve();
    const handled = performance.now() - start;
    map.triggerRepaint();
    await drawn;
    const work = handled + window.busy - window.waited;
    const issued = performance.now() - start;
    // Reading a pixel waits until the picture is there.
    const gl = map.getCanvas().getContext("webgl2");
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    layer.drawn = undefined;
    return { all: (performance.now() - start) / 1000, work: work / 1000, issued: issued / 1000 };
  }, act);

try {
  // The session alone: of the page nothing is known yet.
  const session = await page.context().request.get(link);
  if (!session.ok()) throw new Error(`no session: ${session.status()}`);
  const first = await picture("");
  const firstWork = await worked();
  const again = median([await picture(""), await picture(""), await picture("")]);
  await picture(REGION);
  await whole();
  const [cycles, frames, ranges] = [[], [], []];
  for (let turn = 0; turn < 7; turn++) {
    // What comes next is loaded while one looks.
    await page.waitForLoadState("networkidle");
    cycles.push(await timed('key("]")'));
    await whole();
  }
  await page.waitForLoadState("networkidle");
  const before = requests;
  for (let turn = 0; turn < 5; turn++) {
    frames.push(await timed(""));
    ranges.push(await timed(`const handle = document.querySelector('[role="slider"][aria-label="Upper end of the colours"]');
      handle.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));`));
  }
  const all = (runs) => median(runs.map((run) => run.all));
  const sorted = cycles.map((run) => run.work).sort((a, b) => a - b);
  console.log(
    JSON.stringify({
      first,
      first_work: firstWork,
      again,
      cycle: all(cycles),
      cycle_issued: median(cycles.map((run) => run.issued)),
      cycle_work: median(sorted),
      cycle_work_most: sorted.at(-1),
      frame: all(frames),
      range: all(ranges),
      range_requests: requests - before,
    }),
  );
} finally {
  await browser.close();
}
