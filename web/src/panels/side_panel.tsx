/** The panel at the left: what is shown and how. */

import { createSignal, For, Show } from "solid-js";
import { gradient } from "../color/maps.ts";
import { prettyUnits } from "../color/ticks.ts";
import * as actions from "../model/actions.ts";
import * as catalog from "../model/catalog.ts";
import { colorMapName, isDifference, stretch } from "../model/look.ts";
import { operandB } from "../model/operands.ts";
import { setOverlay } from "../model/overlays.ts";
import { change, view } from "../model/store.ts";
import type { Compare, Scale, Statistic } from "../model/view.ts";
import { setRange } from "./color_bar.tsx";
import { LayersSection } from "./layers.tsx";
import { QualitySection } from "./quality.tsx";
import { Icon, IconButton, Section, Segmented, Toggle } from "./ui.tsx";

export function SidePanel() {
  return (
    <aside class="panel" aria-label="What is shown">
      <DataSection />
      <ColorSection />
      <QualitySection />
      <CompareSection />
      <LayersSection />
      <MapSection />
    </aside>
  );
}

function DataSection() {
  const groups = () => catalog.catalog()?.groups ?? [];
  return (
    <Section title="Variable">
      <Show when={groups().length > 1}>
        <select
          class="select"
          aria-label="Product"
          value={view.group}
          onChange={(event) => actions.showGroup(event.currentTarget.value)}
        >
          <For each={groups()}>{(group) => <option value={group.id}>{group.title}</option>}</For>
        </select>
      </Show>
      <button
        type="button"
        class="variable-button"
        onClick={() => setOverlay("variable")}
        title="Choose the variable (v)"
      >
        <span class="code">{view.variable}</span>
        <span class="variable-units">{prettyUnits(catalog.variable()?.units)}</span>
        <span class="variable-name">{catalog.variable()?.long_name ?? catalog.variable()?.formula ?? ""}</span>
      </button>
    </Section>
  );
}

function ColorSection() {
  const number = (end: 0 | 1) => (event: Event & { currentTarget: HTMLInputElement }) => {
    const value = Number(event.currentTarget.value);
    const range: [number, number] = [...stretch().range];
    range[end] = value;
    if (Number.isFinite(value) && range[0] < range[1]) setRange(range);
    else event.currentTarget.value = String(stretch().range[end]);
  };
  const isKept = () => (isDifference() ? view.differenceRange : view.range) !== null;
  const field = (end: 0 | 1, label: string) => (
    <input
      class="number"
      type="text"
      inputmode="decimal"
      aria-label={label}
      value={Number(stretch().range[end].toPrecision(6))}
      onChange={number(end)}
    />
  );
  return (
    <Section title="Colours">
      <button
        type="button"
        class="colors-button"
        onClick={() => setOverlay("colors")}
        title="Choose the colour map (c)"
      >
        <span class="swatch" style={{ background: gradient(colorMapName()) }} />
        <span>{colorMapName()}</span>
      </button>
      <div class="row">
        {field(0, "Lowest value of the colours")}
        <span class="muted">to</span>
        {field(1, "Highest value of the colours")}
        <IconButton
          icon="fit"
          label="Fit to what is in view"
          command="auto-range"
          onClick={() => void actions.rangeOfView()}
        />
        <IconButton
          icon="lock"
          label={isKept() ? "Let the range follow the data" : "Keep this range"}
          command="lock-range"
          pressed={isKept()}
          onClick={actions.lockRange}
        />
      </div>
      <Show when={!isDifference()}>
        <Segmented<Scale>
          label="Scale of the colours"
          choices={[
            ["linear", "Linear"],
            ["log", "Log"],
            ["equalized", "Equalised"],
          ]}
          value={view.scale}
          onChange={(scale) => change({ scale })}
        />
      </Show>
      <button
        type="button"
        class="text-button"
        onClick={() => {
          const [low, high] = stretch().range;
          const reach = Math.max(Math.abs(low), Math.abs(high));
          setRange([-reach, reach]);
        }}
      >
        Centre on zero
      </button>
    </Section>
  );
}

function CompareSection() {
  const cycles = () => catalog.cycles();
  return (
    <Section title="Cycles and comparison">
      <Segmented<Compare>
        label="Comparison"
        choices={[
          ["off", "One"],
          ["difference", "A − B"],
          ["swipe", "Swipe"],
          ["blink", "Blink"],
        ]}
        value={view.compare}
        onChange={(mode) =>
          mode === "off" ? change({ compare: "off" }) : view.compare !== mode && actions.compare(mode)
        }
      />
      <Show when={view.compare !== "off"}>
        <div class="row">
          <label class="field">
            <span>A</span>
            <select
              class="select"
              value={view.cycle}
              onChange={(event) => change({ cycle: Number(event.currentTarget.value) })}
            >
              <For each={cycles()}>{(cycle) => <option value={cycle}>{cycle}</option>}</For>
            </select>
          </label>
          <IconButton icon="swap" label="Swap A and B" command="swap" onClick={actions.swapCycles} />
          <label class="field">
            <span>B</span>
            <select
              class="select"
              value={view.cycleB}
              onChange={(event) => change({ cycleB: Number(event.currentTarget.value) })}
            >
              <For each={catalog.groupB()?.cycles ?? []}>{(cycle) => <option value={cycle}>{cycle}</option>}</For>
            </select>
          </label>
        </div>
        <OtherThanA />
      </Show>
      <Show when={view.compare === "off" && cycles().length > 1}>
        <Toggle
          label="Combine all cycles"
          checked={view.span === "all"}
          onChange={(all) => change({ span: all ? "all" : "one" })}
          hint="A statistic of up to 60 cycles, as far views draw it"
        />
        <Show when={view.span === "all"}>
          <Segmented<Statistic>
            label="Statistic over cycles"
            choices={[
              ["mean", "Mean"],
              ["std", "Std"],
              ["min", "Min"],
              ["max", "Max"],
              ["count", "Count"],
            ]}
            value={view.statistic}
            onChange={(statistic) => change({ statistic, range: null, colorMap: "" })}
          />
        </Show>
      </Show>
    </Section>
  );
}

/** The product and the variable of B. */
function OtherThanA() {
  const groups = () => catalog.catalog()?.groups ?? [];
  const lets = () => (view.groupB ? [] : view.lets.map((definition) => definition.split("=")[0]!));
  const names = () => {
    const stored = catalog.groupB()?.variables.filter(({ shape }) => shape === "pixels") ?? [];
    return [...lets(), ...stored.map(({ name }) => name)].sort((a, b) => a.localeCompare(b));
  };
  const unitsOfB = () => catalog.groupB()?.variables.find(({ name }) => name === operandB().variable)?.units;
  const unitsOfA = () => catalog.variable()?.units;
  return (
    <>
      <Show when={groups().length > 1}>
        <label class="field stacked">
          <span>Product of B</span>
          <select
            class="select"
            value={operandB().group}
            onChange={(event) => actions.compareWithGroup(event.currentTarget.value)}
          >
            <For each={groups()}>{(group) => <option value={group.id}>{group.title}</option>}</For>
          </select>
        </label>
      </Show>
      <label class="field stacked">
        <span>Variable of B</span>
        <select
          class="select code"
          value={operandB().variable}
          onChange={(event) => {
            const name = event.currentTarget.value;
            change({ variableB: name === view.variable ? "" : name });
          }}
        >
          <For each={names()}>{(name) => <option value={name}>{name}</option>}</For>
        </select>
      </label>
      <Show when={isDifference() && unitsOfA() && unitsOfB() && unitsOfA() !== unitsOfB()}>
        <p class="note warning">
          A is in {prettyUnits(unitsOfA())}, B in {prettyUnits(unitsOfB())}: their numbers are subtracted as they are.
        </p>
      </Show>
    </>
  );
}

function MapSection() {
  const [where, setWhere] = createSignal(view.where);
  return (
    <Section title="Keep only">
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          change({ where: where().trim() });
        }}
      >
        <input
          class="number wide code"
          type="text"
          spellcheck={false}
          aria-label="Keep values where"
          placeholder="ancillary_surface… == 0"
          value={view.where}
          onInput={(event) => setWhere(event.currentTarget.value)}
          onBlur={() => change({ where: where().trim() })}
        />
        <Show when={view.where}>
          <IconButton
            icon="close"
            label="Keep all"
            onClick={() => {
              setWhere("");
              change({ where: "" });
            }}
          />
        </Show>
      </form>
      <div class="toggles">
        <Toggle label="Outlines of passes" checked={view.tracks} onChange={(tracks) => change({ tracks })} />
        <Toggle label="Graticule" checked={view.graticule} onChange={(graticule) => change({ graticule })} />
      </div>
      <div class="row draw">
        <button type="button" class="button" onClick={() => actions.startDrawing("box")} title="Draw a box (r)">
          <Icon name="box" /> Box
        </button>
        <button
          type="button"
          class="button"
          onClick={() => actions.startDrawing("polygon")}
          title="Draw a polygon (Shift+R)"
        >
          <Icon name="polygon" /> Polygon
        </button>
      </div>
    </Section>
  );
}
