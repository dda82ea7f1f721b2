/** The time series of the pinned place, or of the region. */

import { createMemo, For, Show } from "solid-js";
import { format, isoTime, prettyUnits } from "../color/ticks.ts";
import * as api from "../model/api.ts";
import { change, view } from "../model/store.ts";
import { Empty } from "../panels/ui.tsx";
import type { Series } from "../transport/types.ts";
import { Answered, askJson, createAnswer, PlotHead } from "./answer.tsx";
import { meant } from "./asked.ts";
import { type Line, LinePlot } from "./line_plot.tsx";

export function SeriesView() {
  const answer = createAnswer(() => {
    const region = api.regionQuery(view.region);
    const place = Object.keys(region).length ? region : view.pin ? { lon: view.pin.lon, lat: view.pin.lat } : null;
    return place && { ...meant(), ...place };
  }, askJson<Series>("series"));
  return (
    <Answered
      answer={answer}
      missing={
        <Empty
          title="No place and no region"
          hint="Click the swath, or draw a box (r): its time series appears here."
        />
      }
    >
      {(series) => <OneSeries series={series} />}
    </Answered>
  );
}

/** Colours of passes. Each sees the place in another way and at another hour: they are no line together. */
const PASS_COLORS = ["--accent", "--second", "--third", "--fourth"] as const;

/** A line per pass, with the spread of its values in a region if it is the only one; points where there are too many. */
function linesOf(points: Series["points"], passes: number[]): Line[] {
  const line = (label: string, color: string, values: Line["values"]): Line => ({ label, color, values, points: true });
  if (passes.length > PASS_COLORS.length) {
    const values = points.map(({ value }) => value);
    return [{ ...line(view.variable, PASS_COLORS[0], values), apart: true }];
  }
  const ends = (sign: 1 | -1) =>
    points.map(({ value, std }) => (value !== null && std !== null ? value + sign * std : null));
  const band = passes.length === 1 && view.region.length ? { low: ends(-1), high: ends(1) } : undefined;
  return passes.map((pass, index) => ({
    ...line(
      `pass ${pass}`,
      PASS_COLORS[index]!,
      points.map((point) => (point.pass === pass ? point.value : undefined)),
    ),
    band,
  }));
}

function OneSeries(props: { series: Series }) {
  const points = createMemo(() => props.series.points.filter((point) => point.time));
  const values = () => points().map((point) => point.value);
  const known = () => values().filter((value): value is number => value !== null);
  const mean = () => known().reduce((sum, value) => sum + value, 0) / known().length;
  const spread = () =>
    Math.sqrt(known().reduce((sum, value) => sum + (value - mean()) ** 2, 0) / Math.max(1, known().length - 1));
  const passes = () => [...new Set(points().map((point) => point.pass))];
  const units = () => prettyUnits(props.series.units);
  const mark = () => {
    const now = points().find((point) => point.cycle === view.cycle);
    return now ? Date.parse(now.time) / 1000 : null;
  };
  return (
    <Show
      when={points().length}
      fallback={<Empty title="No granule sees this place" hint="Choose a place on the swath." />}
    >
      <PlotHead
        title={`${view.variable} ${view.region.length ? "in the region" : "at the place"}`}
        detail={`${points().length} overflights of ${passes().length === 1 ? `pass ${passes()[0]}` : `${passes().length} passes`} · mean ${format(mean())}, standard deviation ${format(spread())} ${units()}`}
        table={{
          name: `series_${view.variable}`,
          columns: ["time", "cycle", "pass", view.variable, "std", "n"],
          rows: () => points().map((point) => [point.time, point.cycle, point.pass, point.value, point.std, point.n]),
        }}
      />
      <Show when={passes().length > 1 && passes().length <= PASS_COLORS.length}>
        <p class="key">
          <For each={passes()}>
            {(pass, index) => (
              <span>
                <i style={{ background: `var(${PASS_COLORS[index()]})` }} />
                pass {pass}
              </span>
            )}
          </For>
        </p>
      </Show>
      <LinePlot
        label={`Time series of ${view.variable}`}
        x={points().map((point) => Date.parse(point.time) / 1000)}
        lines={linesOf(points(), passes())}
        time
        xLabel="time (UTC)"
        yLabel={`${view.variable}${units() ? ` (${units()})` : ""}`}
        height={280}
        mark={mark()}
        onClick={(at) => change({ cycle: points()[at]!.cycle, span: "one" })}
      />
      <table class="values">
        <thead>
          <tr>
            <th scope="col">Time (UTC)</th>
            <th scope="col">Cycle, pass</th>
            <th scope="col" class="right">
              Value
            </th>
          </tr>
        </thead>
        <tbody>
          {points()
            .slice(-40)
            .map((point) => (
              <tr classList={{ chosen: point.cycle === view.cycle }}>
                <td>{isoTime(point.time)}</td>
                <td>
                  {point.cycle}, {point.pass}
                </td>
                <td class="right">{point.value === null ? "—" : `${format(point.value)} ${units()}`}</td>
              </tr>
            ))}
        </tbody>
      </table>
    </Show>
  );
}
