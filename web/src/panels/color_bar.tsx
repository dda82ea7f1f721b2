/** The colour bar over the map: its ends are dragged to change the range, its middle to shift it. */

import { createMemo, For, Show } from "solid-js";
import { gradient } from "../color/maps.ts";
import { placeOf, valueAt } from "../color/scale.ts";
import { format, logTicks, prettyUnits, ticks } from "../color/ticks.ts";
import { rangeOfView } from "../model/actions.ts";
import * as catalog from "../model/catalog.ts";
import { colorMapName, isDifference, look, stretch } from "../model/look.ts";
import { operandNames } from "../model/operands.ts";
import { change, view } from "../model/store.ts";
import { MAX_CYCLES } from "../model/view.ts";

const WIDTH = 340;

/** Changes the range that is shown: of values, or of differences. */
export function setRange(range: [number, number] | null): void {
  change(isDifference() ? { differenceRange: range } : { range });
}

/** What the colours mean, in words. */
export function title(): string {
  const variable = catalog.variable();
  const name = variable?.long_name ?? view.variable;
  const short = name.length > 62 ? view.variable : name;
  if (isDifference()) {
    const { shared, a, b } = operandNames();
    return `${shared ? `${shared}: ` : ""}${a} − ${b}`;
  }
  if (view.span === "all")
    return `${short}, ${view.statistic} of ${Math.min(MAX_CYCLES, catalog.cycles().length)} cycles`;
  return short;
}

/** Units of what is shown. */
export const units = (): string =>
  view.span === "all" && view.statistic === "count" ? "values" : prettyUnits(catalog.variable()?.units);

export function ColorBar() {
  let bar!: HTMLDivElement;
  const marks = createMemo(() => {
    const { range, scale } = stretch();
    const values = scale === "log" ? logTicks(...range) : ticks(...range, 5);
    const step = scale === "log" ? undefined : (values[1] ?? 1) - (values[0] ?? 0);
    const all = values.map((value) => ({ value, place: placeOf(value, stretch()), text: format(value, step) }));
    return all.filter(({ place }) => place >= -0.001 && place <= 1.001);
  });
  const background = () =>
    view.scale === "equalized" && !isDifference() ? equalized(look().lut) : gradient(colorMapName());
  const drag = (event: PointerEvent) => {
    const box = bar.getBoundingClientRect();
    const part = (event.clientX - box.left) / box.width;
    const start = stretch();
    bar.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent) => {
      const by = (moved.clientX - event.clientX) / box.width;
      const low = part < 0.7 ? valueAt(part < 0.3 ? by : -by, start) : start.range[0];
      const high = part > 0.3 ? valueAt(1 + (part > 0.7 ? by : -by), start) : start.range[1];
      if (low < high) setRange([low, high].map((value) => Number(value.toPrecision(4))) as [number, number]);
    };
    bar.addEventListener("pointermove", move);
    bar.addEventListener("pointerup", () => bar.removeEventListener("pointermove", move), { once: true });
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const grow = Math.exp(event.deltaY / 600);
    const { range } = stretch();
    const values = [0.5 - grow / 2, 0.5 + grow / 2].map((place) => Number(valueAt(place, stretch()).toPrecision(4)));
    if (values[0]! < values[1]! && range) setRange(values as [number, number]);
  };
  return (
    <div class="color-bar" style={{ width: `${WIDTH}px` }}>
      <div class="color-bar-title">
        <span title={title()}>{title()}</span>
        <span class="muted">{units()}</span>
      </div>
      <HistogramLine />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the handles inside are the keyboard's way */}
      <div
        class="color-bar-bar"
        ref={bar}
        style={{ background: background() }}
        onPointerDown={drag}
        onWheel={wheel}
        onDblClick={() => void rangeOfView()}
      >
        <Handle end={0} />
        <Handle end={1} />
      </div>
      <div class="color-bar-ticks" aria-hidden="true">
        <For each={marks()}>{(mark) => <span style={{ left: `${100 * mark.place}%` }}>{mark.text}</span>}</For>
      </div>
    </div>
  );
}

function Handle(props: { end: 0 | 1 }) {
  const value = () => stretch().range[props.end];
  const key = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const range: [number, number] = [...stretch().range];
    range[props.end] = Number(valueAt(props.end + step, stretch()).toPrecision(4));
    if (range[0] < range[1]) setRange(range);
  };
  return (
    <span
      class="color-bar-handle"
      classList={{ high: props.end === 1 }}
      role="slider"
      tabIndex={0}
      aria-label={props.end === 0 ? "Lower end of the colours" : "Upper end of the colours"}
      aria-valuenow={value()}
      aria-valuetext={format(value())}
      onKeyDown={key}
    />
  );
}

/** How often values occur, over the bar. */
function HistogramLine() {
  const path = createMemo(() => {
    const histogram = catalog.range()?.histogram;
    if (!histogram || isDifference() || view.span === "all") return null;
    const { edges, counts } = histogram;
    const top = Math.max(1, ...counts);
    const points = counts.map((count, index) => {
      const place = placeOf((edges[index]! + edges[index + 1]!) / 2, stretch());
      return Number.isFinite(place) ? ([place * WIDTH, 22 - 20 * Math.sqrt(count / top)] as const) : null;
    });
    const kept = points.filter((point) => point !== null && point[0] > -40 && point[0] < WIDTH + 40);
    if (kept.length < 2) return null;
    return `M${kept[0]![0]},22 ${kept.map((point) => `L${point![0].toFixed(1)},${point![1].toFixed(1)}`).join(" ")} L${kept.at(-1)![0]},22Z`;
  });
  return (
    <svg class="color-bar-histogram" viewBox={`0 0 ${WIDTH} 22`} aria-hidden="true">
      <Show when={path()}>{(d) => <path d={d()} />}</Show>
    </svg>
  );
}

function equalized(lut: Uint8Array): string {
  const count = lut.length / 4;
  const stops = Array.from({ length: 33 }, (_, index) => {
    const at = 4 * Math.round((index / 32) * (count - 1));
    return `rgb(${lut[at]} ${lut[at + 1]} ${lut[at + 2]})`;
  });
  return `linear-gradient(to right, ${stops.join(",")})`;
}
