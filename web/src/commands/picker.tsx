/** A dialog to search a list and choose from it. */

import { createEffect, createMemo, createSignal, For, type JSX, onCleanup, onMount, Show } from "solid-js";

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

export function Picker(props: {
  label: string;
  placeholder: string;
  choices: readonly Choice[];
  current?: string;
  onPick: (id: string) => void;
  onClose: () => void;
  onHover?: (id: string) => void;
  footer?: JSX.Element;
}) {
  let dialog!: HTMLDialogElement;
  let list!: HTMLDivElement;
  const [text, setText] = createSignal("");
  const shown = createMemo(() => found(props.choices, text()));
  const [at, setAt] = createSignal(0);
  onMount(() => {
    dialog.showModal();
    setAt(
      Math.max(
        0,
        props.choices.findIndex((choice) => choice.id === props.current),
      ),
    );
  });
  onCleanup(() => dialog.close());
  createEffect(() => {
    const active = shown()[at()];
    if (active) list.querySelector(`[data-id="${CSS.escape(active.id)}"]`)?.scrollIntoView({ block: "nearest" });
    if (active) props.onHover?.(active.id);
  });
  const key = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) {
      event.preventDefault();
      setAt(Math.min(shown().length - 1, Math.max(0, at() + step)));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const choice = shown()[at()];
      if (choice) props.onPick(choice.id);
    }
  };
  return (
    <dialog
      class="picker"
      ref={dialog}
      aria-label={props.label}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => event.target === dialog && props.onClose()}
      onKeyDown={key}
    >
      <input
        class="picker-search"
        type="text"
        role="combobox"
        aria-label={props.label}
        aria-expanded="true"
        aria-controls="picker-list"
        aria-activedescendant={shown()[at()] ? `pick-${at()}` : undefined}
        placeholder={props.placeholder}
        autocomplete="off"
        spellcheck={false}
        value={text()}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
      />
      <div class="picker-list" id="picker-list" role="listbox" aria-label={props.label} ref={list}>
        <For each={shown()}>
          {(choice, index) => (
            <>
              <Show when={choice.section && choice.section !== shown()[index() - 1]?.section && text() === ""}>
                <div class="picker-section" role="presentation">
                  {choice.section}
                </div>
              </Show>
              <div
                class="picker-choice"
                classList={{ active: index() === at(), current: choice.id === props.current }}
                id={`pick-${index()}`}
                data-id={choice.id}
                role="option"
                tabindex="-1"
                aria-selected={index() === at()}
                onPointerMove={() => setAt(index())}
                onClick={() => props.onPick(choice.id)}
                onKeyDown={() => {}}
              >
                <span class="picker-title" classList={{ code: choice.isCode ?? false }}>
                  {choice.title}
                </span>
                <Show when={choice.detail}>
                  <span class="picker-detail">{choice.detail}</span>
                </Show>
                <span class="picker-aside">{choice.aside?.()}</span>
              </div>
            </>
          )}
        </For>
        <Show when={shown().length === 0}>
          <p class="picker-none" role="presentation">
            Nothing is called “{text()}”.
          </p>
        </Show>
      </div>
      {props.footer}
    </dialog>
  );
}
