/** What is looked at: one plain value, which the address of the page holds. */

export type Compare = "off" | "difference" | "swipe" | "blink";
export type Scale = "linear" | "log" | "equalized";
export type Quality = "any" | "degraded" | "suspect" | "good";
export type Projection = "globe" | "mercator";
export type Theme = "dark" | "light";
export type Statistic = "mean" | "std" | "min" | "max" | "count";
export type Tab =
  | "none"
  | "point"
  | "strip"
  | "profile"
  | "hovmoller"
  | "series"
  | "spectrum"
  | "histogram"
  | "scatter"
  | "region";

/** A place that was clicked: a pixel of a granule. */
export interface Pin {
  lon: number;
  lat: number;
  pass: number;
  line: number;
  pixel: number;
}

/** A layer beside the swath, as it is shown. */
export interface ShownLayer {
  id: string;
  variable: string;
  /** Over the swath; else under it. */
  over: boolean;
  opacity: number;
  /** Empty: the one that suits the variable. */
  colorMap: string;
  /** `null`: the one that suits the variable. */
  range: [number, number] | null;
  /** Colours and range of the swath. */
  same: boolean;
}

export interface View {
  group: string;
  side: string;
  variable: string;
  /** Definitions, `name=expression`. */
  lets: string[];
  quality: Quality;
  where: string;
  nadir: "keep" | "drop" | "only";
  /** Names of flags whose pixels are hidden. */
  masks: string[];
  /** Rejected pixels are drawn, in the colour of the flag that rejects them. */
  why: boolean;
  cycle: number;
  /** What is compared with: a cycle, and a product and a variable; empty: those of A. */
  cycleB: number;
  groupB: string;
  variableB: string;
  compare: Compare;
  /** Where the swipe divides the map, 0 to 1. */
  divide: number;
  /** Cycles that far views combine: `one`, or `all` with a statistic. */
  span: "one" | "all";
  statistic: Statistic;
  /** Colour map and `_r` if reversed; empty: the one that suits the variable. */
  colorMap: string;
  /** Range of colours; `null`: the one suggested for the variable. */
  range: [number, number] | null;
  /** Range of colours of differences; `null`: as wide as half the range of values. */
  differenceRange: [number, number] | null;
  scale: Scale;
  tracks: boolean;
  graticule: boolean;
  projection: Projection;
  theme: Theme;
  lon: number;
  lat: number;
  zoom: number;
  bearing: number;
  pitch: number;
  tab: Tab;
  pin: Pin | null;
  /** Corners of the region, longitude and latitude; two corners are a box (south-west, north-east). */
  region: [number, number][];
  /** The second variable of the scatter plot. */
  variable2: string;
  /** Layers that are shown, lowest first. */
  layers: ShownLayer[];
}

/** Cycles that far views combine at most: as many as the server takes. */
export const MAX_CYCLES = 60;

/**
 * What is shown where nothing else is asked for. The store of the page changes lists where they lie: it gets copies
 * ({@link defaults}).
 */
const DEFAULTS: Readonly<View> = {
  group: "",
  side: "",
  variable: "",
  lets: [],
  quality: "any",
  where: "",
  nadir: "keep",
  masks: [],
  why: false,
  cycle: 0,
  cycleB: 0,
  groupB: "",
  variableB: "",
  compare: "off",
  divide: 0.5,
  span: "one",
  statistic: "mean",
  colorMap: "",
  range: null,
  differenceRange: null,
  scale: "linear",
  tracks: true,
  graticule: true,
  projection: "globe",
  theme: "dark",
  lon: -25,
  lat: 18,
  zoom: 1.9,
  bearing: 0,
  pitch: 0,
  tab: "none",
  pin: null,
  region: [],
  variable2: "",
  layers: [],
};

/** A view in which everything is as it is where nothing else is asked for. */
export const defaults = (): View => structuredClone(DEFAULTS);

const CHOICES: Partial<Record<keyof View, readonly string[]>> = {
  quality: ["any", "degraded", "suspect", "good"],
  nadir: ["keep", "drop", "only"],
  compare: ["off", "difference", "swipe", "blink"],
  span: ["one", "all"],
  statistic: ["mean", "std", "min", "max", "count"],
  scale: ["linear", "log", "equalized"],
  projection: ["globe", "mercator"],
  theme: ["dark", "light"],
  tab: ["none", "point", "strip", "profile", "hovmoller", "series", "spectrum", "histogram", "scatter", "region"],
};

const round = (value: number, digits: number) => Number(value.toFixed(digits));

/** The fragment of an address that stands for `view`: what differs from the defaults, in words. */
export function toHash(view: View): string {
  const parameters = new URLSearchParams();
  parameters.set("at", [round(view.lon, 4), round(view.lat, 4), round(view.zoom, 2)].join(","));
  if (view.bearing || view.pitch) parameters.set("tilt", `${round(view.bearing, 1)},${round(view.pitch, 1)}`);
  for (const key of Object.keys(DEFAULTS) as (keyof View)[]) {
    if (["lon", "lat", "zoom", "bearing", "pitch"].includes(key)) continue;
    const value = view[key];
    if (JSON.stringify(value) === JSON.stringify(DEFAULTS[key])) continue;
    if (key === "lets") for (const one of view.lets) parameters.append("let", one);
    else if (key === "masks") for (const one of view.masks) parameters.append("mask", one);
    else if (key === "layers") for (const one of view.layers) parameters.append("layer", layerText(one));
    else if (key === "region")
      parameters.set(key, view.region.map((corner) => corner.map((x) => round(x, 4))).join(";"));
    else if (key === "pin") parameters.set(key, pinText(view.pin));
    else parameters.set(key, String(value));
  }
  return `#${parameters.toString().replaceAll("%2C", ",").replaceAll("%3B", ";")}`;
}

/** `id~variable~over~0.8~balance~-1,1~same`; what is as usual is left empty. */
function layerText(layer: ShownLayer): string {
  const { id, variable, over, opacity, colorMap, range, same } = layer;
  const parts = [id, variable, over ? "over" : "under", opacity === 1 ? "" : round(opacity, 2), colorMap];
  return [...parts, range?.join(",") ?? "", same ? "same" : ""].join("~").replace(/~+$/, "");
}

function layerOf(text: string): ShownLayer[] {
  const [id, variable, place, opacity, colorMap, range, same] = text.split("~");
  if (!id || !variable) return [];
  const share = opacity ? Number(opacity) : 1;
  return [
    {
      id,
      variable,
      over: place === "over",
      opacity: Number.isFinite(share) ? clamp(share, 0.1, 1) : 1,
      colorMap: colorMap ?? "",
      range: numbers(range ?? null, 2) as [number, number] | null,
      same: same === "same",
    },
  ];
}

function pinText(pin: Pin | null): string {
  return pin ? [round(pin.lon, 5), round(pin.lat, 5), pin.pass, pin.line, pin.pixel].join(",") : "";
}

/** The view that a fragment stands for; what it does not say, or says wrongly, is as in the defaults. */
export function fromHash(hash: string): Partial<View> {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const view: Record<string, unknown> = {};
  const at = numbers(parameters.get("at"), 3);
  if (at) Object.assign(view, { lon: at[0], lat: clamp(at[1]!, -89, 89), zoom: clamp(at[2]!, 0, 13) });
  const tilt = numbers(parameters.get("tilt"), 2);
  if (tilt) Object.assign(view, { bearing: tilt[0], pitch: clamp(tilt[1]!, 0, 60) });
  for (const [key, value] of parameters) {
    const fallback = DEFAULTS[key as keyof View];
    if (fallback === undefined || ["lets", "masks", "layers", "lon", "lat", "zoom"].includes(key)) continue;
    const parsed = parse(key as keyof View, value, fallback);
    if (parsed !== undefined) view[key] = parsed;
  }
  if (parameters.has("let")) view.lets = parameters.getAll("let");
  if (parameters.has("mask")) view.masks = parameters.getAll("mask");
  if (parameters.has("layer")) view.layers = parameters.getAll("layer").flatMap(layerOf);
  return view as Partial<View>;
}

function parse(key: keyof View, text: string, fallback: View[keyof View]): unknown {
  if (key === "range" || key === "differenceRange") return numbers(text, 2) ?? undefined;
  if (key === "pin") return pinOf(text);
  if (key === "region") {
    const corners = text.split(";").map((corner) => numbers(corner, 2));
    return corners.every((corner) => corner !== null) ? corners : undefined;
  }
  const choices = CHOICES[key];
  if (choices) return choices.includes(text) ? text : undefined;
  if (typeof fallback === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  if (typeof fallback === "number") return Number.isFinite(Number(text)) ? Number(text) : undefined;
  return text;
}

function pinOf(text: string): Pin | undefined {
  const found = numbers(text, 5);
  if (!found) return undefined;
  const [lon, lat, pass, line, pixel] = found as [number, number, number, number, number];
  return { lon, lat, pass, line, pixel };
}

function numbers(text: string | null, count: number): number[] | null {
  const found = text?.split(",").map(Number) ?? [];
  return found.length === count && found.every(Number.isFinite) && text !== "" ? found : null;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
