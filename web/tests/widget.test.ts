/** The document that a notebook's widget makes of the committed page, and requests over its port. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Ask, PortTransport } from "../src/transport/port.ts";
import { Problem } from "../src/transport/transport.ts";
import { assemble } from "../src/widget/assemble.ts";

const COMMITTED = join(import.meta.dirname, "../../crates/karin-viewer/assets");

function page(): Map<string, Uint8Array<ArrayBuffer>> {
  const entries = readdirSync(COMMITTED, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name));
  return new Map(paths.map((path) => [path.slice(COMMITTED.length + 1), new Uint8Array(readFileSync(path))]));
}

test("every file of the page has an address in the frame, and nothing points to a server", () => {
  const files = page();
  const published: { content: string | Uint8Array; type: string }[] = [];
  const document = assemble(files, (content, type) => `blob:${published.push({ content, type })}`);
  const names = [...files.keys()].map((path) => path.split("/").at(-1)!).filter((name) => name !== "index.html");
  const scripts = published
    .filter(({ content }) => typeof content === "string")
    .map(({ content }) => content as string);
  expect(document).toContain('<html data-host="widget"');
  expect(document).not.toMatch(/<link|<script[^>]*src=/);
  const { imports } = JSON.parse(/importmap">(.*?)<\/script>/.exec(document)![1]!) as {
    imports: Record<string, string>;
  };
  expect(Object.keys(imports).length).toBe(scripts.length);
  for (const script of scripts) {
    expect(script).not.toContain("import.meta.url");
    for (const name of names) {
      // Names remain as keys of the import map and in the table of what used to be loaded before.
      const left = script.replace(/m\.f=\[[^\]]*\]/g, "").replaceAll(`karin/${name}`, "");
      expect(left.includes(name), name).toBe(false);
    }
    for (const [, used] of script.matchAll(/(?:from|import\()\s*["'`](karin\/[^"'`]+)["'`]/g))
      expect(imports).toHaveProperty([used!]);
  }
  const others = published.filter(({ content }) => typeof content !== "string").length;
  const styles = names.filter((name) => name.endsWith(".css")).length;
  expect(scripts.length + others + styles).toBe(names.length);
});

test("requests over a port are answered, refused, given up", async () => {
  const sent: Ask[] = [];
  const transport = new PortTransport((message) => sent.push(message));
  const body = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).buffer;
  const answer = transport.json("point", { lon: 1, let: ["a=1", "b=2"] });
  expect(sent).toEqual([{ ask: 1, target: "/api/v1/point?lon=1&let=a%3D1&let=b%3D2" }]);
  transport.hear({ answer: 1, status: 200, body: body({ pass: 7 }) });
  expect(await answer).toEqual({ pass: 7 });
  const refused = transport.bytes("strip", {});
  transport.hear({ answer: 2, status: 404, body: body({ kind: "not_found", detail: "no such pass", hint: "look" }) });
  await expect(refused).rejects.toEqual(new Problem(404, "not_found", "no such pass", "look"));
  const stop = new AbortController();
  const given = transport.bytes("strip", {}, stop.signal);
  stop.abort();
  await expect(given).rejects.toThrow("given up");
  expect(sent.at(-1)).toEqual({ cancel: 3 });
  transport.hear({ answer: 3, status: 200, body: body(1) });
  await expect(transport.bytes("strip", {}, AbortSignal.abort())).rejects.toThrow("given up");
  expect(sent.length).toBe(4);
  const busy = transport.json("range", {});
  transport.hear({ answer: 4, status: 429, body: body({}) });
  await new Promise((resolve) => setTimeout(resolve, 400));
  transport.hear({ answer: 5, status: 200, body: body("later") });
  expect(await busy).toBe("later");
  expect(transport.link()).toBeNull();
});
