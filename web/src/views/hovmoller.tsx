/** One pass over all cycles: where along the track, and when. */

import { createMemo, createSignal } from "solid-js";
import { isoTime } from "../color/ticks.ts";
import { wrapped } from "../map/geometry.ts";
import * as api from "../model/api.ts";
import { linked, pointAt } from "../model/linked.ts";
import { look } from "../model/look.ts";
import { change, view } from "../model/store.ts";
import { Segmented } from "../panels/ui.tsx";
import { arrayOf, readContainer } from "../transport/container.ts";
import type { HovmollerHeader } from "../transport/types.ts";
import { Answered, createAnswer, PlotHead } from "./answer.tsx";
import { isPinned, linesAround, meant } from "./asked.ts";
import { mapColors } from "./colors.ts";
import { NotPinned } from "./point.tsx";
import { RasterPlot } from "./raster_plot.tsx";

/** Lines before and after the pinned one. */
const REACH = 600;

export function HovmollerView() {
  const [across, setAcross] = createSignal<"mean" | "pixel">("mean");
  const answer = createAnswer(
    () => {
      if (!isPinned()) return null;
      const { pass, pixel } = view.pin!;
      return { ...meant(), pass, lines: linesAround(REACH), ...(across() === "pixel" ? { pixel } : {}) };
    },
    async (query, signal) => {
      const container = readContainer<HovmollerHeader>(await api.transport.bytes("hovmoller", query, signal));
      const array = (name: string) => arrayOf(container, name, Float32Array);
      return {
        header: container.header,
        values: array("values"),
        line: array("line"),
        lat: array("lat"),
        lon: array("lon"),
      };
    },
  );
  return (
    <Answered answer={answer} missing={<NotPinned what="its pass over all cycles appears here" />}>
      {({ header, values, line, lat, lon }) => {
        const rows = header.cycles.length;
        const every = Math.max(1, Math.ceil(rows / 14));
        const yTicks = header.cycles
          .map((cycle, row) => ({ at: (row + 0.5) / rows, text: String(cycle), row }))
          .filter(({ row }) => row % every === 0);
        const nearest = (wanted: number) => {
          let best = 0;
          line.forEach((one, at) => {
            if (Math.abs(one - wanted) < Math.abs(line[best]! - wanted)) best = at;
          });
          return best;
        };
        const mark = createMemo(() => {
          const at = linked();
          const place = at && at.pass === header.pass ? at : view.pin;
          const row = header.cycles.indexOf((at?.pass === header.pass ? at.cycle : null) ?? view.cycle);
          return { row: row < 0 ? null : row, column: place ? nearest(place.line) : null };
        });
        const go = (cell: { row: number; column: number }) =>
          view.pin &&
          change({
            cycle: header.cycles[cell.row]!,
            span: "one",
            pin: {
              ...view.pin,
              line: Math.round(line[cell.column]!),
              lon: wrapped(lon[cell.column]!),
              lat: lat[cell.column]!,
            },
          });
        return (
          <>
            <PlotHead
              title={`${view.variable} along pass ${header.pass}`}
              detail={`${rows} cycles${header.times[0] ? `, ${isoTime(header.times.find((time) => time)!).slice(0, 10)} to ${isoTime(header.times.findLast((time) => time)!).slice(0, 10)}` : ""}`}
              table={{
                name: `hovmoller_${view.variable}_pass_${header.pass}`,
                columns: ["cycle", "time", "line", "longitude", "latitude", view.variable],
                rows: () =>
                  header.cycles.flatMap((cycle, row) =>
                    Array.from(line, (one, at) => {
                      const value = values[row * line.length + at]!;
                      return [
                        cycle,
                        header.times[row] ?? null,
                        one,
                        wrapped(lon[at]!),
                        lat[at]!,
                        Number.isNaN(value) ? null : value,
                      ];
                    }),
                  ),
              }}
            />
            <Segmented
              label="Across the track"
              choices={[
                ["mean", "Mean across the swath"],
                ["pixel", `Pixel ${view.pin?.pixel ?? ""}`],
              ]}
              value={across()}
              onChange={setAcross}
            />
            <RasterPlot
              label={`Hovmöller diagram of ${view.variable}: latitude and cycle`}
              values={values}
              rows={rows}
              columns={line.length}
              x={[lat[0]!, lat[lat.length - 1]!]}
              y={[-0.5, rows - 0.5]}
              yTicks={yTicks}
              xLabel="latitude (°)"
              yLabel="cycle"
              height={Math.min(600, Math.max(240, 46 + rows * 12))}
              color={mapColors()}
              follow={look()}
              mark={mark()}
              onPoint={(cell) =>
                pointAt(
                  cell
                    ? {
                        pass: header.pass,
                        line: Math.round(line[cell.column]!),
                        pixel: null,
                        cycle: header.cycles[cell.row]!,
                        lon: lon[cell.column]!,
                        lat: lat[cell.column]!,
                      }
                    : null,
                )
              }
              onClick={go}
            />
            <p class="note">Click a row to show that cycle on the map.</p>
          </>
        );
      }}
    </Answered>
  );
}
