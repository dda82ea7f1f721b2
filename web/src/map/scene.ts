/** Decides what the map needs, asks for it, and puts what is there into the layer. */

import type { Map as MapLibre } from "maplibre-gl";
import * as catalog from "../model/catalog.ts";
import { look } from "../model/look.ts";
import { operandA, operands } from "../model/operands.ts";
import { view } from "../model/store.ts";
import { clamp } from "../model/view.ts";
import { setTracks, tracks } from "./current.ts";
import { loadTracks, type Mesh, type Strip, stripsIn, type Tile, type Tracks } from "./data.ts";
import { Demand, type Want } from "./demand.ts";
import { type Box, wrapped } from "./geometry.ts";
import type { Item, StripItem, SwathLayer, TileItem } from "./layer.ts";
import { LayerTiles, pieceOf } from "./layer_tiles.ts";
import {
  flagRequest,
  passesOf,
  type Request,
  type StripPlace,
  stripKey,
  stripRequest,
  tileKey,
  tileRequest,
  tileRequests,
  wantMeshes,
  wantStrip,
  wantTile,
} from "./wanted.ts";

const MEGABYTE = 2 ** 20;
/** Zoom of the map from which 2 km pixels are drawn one by one. */
const NEAR_ZOOM = 5.5;
const MAX_TILE_ZOOM = 12;
/** Strips beyond which a near view is left to tiles: it would be slower than they are, and no finer than the screen. */
const MAX_STRIPS = 260;

/** Milliseconds within which pieces that arrive are drawn together: at least, and at most. */
const ARRIVALS = [100, 800] as const;
/** Pieces that arrive are drawn together for so many times as long as a frame takes. */
const FRAMES_APART = 2.5;

/** Farther apart than this, in parts of the round of the globe (40 m), control points are not the same. */
const SAME_PLACE = 1e-6;

type Counts = Pick<Progress, "wanted" | "loaded">;

const ahead = <T>(wants: Want<T>[]): Want<T>[] => wants.map((want) => ({ ...want, ahead: true }));

/** What the map shows, and how far it has come. */
export interface Progress {
  near: boolean;
  wanted: number;
  loaded: number;
}

export class Scene {
  readonly tiles: Demand<Tile>;
  readonly strips: Demand<Strip>;
  readonly meshes: Demand<Mesh>;
  /** What is shown beside the swath. */
  readonly beside: LayerTiles;
  stripItems: StripItem[] = [];
  tileItems: TileItem[] = [];
  private readonly map: MapLibre;
  private readonly layer: SwathLayer;
  private readonly progress: (progress: Progress) => void;
  private isScheduled = false;
  private soon = 0;
  private tracksOf = "";
  /** Pairs of granules that were found to have grids of their own: they are compared as tiles. */
  private readonly apart = new Set<string>();
  /** Pairs of meshes that were found to be the same. */
  private readonly alike = new Set<string>();

  constructor(
    map: MapLibre,
    layer: SwathLayer,
    progress: (progress: Progress) => void,
    failed: (error: unknown) => void,
  ) {
    this.map = map;
    this.layer = layer;
    this.progress = progress;
    const arrived = () => this.scheduleSoon();
    const dispose = (data: object) => layer.drop(data);
    const tileBytes = (tile: Tile) => 200 + (tile.values?.byteLength ?? 0);
    this.tiles = new Demand({ limit: 160 * MEGABYTE, bytesOf: tileBytes, arrived, failed, dispose });
    const stripBytes = (strip: Strip) => strip.raw.byteLength + strip.time.byteLength;
    this.strips = new Demand({ limit: 320 * MEGABYTE, bytesOf: stripBytes, arrived, failed, dispose });
    this.beside = new LayerTiles(layer, arrived, failed);
    this.meshes = new Demand({ limit: 128 * MEGABYTE, bytesOf: (mesh) => mesh.vertices.byteLength, arrived, failed });
  }

  /** Brings the picture up to date before the next frame. */
  schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    // Not in a frame of its own: without a GPU the next one is a tenth of a second away.
    queueMicrotask(() => {
      this.isScheduled = false;
      clearTimeout(this.soon);
      this.soon = 0;
      this.update();
    });
  }

  /** The same, but pieces that arrive one after the other share a frame: without a GPU each frame costs half a second. */
  private scheduleSoon(): void {
    const pending = this.tiles.pending + this.strips.pending + this.meshes.pending + this.beside.pending;
    if (pending === 0) this.schedule();
    else
      this.soon ||= window.setTimeout(() => this.schedule(), clamp(FRAMES_APART * this.layer.frameTime, ...ARRIVALS));
  }

  /** True if pixels are drawn one by one. */
  get isNear(): boolean {
    const finer = Math.log2(2000 / (catalog.group()?.resolution_m ?? 2000));
    const isOne = view.span === "one" && catalog.variable()?.shape === "pixels";
    return isOne && this.map.getZoom() >= NEAR_ZOOM + finer && this.mayShareGrid();
  }

  /** True unless A and B lie on different grids, as far as is known. */
  private mayShareGrid(): boolean {
    const [a, b] = operands().map(({ group }) => catalog.groupOf(group));
    if (!a || !b || this.apart.has(pairOf())) return !b;
    const shape = (one: typeof a) => JSON.stringify([one.num_lines, one.num_pixels, one.sides, one.phase]);
    return shape(a) === shape(b);
  }

  /** Brings the picture up to date at once. */
  update(): void {
    if (!catalog.variable() || !view.cycle) return;
    this.loadTracks();
    const known = tracks();
    const places = this.isNear && known ? this.placesInView(known) : null;
    const isNear = places !== null && places.length <= MAX_STRIPS;
    const swath = isNear ? this.showStrips(places) : this.showTiles();
    const layers = this.beside.update(view.layers.length ? this.cover() : []);
    // What exists must be known before anything can be whole.
    const unknown = catalog.coverageIsKnown() ? 0 : 1;
    const wanted = swath.wanted + layers.wanted + unknown;
    this.progress({ near: isNear, wanted, loaded: swath.loaded + layers.loaded });
    this.layer.look = look();
    this.layer.copies = view.projection === "mercator" || this.map.getZoom() > 9 ? [-1, 0, 1] : [0];
    this.map.triggerRepaint();
  }

  private loadTracks(): void {
    if (this.tracksOf === view.group) return;
    this.tracksOf = view.group;
    setTracks(null);
    const group = view.group;
    loadTracks(group)
      .then((loaded) => {
        if (group === view.group) setTracks(loaded);
      })
      .catch(() => {})
      .finally(() => this.schedule());
  }

  /** What is in view, with a margin. MapLibre's own bounds leave out what lies under the padding. */
  private box(): Box {
    const { clientWidth, clientHeight } = this.map.getCanvas();
    const centre = this.map.getCenter().lng;
    const box = { west: Infinity, east: -Infinity, south: Infinity, north: -Infinity };
    const steps = [0, 0.25, 0.5, 0.75, 1];
    for (const across of steps) {
      for (const down of steps) {
        const { lng, lat } = this.map.unproject([across * clientWidth, down * clientHeight]);
        const lon = centre + wrapped(lng - centre);
        box.west = Math.min(box.west, lon);
        box.east = Math.max(box.east, lon);
        box.south = Math.min(box.south, lat);
        box.north = Math.max(box.north, lat);
      }
    }
    const margin = 0.02 * (box.north - box.south);
    return { west: box.west - margin, east: box.east + margin, south: box.south - margin, north: box.north + margin };
  }

  private placesInView(known: Tracks): StripPlace[] {
    const group = catalog.group()!;
    const here = this.passesNeeded();
    const places: StripPlace[] = [];
    for (const [pass, strips] of stripsIn(known, this.box(), group.num_lines)) {
      if (!here.has(pass)) continue;
      for (const side of group.sides) for (const first of strips) places.push({ pass, side, first });
    }
    return places.sort((a, b) => a.pass - b.pass);
  }

  /** Passes of the cycle, or of either of two that are compared. */
  private passesNeeded(): Set<number> {
    const [a, b] = operands().map(passesOf);
    return b ? a!.union(b) : a!;
  }

  private showStrips(places: StripPlace[]): Counts {
    const requests = operands().map(stripRequest);
    const ofFlags = operands().map(flagRequest);
    const meshes = new Map(places.map((place) => [place, wantMeshes(place)]));
    const stripsOf = (request: Request | null) => (request ? places.flatMap((place) => wantStrip(request, place)) : []);
    const values = requests.flatMap(stripsOf);
    const flags = ofFlags.flatMap(stripsOf);
    const next = this.neighbours().map((cycle) => ({ ...operandA(), cycle }));
    const near = ahead([...next.map(stripRequest), ...next.map(flagRequest)].flatMap(stripsOf));
    const meshWants = new Map([...meshes.values()].flat().map((want) => [want.key, want]));
    this.meshes.want([...meshWants.values()]);
    this.strips.want([...values, ...flags, ...near]);
    // Values that flags reject are not shown before it is known which.
    const areGated = isGated();
    const wants = areGated ? [...values, ...flags] : values;
    this.tiles.want([]);
    this.compareGrids([...meshes.values()]);
    this.stripItems = places.flatMap((place) => {
      const mesh = this.meshes.get(meshes.get(place)?.[0]?.key ?? "");
      if (!mesh) return [];
      const get = (request: Request | null | undefined) =>
        (request && this.strips.get(stripKey(request, place))) ?? null;
      const [flagsA = null, flagsB = null] = ofFlags.map(get);
      const known = (index: 0 | 1) => !areGated || !ofFlags[index] || [flagsA, flagsB][index] !== null;
      const [a = null, b = null] = requests.map((request, index) => (known(index as 0 | 1) ? get(request) : null));
      const item: StripItem = { kind: "strip", mesh, first: place.first, a, b, flagsA, flagsB };
      return item.a || item.b ? [item] : [];
    });
    const loaded = wants.filter(({ key }) => this.strips.get(key) || this.strips.hasFailed(key)).length;
    const isWhole =
      loaded === wants.length &&
      [...meshWants.keys()].every((key) => this.meshes.get(key) || this.meshes.hasFailed(key));
    this.tileItems = isWhole ? [] : this.cover().flatMap((place) => this.tileItem(place) ?? []);
    this.layer.items = [...this.tileItems, ...this.stripItems] satisfies Item[];
    const wanted = wants.length + meshWants.size;
    return { wanted, loaded: isWhole ? wanted : loaded };
  }

  private showTiles(): Counts {
    const places = this.cover();
    const canonical = new Map(places.map(({ z, x, y }) => [`${z}/${x}/${y}`, { z, x, y }]));
    const wants = tileRequests().flatMap((request) => [...canonical.values()].map((place) => wantTile(request, place)));
    const isStill = !this.map.isMoving();
    const near = isStill && view.span === "one" ? this.neighbours().slice(0, 1) : [];
    const next = near.flatMap((cycle) => {
      const request = tileRequest({ ...operandA(), cycle });
      return [...canonical.values()].map((place) => wantTile(request, place));
    });
    this.tiles.want([...wants, ...ahead(next)]);
    this.strips.want([]);
    this.meshes.want([]);
    this.stripItems = [];
    this.tileItems = places.flatMap((place) => this.tileItem(place) ?? []);
    this.layer.items = this.tileItems;
    const loaded = wants.filter(({ key }) => this.tiles.get(key) || this.tiles.hasFailed(key)).length;
    return { wanted: wants.length, loaded };
  }

  /** Cycles that are shown next, if the user goes on: the following and the one before. */
  private neighbours(): number[] {
    const cycles = catalog.cycles();
    const at = cycles.indexOf(view.cycle);
    return [cycles[at + 1], cycles[at - 1]].filter(
      (cycle): cycle is number => cycle !== undefined && cycle !== view.cycleB,
    );
  }

  private cover(): { z: number; x: number; y: number; wrap: number }[] {
    const tiles = this.map.coveringTiles({ tileSize: 256, minzoom: 0, maxzoom: MAX_TILE_ZOOM, roundZoom: true });
    return tiles.map(({ canonical, wrap }) => ({ z: canonical.z, x: canonical.x, y: canonical.y, wrap }));
  }

  /** The tile at a place, or the part of the finest coarser one that is there. */
  private tileItem(place: { z: number; x: number; y: number; wrap: number }): TileItem | null {
    const [requestA, requestB] = tileRequests();
    return pieceOf(place, (at) => {
      const a = this.tiles.get(tileKey(requestA!, at)) ?? null;
      const b = requestB ? (this.tiles.get(tileKey(requestB, at)) ?? null) : null;
      return a || b ? { a, b } : null;
    });
  }

  /** Looks whether A and B lie at the same places where they need not; if not, both are drawn as tiles. */
  private compareGrids(wanted: Want<Mesh>[][]): void {
    const areApart = wanted.some((meshes) => {
      const pair = meshes.map(({ key }) => key).join();
      const [one, other] = meshes.map(({ key }) => this.meshes.get(key)?.vertices);
      if (!one || !other || this.alike.has(pair)) return false;
      // Turns of the globe are no difference.
      const away = (part: number, at: number) => Math.abs(part - other[at]! - Math.round(part - other[at]!));
      const isAway = (part: number, at: number) => at % 4 < 2 && away(part, at) > SAME_PLACE;
      if (one.length !== other.length || one.some(isAway)) return true;
      this.alike.add(pair);
      return false;
    });
    if (!areApart) return;
    this.apart.add(pairOf());
    this.schedule();
  }
}

/** True if flags reject some of the pixels that are drawn. */
function isGated(): boolean {
  const { flags, rejectBits } = look();
  return flags.length > 0 || rejectBits !== 0;
}

/** What tells the granules of A and B from other pairs. */
const pairOf = (): string =>
  operands()
    .map(({ group, cycle }) => `${group}|${cycle}`)
    .join();
