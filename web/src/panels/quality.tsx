/** Levels of quality and flags as live masks, with how many pixels each of them removes. */

import { createMemo, createResource, createSignal, For, Show } from "solid-js";
import { flagColor } from "../color/maps.ts";
import * as api from "../model/api.ts";
import * as catalog from "../model/catalog.ts";
import { isDropped } from "../model/look.ts";
import { change, view } from "../model/store.ts";
import type { Quality } from "../model/view.ts";
import type { FlagCounts } from "../transport/types.ts";
import { Section, Segmented, Toggle } from "./ui.tsx";

const percent = (part: number, whole: number): string => {
  if (whole === 0 || part === 0) return "0 %";
  const share = (100 * part) / whole;
  return share < 0.1 ? "< 0.1 %" : `${share < 10 ? share.toFixed(1) : Math.round(share)} %`;
};

export function QualitySection() {
  const [isOpen, setOpen] = createSignal(false);
  const key = () => {
    const flag = catalog.flag();
    const passes = view.pin?.pass ? { passes: view.pin.pass } : {};
    return flag && isOpen()
      ? JSON.stringify({ group: view.group, var: flag.name, cycles: view.cycle, ...passes })
      : false;
  };
  const [counts] = createResource(key, (text) =>
    api.transport.json<FlagCounts>("flags", { ...JSON.parse(text), ...api.cached() }).catch(() => null),
  );
  const flags = createMemo(() => {
    const counted = new Map((counts.latest?.flags ?? []).map((flag) => [flag.name, flag.count]));
    return (catalog.flag()?.flags?.flags ?? []).map((flag, index) => ({
      ...flag,
      color: flagColor(index),
      count: counted.get(flag.name),
    }));
  });
  const toggle = (name: string, on: boolean) =>
    change({ masks: on ? [...view.masks, name] : view.masks.filter((one) => one !== name) });
  return (
    <Section
      title="Quality"
      aside={
        <Show when={counts.latest?.kept}>
          {(kept) => <span class="muted">{percent(kept()[view.quality], counts.latest!.count)} kept</span>}
        </Show>
      }
    >
      <Segmented<Quality>
        label="Level of quality"
        choices={[
          ["any", "Any"],
          ["degraded", "Degraded"],
          ["suspect", "Suspect"],
          ["good", "Good"],
        ]}
        value={view.quality}
        onChange={(quality) => change({ quality })}
      />
      <Show
        when={catalog.flag()}
        fallback={
          <p class="note">
            No flag gates {view.variable} by itself{view.quality === "any" ? "." : "; its inputs are gated."}
          </p>
        }
      >
        {(flag) => (
          <>
            <Toggle
              label="Show why pixels are rejected"
              checked={view.why}
              onChange={(why) => change({ why })}
              hint="Near views draw rejected pixels in the colour of the flag (m)"
            />
            <details class="flags" open={isOpen() || view.why} onToggle={(event) => setOpen(event.currentTarget.open)}>
              <summary>
                Flags of <span class="code">{flag().name}</span>
              </summary>
              <Show when={view.pin?.pass}>
                <p class="note">
                  Counted in pass {view.pin!.pass} of cycle {view.cycle}
                </p>
              </Show>
              <ul>
                <For each={flags()}>
                  {(one) => (
                    <li>
                      <label class="flag" classList={{ dropped: isDropped(one, view.quality) }}>
                        <input
                          type="checkbox"
                          checked={isDropped(one, view.quality) || view.masks.includes(one.name)}
                          disabled={isDropped(one, view.quality)}
                          onChange={(event) => toggle(one.name, event.currentTarget.checked)}
                        />
                        <i style={{ background: `rgb(${one.color.join(" ")})` }} />
                        <span class="flag-name" title={one.name}>
                          {one.name.replaceAll("_", " ")}
                        </span>
                        <span class="flag-count">
                          {one.count === undefined
                            ? counts.loading
                              ? "…"
                              : ""
                            : percent(one.count, counts.latest!.count)}
                        </span>
                      </label>
                    </li>
                  )}
                </For>
              </ul>
            </details>
          </>
        )}
      </Show>
    </Section>
  );
}
