import { expect, test } from "vitest";
import { arrayOf, readContainer } from "../src/transport/container.ts";

/** A container as docs/reference/http-api.md lays it out. */
function makeContainer(header: object, arrays: Record<string, Int16Array | Float64Array>): ArrayBuffer {
  const entries = Object.entries(arrays).map(([name, values]) => ({
    name,
    dtype: values instanceof Int16Array ? "int16" : "float64",
    shape: [values.length],
    offset: 0,
    length: values.byteLength,
  }));
  const length = 512 - 8;
  let at = 512;
  for (const entry of entries) {
    entry.offset = at;
    at += Math.ceil(entry.length / 8) * 8;
  }
  const body = new ArrayBuffer(at);
  const text = JSON.stringify({ ...header, arrays: entries }).padEnd(length);
  new Uint8Array(body).set(new TextEncoder().encode(`KRN1\0\0\0\0${text}`));
  new DataView(body).setUint32(4, length, true);
  Object.values(arrays).forEach((values, index) => {
    new Uint8Array(body).set(new Uint8Array(values.buffer), entries[index]!.offset);
  });
  return body;
}

test("arrays come out as they went in, without a copy", () => {
  const body = makeContainer({ rows: 3 }, { values: Int16Array.of(-3, 0, 32767), time: Float64Array.of(1.5) });
  const container = readContainer<{ rows: number }>(body);
  expect(container.header.rows).toBe(3);
  const values = arrayOf(container, "values", Int16Array);
  expect([...values]).toEqual([-3, 0, 32767]);
  expect(values.buffer).toBe(body);
  expect([...arrayOf(container, "time", Float64Array)]).toEqual([1.5]);
});

test("what is torn, foreign or of another type is told", () => {
  const body = makeContainer({}, { values: Int16Array.of(1, 2, 3, 4) });
  expect(() => readContainer(body.slice(0, 5))).toThrow("too short");
  expect(() => readContainer(body.slice(0, 100))).toThrow("cut short");
  expect(() => readContainer(body.slice(0, 514))).toThrow("values is cut short");
  expect(() => readContainer(new TextEncoder().encode("<!doctype html>").buffer)).toThrow("not a container");
  expect(() => arrayOf(readContainer(body), "values", Float64Array)).toThrow("Float64Array");
});
