/** The region: statistics, passes that cover it, and its data to take away. */

import { createMemo, createSignal, For, Show } from "solid-js";
import { format, formatBytes, formatLatitude, formatLongitude, isoTime, prettyUnits } from "../color/ticks.ts";
import { copy, startDrawing } from "../model/actions.ts";
import * as api from "../model/api.ts";
import * as catalog from "../model/catalog.ts";
import { subtractedText } from "../model/operands.ts";
import { change, view } from "../model/store.ts";
import { Empty, Segmented } from "../panels/ui.tsx";
import type { Query } from "../transport/transport.ts";
import type { Command, ExtractPlan, Passes, Stats } from "../transport/types.ts";
import { Answered, askJson, createAnswer, PlotHead } from "./answer.tsx";
import { meant, meantDifference } from "./asked.ts";
import { Numbers } from "./distribution.tsx";

type Format = "nc" | "zarr" | "parquet" | "csv";

export function RegionView() {
  const region = () => api.regionQuery(view.region);
  return (
    <Show
      when={view.region.length > 1}
      fallback={
        <Empty title="No region yet" hint="Draw one on the map to get its statistics, its passes and its data.">
          <div class="row">
            <button type="button" class="button primary" onClick={() => startDrawing("box")}>
              Draw a box
            </button>
            <button type="button" class="button" onClick={() => startDrawing("polygon")}>
              Draw a polygon
            </button>
          </div>
        </Empty>
      }
    >
      <p class="region-what">
        {regionText()}
        <button type="button" class="text-button" onClick={() => change({ region: [] })}>
          Remove
        </button>
      </p>
      <Statistics region={region()} />
      <Extract region={region()} />
      <Overflights region={region()} />
    </Show>
  );
}

function regionText(): string {
  if (view.region.length !== 2) return `Polygon of ${view.region.length} corners`;
  const [[west, south], [east, north]] = view.region as [[number, number], [number, number]];
  return `${formatLongitude(west, 2)} to ${formatLongitude(east, 2)}, ${formatLatitude(south, 2)} to ${formatLatitude(north, 2)}`;
}

function Statistics(props: { region: Query }) {
  const answer = createAnswer(
    () => ({ ...meantDifference(), ...props.region, cycles: view.cycle }),
    askJson<Stats>("stats"),
  );
  return (
    <Answered answer={answer}>
      {(stats) => (
        <>
          <PlotHead
            title={`${view.variable}, cycle ${view.cycle}${subtractedText()}`}
            detail={`${stats.count.toLocaleString("en")} values of ${stats.passes.length} passes`}
          />
          <Numbers
            rows={[
              ["Mean", stats.mean],
              ["Standard deviation", stats.std],
              ["Median", stats.median],
              ["Least", stats.min],
              ["Greatest", stats.max],
            ]}
            units={prettyUnits(stats.units)}
          />
        </>
      )}
    </Answered>
  );
}

function Extract(props: { region: Query }) {
  const [kind, setKind] = createSignal<Format>("nc");
  const [cycles, setCycles] = createSignal<"one" | "all">("one");
  const query = createMemo<Query>(() => {
    const { group, var: name, let: lets, quality, where, nadir } = meant();
    const all = catalog.cycles();
    const chosen = cycles() === "one" ? String(view.cycle) : `${all[0]}-${all.at(-1)}`;
    return { group, var: name, let: lets, quality, where, nadir, ...props.region, cycles: chosen, format: kind() };
  });
  const plan = createAnswer(() => ({ ...query(), dry_run: true }), askJson<ExtractPlan>("extract"));
  const command = createAnswer(() => ({ ...query(), verb: "extract" }), askJson<Command>("command"));
  const link = () => api.transport.link("extract", query());
  return (
    <section class="block" aria-label="Take the data">
      <h3>Take the data</h3>
      <div class="row">
        <Segmented<Format>
          label="Format"
          choices={[
            ["nc", "netCDF"],
            ["zarr", "Zarr"],
            ["parquet", "Parquet"],
            ["csv", "CSV"],
          ]}
          value={kind()}
          onChange={setKind}
        />
      </div>
      <div class="row">
        <Segmented<"one" | "all">
          label="Cycles to extract"
          choices={[
            ["one", `Cycle ${view.cycle}`],
            ["all", "All cycles"],
          ]}
          value={cycles()}
          onChange={setCycles}
        />
        <Show when={link()}>
          {(href) => (
            <a
              class="button primary"
              href={plan.data()?.allowed === false ? undefined : href()}
              download=""
              aria-disabled={plan.data()?.allowed === false}
            >
              Download
            </a>
          )}
        </Show>
      </div>
      <Answered answer={plan}>
        {(found) => (
          <p class="note">
            {found.granules} granules, reads {formatBytes(found.bytes_to_read)}
            {found.allowed
              ? ""
              : `; more than the ${formatBytes(found.limit_bytes)} that the viewer hands out: use the command`}
          </p>
        )}
      </Answered>
      <Answered answer={command}>
        {(found) => (
          <>
            <pre class="command" tabIndex={0}>
              {/* An option is one word, though it has hyphens. */}
              <For each={found.cli.split(/(?<= )/)}>
                {(word) => (word.startsWith("--") ? <span class="option">{word}</span> : word)}
              </For>
            </pre>
            <div class="row">
              <button type="button" class="button" onClick={() => void copy(found.cli, "Command")}>
                Copy command
              </button>
              <button type="button" class="button" onClick={() => void copy(found.python, "Python code")}>
                Copy Python
              </button>
            </div>
          </>
        )}
      </Answered>
    </section>
  );
}

type When = "next" | "past";

/** Rows of passes that are listed; the table holds all of them. */
const LISTED = 30;

/** Passes over the region by the orbit: those of one cycle from now on, or those while the collection was filled. */
function Overflights(props: { region: Query }) {
  const [when, setWhen] = createSignal<When>("next");
  const answer = createAnswer(() => {
    const group = catalog.group();
    const time = when() === "past" && group?.time ? group.time.join("..") : undefined;
    return { ...props.region, group: view.group, phase: group?.phase, time };
  }, askJson<Passes>("passes"));
  return (
    <section class="block" aria-label="Passes over the region">
      <h3>Passes over it</h3>
      <div class="row">
        <Segmented<When>
          label="When passes come or came"
          choices={[
            ["next", "To come"],
            ["past", "So far"],
          ]}
          value={when()}
          onChange={setWhen}
        />
      </div>
      <Answered answer={answer}>{(found) => <PassTable found={found} when={when()} />}</Answered>
    </section>
  );
}

function PassTable(props: { found: Passes; when: When }) {
  const passes = () => props.found.passes;
  const isPast = () => props.when === "past";
  const day = (iso: string) => isoTime(iso).slice(0, 10);
  const here = () => passes().filter(({ present }) => present).length;
  return (
    <>
      <PlotHead
        title={`${passes().length} passes ${isPast() ? `since ${day(props.found.from)}` : `until ${day(props.found.to)}`}`}
        detail={isPast() ? `by the orbit; ${here()} of them are here` : "by the orbit, from now on"}
        table={{
          name: "passes",
          columns: ["time", "cycle", "pass", "direction", "distance_km", "here"],
          rows: () =>
            passes().map((one) => [
              one.time,
              one.cycle,
              one.pass,
              one.direction,
              one.distance_km,
              one.present ? "yes" : "no",
            ]),
        }}
      />
      <table class="values">
        <tbody>
          <For each={isPast() ? passes().slice(-LISTED).reverse() : passes().slice(0, LISTED)}>
            {(pass) => (
              <tr classList={{ chosen: isPast() && pass.cycle === view.cycle }}>
                <td>{isoTime(pass.time).slice(0, 16)}</td>
                <td>
                  cycle {pass.cycle}, pass {pass.pass}
                </td>
                <td class="right muted">
                  {isPast() ? (pass.present ? "here" : "missing") : pass.direction} ·{" "}
                  {format(Math.round(pass.distance_km))} km
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </>
  );
}
