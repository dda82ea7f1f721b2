/** The server as clients other than the page meet it. */

import { get } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, inject, test } from "vitest";
import { isSkipped } from "./page.ts";

const GROUP = "L2_LR_SSH_Basic.C.science";

interface Received {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** What is answered, as it came over the wire. */
function received(path: string, encodings: string): Promise<Received> {
  const { origin, searchParams } = new URL(inject("link"));
  const token = searchParams.get("token");
  const headers = { "accept-encoding": encodings, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return new Promise((resolve, reject) => {
    get(`${origin}/api/v1/${path}`, { headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () =>
        resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts) }),
      );
      answer.on("error", reject);
    }).on("error", reject);
  });
}

describe.skipIf(isSkipped())("over the wire", () => {
  const UNPACK = { gzip: gunzipSync, br: brotliDecompressSync };

  test("bodies are packed as the client understands, and hold the same", async () => {
    const place = `cycle=12&pass=16&lines=2000-2511`;
    for (const path of [`strips?group=${GROUP}&var=ssha_karin_2&${place}`, `coverage?group=${GROUP}`]) {
      const plain = await received(path, "identity");
      expect([plain.status, plain.headers["content-encoding"]]).toEqual([200, undefined]);
      for (const [name, unpack] of Object.entries(UNPACK)) {
        const packed = await received(path, name);
        expect([packed.status, packed.headers["content-encoding"], packed.headers.vary]).toEqual([
          200,
          name,
          expect.stringContaining("accept-encoding"),
        ]);
        expect(unpack(packed.body).equals(plain.body), `${path} as ${name}`).toBe(true);
        expect(packed.body.length).toBeLessThan(0.9 * plain.body.length);
      }
      // Chromium asks for this one; what it draws of it is compared with the engine's values elsewhere.
      const zstd = await received(path, "gzip, deflate, br, zstd");
      expect(zstd.headers["content-encoding"]).toBe("zstd");
      expect(zstd.body.subarray(0, 4).toString("hex")).toBe("28b52ffd");
    }
  });
});
