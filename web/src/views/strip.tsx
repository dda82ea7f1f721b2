/** The swath as it is stored: lines and pixels, without the map's distortion. */

import { createMemo } from "solid-js";
import { formatTime } from "../color/ticks.ts";
import { decode, loadStripAround } from "../map/data.ts";
import * as catalog from "../model/catalog.ts";
import { linked, pointAt } from "../model/linked.ts";
import { look, whereWithMasks } from "../model/look.ts";
import { change, view } from "../model/store.ts";
import { Answered, createAnswer, PlotHead } from "./answer.tsx";
import { isPinned } from "./asked.ts";
import { mapColors } from "./colors.ts";
import { NotPinned } from "./point.tsx";
import { RasterPlot } from "./raster_plot.tsx";

/** Lines before and after the pinned one. */
const REACH = 256;

export function StripView() {
  const answer = createAnswer(
    () => {
      if (!isPinned()) return null;
      const { group, side, variable, lets, quality, nadir, cycle, pin } = view;
      const first = Math.max(0, Math.floor((pin!.line - REACH) / 64) * 64);
      const meaning = { group, side, variable, lets, quality, nadir, where: whereWithMasks(view) };
      return { meaning, place: { cycle, pass: pin!.pass, first, lines: 2 * REACH } };
    },
    ({ meaning, place }, signal) => loadStripAround(meaning, place, signal),
  );
  return (
    <Answered answer={answer} missing={<NotPinned what="the strip of swath around it appears here" />}>
      {(strip) => {
        const values = createMemo(() => Float32Array.from(strip.raw, (raw) => decode(raw, strip)));
        const mark = createMemo(() => {
          const at = linked();
          const place = at && at.pass === view.pin?.pass ? at : view.pin;
          if (!place) return null;
          return { row: place.line - strip.firstLine, column: place.pixel };
        });
        return (
          <>
            <PlotHead
              title={`${view.variable}, cycle ${view.cycle}, pass ${view.pin?.pass}`}
              detail={`${formatTime(strip.time[0]!)} to ${formatTime(strip.time[strip.rows - 1]!)} UTC`}
              table={{
                name: `${view.variable}_cycle_${view.cycle}_pass_${view.pin?.pass}_lines_${strip.firstLine}`,
                columns: ["line", "pixel", view.variable],
                rows: () =>
                  Array.from(values(), (value, at) => [
                    strip.firstLine + Math.floor(at / strip.columns),
                    at % strip.columns,
                    Number.isNaN(value) ? null : Number(value.toPrecision(7)),
                  ]),
              }}
            />
            <RasterPlot
              label={`${view.variable} by line and pixel`}
              values={values()}
              rows={strip.rows}
              columns={strip.columns}
              x={[-0.5, strip.columns - 0.5]}
              y={[strip.firstLine - 0.5, strip.firstLine + strip.rows - 0.5]}
              xLabel="pixel"
              yLabel="line"
              height={560}
              color={mapColors()}
              follow={look()}
              mark={mark()}
              onPoint={(cell) =>
                pointAt(
                  cell && view.pin
                    ? {
                        pass: view.pin.pass,
                        line: strip.firstLine + cell.row,
                        pixel: cell.column,
                        cycle: null,
                        lon: Number.NaN,
                        lat: Number.NaN,
                      }
                    : null,
                )
              }
              onClick={(cell) =>
                view.pin && change({ pin: { ...view.pin, line: strip.firstLine + cell.row, pixel: cell.column } })
              }
            />
            <p class="note">
              {catalog.group()?.resolution_m === 250 ? "250 m" : "2 km"} pixels, one by one. The dark column is the gap
              at nadir; click pins a pixel.
            </p>
          </>
        );
      }}
    </Answered>
  );
}
