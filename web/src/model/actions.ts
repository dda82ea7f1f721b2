/** What the user can do, in terms of the view; keys, buttons and the palette all come here. */

import { current, setDrawing, setPlaying, tracks } from "../map/current.ts";
import { distanceKm, latitudeOf, longitudeOf, wrapped } from "../map/geometry.ts";
import { centreOf } from "../map/pick.ts";
import * as api from "./api.ts";
import * as catalog from "./catalog.ts";
import { isDifference, stretch } from "./look.ts";
import { complain, tell } from "./notices.ts";
import { operandA, operandB } from "./operands.ts";
import { change, link, view } from "./store.ts";
import type { Compare, Pin, Tab } from "./view.ts";

/** Goes `step` cycles on along those that exist; round the end if `around`. */
export function stepCycle(step: number, around = false): void {
  const cycles = catalog.cycles();
  const at = cycles.indexOf(view.cycle) + step;
  const to = around ? cycles[(at + cycles.length) % cycles.length] : cycles[at];
  if (to === undefined) tell(step > 0 ? "This is the last cycle." : "This is the first cycle.");
  else change({ cycle: to });
}

/** Pins the same place of the next pass that exists in the cycle, and looks at it. */
export function stepPass(step: number): void {
  const passes = [...(catalog.passesByCycle().get(view.cycle) ?? [])].sort((a, b) => a - b);
  if (passes.length === 0) return;
  const here = view.pin?.pass ?? passes[0]! - step;
  const next =
    step > 0
      ? (passes.find((pass) => pass > here) ?? passes[0]!)
      : (passes.findLast((pass) => pass < here) ?? passes.at(-1)!);
  lookAtPass(next);
}

/** Pins a pass where it comes closest to the middle of the map, and moves there. */
export function lookAtPass(pass: number): void {
  const known = tracks();
  const index = known?.passes.indexOf(pass) ?? -1;
  if (!known || index < 0) return;
  let best = { distance: Infinity, line: 0, lon: 0, lat: 0 };
  for (let point = 0; point < known.count; point++) {
    const at = (index * 3 + 1) * known.count + point;
    const [lon, lat] = [known.lon[at]!, known.lat[at]!];
    const distance = distanceKm(lon, lat, view.lon, view.lat);
    if (distance < best.distance) best = { distance, line: known.line[index * known.count + point]!, lon, lat };
  }
  const group = catalog.group()!;
  const line = Math.min(group.num_lines - 1, Math.max(0, Math.round(best.line || 0)));
  const pin: Pin = { lon: wrapped(best.lon), lat: best.lat, pass, line, pixel: Math.floor(group.num_pixels / 3) };
  change({ pin });
  if (best.distance > 300) current()?.map.easeTo({ center: [pin.lon, pin.lat], duration: motion(500) });
}

/** Duration of a movement; none for who asked their system for less motion. */
export const motion = (milliseconds: number): number =>
  window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : milliseconds;

/** Compares with another cycle, the one before unless one was chosen; or with another variable or product. */
export function compare(mode: Compare): void {
  if (mode === "off" || view.compare === mode) {
    change({ compare: "off" });
    return;
  }
  const cycles = catalog.groupB()?.cycles ?? [];
  const at = cycles.indexOf(view.cycle);
  const isChosen = cycles.includes(view.cycleB) && (view.cycleB !== view.cycle || view.variableB || view.groupB);
  const other = cycles[at > 0 ? at - 1 : at + 1] ?? view.cycle;
  if (!isChosen && other === view.cycle) tell("There is one cycle only: choose another variable or product for B.");
  change({ compare: mode, span: "one", cycleB: isChosen ? view.cycleB : other });
}

/** Chooses the product of B; its cycle and variable become ones that exist there. */
export function compareWithGroup(id: string): void {
  const group = catalog.groupOf(id);
  if (!group) return;
  const has = (name: string) => group.variables.some((variable) => variable.name === name);
  const wanted = view.variableB || view.variable;
  const variable = has(wanted) ? wanted : group.default_variable;
  change({
    groupB: id === view.group ? "" : id,
    variableB: variable === view.variable ? "" : variable,
    cycleB: group.cycles.includes(view.cycle) ? view.cycle : (group.cycles.at(-1) ?? view.cycle),
  });
}

export function swapCycles(): void {
  if (view.compare === "off") tell("Compare two cycles first: d, s or b.");
  else {
    const [a, b] = [operandA(), operandB()];
    change({
      ...b,
      cycleB: a.cycle,
      groupB: a.group === b.group ? "" : a.group,
      variableB: a.variable === b.variable ? "" : a.variable,
    });
  }
}

export function openTab(tab: Tab): void {
  change({ tab: view.tab === tab ? "none" : tab });
}

/** Shows another variable, with its own colours and range. */
export function showVariable(name: string): void {
  change({ variable: name, colorMap: "", range: null, differenceRange: null, scale: "linear", masks: [], why: false });
}

export function showGroup(id: string): void {
  const group = catalog.catalog()?.groups.find((one) => one.id === id);
  if (!group) return;
  const has = (name: string) => group.variables.some((variable) => variable.name === name);
  const cycle = group.cycles.includes(view.cycle) ? view.cycle : (group.cycles.at(-1) ?? 0);
  change({ group: id, cycle, compare: "off", groupB: "", variableB: "", pin: null, masks: [], side: "" });
  if (!has(view.variable)) showVariable(group.default_variable);
}

/** Fits the range of colours to what the map shows: from 2 to 98 per cent of its pixels. */
export async function rangeOfView(): Promise<void> {
  const picture = await current()?.layer.readValues();
  const values = picture?.values.filter(Number.isFinite).sort();
  if (!values || values.length < 10) {
    tell("There are no values in view.");
    return;
  }
  let [low, high] = [0.02, 0.98].map((share) => values[Math.floor(share * (values.length - 1))]!) as [number, number];
  if (isDifference() || catalog.variable()?.diverging) {
    const reach = Math.max(Math.abs(low), Math.abs(high));
    [low, high] = [-reach, reach];
  }
  const range: [number, number] = [Number(low.toPrecision(2)), Number(high.toPrecision(2))];
  change(isDifference() ? { differenceRange: range } : { range });
}

/** Keeps the range as it is, whatever cycle comes; or lets it follow the data again. */
export function lockRange(): void {
  const key = isDifference() ? "differenceRange" : "range";
  const isLocked = view[key] !== null;
  change({ [key]: isLocked ? null : [...stretch().range] });
  tell(isLocked ? "The range follows the data." : "The range is kept.");
}

export function startDrawing(kind: "box" | "polygon"): void {
  setPlaying(false);
  setDrawing(kind);
  tell(kind === "box" ? "Drag a box on the map." : "Click corners; double-click or Enter ends, Esc gives up.");
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell(`${what} copied.`);
  } catch {
    // Without a secure context or permission there is no clipboard: the old way works.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    tell(isCopied ? `${what} copied.` : "The browser does not allow copying.");
  }
}

export const copyLink = (): Promise<void> => copy(link(), "Link");

/** The view as commands: how to get these values from a shell or from Python. */
export async function copyAs(language: "cli" | "python"): Promise<void> {
  try {
    const query = {
      ...api.meaning(view),
      ...api.regionQuery(view.region),
      cycles: String(view.cycle),
      verb: "extract",
      format: "nc",
    };
    const command = await api.transport.json<{ cli: string; python: string }>("command", query);
    await copy(command[language], language === "cli" ? "Command" : "Python code");
  } catch (error) {
    complain(error);
  }
}

/** Where a pinned pixel lies by the mesh that is drawn, if it is loaded. */
export function placeOfPin(pin: Pin): [number, number] {
  const item = current()?.scene.stripItems.find((one) => one.mesh.pass === pin.pass);
  const centre = item ? centreOf(item.mesh, pin.line, pin.pixel) : null;
  return centre ? [wrapped(longitudeOf(centre.x)), latitudeOf(centre.y)] : [pin.lon, pin.lat];
}
