/** The map of the page, for what acts on it from elsewhere. */

import type { Map as MapLibre } from "maplibre-gl";
import { createSignal } from "solid-js";
import type { Tracks } from "./data.ts";
import type { SwathLayer } from "./layer.ts";
import type { Progress, Scene } from "./scene.ts";

export interface Current {
  map: MapLibre;
  layer: SwathLayer;
  scene: Scene;
}

export const [current, setCurrent] = createSignal<Current | null>(null);
export const [progress, setProgress] = createSignal<Progress>({ near: false, wanted: 1, loaded: 0 });

/** Outlines of the passes of the group; `null` until they are loaded. */
export const [tracks, setTracks] = createSignal<Tracks | null>(null);

/** True if all that the view needs is drawn. */
export const isWhole = (): boolean => progress().loaded >= progress().wanted;

/** Which drawing of a region is under way, and its corners so far. */
export const [drawing, setDrawing] = createSignal<"box" | "polygon" | null>(null);
/** True while cycles play. */
export const [playing, setPlaying] = createSignal(false);
