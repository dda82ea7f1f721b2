/** What plots ask for: the view, its pinned pixel and its region as parameters of the API. */

import * as api from "../model/api.ts";
import * as catalog from "../model/catalog.ts";
import { whereWithMasks } from "../model/look.ts";
import { subtracting } from "../model/operands.ts";
import { view } from "../model/store.ts";
import type { Query } from "../transport/transport.ts";

/** Parameters that say which values are meant, with masks. */
export function meant(): Query {
  return { ...api.meaning({ ...view, where: whereWithMasks(view) }), ...api.cached() };
}

/** Lines around the pin: what a strip or profile shows. */
export function linesAround(reach: number): string {
  const last = (catalog.group()?.num_lines ?? 1) - 1;
  const line = view.pin?.line ?? 0;
  return `${Math.max(0, line - reach)}-${Math.min(last, line + reach)}`;
}

/** True if a pixel is pinned and known. */
export const isPinned = (): boolean => (view.pin?.pass ?? 0) > 0;

/** Where answers come from: the region, else the pinned pass. */
export function where(): Query | null {
  const region = api.regionQuery(view.region);
  if (Object.keys(region).length) return region;
  return isPinned() ? { passes: view.pin!.pass } : null;
}

/** The same, in words. */
export const whereText = (): string => (view.region.length ? "in the region" : `pass ${view.pin?.pass ?? ""}`);

/** What is meant, less B where a difference is shown. */
export const meantDifference = (): Query => ({ ...meant(), ...subtracting(view.lets) });
