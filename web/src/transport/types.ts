/** What the API answers, as docs/reference/http-api.md describes it. */

export interface Flag {
  name: string;
  mask: number;
  value: number;
  /** Values with this flag are dropped by this level and all stricter ones; `bad`: kept by `any` only. */
  level: "suspect" | "degraded" | "bad" | null;
}

export interface FlagSet {
  kind: "bits" | "values" | "fields";
  flags: Flag[];
}

export interface Variable {
  name: string;
  kind: "stored" | "flag" | "derived";
  long_name: string | null;
  standard_name?: string | null;
  units: string | null;
  comment?: string | null;
  dtype: string;
  shape: "pixels" | "lines";
  packing: { scale: number; offset: number; fill: number | null } | null;
  quality_flag: string | null;
  flags: FlagSet | null;
  color_map: string | null;
  diverging: boolean;
  formula: string | null;
  section: string | null;
}

export interface Group {
  id: string;
  product: string;
  schema: string;
  phase: string;
  title: string;
  resolution_m: number;
  fixed_grid: boolean;
  sides: string[];
  num_lines: number;
  num_pixels: number;
  first_cycle: number;
  pass_count: number;
  cycles: number[];
  granules: number;
  time: [string, string] | null;
  default_variable: string;
  variables: Variable[];
}

export interface LayerVariable {
  /** Path in the file. */
  name: string;
  long_name: string | null;
  standard_name: string | null;
  units: string;
  color_map: string;
  diverging: boolean;
}

/** A map or tracks beside the swath. */
export interface LayerInfo {
  id: string;
  label: string;
  kind: "map" | "track";
  default_variable: string;
  /** First and last time of each moment of a map, or of each track. */
  times: [string | null, string | null][];
  variables: LayerVariable[];
}

export interface Collections {
  karin: string;
  snapshot: string;
  /** What caches call this state: of granules and layers. */
  state: string;
  inputs: string[];
  xyz_key: string;
  default_group: string;
  groups: Group[];
  layers: LayerInfo[];
}

export interface CoverageEntry {
  cycle: number;
  pass: number;
  version: string | null;
  time: [string, string] | null;
  bytes: number | null;
  /** Stored in a collection, or read from a granule file. */
  state: "stored" | "file";
  own_geometry: boolean;
}

export interface Coverage {
  group: string;
  cycles: number[];
  passes: number;
  granules: CoverageEntry[];
}

export interface MeshHeader {
  group: string;
  pass: number;
  cycle: number | null;
  side: string;
  num_lines: number;
  num_pixels: number;
  shared: boolean;
}

export interface StripHeader {
  cycle: number;
  pass: number;
  first_line: number;
  lines: number;
  level: number;
  rows: number;
  columns: number;
  scale: number;
  offset: number;
  fill: number | null;
  units: string | null;
  valid: number;
}

export interface TileHeader {
  scale: number;
  offset: number;
  nodata: number;
  cells: number;
  exact: boolean;
  min: number | null;
  max: number | null;
  units: string | null;
}

export interface Range {
  count: number;
  min: number | null;
  max: number | null;
  quantiles: Record<string, number>;
  suggested: [number, number] | null;
  histogram: { edges: number[]; counts: number[] } | null;
}

export interface PointValue {
  name: string;
  raw: number | null;
  value: number | null;
  units: string | null;
  long_name: string | null;
  kind: string;
  flags: string[] | null;
  gate: { flag: string; raw: number | null; names: string[]; kept_by: string } | null;
}

export interface Point {
  group: string;
  cycle: number;
  pass: number;
  side: string;
  line: number;
  pixel: number;
  lon: number;
  lat: number;
  distance_m: number;
  time: string | null;
  cross_track_m: number | null;
  values: PointValue[];
  others: { pass: number; line: number; pixel: number; distance_m: number; time: string | null }[];
}

export interface Profile {
  axis: "along" | "across";
  units: string | null;
  line?: number[];
  pixel?: number[];
  distance_km: number[];
  lon: number[];
  lat: number[];
  time?: (string | null)[];
  cross_track_m?: number[];
  values: (number | null)[];
}

export interface HovmollerHeader {
  pass: number;
  cycles: number[];
  units: string | null;
  min: number | null;
  max: number | null;
  quantiles: Record<string, number> | null;
  times: (string | null)[];
}

export interface Series {
  units: string | null;
  points: { cycle: number; pass: number; time: string; value: number | null; std: number | null; n: number }[];
}

export interface Spectrum {
  segments: number;
  degrees_of_freedom: number;
  wavenumber: number[];
  wavelength_km: number[];
  density: number[];
  low: number[] | null;
  high: number[] | null;
  units: string;
  segment_km: number;
}

export interface Histogram {
  units: string | null;
  edges: number[];
  counts: number[];
  below: number;
  above: number;
  missing: number;
  count: number;
  mean: number | null;
  std: number | null;
  min: number | null;
  max: number | null;
}

export interface ScatterHeader {
  x: { name: string; units: string | null; min: number; max: number };
  y: { name: string; units: string | null; min: number; max: number };
  count: number;
  correlation: number | null;
  slope: number | null;
  intercept: number | null;
}

export interface Stats {
  units: string | null;
  count: number;
  missing: number;
  mean: number | null;
  std: number | null;
  min: number | null;
  max: number | null;
  median: number | null;
  quantiles: Record<string, number | null> | null;
  granules: number;
  passes: number[];
  by_cycle: { cycle: number; count: number; mean: number | null; std: number | null }[];
  command: string | null;
}

export interface FlagCounts {
  var: string;
  count: number;
  fill: number;
  flags: { name: string; mask: number; value: number; count: number; level: string | null }[];
  kept: { good: number; suspect: number; degraded: number; any: number } | null;
}

export interface PassOverhead {
  phase: string;
  cycle: number;
  pass: number;
  time: string;
  direction: string;
  distance_km: number;
  side: string | null;
  present: boolean | null;
}

export interface Passes {
  from: string;
  to: string;
  passes: PassOverhead[];
}

export interface Command {
  cli: string;
  python: string;
}

export interface ExtractPlan {
  granules: number;
  stored_bytes: number;
  bytes_to_read: number;
  limit_bytes: number;
  allowed: boolean;
  command: string;
}

/** How far work is that was given a name. */
export interface Progress {
  stage: string;
  /** Granules. */
  done: number;
  total: number;
  bytes: number;
}
