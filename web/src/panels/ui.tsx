/** The small parts that panels are made of. */

import { For, type JSX, Show } from "solid-js";
import { keysOf } from "../commands/registry.ts";

const ICONS: Record<string, string> = {
  play: "M7 5v14l12-7z",
  pause: "M7 5h4v14H7zM13 5h4v14h-4z",
  next: "M6 5l9 7-9 7zM16 5h3v14h-3z",
  previous: "M18 5l-9 7 9 7zM5 5h3v14H5z",
  globe: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 0c-5 5-5 13 0 18m0-18c5 5 5 13 0 18M3 12h18",
  flat: "M3 6h18v12H3zM9 6v12M15 6v12M3 12h18",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M20 14A8 8 0 0 1 10 4a8 8 0 1 0 10 10z",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  help: "M9 9a3 3 0 1 1 4 3c-1 .5-1 1-1 2M12 17.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  undo: "M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3",
  redo: "M16 5l4 4-4 4M20 9H10a6 6 0 0 0 0 12h3",
  image: "M3 5h18v14H3zM3 16l5-5 4 4 3-3 6 6M15.5 9.5h.01",
  box: "M4 6h16v12H4z",
  polygon: "M12 3l8 7-3 10H6L4 9z",
  close: "M6 6l12 12M18 6L6 18",
  panel: "M4 5h16v14H4zM10 5v14",
  swap: "M4 9h14l-4-4M20 15H6l4 4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  up: "M12 19V6M6 11l6-6 6 6",
  down: "M12 5v13M6 13l6 6 6-6",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9h4M4 15h4M16 9h4M16 15h4",
};

export function Icon(props: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={ICONS[props.name] ?? ""} />
    </svg>
  );
}

/** A button with a picture; its key stands in its tip. */
export function IconButton(props: {
  icon: string;
  label: string;
  command?: string;
  pressed?: boolean | undefined;
  disabled?: boolean;
  onClick: () => void;
  class?: string;
}) {
  const keys = () => (props.command ? keysOf(props.command) : "");
  return (
    <button
      type="button"
      class={`icon-button ${props.class ?? ""}`}
      aria-label={props.label}
      aria-pressed={props.pressed}
      title={keys() ? `${props.label} (${keys()})` : props.label}
      disabled={props.disabled}
      onClick={() => props.onClick()}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** One of a few choices, side by side. */
export function Segmented<T extends string>(props: {
  label: string;
  choices: readonly (readonly [T, string])[];
  value: T;
  onChange: (value: T) => void;
}) {
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = props.choices.findIndex(([value]) => value === props.value);
    const [next] = props.choices[(at + step + props.choices.length) % props.choices.length]!;
    props.onChange(next);
    const group = event.currentTarget as HTMLElement;
    group.querySelector<HTMLElement>(`[data-value="${next}"]`)?.focus();
  };
  return (
    <div class="segmented" role="radiogroup" aria-label={props.label} onKeyDown={move}>
      <For each={props.choices}>
        {([value, text]) => (
          <button
            type="button"
            role="radio"
            aria-checked={props.value === value}
            tabIndex={props.value === value ? 0 : -1}
            data-value={value}
            onClick={() => props.onChange(value)}
          >
            {text}
          </button>
        )}
      </For>
    </div>
  );
}

export function Section(props: { title: string; aside?: JSX.Element; children: JSX.Element }) {
  return (
    <section class="section" aria-label={props.title}>
      <header class="section-header">
        <h2>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

export function Toggle(props: {
  label: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  hint?: string;
}) {
  return (
    <label class="toggle" title={props.hint}>
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <span>{props.label}</span>
    </label>
  );
}

/** Says that there is nothing to show, and what to do about it. */
export function Empty(props: { title: string; hint?: string | undefined; children?: JSX.Element }) {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      <Show when={props.hint}>
        <p>{props.hint}</p>
      </Show>
      {props.children}
    </div>
  );
}
