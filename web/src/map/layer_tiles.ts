/** Tiles of the layers beside the swath: asked for, kept, and put under or over it. */

import { layersNow, stepsText } from "../model/layers.ts";
import { loadLayerTile, type Tile } from "./data.ts";
import { Demand } from "./demand.ts";
import type { Stack, SwathLayer, TileItem } from "./layer.ts";

const MEGABYTE = 2 ** 20;

interface Place {
  z: number;
  x: number;
  y: number;
}

/** A layer as it is drawn. */
export interface DrawnLayer extends Stack {
  id: string;
  units: string;
}

export class LayerTiles {
  readonly tiles: Demand<Tile>;
  /** What is drawn, lowest first. */
  drawn: DrawnLayer[] = [];
  private readonly layer: SwathLayer;

  constructor(layer: SwathLayer, arrived: () => void, failed: (error: unknown) => void) {
    this.layer = layer;
    const bytesOf = (tile: Tile) => 200 + (tile.values?.byteLength ?? 0);
    const dispose = (tile: Tile) => layer.drop(tile);
    this.tiles = new Demand({ limit: 64 * MEGABYTE, bytesOf, arrived, failed, dispose });
  }

  get pending(): number {
    return this.tiles.pending;
  }

  /** Asks for what lies at `places` and draws what is there; tells how many tiles are wanted and loaded. */
  update(places: readonly (Place & { wrap: number })[]): { wanted: number; loaded: number } {
    const now = layersNow();
    const canonical = new Map(places.map(({ z, x, y }) => [`${z}/${x}/${y}`, { z, x, y }]));
    const key = (id: string, variable: string, steps: string, { z, x, y }: Place) =>
      `${id}|${variable}|${steps}|${z}/${x}/${y}`;
    const wants = now.flatMap(({ shown: { id, variable }, steps }) => {
      const moments = stepsText(steps);
      return [...canonical.values()].map((place) => ({
        key: key(id, variable, moments, place),
        load: (signal: AbortSignal) => loadLayerTile(id, variable, moments, place, signal),
      }));
    });
    this.tiles.want(wants);
    this.drawn = now.map(({ shown, steps, look, units }) => ({
      id: shown.id,
      units,
      look,
      over: shown.over,
      items: places.flatMap(
        (place) => this.item(place, (at) => key(shown.id, shown.variable, stepsText(steps), at)) ?? [],
      ),
    }));
    this.layer.under = this.drawn.filter(({ over }) => !over);
    this.layer.over = this.drawn.filter(({ over }) => over);
    const loaded = wants.filter((want) => this.tiles.get(want.key) || this.tiles.hasFailed(want.key)).length;
    return { wanted: wants.length, loaded };
  }

  /** Only colours, opacity or side have changed. */
  restyle(): void {
    const looks = new Map(layersNow().map(({ shown, look }) => [shown.id, { look, over: shown.over }]));
    for (const one of this.drawn) Object.assign(one, looks.get(one.id));
    this.layer.under = this.drawn.filter(({ over }) => !over);
    this.layer.over = this.drawn.filter(({ over }) => over);
  }

  private item(place: Place & { wrap: number }, key: (at: Place) => string): TileItem | null {
    return pieceOf(place, (at) => {
      const a = this.tiles.get(key(at)) ?? null;
      return a && { a, b: null };
    });
  }
}

/** The tile at a place, or the part of the finest coarser one that is there. */
export function pieceOf(
  { z, x, y, wrap }: Place & { wrap: number },
  find: (place: Place) => Pick<TileItem, "a" | "b"> | null,
): TileItem | null {
  for (let up = 0; up <= Math.min(z, 6); up++) {
    const place = { z: z - up, x: x >> up, y: y >> up };
    const found = find(place);
    if (!found) continue;
    const size = 2 ** -up;
    const piece: TileItem["piece"] = [(x - place.x * 2 ** up) * size, (y - place.y * 2 ** up) * size, size, size];
    return { kind: "tile", z, x: x + wrap * 2 ** z, y, piece, ...found };
  }
  return null;
}
