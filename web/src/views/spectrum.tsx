/** How variance is spread over wavelengths along the track. */

import { prettyUnits } from "../color/ticks.ts";
import { view } from "../model/store.ts";
import { Empty } from "../panels/ui.tsx";
import type { Spectrum } from "../transport/types.ts";
import { Answered, askJson, createAnswer, PlotHead } from "./answer.tsx";
import { meant, where, whereText } from "./asked.ts";
import { LinePlot } from "./line_plot.tsx";

export function SpectrumView() {
  const answer = createAnswer(() => {
    const place = where();
    return place && !("polygon" in place) ? { ...meant(), ...place, cycles: view.cycle } : null;
  }, askJson<Spectrum>("spectrum"));
  return (
    <Answered
      answer={answer}
      missing={
        <Empty
          title="No pass and no box"
          hint="Click the swath, or draw a box (r): the along-track spectrum appears here."
        />
      }
    >
      {(spectrum) => (
        <>
          <PlotHead
            title={`Spectrum of ${view.variable}, ${whereText()}`}
            detail={`cycle ${view.cycle} · ${spectrum.segments} segments of ${Math.round(spectrum.segment_km)} km · 95 % confidence`}
            table={{
              name: `spectrum_${view.variable}_cycle_${view.cycle}`,
              columns: ["wavenumber_cpkm", "wavelength_km", "density", "low", "high"],
              rows: () =>
                spectrum.wavenumber.map((k, at) => [
                  k,
                  spectrum.wavelength_km[at]!,
                  spectrum.density[at]!,
                  spectrum.low?.[at] ?? null,
                  spectrum.high?.[at] ?? null,
                ]),
            }}
          />
          <LinePlot
            label={`Wavenumber spectrum of ${view.variable}`}
            x={spectrum.wavenumber}
            lines={[
              {
                label: "density",
                values: spectrum.density,
                color: "--accent",
                band: spectrum.low && spectrum.high ? { low: spectrum.low, high: spectrum.high } : undefined,
              },
            ]}
            logX
            logY
            xLabel="wavenumber (cycles per km)"
            yLabel={prettyUnits(spectrum.units)}
            height={340}
          />
        </>
      )}
    </Answered>
  );
}
