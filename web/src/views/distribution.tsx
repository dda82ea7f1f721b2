/** Histogram of the variable, and scatter against another one. */

import { createMemo, For } from "solid-js";
import { colorsOf } from "../color/maps.ts";
import { format, prettyUnits } from "../color/ticks.ts";
import * as api from "../model/api.ts";
import * as catalog from "../model/catalog.ts";
import { change, view } from "../model/store.ts";
import { Empty } from "../panels/ui.tsx";
import { arrayOf, readContainer } from "../transport/container.ts";
import type { Histogram, ScatterHeader } from "../transport/types.ts";
import { Answered, askJson, createAnswer, PlotHead } from "./answer.tsx";
import { meant, meantDifference, where, whereText } from "./asked.ts";
import { LinePlot } from "./line_plot.tsx";
import { RasterPlot } from "./raster_plot.tsx";

const NoPlace = () => (
  <Empty
    title="No pass and no region"
    hint="Click the swath, or draw a box (r): how its values are distributed appears here."
  />
);

export function HistogramView() {
  const answer = createAnswer(() => {
    const place = where();
    return place && { ...meantDifference(), ...place, cycles: view.cycle, bins: 100 };
  }, askJson<Histogram>("histogram"));
  return (
    <Answered answer={answer} missing={<NoPlace />}>
      {(histogram) => {
        const middles = histogram.counts.map((_, at) => (histogram.edges[at]! + histogram.edges[at + 1]!) / 2);
        const units = prettyUnits(histogram.units);
        return (
          <>
            <PlotHead
              title={`Histogram of ${view.variable}, ${whereText()}`}
              detail={`cycle ${view.cycle} · ${histogram.count.toLocaleString("en")} values`}
              table={{
                name: `histogram_${view.variable}_cycle_${view.cycle}`,
                columns: ["from", "to", "count"],
                rows: () =>
                  histogram.counts.map((count, at) => [histogram.edges[at]!, histogram.edges[at + 1]!, count]),
              }}
            />
            <LinePlot
              label={`Histogram of ${view.variable}`}
              x={middles}
              lines={[{ label: "count", values: histogram.counts, color: "--accent", bars: true }]}
              xLabel={`${view.variable}${units ? ` (${units})` : ""}`}
              yLabel="pixels"
              height={260}
            />
            <Numbers
              rows={[
                ["Mean", histogram.mean],
                ["Standard deviation", histogram.std],
                ["Least", histogram.min],
                ["Greatest", histogram.max],
              ]}
              units={units}
            />
            <p class="note">
              {histogram.missing.toLocaleString("en")} pixels have no value
              {histogram.below + histogram.above > 0
                ? `; ${(histogram.below + histogram.above).toLocaleString("en")} lie outside of the axis`
                : ""}
              .
            </p>
          </>
        );
      }}
    </Answered>
  );
}

export function Numbers(props: { rows: [string, number | null][]; units: string }) {
  return (
    <table class="values">
      <tbody>
        <For each={props.rows}>
          {([name, value]) => (
            <tr>
              <th scope="row">{name}</th>
              <td class="right">
                {value === null ? "—" : format(value)} <span class="muted">{props.units}</span>
              </td>
            </tr>
          )}
        </For>
      </tbody>
    </table>
  );
}

/** The variable to compare with: the chosen one, else the first other one of pixels. */
function second(): string {
  const others = catalog
    .variables()
    .filter((one) => one.shape === "pixels" && one.kind !== "flag" && one.name !== view.variable);
  if (others.some((one) => one.name === view.variable2)) return view.variable2;
  const measured = others.filter((one) => one.section !== "geometry");
  return (measured.find((one) => one.kind === "stored") ?? measured[0])?.name ?? "";
}

export function ScatterView() {
  const others = createMemo(() =>
    catalog.variables().filter((variable) => variable.shape === "pixels" && variable.name !== view.variable),
  );
  const answer = createAnswer(
    () => {
      const place = where();
      return place && second() ? { ...meant(), ...place, cycles: view.cycle, var2: second(), max: 2000 } : null;
    },
    async (query, signal) => {
      const container = readContainer<ScatterHeader>(await api.transport.bytes("scatter", query, signal));
      return {
        header: container.header,
        density: arrayOf(container, "density", Uint32Array),
        bins: Math.round(Math.sqrt(arrayOf(container, "density", Uint32Array).length)),
        x: arrayOf(container, "x", Float32Array),
        y: arrayOf(container, "y", Float32Array),
      };
    },
  );
  return (
    <>
      <label class="field">
        <span>Against</span>
        <select
          class="select code"
          value={second()}
          onChange={(event) => change({ variable2: event.currentTarget.value })}
        >
          <For each={others()}>{(variable) => <option value={variable.name}>{variable.name}</option>}</For>
        </select>
      </label>
      <Answered answer={answer} missing={<NoPlace />}>
        {({ header, density, bins, x, y }) => {
          const flipped = createMemo(() => {
            const out = new Float32Array(bins * bins).fill(Number.NaN);
            density.forEach((count, at) => {
              const row = bins - 1 - Math.floor(at / bins);
              if (count > 0) out[row * bins + (at % bins)] = count;
            });
            return out;
          });
          const top = Math.log(1 + density.reduce((most, count) => Math.max(most, count), 1));
          const rgb = colorsOf(view.theme === "dark" ? "viridis" : "dense");
          const color = (count: number): [number, number, number] => {
            const at = 3 * Math.round((255 * Math.log(1 + count)) / top);
            return [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!];
          };
          const named = (axis: ScatterHeader["x"]) =>
            `${axis.name}${prettyUnits(axis.units) ? ` (${prettyUnits(axis.units)})` : ""}`;
          return (
            <>
              <PlotHead
                title={`${header.y.name} against ${header.x.name}`}
                detail={`cycle ${view.cycle}, ${whereText()} · ${header.count.toLocaleString("en")} pixels`}
                table={{
                  name: `scatter_${header.x.name}_${header.y.name}`,
                  columns: [header.x.name, header.y.name],
                  rows: () => Array.from(x, (value, at) => [value, y[at]!]),
                }}
              />
              <RasterPlot
                label={`Density of ${header.y.name} against ${header.x.name}`}
                values={flipped()}
                rows={bins}
                columns={bins}
                x={[header.x.min, header.x.max]}
                y={[header.y.max, header.y.min]}
                xLabel={named(header.x)}
                yLabel={named(header.y)}
                height={360}
                color={color}
                follow={view.theme}
              />
              <Numbers
                rows={[
                  ["Correlation", header.correlation],
                  ["Slope", header.slope],
                  ["Intercept", header.intercept],
                ]}
                units=""
              />
            </>
          );
        }}
      </Answered>
    </>
  );
}
