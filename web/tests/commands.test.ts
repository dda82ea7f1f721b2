import { expect, test } from "vitest";
import { found } from "../src/commands/search.ts";

const choices = ["ssha_karin_2", "ssha", "swh_karin", "u_geo"].map((title) => ({
  id: title,
  title,
  detail: title === "u_geo" ? "eastward current" : "",
}));

test("search finds by every word, the best first", () => {
  expect(found(choices, "ssha").map(({ id }) => id)).toEqual(["ssha", "ssha_karin_2"]);
  expect(found(choices, "karin").map(({ id }) => id)).toEqual(["ssha_karin_2", "swh_karin"]);
  expect(found(choices, "current EAST").map(({ id }) => id)).toEqual(["u_geo"]);
  expect(found(choices, "").length).toBe(4);
  expect(found(choices, "nothing")).toEqual([]);
});
