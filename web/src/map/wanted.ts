/** What the scene asks for: which values A and B are, as tiles, strips and meshes, each under a key of its own. */

import type { Meaning } from "../model/api.ts";
import * as catalog from "../model/catalog.ts";
import { levelsHere, whereWithMasks } from "../model/look.ts";
import { areUnlike, type Operand, operandA, operands } from "../model/operands.ts";
import { view } from "../model/store.ts";
import { MAX_CYCLES } from "../model/view.ts";
import { loadMesh, loadStrip, loadTile, type Mesh, type Strip, type Tile } from "./data.ts";
import type { Want } from "./demand.ts";

/** Lines of one side of a pass. */
export interface StripPlace {
  pass: number;
  side: string;
  first: number;
}

/** What strips or tiles of an operand are asked with, made once for all of them. */
export interface Request {
  meaning: Meaning;
  /** Cycles, as the server reads them. */
  cycles: string;
  /** What keys of its pieces begin with. */
  prefix: string;
  passes: ReadonlySet<number>;
}

export interface TilePlace {
  z: number;
  x: number;
  y: number;
}

/** Passes that the cycle of A or B has. */
export function passesOf({ group, cycle }: Operand): Set<number> {
  const by = group === view.group ? catalog.passesByCycle() : catalog.passesByCycleB();
  return by.get(cycle) ?? new Set<number>();
}

function requestOf(of: Operand, meaning: Meaning, cycles = String(of.cycle)): Request {
  const prefix = `${JSON.stringify(meaning)}|${cycles}`;
  return { meaning, cycles, prefix, passes: passesOf(of) };
}

/** Strips of an operand. */
export const stripRequest = (of: Operand): Request => requestOf(of, meaningNear(of));

/** Strips of the flag that gates an operand; `null` where flags are not looked at while drawing. */
export function flagRequest(of: Operand): Request | null {
  const flag = catalog.flag();
  if (!flag || areUnlike()) return null;
  return requestOf(of, { ...meaningNear(of), variable: flag.name, quality: "any", where: "" });
}

/** Tiles of one cycle of an operand. */
export const tileRequest = (of: Operand): Request => requestOf(of, meaningFar(of));

/** What tiles are made of: A, and B if there is a comparison. */
export function tileRequests(): Request[] {
  if (view.span === "all") return [requestOf(operandA(), meaningFar(operandA()), allCycles())];
  return operands().map(tileRequest);
}

export function tileKey({ prefix }: Request, { z, x, y }: TilePlace): string {
  return `${prefix}|${statistic()}|${z}/${x}/${y}`;
}

export function wantTile(request: Request, place: TilePlace): Want<Tile> {
  const { meaning, cycles } = request;
  return {
    key: tileKey(request, place),
    load: (signal) => loadTile(meaning, cycles, statistic(), place, signal),
  };
}

export function stripKey({ prefix }: Request, { pass, side, first }: StripPlace): string {
  return `${prefix}|${pass}|${side}|${first}`;
}

/** What strips are asked for: the level of quality is applied while drawing, where it can be. */
function meaningNear(of: Operand): Meaning {
  const isDrawn = catalog.flag() && !areUnlike();
  const far = meaningFar(of);
  return { ...far, quality: levelsHere() ? "any" : far.quality, where: isDrawn ? view.where : far.where };
}

/** What tiles are asked for. Names and conditions of one group mean nothing in another. */
function meaningFar({ group, variable }: Operand): Meaning {
  const { lets, where, nadir, quality, masks } = view;
  const isOwn = group === view.group;
  const own = isOwn ? { lets, where: whereWithMasks({ where, masks }) } : { lets: [], where: "" };
  return { group, side: "", variable, nadir, quality, ...own };
}

export function wantStrip(request: Request, place: StripPlace): Want<Strip>[] {
  const { meaning, cycles, passes } = request;
  if (!passes.has(place.pass)) return [];
  const load = (signal: AbortSignal) => loadStrip(meaning, { cycle: Number(cycles), ...place }, signal);
  return [{ key: stripKey(request, place), load }];
}

/** The mesh of a place: that of A, if it has the pass; and that of B, if it may be another one. */
export function wantMeshes({ pass, side }: StripPlace): Want<Mesh>[] {
  const wants = operands()
    .filter((of) => passesOf(of).has(pass))
    .map(({ group, cycle }) => ({
      key: `${group}|${pass}|${side}|${catalog.groupOf(group)?.fixed_grid ? "" : cycle}`,
      load: (signal: AbortSignal) => loadMesh(group, pass, side, cycle, signal),
    }));
  return wants[0]?.key === wants[1]?.key ? wants.slice(0, 1) : wants;
}

const statistic = () => (view.span === "all" ? view.statistic : "mean");

/** The cycles that far views combine: the last ones. */
export function allCycles(): string {
  return catalog.cycles().slice(-MAX_CYCLES).join(",");
}
