/** What plots have in common: asking, waiting, failing, and handing out their numbers. */

import { createEffect, createMemo, createSignal, type JSX, Match, onCleanup, Show, Switch } from "solid-js";
import { provenance } from "../export/picture.ts";
import { type Cell, saveCsv } from "../export/save.ts";
import * as api from "../model/api.ts";
import { Empty } from "../panels/ui.tsx";
import { isAbort, Problem, type Query } from "../transport/transport.ts";
import type { Progress } from "../transport/types.ts";

export interface Answer<T> {
  data: () => T | undefined;
  error: () => Error | undefined;
  loading: () => boolean;
  /** How far the work is, once it takes longer than a second. */
  progress: () => Progress | undefined;
}

/** Milliseconds after which it is asked how far the work is, and between two such questions. */
const PATIENCE = 1000;
const EVERY = 400;

/** Asks again whenever the query changes; what is no longer wanted is given up. The last answer stays while a new one comes. */
export function createAnswer<Q extends object, T>(
  query: () => Q | null,
  ask: (query: Q & { job: string }, signal: AbortSignal) => Promise<T>,
): Answer<T> {
  const [data, setData] = createSignal<T | undefined>();
  const [error, setError] = createSignal<Error | undefined>();
  const [loading, setLoading] = createSignal(false);
  const [progress, setProgress] = createSignal<Progress | undefined>();
  const key = createMemo(() => JSON.stringify(query()));
  createEffect(() => {
    const now = JSON.parse(key()) as Q | null;
    if (now === null) {
      setData(undefined);
      setError(undefined);
      return;
    }
    const controller = new AbortController();
    // The same question has the same name: caches know its answer.
    const job = nameOf(key());
    const settle = (found: T | undefined, problem: Error | undefined) => {
      if (problem === undefined) setData(() => found);
      setError(problem);
      setLoading(false);
      setProgress(undefined);
      clearTimeout(timer);
    };
    const look = async () => {
      // Work that has not begun, or is over, has no progress.
      const found = await api.transport.json<Progress>("progress", { job }, controller.signal).catch(() => undefined);
      if (controller.signal.aborted || !loading()) return;
      setProgress(found);
      timer = setTimeout(look, EVERY);
    };
    let timer = setTimeout(look, PATIENCE);
    onCleanup(() => {
      clearTimeout(timer);
      setProgress(undefined);
      controller.abort();
    });
    setLoading(true);
    ask({ ...now, job }, controller.signal)
      .then((found) => settle(found, undefined))
      .catch((problem: unknown) => {
        if (!isAbort(problem)) settle(undefined, problem instanceof Error ? problem : new Error(String(problem)));
      });
  });
  return { data, error, loading, progress };
}

/** Asks for JSON from an endpoint. */
export const askJson =
  <T,>(path: string) =>
  (query: Query, signal: AbortSignal): Promise<T> =>
    api.transport.json<T>(path, query, signal);

/** A short name of a text (FNV-1a). */
function nameOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return `plot-${(hash >>> 0).toString(36)}`;
}

/** Shows an answer, or why there is none. */
export function Answered<T>(props: { answer: Answer<T>; missing?: JSX.Element; children: (data: T) => JSX.Element }) {
  return (
    <div class="answer" classList={{ stale: props.answer.loading() }} aria-busy={props.answer.loading()}>
      <Switch fallback={props.missing}>
        <Match when={props.answer.error()}>
          {(error) => (
            <Empty title={error().message} hint={error() instanceof Problem ? (error() as Problem).hint : undefined} />
          )}
        </Match>
        <Match when={props.answer.data()}>
          {(data) => (
            <>
              {props.children(data())}
              <Show when={props.answer.progress()}>
                {(now) => (
                  <p class="working" role="status">
                    {howFar(now())}
                  </p>
                )}
              </Show>
            </>
          )}
        </Match>
        <Match when={props.answer.loading()}>
          <div class="waiting" role="status">
            <span class="spinner" />
            <span>{howFar(props.answer.progress())}</span>
          </div>
        </Match>
      </Switch>
    </div>
  );
}

/** How far work is, in words. */
export function howFar(progress: Progress | undefined): string {
  if (!progress?.total) return "Computing…";
  const { done, total } = progress;
  return `Computing… ${Math.min(done, total)} of ${total} granules`;
}

export interface Table {
  name: string;
  columns: string[];
  rows: () => Cell[][];
}

/** Heading of a plot, and its numbers as CSV. */
export function PlotHead(props: { title: string; detail?: string | undefined; table?: Table | undefined }) {
  return (
    <header class="plot-head">
      <div>
        <h3>{props.title}</h3>
        <Show when={props.detail}>
          <p class="muted">{props.detail}</p>
        </Show>
      </div>
      <Show when={props.table}>
        {(table) => (
          <button
            type="button"
            class="text-button"
            onClick={() => saveCsv(`${table().name}.csv`, table().columns, table().rows(), [props.title, provenance()])}
          >
            CSV
          </button>
        )}
      </Show>
    </header>
  );
}
