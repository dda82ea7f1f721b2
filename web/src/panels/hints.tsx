/** What to try first; shown until it is closed once. */

import { createSignal, Show } from "solid-js";
import { view } from "../model/store.ts";
import { IconButton } from "./ui.tsx";

const KEY = "karin.hints";

function wasClosed(): boolean {
  try {
    return localStorage.getItem(KEY) === "closed";
  } catch {
    return false;
  }
}

export function Hints() {
  const [isShown, setShown] = createSignal(!wasClosed());
  const close = () => {
    setShown(false);
    try {
      localStorage.setItem(KEY, "closed");
    } catch {
      // Without storage the hints come again: no harm.
    }
  };
  return (
    <Show when={isShown() && view.tab === "none"}>
      <aside class="hints" aria-label="First steps">
        <ul>
          <li>
            <kbd>[</kbd> <kbd>]</kbd> step through cycles, <kbd>b</kbd> blinks two, <kbd>d</kbd> subtracts them
          </li>
          <li>Zoom in to see every pixel; point at one to read it, click to pin it</li>
          <li>
            <kbd>r</kbd> draws a box, <kbd>h</kbd> opens a Hovmöller, <kbd>?</kbd> shows all keys
          </li>
        </ul>
        <IconButton icon="close" label="Close the hints" onClick={close} />
      </aside>
    </Show>
  );
}
