/** The plots beside the map. */

import { For, Match, onCleanup, onMount, Switch } from "solid-js";
import { current } from "../map/current.ts";
import { change, view } from "../model/store.ts";
import type { Tab } from "../model/view.ts";
import { IconButton } from "../panels/ui.tsx";
import { HistogramView, ScatterView } from "./distribution.tsx";
import { HovmollerView } from "./hovmoller.tsx";
import { PointView } from "./point.tsx";
import { ProfileView } from "./profile.tsx";
import { RegionView } from "./region.tsx";
import { SeriesView } from "./series.tsx";
import { SpectrumView } from "./spectrum.tsx";
import { StripView } from "./strip.tsx";

const TABS: readonly (readonly [Tab, string])[] = [
  ["point", "Point"],
  ["strip", "Strip"],
  ["profile", "Profile"],
  ["hovmoller", "Hovmöller"],
  ["series", "Series"],
  ["spectrum", "Spectrum"],
  ["histogram", "Histogram"],
  ["scatter", "Scatter"],
  ["region", "Region"],
];

export function Dock() {
  const settle = () => requestAnimationFrame(() => current()?.map.resize());
  onMount(settle);
  onCleanup(settle);
  const key = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = TABS.findIndex(([tab]) => tab === view.tab);
    const [tab] = TABS[(at + step + TABS.length) % TABS.length]!;
    change({ tab });
    document.getElementById(`tab-${tab}`)?.focus();
  };
  return (
    <aside class="dock" aria-label="Plots">
      <div class="dock-head">
        <div class="tabs" role="tablist" aria-label="Plots" onKeyDown={key}>
          <For each={TABS}>
            {([tab, name]) => (
              <button
                type="button"
                role="tab"
                id={`tab-${tab}`}
                aria-selected={view.tab === tab}
                aria-controls="dock-body"
                tabIndex={view.tab === tab ? 0 : -1}
                onClick={() => change({ tab })}
              >
                {name}
              </button>
            )}
          </For>
        </div>
        <IconButton icon="close" label="Close the plots" onClick={() => change({ tab: "none" })} />
      </div>
      <div class="dock-body" id="dock-body" role="tabpanel" tabIndex={0} aria-labelledby={`tab-${view.tab}`}>
        <Switch>
          <Match when={view.tab === "point"}>
            <PointView />
          </Match>
          <Match when={view.tab === "strip"}>
            <StripView />
          </Match>
          <Match when={view.tab === "profile"}>
            <ProfileView />
          </Match>
          <Match when={view.tab === "hovmoller"}>
            <HovmollerView />
          </Match>
          <Match when={view.tab === "series"}>
            <SeriesView />
          </Match>
          <Match when={view.tab === "spectrum"}>
            <SpectrumView />
          </Match>
          <Match when={view.tab === "histogram"}>
            <HistogramView />
          </Match>
          <Match when={view.tab === "scatter"}>
            <ScatterView />
          </Match>
          <Match when={view.tab === "region"}>
            <RegionView />
          </Match>
        </Switch>
      </div>
    </aside>
  );
}
