/** Drawing a box or a polygon on the map with mouse, pen or finger. */

import type { Map as MapLibre, MapMouseEvent, MapTouchEvent } from "maplibre-gl";
import { wrapped } from "./geometry.ts";

type Position = [number, number];

export interface Draft {
  /** The region so far; called with every movement. */
  moved: (region: Position[]) => void;
  /** The finished region, or `null` if it was given up. */
  ended: (region: Position[] | null) => void;
}

const at = (event: MapMouseEvent | MapTouchEvent): Position => [event.lngLat.lng, event.lngLat.lat];

/** South-west and north-east corner of the box between two places. */
export function boxOf(a: Position, b: Position): Position[] {
  const [west, east] = a[0] <= b[0] ? [a[0], b[0]] : [b[0], a[0]];
  return [
    [wrapped(west), Math.min(a[1], b[1])],
    [wrapped(east), Math.max(a[1], b[1])],
  ];
}

/** Lets the user drag a box; returns what gives it up. */
export function drawBox(map: MapLibre, draft: Draft): () => void {
  let start: Position | null = null;
  map.dragPan.disable();
  map.getCanvas().style.cursor = "crosshair";
  const down = (event: MapMouseEvent | MapTouchEvent) => {
    start = at(event);
  };
  const move = (event: MapMouseEvent | MapTouchEvent) => {
    if (start) draft.moved(boxOf(start, at(event)));
  };
  const up = (event: MapMouseEvent | MapTouchEvent) => {
    if (!start) return;
    const box = boxOf(start, at(event));
    stop();
    const isTooSmall = Math.abs(at(event)[0] - start[0]) < 1e-3 || Math.abs(at(event)[1] - start[1]) < 1e-3;
    draft.ended(isTooSmall ? null : box);
  };
  const stop = () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    map.dragPan.enable();
    map.getCanvas().style.cursor = "";
  };
  const subscriptions = [
    map.on("mousedown", down),
    map.on("mousemove", move),
    map.on("mouseup", up),
    map.on("touchstart", down),
    map.on("touchmove", move),
    map.on("touchend", up),
  ];
  return stop;
}

/** Lets the user click corners; returns what gives it up, and what ends it. */
export function drawPolygon(map: MapLibre, draft: Draft): () => void {
  const corners: Position[] = [];
  map.doubleClickZoom.disable();
  map.getCanvas().style.cursor = "crosshair";
  const click = (event: MapMouseEvent) => {
    corners.push(at(event));
    draft.moved([...corners]);
  };
  const move = (event: MapMouseEvent) => {
    if (corners.length) draft.moved([...corners, at(event)]);
  };
  const end = (event?: MapMouseEvent) => {
    event?.preventDefault();
    stop();
    // A double click puts its corner twice.
    const distinct = corners.filter(
      (corner, index) => index === 0 || corner.some((x, part) => Math.abs(x - corners[index - 1]![part]!) > 1e-6),
    );
    draft.ended(distinct.length > 2 ? distinct.map(([lon, lat]): Position => [wrapped(lon), lat]) : null);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter") end();
  };
  const stop = () => {
    for (const subscription of subscriptions) subscription.unsubscribe();
    window.removeEventListener("keydown", key);
    map.doubleClickZoom.enable();
    map.getCanvas().style.cursor = "";
  };
  const subscriptions = [map.on("click", click), map.on("mousemove", move), map.on("dblclick", end)];
  window.addEventListener("keydown", key);
  return stop;
}
