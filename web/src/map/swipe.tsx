/** The divider between two cycles. */

import { operandNames } from "../model/operands.ts";
import { change, view } from "../model/store.ts";
import { clamp } from "../model/view.ts";

export function Swipe() {
  let bar!: HTMLDivElement;
  const drag = (event: PointerEvent) => {
    bar.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent) => {
      const box = bar.parentElement!.getBoundingClientRect();
      change({ divide: clamp((moved.clientX - box.left) / box.width, 0.02, 0.98) });
    };
    bar.addEventListener("pointermove", move);
    bar.addEventListener("pointerup", () => bar.removeEventListener("pointermove", move), { once: true });
  };
  const key = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    change({ divide: clamp(view.divide + step, 0.02, 0.98) });
  };
  return (
    <div
      class="swipe"
      ref={bar}
      style={{ left: `${100 * view.divide}%` }}
      role="slider"
      tabIndex={0}
      aria-label="Divider between the two cycles"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow={Math.round(100 * view.divide)}
      onPointerDown={drag}
      onKeyDown={key}
    >
      <span class="swipe-label left">{view.cycle}</span>
      <span class="swipe-grip" aria-hidden="true">
        ⇔
      </span>
      <span class="swipe-label right">{operandNames().b.replace("cycle ", "")}</span>
    </div>
  );
}
