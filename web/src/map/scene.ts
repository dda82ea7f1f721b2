/** Decides what the map needs, asks for it, and puts what is there into the layer. */

import type { Map as MapLibre } from "maplibre-gl";
import type { Meaning } from "../model/api.ts";
import * as catalog from "../model/catalog.ts";
import { levelsHere, look, whereWithMasks } from "../model/look.ts";
import { view } from "../model/store.ts";
import { setTracks, tracks } from "./current.ts";
import {
  loadMesh,
  loadStrip,
  loadTile,
  loadTracks,
  type Mesh,
  type Strip,
  stripsIn,
  type Tile,
  type Tracks,
} from "./data.ts";
import { Demand, type Want } from "./demand.ts";
import { type Box, wrapped } from "./geometry.ts";
import type { Item, StripItem, SwathLayer, TileItem } from "./layer.ts";
import { LayerTiles, pieceOf } from "./layer_tiles.ts";

const MEGABYTE = 2 ** 20;
/** Zoom of the map from which 2 km pixels are drawn one by one. */
const NEAR_ZOOM = 5.5;
const MAX_TILE_ZOOM = 12;
/** Strips beyond which a near view is left to tiles: it would be slower than they are, and no finer than the screen. */
const MAX_STRIPS = 260;

/** Milliseconds within which pieces that arrive are drawn together. */
const ARRIVALS = 160;

interface StripPlace {
  pass: number;
  side: string;
  first: number;
}

type Counts = Pick<Progress, "wanted" | "loaded">;

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
  private scheduled = 0;
  private soon = 0;
  private tracksOf = "";

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
    this.scheduled ||= requestAnimationFrame(() => {
      this.scheduled = 0;
      clearTimeout(this.soon);
      this.soon = 0;
      this.update();
    });
  }

  /** The same, but pieces that arrive one after the other share a frame: without a GPU each frame costs a quarter second. */
  private scheduleSoon(): void {
    const pending = this.tiles.pending + this.strips.pending + this.meshes.pending + this.beside.pending;
    if (pending === 0) this.schedule();
    else this.soon ||= window.setTimeout(() => this.schedule(), ARRIVALS);
  }

  /** True if pixels are drawn one by one. */
  get isNear(): boolean {
    const finer = Math.log2(2000 / (catalog.group()?.resolution_m ?? 2000));
    return view.span === "one" && catalog.variable()?.shape === "pixels" && this.map.getZoom() >= NEAR_ZOOM + finer;
  }

  private update(): void {
    if (!catalog.variable() || !view.cycle) return;
    this.loadTracks();
    const known = tracks();
    const places = this.isNear && known ? this.placesInView(known) : null;
    const isNear = places !== null && places.length <= MAX_STRIPS;
    const swath = isNear ? this.showStrips(places) : this.showTiles();
    const layers = this.beside.update(view.layers.length ? this.cover() : []);
    this.progress({ near: isNear, wanted: swath.wanted + layers.wanted, loaded: swath.loaded + layers.loaded });
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
    const by = catalog.passesByCycle();
    const a = by.get(view.cycle) ?? new Set<number>();
    return view.compare === "off" ? a : a.union(by.get(view.cycleB) ?? new Set());
  }

  private cyclesShown(): number[] {
    return view.compare === "off" ? [view.cycle] : [view.cycle, view.cycleB];
  }

  private showStrips(places: StripPlace[]): Counts {
    const values = this.meaningNear();
    const flag = catalog.flag();
    const flagged: Meaning | null = flag ? { ...values, variable: flag.name, quality: "any", where: "" } : null;
    const [a, b] = this.cyclesShown();
    const meshes = new Map(places.map((place) => [this.meshKey(place), this.wantMesh(place)]));
    const wants = this.cyclesShown().flatMap((cycle) =>
      places.flatMap((place) => this.wantStrip(values, cycle, place)),
    );
    const flags = flagged
      ? this.cyclesShown().flatMap((cycle) => places.flatMap((place) => this.wantStrip(flagged, cycle, place)))
      : [];
    const near = this.neighbours().flatMap((cycle) => places.flatMap((place) => this.wantStrip(values, cycle, place)));
    this.meshes.want([...meshes.values()]);
    this.strips.want([...wants, ...flags, ...near]);
    this.tiles.want([]);
    this.stripItems = places.flatMap((place) => {
      const mesh = this.meshes.get(this.meshKey(place));
      if (!mesh) return [];
      const get = (meaning: Meaning | null, cycle: number | undefined) =>
        meaning && cycle !== undefined ? (this.strips.get(this.stripKey(meaning, cycle, place)) ?? null) : null;
      const item: StripItem = {
        kind: "strip",
        mesh,
        first: place.first,
        a: get(values, a),
        b: get(values, b),
        flagsA: get(flagged, a),
        flagsB: get(flagged, b),
      };
      return item.a || item.b ? [item] : [];
    });
    const loaded = wants.filter(({ key }) => this.strips.get(key) || this.strips.hasFailed(key)).length;
    const isWhole =
      loaded === wants.length && meshes.size === [...meshes.keys()].filter((key) => this.meshes.get(key)).length;
    this.tileItems = isWhole ? [] : this.cover().flatMap((place) => this.tileItem(place) ?? []);
    this.layer.items = [...this.tileItems, ...this.stripItems] satisfies Item[];
    const wanted = wants.length + meshes.size;
    return { wanted, loaded: isWhole ? wanted : loaded };
  }

  private showTiles(): Counts {
    const places = this.cover();
    const canonical = new Map(places.map(({ z, x, y }) => [`${z}/${x}/${y}`, { z, x, y }]));
    const wants = this.tileRequests().flatMap((request) =>
      [...canonical.values()].map((place) => this.wantTile(request, place)),
    );
    const isStill = !this.map.isMoving();
    const near = isStill && view.span === "one" ? this.neighbours().slice(0, 1) : [];
    const ahead = near.flatMap((cycle) => [...canonical.values()].map((place) => this.wantTile(String(cycle), place)));
    this.tiles.want([...wants, ...ahead]);
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

  /** Lists of cycles that tiles are made of: A, and B if there is a comparison. */
  private tileRequests(): string[] {
    if (view.span === "all") return [allCycles()];
    return this.cyclesShown().map(String);
  }

  private cover(): { z: number; x: number; y: number; wrap: number }[] {
    const tiles = this.map.coveringTiles({ tileSize: 256, minzoom: 0, maxzoom: MAX_TILE_ZOOM, roundZoom: true });
    return tiles.map(({ canonical, wrap }) => ({ z: canonical.z, x: canonical.x, y: canonical.y, wrap }));
  }

  /** The tile at a place, or the part of the finest coarser one that is there. */
  private tileItem(place: { z: number; x: number; y: number; wrap: number }): TileItem | null {
    const [requestA, requestB] = this.tileRequests();
    return pieceOf(place, (at) => {
      const a = this.tiles.get(this.tileKey(requestA!, at)) ?? null;
      const b = requestB ? (this.tiles.get(this.tileKey(requestB, at)) ?? null) : null;
      return a || b ? { a, b } : null;
    });
  }

  /** What strips are asked for: the level of quality is applied while drawing, where it can be. */
  private meaningNear(): Meaning {
    const { group, variable, lets, where, nadir, quality, masks } = view;
    const masked = catalog.flag() ? where : whereWithMasks({ where, masks });
    return { group, side: "", variable, lets, nadir, quality: levelsHere() ? "any" : quality, where: masked };
  }

  private meaningFar(): Meaning {
    const { group, variable, lets, where, nadir, quality, masks } = view;
    return { group, side: "", variable, lets, nadir, quality, where: whereWithMasks({ where, masks }) };
  }

  private tileKey(cycles: string, { z, x, y }: { z: number; x: number; y: number }): string {
    return `${JSON.stringify(this.meaningFar())}|${cycles}|${statistic()}|${z}/${x}/${y}`;
  }

  private wantTile(cycles: string, place: { z: number; x: number; y: number }): Want<Tile> {
    const meaning = this.meaningFar();
    return {
      key: this.tileKey(cycles, place),
      load: (signal) => loadTile(meaning, cycles, statistic(), place, signal),
    };
  }

  private stripKey(meaning: Meaning, cycle: number, { pass, side, first }: StripPlace): string {
    return `${JSON.stringify(meaning)}|${cycle}|${pass}|${side}|${first}`;
  }

  private wantStrip(meaning: Meaning, cycle: number, place: StripPlace): Want<Strip>[] {
    if (!catalog.passesByCycle().get(cycle)?.has(place.pass)) return [];
    return [
      { key: this.stripKey(meaning, cycle, place), load: (signal) => loadStrip(meaning, { cycle, ...place }, signal) },
    ];
  }

  private meshKey({ pass, side }: StripPlace): string {
    const cycle = catalog.group()!.fixed_grid ? "" : view.cycle;
    return `${view.group}|${pass}|${side}|${cycle}`;
  }

  private wantMesh(place: StripPlace): Want<Mesh> {
    const { group, cycle, cycleB } = view;
    const isHere = catalog.passesByCycle().get(cycle)?.has(place.pass);
    const of = isHere ? cycle : cycleB;
    return { key: this.meshKey(place), load: (signal) => loadMesh(group, place.pass, place.side, of, signal) };
  }
}

const statistic = () => (view.span === "all" ? view.statistic : "mean");

/** The cycles that far views combine: the server takes up to 60. */
export function allCycles(): string {
  return catalog.cycles().slice(-60).join(",");
}
