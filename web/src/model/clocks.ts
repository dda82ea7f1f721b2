/** What moves by itself: playing cycles and blinking two of them. */

import { createEffect, createRoot, on, onCleanup } from "solid-js";
import { isWhole, playing } from "../map/current.ts";
import * as actions from "./actions.ts";
import { blinkShowsB, setBlinkShowsB } from "./look.ts";
import { view } from "./store.ts";

/** Shortest time that a cycle stays, in milliseconds. */
const PLAY_STEP = 400;
const BLINK_STEP = 650;

/** Starts the clocks; returns what stops them. */
export function runClocks(): () => void {
  return createRoot((dispose) => {
    // A cycle is left only once it is drawn whole: the eye never compares half pictures.
    createEffect(() => {
      view.cycle;
      if (!playing() || !isWhole()) return;
      const timer = setTimeout(() => actions.stepCycle(1, true), PLAY_STEP);
      onCleanup(() => clearTimeout(timer));
    });
    createEffect(
      on(
        () => view.compare === "blink",
        (blinks) => {
          setBlinkShowsB(false);
          if (!blinks) return;
          const timer = setInterval(() => setBlinkShowsB(!blinkShowsB()), BLINK_STEP);
          onCleanup(() => clearInterval(timer));
        },
      ),
    );
    return dispose;
  });
}
