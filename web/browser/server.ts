/** A running `karin view`. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface Served {
  link: string;
  close: () => Promise<void>;
}

/** Serves sources by the real program; tiles are kept in `cache`. */
export async function serve(karin: string, sources: string[], cache: string): Promise<Served> {
  const server = spawn(karin, ["view", ...sources, "--no-browser", "--port", "0"], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, XDG_CACHE_HOME: cache },
  });
  const page = await fresh(await firstLine(server.stdout));
  return {
    link: page.link,
    close: async () => {
      await page.close();
      server.kill();
    },
  };
}

function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: stream });
    lines.once("line", resolve);
    lines.once("close", () => reject(new Error("karin view printed no link")));
  });
}

/** With KARIN_WEB_FRESH the bundle of the folder is served in place of the one in the program: no need to build that anew. */
async function fresh(link: string): Promise<Served> {
  if (!process.env.KARIN_WEB_FRESH) return { link, close: async () => {} };
  process.env.KARIN_VIEWER_URL = link;
  const { preview } = await import("vite");
  const server = await preview({ configFile: join(import.meta.dirname, "../vite.config.ts"), preview: { port: 0 } });
  return { link: server.resolvedUrls!.local[0]!, close: () => server.close() };
}
