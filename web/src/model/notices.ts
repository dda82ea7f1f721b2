/** Short messages to the user, one at a time, and what is being waited for. */

import { createSignal } from "solid-js";
import { isAbort, Problem } from "../transport/transport.ts";

export interface Notice {
  kind: "info" | "error";
  text: string;
  hint?: string | undefined;
}

const [notice, setNotice] = createSignal<Notice | null>(null);

export { notice };

let timer: ReturnType<typeof setTimeout> | undefined;

function show(one: Notice, milliseconds: number): void {
  clearTimeout(timer);
  setNotice(one);
  timer = setTimeout(() => setNotice(null), milliseconds);
}

export const tell = (text: string): void => show({ kind: "info", text }, 2600);
export const dismiss = (): void => {
  setNotice(null);
};

/** Tells what went wrong; nothing if we gave it up ourselves. */
export function complain(error: unknown): void {
  if (isAbort(error)) return;
  const hint = error instanceof Problem ? error.hint : undefined;
  show({ kind: "error", text: error instanceof Error ? error.message : String(error), hint }, 9000);
}

const [pending, setPending] = createSignal(0);

/** Requests of the map that have not been answered. */
export { pending };

/** Counts a piece of work of the map while it runs. */
export async function counted<T>(work: Promise<T>): Promise<T> {
  setPending((count) => count + 1);
  try {
    return await work;
  } finally {
    setPending((count) => count - 1);
  }
}
