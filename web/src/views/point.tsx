/** All that is known of the pinned pixel. */

import { createEffect, createSignal, For, Show } from "solid-js";
import { format, formatPlace, formatTime, isoTime, prettyUnits } from "../color/ticks.ts";
import { current } from "../map/current.ts";
import { showVariable } from "../model/actions.ts";
import * as api from "../model/api.ts";
import * as catalog from "../model/catalog.ts";
import { change, view } from "../model/store.ts";
import { Empty } from "../panels/ui.tsx";
import type { Point, PointValue } from "../transport/types.ts";
import { Answered, askJson, createAnswer, PlotHead } from "./answer.tsx";

export function NotPinned(props: { what: string }) {
  return (
    <Empty
      title="Nothing is pinned"
      hint={`Click the swath on the map: ${props.what}. The keys , and . go through the passes.`}
    />
  );
}

export function PointView() {
  const [text, setText] = createSignal("");
  const answer = createAnswer(() => {
    if (!view.pin || !view.cycle) return null;
    const { pass, line, pixel, lon, lat } = view.pin;
    const place = pass > 0 ? { pass, line, pixel } : { lon, lat };
    return { group: view.group, cycle: view.cycle, side: view.side || undefined, ...place, ...api.cached() };
  }, askJson<Point>("point"));
  // From afar the click gave a place alone: the answer tells the pixel.
  createEffect(() => {
    const found = answer.data();
    if (found && view.pin && view.pin.pass === 0)
      change({ pin: { lon: found.lon, lat: found.lat, pass: found.pass, line: found.line, pixel: found.pixel } });
  });
  const shown = (point: Point) => {
    const wanted = text().toLowerCase();
    const values = point.values.filter((value) =>
      `${value.name} ${value.long_name ?? ""}`.toLowerCase().includes(wanted),
    );
    const rank = (value: PointValue) =>
      value.name === view.variable ? 0 : value.name === catalog.variable()?.quality_flag ? 1 : 2;
    return values.sort((a, b) => rank(a) - rank(b));
  };
  return (
    <Answered answer={answer} missing={<NotPinned what="its exact values, flags and time appear here" />}>
      {(point) => (
        <>
          <PlotHead
            title={`Pass ${point.pass}, line ${point.line}, pixel ${point.pixel}`}
            detail={`cycle ${point.cycle} · ${formatPlace(point.lon, point.lat, 4)} · ${point.time ? `${isoTime(point.time)} UTC` : "no time"}`}
            table={{
              name: `point_cycle_${point.cycle}_pass_${point.pass}_line_${point.line}_pixel_${point.pixel}`,
              columns: ["variable", "value", "units", "raw", "flags", "kept_by"],
              rows: () =>
                point.values.map((value) => [
                  value.name,
                  value.value,
                  value.units,
                  value.raw,
                  value.flags?.join(" ") ?? null,
                  value.gate?.kept_by ?? null,
                ]),
            }}
          />
          <Show when={point.others.length}>
            <p class="chips">
              <span class="muted">Also seen by</span>
              <For each={point.others}>
                {(other) => (
                  <button
                    type="button"
                    class="chip"
                    onClick={() =>
                      change({ pin: { ...view.pin!, pass: other.pass, line: other.line, pixel: other.pixel } })
                    }
                  >
                    pass {other.pass}
                  </button>
                )}
              </For>
              <button
                type="button"
                class="chip"
                onClick={() => current()?.map.easeTo({ center: [point.lon, point.lat], zoom: Math.max(view.zoom, 8) })}
              >
                go there
              </button>
            </p>
          </Show>
          <input
            class="number wide"
            type="search"
            aria-label="Search the values"
            placeholder={`Search ${point.values.length} values`}
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <table class="values">
            <thead>
              <tr>
                <th scope="col">Variable</th>
                <th scope="col" class="right">
                  Value
                </th>
              </tr>
            </thead>
            <tbody>
              <For each={shown(point)}>{(value) => <ValueRow value={value} />}</For>
            </tbody>
          </table>
        </>
      )}
    </Answered>
  );
}

function ValueRow(props: { value: PointValue }) {
  const step = () => catalog.variables().find((variable) => variable.name === props.value.name)?.packing?.scale;
  const isTime = () => props.value.units?.startsWith("seconds since 2000-01-01") ?? false;
  /** Flags that tell of trouble, and those that do not. */
  const isBad = () =>
    catalog
      .variables()
      .find((one) => one.name === props.value.name)
      ?.flags?.flags.some((flag) => flag.level && props.value.flags?.includes(flag.name));
  const text = () => {
    const { value } = props.value;
    if (value === null) return "—";
    if (isTime()) return formatTime(value);
    return format(value, step() && Math.abs(value) >= 1e-4 ? step() : undefined);
  };
  return (
    <tr classList={{ chosen: props.value.name === view.variable }}>
      <td>
        <button
          type="button"
          class="link code"
          title={props.value.long_name ?? ""}
          onClick={() => showVariable(props.value.name)}
        >
          {props.value.name}
        </button>
        <Show when={props.value.flags?.length}>
          <span class="flags-set" classList={{ bad: isBad() ?? false }}>
            {props.value.flags!.map((flag) => flag.replaceAll("_", " ")).join(", ")}
          </span>
        </Show>
        <Show when={props.value.gate && props.value.gate.kept_by !== "good"}>
          <span class="flags-set bad">
            kept by “{props.value.gate!.kept_by}” alone
            {props.value.gate!.names.length
              ? `: ${props.value.gate!.names.map((name) => name.replaceAll("_", " ")).join(", ")}`
              : ""}
          </span>
        </Show>
      </td>
      <td class="right" title={props.value.raw === null ? "fill" : `stored as ${props.value.raw}`}>
        {text()} <span class="muted">{isTime() ? "UTC" : prettyUnits(props.value.units)}</span>
      </td>
    </tr>
  );
}
