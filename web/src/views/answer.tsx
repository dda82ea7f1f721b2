/** What plots have in common: asking, waiting, failing, and handing out their numbers. */

import { createEffect, createSignal, type JSX, Match, onCleanup, Show, Switch } from "solid-js";
import { provenance } from "../export/picture.ts";
import { type Cell, saveCsv } from "../export/save.ts";
import { Empty } from "../panels/ui.tsx";
import { isAbort, Problem } from "../transport/transport.ts";

export interface Answer<T> {
  data: () => T | undefined;
  error: () => Error | undefined;
  loading: () => boolean;
}

/** Asks again whenever `key` changes; what is no longer wanted is given up. The last answer stays while a new one comes. */
export function createAnswer<T>(
  key: () => string | null,
  ask: (key: string, signal: AbortSignal) => Promise<T>,
): Answer<T> {
  const [data, setData] = createSignal<T | undefined>();
  const [error, setError] = createSignal<Error | undefined>();
  const [loading, setLoading] = createSignal(false);
  createEffect(() => {
    const now = key();
    if (now === null) {
      setData(undefined);
      setError(undefined);
      return;
    }
    const controller = new AbortController();
    onCleanup(() => controller.abort());
    setLoading(true);
    ask(now, controller.signal)
      .then((found) => {
        setData(() => found);
        setError(undefined);
        setLoading(false);
      })
      .catch((problem: unknown) => {
        if (isAbort(problem)) return;
        setError(problem instanceof Error ? problem : new Error(String(problem)));
        setLoading(false);
      });
  });
  return { data, error, loading };
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
        <Match when={props.answer.data()}>{(data) => props.children(data())}</Match>
        <Match when={props.answer.loading()}>
          <div class="waiting" role="status">
            <span class="spinner" />
            <span>Computing…</span>
          </div>
        </Match>
      </Switch>
    </div>
  );
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
