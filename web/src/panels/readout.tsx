/** What lies under the cursor, over the map. */

import { For, Show } from "solid-js";
import { format, formatPlace, formatTime, prettyUnits } from "../color/ticks.ts";
import { wrapped } from "../map/geometry.ts";
import { type Reading, reading } from "../map/reading.ts";
import * as catalog from "../model/catalog.ts";
import { layerOf, shownOf } from "../model/layers.ts";
import { colorOf, isDifference } from "../model/look.ts";
import { view } from "../model/store.ts";
import type { FlagSet } from "../transport/types.ts";

/** Names of the flags that a raw value holds. */
export function flagNames(raw: number, flags: FlagSet | null): string[] {
  return (flags?.flags ?? []).filter(({ mask, value }) => (raw & mask) === (value | 0)).map(({ name }) => name);
}

const decimals = (): number | undefined => catalog.variable()?.packing?.scale ?? undefined;

function valueText(value: number | null): string {
  if (value === null) return "…";
  return Number.isNaN(value)
    ? "no value"
    : `${format(value, exactStep(value))} ${prettyUnits(catalog.variable()?.units)}`;
}

/** A value of a layer in words. */
const layerValue = (value: number, units: string): string =>
  Number.isFinite(value) ? `${format(value, 0.0001)} ${prettyUnits(units)}` : "no value";

/** Stored numbers are shown to their packing step. */
function exactStep(value: number): number | undefined {
  const step = decimals();
  return step && step >= 1e-8 && Math.abs(value) >= 1e-4 ? step : undefined;
}

function shown(now: Reading): number | null {
  if (isDifference()) return now.a === null || now.b === null ? null : now.a - now.b;
  return now.a ?? now.b;
}

export function Readout() {
  return (
    <div class="readout" aria-hidden="true">
      <Show when={reading()} fallback={<span class="muted">Point at the swath to read it</span>}>
        {(now) => (
          <>
            <Show when={shown(now()) !== null || now().cell}>
              <div class="readout-value">
                <Show when={Number.isFinite(shown(now()) ?? Number.NaN)}>
                  <i style={{ background: colorOf(shown(now())!) }} />
                </Show>
                <b>{valueText(shown(now()))}</b>
                <Show when={view.compare !== "off" && now().b !== null && now().a !== null}>
                  <span class="muted">
                    A {format(now().a!, exactStep(now().a!))} · B {format(now().b!, exactStep(now().b!))}
                  </span>
                </Show>
                <Show when={!now().exact && Number.isFinite(now().a ?? Number.NaN)}>
                  <span class="muted">
                    {view.span === "all" ? `${view.statistic} of cycles` : "mean of pixels here"}
                  </span>
                </Show>
              </div>
            </Show>
            <For each={now().layers}>
              {(layer) => (
                <div class="readout-place readout-layer">
                  <b>{layerValue(layer.value, layer.units)}</b>
                  <span class="code">{shownOf(layer.id)?.variable.split("/").at(-1)}</span>
                  <span class="muted">{layerOf(layer.id)?.label}</span>
                </div>
              )}
            </For>
            <div class="readout-place">
              {formatPlace(wrapped(now().lon), now().lat)}
              <Show when={now().cell}>
                {(cell) => (
                  <>
                    {" · "}cycle {view.cycle} · pass {cell().pass}
                    {cell().side ? ` · ${cell().side}` : ""} · line {cell().line} · pixel {cell().pixel}
                  </>
                )}
              </Show>
            </div>
            <Show when={now().cell}>
              {(cell) => (
                <div class="readout-place muted">
                  {formatTime(cell().time)} UTC
                  <Show when={now().flags !== null && now().flags !== 0}>
                    {" · "}
                    {flagNames(now().flags!, catalog.flag()?.flags ?? null)
                      .slice(0, 3)
                      .join(", ") || "flagged"}
                  </Show>
                </div>
              )}
            </Show>
          </>
        )}
      </Show>
    </div>
  );
}
