/** A and B of a comparison: a product, a variable and a cycle each. */

import type { Query } from "../transport/transport.ts";
import * as catalog from "./catalog.ts";
import { view } from "./store.ts";

export interface Operand {
  group: string;
  variable: string;
  cycle: number;
}

export const operandA = (): Operand => ({ group: view.group, variable: view.variable, cycle: view.cycle });

/** What is compared with: as A where nothing else was chosen. */
export const operandB = (): Operand => ({
  group: catalog.groupB()?.id ?? view.group,
  variable: view.variableB || view.variable,
  cycle: view.cycleB,
});

/** A, and B if there is a comparison. */
export const operands = (): Operand[] => (view.compare === "off" ? [operandA()] : [operandA(), operandB()]);

/** True if A and B are more than two cycles of one variable. */
export const areUnlike = (): boolean => {
  const [a, b] = operands();
  return b !== undefined && (a!.group !== b.group || a!.variable !== b.variable);
};

/** What A and B are called: what they share is said once. */
export function operandNames(): { shared: string; a: string; b: string } {
  const [a, b] = [operandA(), operandB()];
  const same = { variable: a.variable === b.variable, group: a.group === b.group, cycle: a.cycle === b.cycle };
  const titleOf = (id: string) => (catalog.groupOf(id)?.title ?? id).replace(/^SWOT /, "");
  const told = (one: Operand) =>
    [same.group ? "" : titleOf(one.group), same.variable ? "" : one.variable, same.cycle ? "" : `cycle ${one.cycle}`]
      .filter(Boolean)
      .join(", ");
  const shared = [same.variable ? a.variable : "", same.cycle ? `cycle ${a.cycle}` : ""].filter(Boolean).join(", ");
  return { shared, a: told(a) || "A", b: told(b) || "B" };
}

const DIFFERENCE = "a_minus_b";

/**
 * What turns a question about A into one about A − B: another cycle is taken off, or another variable of the same
 * cycle. Nothing where the server has no such answer: then A alone is meant.
 */
export function subtracting(lets: readonly string[]): Query {
  if (view.compare !== "difference") return {};
  const [a, b] = [operandA(), operandB()];
  if (!areUnlike()) return { cycle_b: b.cycle };
  if (a.group !== b.group || a.cycle !== b.cycle) return {};
  return { var: DIFFERENCE, let: [...lets, `${DIFFERENCE}=${a.variable} - ${b.variable}`] };
}

/** The same in words, behind the name of A: empty where A alone is meant. */
export function subtractedText(): string {
  const taken = subtracting([]);
  if (taken.cycle_b !== undefined) return ` − cycle ${view.cycleB}`;
  return taken.var === undefined ? "" : ` − ${view.variableB}`;
}
