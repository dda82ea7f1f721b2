/** Layers beside the swath: on or off, their variable, colours, opacity and order. */

import { createMemo, For, Show } from "solid-js";
import { COLOR_MAPS, gradient } from "../color/maps.ts";
import { prettyUnits } from "../color/ticks.ts";
import {
  changeLayer,
  layers,
  layersNow,
  mapOf,
  moveLayer,
  shownOf,
  toggleLayer,
  variableOf,
  whenOf,
} from "../model/layers.ts";
import { view } from "../model/store.ts";
import type { LayerInfo } from "../transport/types.ts";
import { IconButton, Section, Segmented, Toggle } from "./ui.tsx";

export function LayersSection() {
  return (
    <Show when={layers().length}>
      <Section title="Layers">
        <For each={layers()}>{(info) => <Layer info={info} />}</For>
      </Section>
    </Show>
  );
}

function Layer(props: { info: LayerInfo }) {
  const id = () => props.info.id;
  const shown = () => shownOf(id());
  return (
    <div class="layer">
      <Toggle
        label={props.info.label}
        checked={shown() !== undefined}
        onChange={() => toggleLayer(id())}
        hint={`${props.info.kind === "map" ? "Map" : "Tracks"} of ${props.info.times.length} ${props.info.times.length === 1 ? "moment" : "moments"}`}
      />
      <Show when={shown()}>
        <LayerStyle info={props.info} />
      </Show>
    </div>
  );
}

function LayerStyle(props: { info: LayerInfo }) {
  const id = () => props.info.id;
  const shown = () => shownOf(id())!;
  const now = createMemo(() => layersNow().find((one) => one.info.id === id()));
  const range = () => now()?.look.range ?? [0, 1];
  const end = (at: 0 | 1) => (event: Event & { currentTarget: HTMLInputElement }) => {
    const next: [number, number] = [...range()] as [number, number];
    next[at] = Number(event.currentTarget.value);
    if (Number.isFinite(next[at]) && next[0] < next[1]) changeLayer(id(), { range: next });
    else event.currentTarget.value = String(range()[at]);
  };
  const field = (at: 0 | 1) => (
    <input
      class="number"
      type="text"
      inputmode="decimal"
      aria-label={`${at === 0 ? "Lowest" : "Highest"} value of the colours of ${props.info.label}`}
      disabled={shown().same}
      value={Number(range()[at].toPrecision(4))}
      onChange={end(at)}
    />
  );
  return (
    <div class="layer-style">
      <select
        class="select"
        aria-label={`Variable of ${props.info.label}`}
        title={variableOf(shown())?.long_name ?? undefined}
        value={shown().variable}
        onChange={(event) => changeLayer(id(), { variable: event.currentTarget.value, colorMap: "", range: null })}
      >
        <For each={props.info.variables}>{(variable) => <option value={variable.name}>{variable.name}</option>}</For>
      </select>
      <div class="row">
        {field(0)}
        <span class="swatch wide" style={{ background: gradient(shown().same ? "" : mapOf(shown())) }} />
        {field(1)}
        <span class="muted">{prettyUnits(now()?.units)}</span>
      </div>
      <div class="row">
        <select
          class="select"
          aria-label={`Colour map of ${props.info.label}`}
          disabled={shown().same}
          value={mapOf(shown())}
          onChange={(event) => changeLayer(id(), { colorMap: event.currentTarget.value })}
        >
          <For each={COLOR_MAPS}>{(map) => <option value={map.name}>{map.name}</option>}</For>
        </select>
        <Toggle
          label="As the swath"
          hint="The colours and the range of the swath"
          checked={shown().same}
          onChange={(same) => changeLayer(id(), { same })}
        />
      </div>
      <div class="row">
        <Segmented<"under" | "over">
          label={`Place of ${props.info.label}`}
          choices={[
            ["under", "Under"],
            ["over", "Over"],
          ]}
          value={shown().over ? "over" : "under"}
          onChange={(place) => changeLayer(id(), { over: place === "over" })}
        />
        <Show when={view.layers.length > 1}>
          <IconButton icon="up" label={`Raise ${props.info.label}`} onClick={() => moveLayer(id(), 1)} />
          <IconButton icon="down" label={`Lower ${props.info.label}`} onClick={() => moveLayer(id(), -1)} />
        </Show>
      </div>
      <label class="field">
        <span>Opacity</span>
        <input
          type="range"
          min="0.1"
          max="1"
          step="0.05"
          aria-label={`Opacity of ${props.info.label}`}
          value={shown().opacity}
          onInput={(event) => changeLayer(id(), { opacity: Number(event.currentTarget.value) })}
        />
      </label>
      <p class="note">{now() ? whenOf(now()!) : ""}</p>
    </div>
  );
}
