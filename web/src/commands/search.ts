/** Searching lists of choices. */

import type { JSX } from "solid-js";

export interface Choice {
  id: string;
  title: string;
  detail?: string | undefined;
  section?: string | undefined;
  /** At the right edge: a key, units, colours. */
  aside?: (() => JSX.Element) | undefined;
  isCode?: boolean;
}

/** How well `words` fit a choice: lower is better; `null` if one of them is not in it. */
export function rank(choice: Pick<Choice, "title" | "detail" | "section">, words: readonly string[]): number | null {
  const title = choice.title.toLowerCase();
  const all = `${title} ${choice.detail ?? ""} ${choice.section ?? ""}`.toLowerCase();
  let score = 0;
  for (const word of words) {
    if (!all.includes(word)) return null;
    score += title === word ? 0 : title.startsWith(word) ? 1 : title.includes(word) ? 2 : 4;
  }
  return score;
}

export function found(choices: readonly Choice[], text: string): Choice[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...choices];
  return choices
    .map((choice) => ({ choice, score: rank(choice, words) }))
    .filter((entry): entry is { choice: Choice; score: number } => entry.score !== null)
    .sort((a, b) => a.score - b.score)
    .map(({ choice }) => choice);
}
