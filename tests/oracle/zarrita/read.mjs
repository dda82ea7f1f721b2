// Prints what zarrita reads of every numeric array of a Zarr group: `node read.mjs STORE`.
// JSON on stdout: path -> shape, dtype, and the SHA-256 of all values as raw little-endian bytes in C order.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { endianness } from "node:os";
import FileSystemStore from "@zarrita/storage/fs";
import * as zarr from "zarrita";

assert.equal(process.argv.length, 3, "usage: node read.mjs STORE");
assert.equal(endianness(), "LE", "typed arrays must be little-endian for the hashes to compare");

const store = new FileSystemStore(process.argv[2]);
// The names come from the consolidated metadata, the arrays from their own: both must be there and agree.
const consolidated = await zarr.withConsolidatedMetadata(store, { format: "v3" });
const found = {};
for (const { path, kind } of consolidated.contents()) {
  if (kind !== "array") continue;
  const array = await zarr.open.v3(zarr.root(store).resolve(path), { kind: "array" });
  const listed = await zarr.open.v3(zarr.root(consolidated).resolve(path), { kind: "array" });
  assert.deepEqual([array.shape, array.dtype, array.attrs], [listed.shape, listed.dtype, listed.attrs]);
  if (!array.is("number") && !array.is("bigint")) continue;
  const { data, shape, stride } = await zarr.get(array);
  assert.deepEqual(stride, shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1)));
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  found[path.slice(1)] = { shape, dtype: array.dtype, sha256: createHash("sha256").update(bytes).digest("hex") };
}
console.log(JSON.stringify(found, null, 1));
