/** Requests in terms of the view: the one place that knows how a view is asked for. */

import { HttpTransport } from "../transport/http.ts";
import type { Query, Transport } from "../transport/transport.ts";
import type { Collections, Coverage, Range } from "../transport/types.ts";
import type { View } from "./view.ts";

export let transport: Transport = new HttpTransport();

/** Uses another way to the server: that of a notebook widget. */
export function useTransport(other: Transport): void {
  transport = other;
}

let version = "";

export async function collections(): Promise<Collections> {
  const found = await transport.json<Collections>("collections", {});
  version = found.state.slice(0, 24);
  return found;
}

export function coverage(group: string, signal?: AbortSignal): Promise<Coverage> {
  return transport.json("coverage", { group, ...cached() }, signal);
}

/** Makes an answer immutable: it belongs to the snapshot that is shown. */
export function cached(): Query {
  return version ? { v: version } : {};
}

/** The keys of the view that decide which values are meant. */
export type Meaning = Pick<View, "group" | "side" | "variable" | "lets" | "quality" | "where" | "nadir">;

/** The view parameters of the API. */
export function meaning(view: Meaning): Query {
  return {
    group: view.group,
    var: view.variable,
    let: view.lets.length ? [...view.lets] : undefined,
    quality: view.quality === "any" ? undefined : view.quality,
    where: view.where || undefined,
    nadir: view.nadir === "keep" ? undefined : view.nadir,
    side: view.side || undefined,
  };
}

export function range(view: Meaning, cycles: string, signal?: AbortSignal): Promise<Range> {
  return transport.json("range", { ...meaning(view), cycles, ...cached() }, signal);
}

/** The range that suits a variable of a layer. */
export function layerRange(layer: string, variable: string, steps: string): Promise<Range> {
  return transport.json(`layers/${encodeURIComponent(layer)}/range`, { var: variable, steps, ...cached() });
}

/** The region of the view as a parameter: a box, a polygon, or nothing. */
export function regionQuery(region: readonly (readonly [number, number])[]): Query {
  if (region.length === 2) {
    const [[west, south], [east, north]] = region as [[number, number], [number, number]];
    return { bbox: [west, south, east, north].map((x) => x.toFixed(4)).join(",") };
  }
  if (region.length > 2)
    return { polygon: region.map((corner) => corner.map((x) => x.toFixed(4)).join(",")).join(";") };
  return {};
}
