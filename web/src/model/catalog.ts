/** What the collection holds, and what of it the view shows. */

import { createMemo, createResource, createRoot, createSignal } from "solid-js";
import { Problem } from "../transport/transport.ts";
import type { Collections, Coverage, Group, Range, Variable } from "../transport/types.ts";
import * as api from "./api.ts";
import { view } from "./store.ts";

export const [catalog, setCatalog] = createSignal<Collections | null>(null);

const letName = (definition: string) => definition.split("=")[0]!.trim();

function madeByLet(definition: string): Variable {
  const formula = definition.slice(definition.indexOf("=") + 1).trim();
  return {
    name: letName(definition),
    kind: "derived",
    long_name: formula,
    units: null,
    dtype: "float32",
    shape: "pixels",
    packing: null,
    quality_flag: null,
    flags: null,
    color_map: null,
    diverging: false,
    formula,
    section: "expressions",
  };
}

/** Name of the flag variable of `variable`; that of the first of its inputs that has one, if it is derived. */
function gateOf(variable: Variable | undefined, all: readonly Variable[]): string | null {
  if (!variable || variable.kind === "stored") return variable?.quality_flag ?? null;
  const gated = all.filter((one) => one.kind === "stored" && one.quality_flag && one.shape === "pixels");
  const words = new Set(`${variable.formula ?? ""} ${variable.long_name ?? ""}`.match(/\w+/g));
  if (variable.kind === "derived") return (gated.find((one) => words.has(one.name)) ?? gated[0])?.quality_flag ?? null;
  return null;
}

const made = createRoot(() => {
  const group = createMemo<Group | undefined>(() => groupOf(view.group));
  const groupB = createMemo<Group | undefined>(() => groupOf(view.groupB) ?? group());
  const variables = createMemo<Variable[]>(() => [...view.lets.map(madeByLet), ...(group()?.variables ?? [])]);
  const variable = createMemo(() => variables().find((one) => one.name === view.variable));
  const flag = createMemo(() => {
    const name = gateOf(variable(), variables());
    return variables().find((one) => one.name === name);
  });
  const [coverage] = createResource(
    () => view.group || false,
    (name) => api.coverage(name),
  );
  const [coverageB] = createResource(
    () => view.groupB || false,
    (name) => api.coverage(name),
  );
  const rangeKey = () => {
    if (!variable() || !view.cycle) return false;
    const { group, side, variable: name, lets, where, nadir, quality, cycle } = view;
    return JSON.stringify({ group, side, variable: name, lets, where, nadir, quality, cycle });
  };
  const [range] = createResource(rangeKey, async (key): Promise<Range | null> => {
    const { cycle, ...meaning } = JSON.parse(key) as api.Meaning & { cycle: number };
    return api.range(meaning, String(cycle)).catch(() => null);
  });
  const passesByCycle = createMemo(() => passesOf(safe(coverage)));
  const passesByCycleB = createMemo(() =>
    groupB() === group() ? passesByCycle() : passesOf(view.groupB ? safe(coverageB) : undefined),
  );
  const coverageIsKnown = () =>
    [coverage, ...(groupB() === group() ? [] : [coverageB])].every((one) => one.error || one.latest !== undefined);
  return { coverageIsKnown, group, groupB, variables, variable, flag, coverage, range, passesByCycle, passesByCycleB };
});

/** The value of a resource, or nothing while it loads or after it failed. */
function safe<T>(resource: { (): T | undefined; error: unknown; latest: T | undefined }): T | undefined {
  return resource.error ? undefined : resource.latest;
}

/** The group of a name. */
export function groupOf(id: string): Group | undefined {
  return catalog()?.groups.find((one) => one.id === id);
}

function passesOf(coverage: Coverage | undefined): Map<number, Set<number>> {
  const found = new Map<number, Set<number>>();
  for (const granule of coverage?.granules ?? []) {
    if (!found.has(granule.cycle)) found.set(granule.cycle, new Set());
    found.get(granule.cycle)!.add(granule.pass);
  }
  return found;
}

export const group = made.group;
/** The group of B, which is that of A unless another is named. */
export const groupB = made.groupB;
/** Passes of the group of B, cycle by cycle. */
export const passesByCycleB = made.passesByCycleB;
export const variables = made.variables;
export const variable = made.variable;
/** The flag variable that gates the variable, or the first of what it is derived from, if there is one. */
export const flag = made.flag;
export const passesByCycle = made.passesByCycle;
export const coverage = (): Coverage | undefined => safe(made.coverage);
/** True once it is known which granules of A and B exist, or that it cannot be known. */
export const coverageIsKnown = made.coverageIsKnown;
export const coverageError = (): unknown => made.coverage.error;
/** Quantiles and histogram of the variable in the cycle; the last known ones while new ones load. */
export const range = (): Range | undefined => safe(made.range) ?? undefined;
export const rangeIsLoading = (): boolean => made.range.loading;

/** Cycles that the group has granules of, ascending. */
export const cycles = (): number[] => group()?.cycles ?? [];

/** Loads what the collection holds; what goes wrong is a {@link Problem}. */
export async function load(): Promise<Collections> {
  const found = await api.collections();
  if (found.groups.length === 0) {
    throw new Problem(
      404,
      "empty",
      "There are no granules here.",
      "Ingest some, or name a folder with granules: karin view FOLDER",
    );
  }
  setCatalog(found);
  return found;
}
