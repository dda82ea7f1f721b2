/** Animated PNG from still ones of one size (https://www.w3.org/TR/png-3/#apng-frame-based-animation). */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc >>> 0;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

interface Chunk {
  type: string;
  data: Uint8Array;
}

/** The chunks of a PNG. */
export function chunksOf(png: Uint8Array): Chunk[] {
  if (SIGNATURE.some((byte, index) => png[index] !== byte)) throw new Error("this is not a PNG");
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks: Chunk[] = [];
  for (let at = 8; at + 12 <= png.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

function written({ type, data }: Chunk): Uint8Array {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  out.set(
    [...type].map((letter) => letter.charCodeAt(0)),
    4,
  );
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out.subarray(4, 8 + data.length)));
  return out;
}

function numbers(...values: readonly [number, 1 | 2 | 4][]): Uint8Array {
  const out = new Uint8Array(values.reduce((sum, [, size]) => sum + size, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [value, size] of values) {
    if (size === 4) view.setUint32(at, value);
    else if (size === 2) view.setUint16(at, value);
    else view.setUint8(at, value);
    at += size;
  }
  return out;
}

/** Joins PNGs of one size and kind to an animation that repeats for ever, `delay` milliseconds a frame. */
export function animate(frames: readonly Uint8Array[], delay: number): Blob {
  if (frames.length === 0) throw new Error("an animation needs a frame");
  const first = chunksOf(frames[0]!);
  const header = first.find(({ type }) => type === "IHDR")!;
  const size = new DataView(header.data.buffer, header.data.byteOffset);
  const [width, height] = [size.getUint32(0), size.getUint32(4)];
  const out: Uint8Array[] = [Uint8Array.from(SIGNATURE), written(header)];
  out.push(written({ type: "acTL", data: numbers([frames.length, 4], [0, 4]) }));
  let sequence = 0;
  frames.forEach((frame, index) => {
    const control = numbers(
      [sequence++, 4],
      [width, 4],
      [height, 4],
      [0, 4],
      [0, 4],
      [delay, 2],
      [1000, 2],
      [0, 1],
      [0, 1],
    );
    out.push(written({ type: "fcTL", data: control }));
    for (const { type, data } of chunksOf(frame)) {
      if (type !== "IDAT") continue;
      if (index === 0) out.push(written({ type, data }));
      else {
        const body = new Uint8Array(4 + data.length);
        new DataView(body.buffer).setUint32(0, sequence++);
        body.set(data, 4);
        out.push(written({ type: "fdAT", data: body }));
      }
    }
  });
  out.push(written({ type: "IEND", data: new Uint8Array(0) }));
  return new Blob(out as BlobPart[], { type: "image/apng" });
}
