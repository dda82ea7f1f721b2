/** The state of the page: the view, how it changes, and how changes are undone. */

import { createSignal } from "solid-js";
import { createStore, reconcile, unwrap } from "solid-js/store";
import { defaults, fromHash, toHash, type View } from "./view.ts";

/** Changes of these keys alone are no step of their own for undo: they follow the hand. */
const CONTINUOUS = new Set<keyof View>(["lon", "lat", "zoom", "bearing", "pitch", "divide"]);
/** Changes closer together than this many milliseconds are one step. */
const ONE_STEP = 600;
const MAX_STEPS = 200;

const [view, setView] = createStore<View>(defaults());
const [undoable, setUndoable] = createSignal(0);
const [redoable, setRedoable] = createSignal(0);

export { redoable, undoable, view };

let past: View[] = [];
let future: View[] = [];
let lastChange = 0;
let lastKeys = "";
let writing: ReturnType<typeof setTimeout> | undefined;

function snapshot(): View {
  return structuredClone(unwrap(view));
}

/** Changes the view; the address of the page follows. */
export function change(part: Partial<View>): void {
  const keys = (Object.keys(part) as (keyof View)[]).filter(
    (key) => JSON.stringify(view[key]) !== JSON.stringify(part[key]),
  );
  if (keys.length === 0) return;
  if (keys.some((key) => !CONTINUOUS.has(key))) remember(keys.join());
  setView(part);
  follow();
}

function remember(keys: string): void {
  const now = performance.now();
  const isSameStep = keys === lastKeys && now - lastChange < ONE_STEP;
  lastChange = now;
  lastKeys = keys;
  if (isSameStep) return;
  past.push(snapshot());
  if (past.length > MAX_STEPS) past.shift();
  future = [];
  count();
}

function count(): void {
  setUndoable(past.length);
  setRedoable(future.length);
}

function go(from: View[], to: View[]): boolean {
  const target = from.pop();
  if (!target) return false;
  to.push(snapshot());
  setView(reconcile(target));
  lastKeys = "";
  count();
  follow();
  return true;
}

/** Takes the last change back; false if there is none. */
export const undo = (): boolean => go(past, future);
/** Makes the last undone change again; false if there is none. */
export const redo = (): boolean => go(future, past);

/** Writes the view to where it is kept, shortly after the last change. */
function follow(): void {
  if (typeof window === "undefined") return;
  clearTimeout(writing);
  writing = setTimeout(() => keeper.write(unwrap(view)), 150);
}

/** Where the view is kept beside the page: what is read when it opens, and written when the view changes. */
export interface Keeper {
  read(): Partial<View>;
  write(view: View): void;
  /** The link that gives a view again. */
  link(view: View): string;
}

/** The address of the page. */
const ADDRESS: Keeper = {
  read: () => fromHash(location.hash),
  write: (now) => history.replaceState(null, "", toHash(now)),
  link: (now) => `${location.origin}${location.pathname}${toHash(now)}`,
};

let keeper = ADDRESS;

/** Keeps the view elsewhere: the widget of a notebook has no address. */
export function keepIn(other: Keeper): void {
  keeper = other;
}

/** What is asked for when the page opens. */
export const asked = (): Partial<View> => keeper.read();

/** The link that gives this view again. */
export const link = (): string => keeper.link(unwrap(view));

/** Starts from a view; undo starts here. */
export function start(from: View): void {
  setView(reconcile(from));
  past = [];
  future = [];
  lastKeys = "";
  count();
  follow();
}
