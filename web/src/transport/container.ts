/** The binary container of the API: a JSON header and named arrays (docs/reference/http-api.md). */

const MAGIC = 0x314e524b; // "KRN1", little endian

export type TypedArray = Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

const TYPES = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

interface ArrayEntry {
  name: string;
  dtype: keyof typeof TYPES;
  shape: number[];
  offset: number;
  length: number;
}

/** Views of the arrays in the body; nothing is copied. */
export interface Container<H> {
  header: H;
  arrays: Record<string, { values: TypedArray; shape: number[] }>;
}

/**
 * Reads a container.
 *
 * @throws Error if the body is not one, or says more than it holds.
 */
export function readContainer<H>(body: ArrayBuffer): Container<H> {
  if (body.byteLength < 8) throw new Error("the answer is too short to be a container");
  const view = new DataView(body);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("the answer is not a container of arrays");
  const length = view.getUint32(4, true);
  if (8 + length > body.byteLength) throw new Error("the header of the answer is cut short");
  const text = new TextDecoder().decode(new Uint8Array(body, 8, length));
  const header = JSON.parse(text) as H & { arrays?: ArrayEntry[] };
  const arrays: Container<H>["arrays"] = {};
  for (const entry of header.arrays ?? []) {
    const Type = TYPES[entry.dtype];
    if (!Type) throw new Error(`array ${entry.name} has an unknown type ${entry.dtype}`);
    if (entry.offset + entry.length > body.byteLength) throw new Error(`array ${entry.name} is cut short`);
    const values = new Type(body, entry.offset, entry.length / Type.BYTES_PER_ELEMENT);
    arrays[entry.name] = { values, shape: entry.shape };
  }
  return { header, arrays };
}

/** The array `name` of a container, which must have the type `Type`. */
export function arrayOf<T extends TypedArray>(
  container: Container<unknown>,
  name: string,
  Type: new (length: number) => T,
): T {
  const found = container.arrays[name];
  if (!(found?.values instanceof Type)) throw new Error(`the answer has no array ${name} of type ${Type.name}`);
  return found.values;
}
