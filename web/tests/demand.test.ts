import { expect, test, vi } from "vitest";
import { Demand } from "../src/map/demand.ts";

const turns = async (count = 5) => {
  for (let turn = 0; turn < count; turn++) await Promise.resolve();
};

function cache(limit = 100) {
  const dispose = vi.fn();
  const failed = vi.fn();
  const demand = new Demand<{ size: number }>({
    limit,
    bytesOf: ({ size }) => size,
    arrived: () => {},
    failed,
    dispose,
  });
  return { demand, dispose, failed };
}

test("the least recently used leaves when there is no room", async () => {
  const { demand, dispose } = cache(100);
  const want = (key: string) => ({ key, load: async () => ({ size: 40 }) });
  demand.want([want("a"), want("b")]);
  await turns();
  demand.get("a");
  demand.want([want("c")]);
  await turns();
  expect(demand.get("b")).toBeUndefined();
  expect(demand.get("a")).toBeDefined();
  expect(demand.get("c")).toBeDefined();
  expect(dispose).toHaveBeenCalledTimes(1);
});

test("what is no longer wanted is given up", async () => {
  const { demand } = cache();
  let signal: AbortSignal | undefined;
  demand.want([{ key: "a", load: (given) => new Promise(() => (signal = given)) }]);
  expect(demand.pending).toBe(1);
  demand.want([]);
  expect(signal?.aborted).toBe(true);
  expect(demand.pending).toBe(0);
});

test("what is loaded ahead is told of only once it is needed", async () => {
  const arrived = vi.fn();
  const demand = new Demand<object>({ limit: 100, bytesOf: () => 1, arrived, failed: () => {} });
  const answers: (() => void)[] = [];
  const want = (key: string, ahead = false) => ({
    key,
    ahead,
    load: () => new Promise<object>((resolve) => answers.push(() => resolve({}))),
  });
  demand.want([want("a", true), want("b", true)]);
  expect(demand.pending).toBe(0);
  answers[0]!();
  await turns();
  expect(demand.get("a")).toBeDefined();
  expect(arrived).not.toHaveBeenCalled();
  demand.want([want("b")]);
  expect(demand.pending).toBe(1);
  answers[1]!();
  await turns();
  expect(answers).toHaveLength(2);
  expect(arrived).toHaveBeenCalledTimes(1);
});

test("what fails twice is not asked for again", async () => {
  const { demand, failed } = cache();
  const load = vi.fn(() => Promise.reject(new Error("no")));
  for (let attempt = 0; attempt < 4; attempt++) {
    demand.want([{ key: "a", load }]);
    await turns();
  }
  expect(load).toHaveBeenCalledTimes(2);
  expect(failed).toHaveBeenCalledTimes(2);
  expect(demand.hasFailed("a")).toBe(true);
});
