/** Profiles through the pinned pixel, along and across the track. */

import { createMemo, Show } from "solid-js";
import { prettyUnits } from "../color/ticks.ts";
import { linked, pointAt } from "../model/linked.ts";
import { subtractedText } from "../model/operands.ts";
import { change, view } from "../model/store.ts";
import type { Profile } from "../transport/types.ts";
import { Answered, askJson, createAnswer, PlotHead } from "./answer.tsx";
import { isPinned, linesAround, meantDifference } from "./asked.ts";
import { LinePlot } from "./line_plot.tsx";
import { NotPinned } from "./point.tsx";

/** Lines before and after the pinned one. */
const REACH = 500;

export function ProfileView() {
  const ask = (axis: "along" | "across") =>
    createAnswer(() => {
      if (!isPinned()) return null;
      const { pass, line, pixel } = view.pin!;
      const through = axis === "along" ? { pixel, lines: linesAround(REACH) } : { line };
      return { ...meantDifference(), cycle: view.cycle, pass, ...through };
    }, askJson<Profile>("profile"));
  const along = ask("along");
  const across = ask("across");
  return (
    <Show when={isPinned()} fallback={<NotPinned what="profiles through it appear here" />}>
      <Answered answer={along}>{(profile) => <OneProfile profile={profile} />}</Answered>
      <Answered answer={across}>{(profile) => <OneProfile profile={profile} />}</Answered>
    </Show>
  );
}

function OneProfile(props: { profile: Profile }) {
  const isAlong = () => props.profile.axis === "along";
  const index = () => (isAlong() ? props.profile.line! : props.profile.pixel!);
  const x = createMemo(() =>
    isAlong()
      ? props.profile.distance_km
      : (props.profile.cross_track_m ?? props.profile.distance_km.map((km) => km * 1000)).map((m) => m / 1000),
  );
  const pinned = () => (isAlong() ? view.pin?.line : view.pin?.pixel);
  const mark = () => {
    const at = linked();
    const here = at && at.pass === view.pin?.pass ? (isAlong() ? at.line : at.pixel) : pinned();
    const place = index().indexOf(here ?? -1);
    return place < 0 ? null : x()[place];
  };
  const point = (at: number | null) => {
    const pin = view.pin;
    if (at === null || !pin) return pointAt(null);
    const { lon, lat } = props.profile;
    const place = isAlong() ? { line: index()[at]!, pixel: pin.pixel } : { line: pin.line, pixel: index()[at]! };
    return pointAt({ pass: pin.pass, cycle: null, lon: lon[at]!, lat: lat[at]!, ...place });
  };
  return (
    <>
      <PlotHead
        title={isAlong() ? `Along track, pixel ${view.pin?.pixel}` : `Across track, line ${view.pin?.line}`}
        detail={`cycle ${view.cycle}${subtractedText()}, pass ${view.pin?.pass}`}
        table={{
          name: `profile_${props.profile.axis}_cycle_${view.cycle}_pass_${view.pin?.pass}`,
          columns: [
            isAlong() ? "line" : "pixel",
            isAlong() ? "distance_km" : "cross_track_km",
            "longitude",
            "latitude",
            view.variable,
          ],
          rows: () =>
            index().map((one, at) => [
              one,
              x()[at]!,
              props.profile.lon[at]!,
              props.profile.lat[at]!,
              props.profile.values[at]!,
            ]),
        }}
      />
      <LinePlot
        label={`Profile of ${view.variable} ${props.profile.axis} the track`}
        x={x()}
        lines={[{ label: view.variable, values: props.profile.values, color: "--accent", points: !isAlong() }]}
        xLabel={isAlong() ? "distance (km)" : "distance from nadir (km)"}
        yLabel={`${view.variable}${prettyUnits(props.profile.units) ? ` (${prettyUnits(props.profile.units)})` : ""}`}
        height={200}
        mark={mark()}
        onPoint={point}
        onClick={(at) =>
          view.pin &&
          change({
            pin: {
              ...view.pin,
              ...(isAlong() ? { line: index()[at]! } : { pixel: index()[at]! }),
              lon: props.profile.lon[at]!,
              lat: props.profile.lat[at]!,
            },
          })
        }
      />
    </>
  );
}
