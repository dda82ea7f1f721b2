/** The map without data: MapLibre, its style, land and graticule. All that depends on MapLibre's style lives here. */

import { type LayerSpecification, Map as MapLibre, type StyleSpecification, setWorkerUrl } from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import type { Theme, View } from "../model/view.ts";
import { graticule, graticuleLabels, graticuleStep } from "./graticule.ts";
import { loadLand } from "./land.ts";
import type { SwathLayer } from "./layer.ts";

setWorkerUrl(workerUrl);

const MAX_ZOOM = 12.5;
/** Zoom from which the fine coastline is shown. */
const FINE_LAND_ZOOM = 3;

const PALETTE = {
  dark: {
    sea: "#0c1824",
    land: "#22303c",
    shore: "#c3d2de",
    graticule: "#3a4f61",
    name: "#a9bccb",
    track: "#9fb6c9",
    mark: "#ffd166",
  },
  light: {
    sea: "#dfe9f0",
    land: "#f4f1ea",
    shore: "#5d6f7d",
    graticule: "#b4c4d0",
    name: "#3f5363",
    track: "#41576a",
    mark: "#c2410c",
  },
} as const;

/**
 * The sources of the map, and what each is made of. They are few, because MapLibre draws every tile of a globe as a mask, in
 * 16,000 triangles, each time that a layer follows one of another source: the layers below stand in the order of their sources.
 */
const SOURCES = {
  land: ["land"],
  lines: ["graticule", "tracks"],
  marks: ["region", "pinned"],
  names: ["names"],
} as const;
type SourceName = keyof typeof SOURCES;
/** What is drawn of data of karin's own. */
export type Part = (typeof SOURCES)[SourceName][number];

/** Layers of parts that are empty most of the time: a layer costs a frame a tenth of its time even so. */
const SELDOM: Partial<Record<Part, readonly string[]>> = {
  region: ["region-fill", "region-line"],
  pinned: ["chosen"],
};

const hidden = <T extends LayerSpecification>(layer: T): T => ({
  ...layer,
  layout: { ...layer.layout, visibility: "none" },
});

const nothing = (): GeoJSON.FeatureCollection => ({ type: "FeatureCollection", features: [] });

function style(theme: Theme, view: View): StyleSpecification {
  const colors = PALETTE[theme];
  const source = () => ({ type: "geojson" as const, data: nothing(), tolerance: 0.2 });
  const has = (name: string, value: string) => ["==", ["get", name], value] as ["==", ["get", string], string];
  const line = (id: string, of: Part, color: string, width: number, extra: object = {}) => ({
    id,
    source: sourceOf(of),
    type: "line" as const,
    filter: has("part", of),
    paint: { "line-color": color, "line-width": width, ...extra },
  });
  return {
    version: 8,
    projection: { type: view.projection },
    sources: { land: source(), lines: source(), names: source(), marks: source() },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": colors.sea } },
      {
        id: "land",
        source: "land",
        type: "fill",
        filter: has("kind", "land"),
        paint: { "fill-color": colors.land, "fill-antialias": false },
      },
      { ...line("shore", "land", colors.shore, 0.8), filter: has("kind", "shore") },
      line("graticule", "graticule", colors.graticule, 0.6),
      line("tracks", "tracks", colors.track, 0.7, { "line-opacity": 0.4 }),
      hidden({
        id: "region-fill",
        source: "marks",
        type: "fill",
        filter: has("kind", "area"),
        paint: { "fill-color": colors.mark, "fill-opacity": 0.08 },
      }),
      hidden(line("region-line", "region", colors.mark, 1.6)),
      hidden(line("chosen", "pinned", colors.mark, 1.4)),
      {
        id: "names",
        source: "names",
        type: "symbol",
        layout: {
          "text-field": ["get", "text"],
          "text-font": ["Inter Variable", "sans-serif"],
          "text-size": 11,
          "text-anchor": ["match", ["get", "kind"], "meridian", "top-left", "bottom-left"],
          "text-offset": ["match", ["get", "kind"], "meridian", ["literal", [0.25, 0.2]], ["literal", [0.25, -0.2]]],
          "text-padding": 0,
        },
        paint: { "text-color": colors.name, "text-halo-color": colors.sea, "text-halo-width": 1.4 },
      },
    ],
  };
}

function sourceOf(part: Part): SourceName {
  return (Object.keys(SOURCES) as SourceName[]).find((name) => (SOURCES[name] as readonly Part[]).includes(part))!;
}

/** Makes the map in `container`, with the swath between land and shore. */
export function makeMap(container: HTMLElement, view: View, layer: SwathLayer): MapLibre {
  const map = new MapLibre({
    container,
    style: style(view.theme, view),
    center: [view.lon, view.lat],
    zoom: view.zoom,
    bearing: view.bearing,
    pitch: view.pitch,
    maxZoom: MAX_ZOOM,
    minZoom: 0.3,
    maxPitch: 60,
    attributionControl: false,
    keyboard: false,
    fadeDuration: 0,
    canvasContextAttributes: { contextType: "webgl2", antialias: false, preserveDrawingBuffer: true },
  });
  // The colour bar lies over the bottom: what is looked at lies above it.
  map.setPadding({ top: 0, left: 0, right: 0, bottom: 84 });
  // What fails to come early is asked for again.
  const coarse = loadLand(false).catch(() => loadLand(false));
  coarse.catch(() => {});
  map.once("style.load", () => {
    map.addLayer(layer, "shore");
    const land = landLoader(map, coarse);
    const lines = graticuleLoader(map);
    const follow = () => {
      land();
      lines();
    };
    map.on("moveend", follow);
    follow();
  });
  return map;
}

type Source = { setData: (data: GeoJSON.GeoJSON) => void };

/** The parts of each map as they were set last. */
const shownParts = new WeakMap<MapLibre, Partial<Record<Part, GeoJSON.Feature[]>>>();

/** Shows these data as a part of the map, in place of those before. */
export function setData(map: MapLibre, part: Part, data: GeoJSON.FeatureCollection): void {
  for (const layer of SELDOM[part] ?? []) setShown(map, layer, data.features.length > 0);
  const name = sourceOf(part);
  const parts = shownParts.get(map) ?? {};
  shownParts.set(map, parts);
  if (data.features.length === 0 && !parts[part]?.length) return;
  parts[part] = data.features.map((one) => ({ ...one, properties: { ...one.properties, part } }));
  const features = SOURCES[name].flatMap((one) => parts[one] ?? []);
  (map.getSource(name) as unknown as Source | undefined)?.setData({ type: "FeatureCollection", features });
}

function setShown(map: MapLibre, layer: string, isShown: boolean): void {
  const wanted = isShown ? "visible" : "none";
  if (map.getLayer(layer) && map.getLayoutProperty(layer, "visibility") !== wanted)
    map.setLayoutProperty(layer, "visibility", wanted);
}

function landLoader(map: MapLibre, coarse: Promise<GeoJSON.FeatureCollection>): () => void {
  let shown = -1;
  return () => {
    const wanted = map.getZoom() >= FINE_LAND_ZOOM ? 1 : 0;
    if (wanted <= shown) return;
    shown = wanted;
    (wanted === 1 ? loadLand(true) : coarse)
      .then((land) => {
        if (shown === wanted) setData(map, "land", land);
      })
      .catch(() => {
        shown = -1;
      });
  };
}

function graticuleLoader(map: MapLibre): () => void {
  let shown = 0;
  return () => {
    const step = graticuleStep(map.getZoom());
    setData(map, "names", graticuleLabels(step, placeOfNames(map)));
    if (step !== shown) setData(map, "graticule", graticule(step));
    shown = step;
  };
}

/** Where the graticule is named: left of the middle and below it, on the globe whatever part of it is in view. */
function placeOfNames(map: MapLibre): { lon: number; lat: number } {
  const { clientWidth, clientHeight } = map.getCanvas();
  const radius = Math.min(clientWidth, clientHeight, 512 * 2 ** map.getZoom());
  const centre = map.project(map.getCenter());
  const place = map.unproject([centre.x - 0.28 * Math.min(clientWidth, 1.6 * radius), centre.y + 0.2 * radius]);
  return { lon: place.lng, lat: place.lat };
}

export function setTheme(map: MapLibre, theme: Theme): void {
  if (!map.isStyleLoaded() && !map.getLayer("sea")) return;
  const colors = PALETTE[theme];
  map.setPaintProperty("sea", "background-color", colors.sea);
  map.setPaintProperty("land", "fill-color", colors.land);
  map.setPaintProperty("shore", "line-color", colors.shore);
  map.setPaintProperty("graticule", "line-color", colors.graticule);
  map.setPaintProperty("names", "text-color", colors.name);
  map.setPaintProperty("names", "text-halo-color", colors.sea);
  map.setPaintProperty("tracks", "line-color", colors.track);
  map.setPaintProperty("region-fill", "fill-color", colors.mark);
  map.setPaintProperty("region-line", "line-color", colors.mark);
  map.setPaintProperty("chosen", "line-color", colors.mark);
}

export function setVisible(map: MapLibre, layer: "graticule" | "tracks", isVisible: boolean): void {
  const layers = layer === "graticule" ? ["graticule", "names"] : [layer];
  for (const one of layers) setShown(map, one, isVisible);
}
