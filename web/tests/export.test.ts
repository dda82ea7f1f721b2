import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { animate, chunksOf } from "../src/export/apng.ts";
import { csv } from "../src/export/save.ts";

test("CSV quotes what needs it, and leaves missing values empty", () => {
  const text = csv(
    ["time", "a,b"],
    [
      ["2024-02-01", 1.5],
      ['say "no"', null],
      ["x", Number.NaN],
    ],
    ["karin"],
  );
  expect(text).toBe('# karin\ntime,"a,b"\n2024-02-01,1.5\n"say ""no""",\nx,\n');
});

/** A PNG of one grey pixel; the checksums of its chunks are not looked at here. */
function png(grey: number): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
  };
  const header = Uint8Array.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const signature = Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Uint8Array.of(0, grey))),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

test("an animation has its frames in order, with whole checksums", async () => {
  const { crc32 } = (await import("node:zlib")) as unknown as { crc32?: (data: Uint8Array) => number };
  const bytes = new Uint8Array(await animate([png(0), png(100), png(200)], 250).arrayBuffer());
  const chunks = chunksOf(bytes);
  expect(chunks.map(({ type }) => type)).toEqual([
    "IHDR",
    "acTL",
    "fcTL",
    "IDAT",
    "fcTL",
    "fdAT",
    "fcTL",
    "fdAT",
    "IEND",
  ]);
  const view = (data: Uint8Array) => new DataView(data.buffer, data.byteOffset);
  const numbered = chunks.filter(({ type }) => ["fcTL", "fdAT"].includes(type));
  expect(numbered.map(({ data }) => view(data).getUint32(0))).toEqual([0, 1, 2, 3, 4]);
  expect(view(chunks[1]!.data).getUint32(0)).toBe(3);
  // The checksum of an empty IEND is known from every PNG there is.
  expect([...bytes.slice(-4)]).toEqual([0xae, 0x42, 0x60, 0x82]);
  if (crc32) {
    const at = 8 + 12 + 13;
    expect(view(bytes).getUint32(at + 8 + 8)).toBe(crc32(bytes.subarray(at + 4, at + 16)));
  }
});
