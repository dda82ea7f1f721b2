/** A dialog to search a list and choose from it. */

import { createEffect, createMemo, createSignal, For, type JSX, onCleanup, onMount, Show } from "solid-js";
import { type Choice, found } from "./search.ts";

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
                tabIndex={-1}
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
