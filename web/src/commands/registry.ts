/** Everything that can be done, with its key: buttons, keyboard, palette and help all read this list. */

import { exportAnimation, exportPng, giveUpAnimation } from "../export/picture.ts";
import { current, drawing, playing, setDrawing, setPlaying } from "../map/current.ts";
import * as actions from "../model/actions.ts";
import { setOverlay } from "../model/overlays.ts";
import { change, redo, undo, view } from "../model/store.ts";
import type { Tab } from "../model/view.ts";

export interface Command {
  id: string;
  title: string;
  section: string;
  /** Keys as `KeyboardEvent.key`, `Ctrl+` before it where needed. */
  keys: string[];
  run: () => void;
}

const pan = (x: number, y: number) => () => current()?.map.panBy([x, y], { duration: actions.motion(150) });
const zoom = (by: number) => () => current()?.map.easeTo({ zoom: view.zoom + by, duration: actions.motion(200) });
const tab = (id: Tab, title: string, key: string): Command => ({
  id: `tab-${id}`,
  title,
  section: "Ask",
  keys: key ? [key] : [],
  run: () => actions.openTab(id),
});

export const COMMANDS: Command[] = [
  {
    id: "cycle-previous",
    title: "Previous cycle",
    section: "Cycles and passes",
    keys: ["["],
    run: () => actions.stepCycle(-1),
  },
  { id: "cycle-next", title: "Next cycle", section: "Cycles and passes", keys: ["]"], run: () => actions.stepCycle(1) },
  {
    id: "pass-previous",
    title: "Previous pass",
    section: "Cycles and passes",
    keys: [","],
    run: () => actions.stepPass(-1),
  },
  { id: "pass-next", title: "Next pass", section: "Cycles and passes", keys: ["."], run: () => actions.stepPass(1) },
  {
    id: "play",
    title: "Play the cycles, or pause",
    section: "Cycles and passes",
    keys: [" "],
    run: () => setPlaying(!playing()),
  },
  {
    id: "difference",
    title: "Difference, A − B",
    section: "Compare",
    keys: ["d"],
    run: () => actions.compare("difference"),
  },
  { id: "blink", title: "Blink two cycles", section: "Compare", keys: ["b"], run: () => actions.compare("blink") },
  {
    id: "swipe",
    title: "Swipe between two cycles",
    section: "Compare",
    keys: ["s"],
    run: () => actions.compare("swipe"),
  },
  { id: "swap", title: "Swap A and B", section: "Compare", keys: ["x"], run: actions.swapCycles },
  { id: "variable", title: "Choose the variable", section: "See", keys: ["v"], run: () => setOverlay("variable") },
  { id: "color-map", title: "Choose the colour map", section: "See", keys: ["c"], run: () => setOverlay("colors") },
  {
    id: "auto-range",
    title: "Fit the range to what is in view",
    section: "See",
    keys: ["a"],
    run: () => void actions.rangeOfView(),
  },
  {
    id: "lock-range",
    title: "Keep the range, or let it follow the data",
    section: "See",
    keys: ["l"],
    run: actions.lockRange,
  },
  {
    id: "masks",
    title: "Show why pixels are rejected",
    section: "See",
    keys: ["m"],
    run: () => change({ why: !view.why }),
  },
  {
    id: "projection",
    title: "Globe or flat map",
    section: "See",
    keys: ["g"],
    run: () => change({ projection: view.projection === "globe" ? "mercator" : "globe" }),
  },
  {
    id: "outlines",
    title: "Outlines of passes",
    section: "See",
    keys: ["o"],
    run: () => change({ tracks: !view.tracks }),
  },
  {
    id: "theme",
    title: "Dark or light",
    section: "See",
    keys: ["n"],
    run: () => change({ theme: view.theme === "dark" ? "light" : "dark" }),
  },
  { id: "pan-left", title: "Move west", section: "Move", keys: ["ArrowLeft"], run: pan(-120, 0) },
  { id: "pan-right", title: "Move east", section: "Move", keys: ["ArrowRight"], run: pan(120, 0) },
  { id: "pan-up", title: "Move north", section: "Move", keys: ["ArrowUp"], run: pan(0, -120) },
  { id: "pan-down", title: "Move south", section: "Move", keys: ["ArrowDown"], run: pan(0, 120) },
  { id: "zoom-in", title: "Nearer", section: "Move", keys: ["+", "="], run: zoom(0.75) },
  { id: "zoom-out", title: "Farther", section: "Move", keys: ["-"], run: zoom(-0.75) },
  {
    id: "whole",
    title: "The whole globe",
    section: "Move",
    keys: ["0"],
    run: () => current()?.map.easeTo({ zoom: 1.8, bearing: 0, pitch: 0, duration: actions.motion(600) }),
  },
  tab("point", "Values of the pinned pixel", "i"),
  tab("strip", "Strip: lines and pixels of the pass", "k"),
  tab("profile", "Profiles along and across the track", "t"),
  tab("hovmoller", "Hovmöller: the pass over all cycles", "h"),
  tab("series", "Time series of the place or region", "e"),
  tab("spectrum", "Spectrum along the track", "w"),
  tab("histogram", "Histogram", "u"),
  tab("scatter", "Scatter of two variables", "q"),
  tab("region", "Region: statistics, passes, extract", "f"),
  { id: "draw-box", title: "Draw a box", section: "Ask", keys: ["r"], run: () => actions.startDrawing("box") },
  {
    id: "draw-polygon",
    title: "Draw a polygon",
    section: "Ask",
    keys: ["R"],
    run: () => actions.startDrawing("polygon"),
  },
  {
    id: "clear",
    title: "Remove pin and region",
    section: "Ask",
    keys: ["Delete", "Backspace"],
    run: () => change({ pin: null, region: [], tab: "none" }),
  },
  { id: "png", title: "Save the picture as PNG", section: "Take away", keys: ["p"], run: () => void exportPng() },
  {
    id: "animation",
    title: "Save the cycles as an animation (APNG)",
    section: "Take away",
    keys: ["P"],
    run: () => void exportAnimation(),
  },
  {
    id: "copy-link",
    title: "Copy the link to this view",
    section: "Take away",
    keys: ["y"],
    run: () => void actions.copyLink(),
  },
  {
    id: "copy-cli",
    title: "Copy as karin command",
    section: "Take away",
    keys: [],
    run: () => void actions.copyAs("cli"),
  },
  {
    id: "copy-python",
    title: "Copy as Python",
    section: "Take away",
    keys: [],
    run: () => void actions.copyAs("python"),
  },
  { id: "undo", title: "Undo", section: "Page", keys: ["Ctrl+z"], run: () => void undo() },
  { id: "redo", title: "Redo", section: "Page", keys: ["Ctrl+Shift+z", "Ctrl+y"], run: () => void redo() },
  { id: "palette", title: "All commands", section: "Page", keys: ["/", "Ctrl+k"], run: () => setOverlay("palette") },
  { id: "help", title: "Keys", section: "Page", keys: ["?"], run: () => setOverlay("help") },
  { id: "cancel", title: "Close, give up, cancel", section: "Page", keys: ["Escape"], run: cancel },
];

/** The innermost first: work under way, then what it was begun from. */
function cancel(): void {
  if (giveUpAnimation()) return;
  if (drawing() || playing()) {
    setDrawing(null);
    setPlaying(false);
    return;
  }
  if (view.tab !== "none") change({ tab: "none" });
}

const NAMES: Record<string, string> = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
  Delete: "Del",
};

/** A key as people read it. */
export const keyName = (key: string): string =>
  NAMES[key] ?? (/^[A-Z]$/.test(key) ? `Shift+${key}` : key.replace("z", "Z").replace("k", key.length > 1 ? "K" : "k"));

/** The first key of a command, for its tip. */
export function keysOf(id: string): string {
  const key = COMMANDS.find((command) => command.id === id)?.keys[0];
  return key ? keyName(key) : "";
}

/** The command of a pressed key. */
export function commandFor(
  event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">,
): Command | undefined {
  if (event.altKey) return undefined;
  const isControl = event.ctrlKey || event.metaKey;
  const key = isControl ? `Ctrl+${event.shiftKey ? "Shift+" : ""}${event.key.toLowerCase()}` : event.key;
  return COMMANDS.find((command) => command.keys.includes(key));
}
