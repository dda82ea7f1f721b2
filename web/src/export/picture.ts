/** Pictures to take away: the map with title, colour bar and where it comes from. */

import { createEffect, createRoot } from "solid-js";
import { placeOf, type Stretch } from "../color/scale.ts";
import { format, logTicks, prettyUnits, ticks } from "../color/ticks.ts";
import { current, isWhole, setPlaying } from "../map/current.ts";
import * as catalog from "../model/catalog.ts";
import { layersNow, whenOf } from "../model/layers.ts";
import { look, stretch } from "../model/look.ts";
import { complain, tell } from "../model/notices.ts";
import { areUnlike, operandNames, operands } from "../model/operands.ts";
import { change, view } from "../model/store.ts";
import { title, units } from "../panels/color_bar.tsx";
import { animate } from "./apng.ts";
import { save } from "./save.ts";

const MARGIN = 18;
const HEAD = 50;
/** Height of a colour bar with its ticks, and of what stands below all of them. */
const BAR = 40;
const FOOT = 44;
/** Pixels of the file per pixel of the page. */
const PRINT_RATIO = 2;
const MAX_FRAMES = 60;
const FRAME_TIME = 500;

/** Resolves once everything is loaded and a frame of it is drawn. */
export function whole(): Promise<void> {
  return new Promise((resolve) => {
    createRoot((dispose) => {
      createEffect(() => {
        const map = current()?.map;
        view.cycle;
        if (!map || !isWhole()) return;
        map.once("idle", () => {
          if (!isWhole()) return;
          dispose();
          resolve();
        });
        map.triggerRepaint();
      });
    });
  });
}

/** Where the picture comes from, in one line. */
export function provenance(): string {
  const parts = [
    [...new Set(operands().map((one) => `SWOT ${catalog.groupOf(one.group)?.title ?? one.group}`))].join(" and "),
    view.span === "all"
      ? `cycles ${catalog.cycles()[0]} to ${catalog.cycles().at(-1)}`
      : `cycle ${[...new Set(operands().map(({ cycle }) => cycle))].join(" and ")}`,
    areUnlike() ? `A ${operandNames().a}, B ${operandNames().b}` : "",
    view.quality === "any" ? "" : `quality ${view.quality}`,
    view.where ? `where ${view.where}` : "",
    view.masks.length ? `without ${view.masks.join(", ")}` : "",
    ...layersNow().map((layer) => `${layer.info.label} ${whenOf(layer)}`),
    `snapshot ${catalog.catalog()?.snapshot.slice(0, 12) ?? ""}`,
    `karin ${catalog.catalog()?.karin ?? ""}`,
  ];
  return parts.filter(Boolean).join(" · ");
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** What a colour bar tells. */
interface Legend {
  label: string;
  lut: Uint8Array;
  stretch: Stretch;
  units: string;
}

/** The colours of the swath, and those of every layer that has its own. */
function legends(): Legend[] {
  const layers = layersNow().filter(({ shown }) => !shown.same);
  return [
    { label: "", lut: look().lut, stretch: stretch(), units: units() },
    ...layers.map(({ shown, info, look: { lut, range }, units: own }) => ({
      label: `${info.label}: ${shown.variable.split("/").at(-1)}`,
      lut,
      stretch: { range, scale: "linear" as const, histogram: null },
      units: prettyUnits(own),
    })),
  ];
}

/** The map as it is drawn now, framed. */
function compose(ratio: number): HTMLCanvasElement {
  const map = current()!.map.getCanvas();
  const bars = legends();
  const foot = FOOT + BAR * bars.length;
  const width = map.width / ratio;
  const height = map.height / ratio;
  const canvas = document.createElement("canvas");
  canvas.width = map.width + 2 * MARGIN * ratio;
  canvas.height = map.height + (HEAD + foot) * ratio;
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  context.fillStyle = css("--surface");
  context.fillRect(0, 0, width + 2 * MARGIN, height + HEAD + foot);
  const font = css("--font");
  context.fillStyle = css("--text");
  context.font = `600 19px ${font}`;
  context.fillText(title(), MARGIN, 32, width * 0.75);
  context.textAlign = "right";
  context.font = `500 15px ${font}`;
  context.fillText(subtitle(), width + MARGIN, 32, width * 0.24);
  context.textAlign = "left";
  context.fillStyle = css("--ground");
  context.fillRect(MARGIN, HEAD, width, height);
  context.drawImage(map, MARGIN, HEAD, width, height);
  bars.forEach((bar, row) => {
    paintBar(context, bar, { left: MARGIN + width * 0.2, top: HEAD + height + 14 + row * BAR, width: width * 0.6 });
  });
  context.fillStyle = css("--muted");
  context.font = `400 11px ${font}`;
  context.textAlign = "center";
  context.fillText(provenance(), MARGIN + width / 2, HEAD + height + foot - 12, width);
  return canvas;
}

function subtitle(): string {
  if (view.span === "all") return `cycles ${catalog.cycles()[0]}–${catalog.cycles().at(-1)}`;
  if (view.compare === "difference") return "";
  return view.compare === "off" ? `cycle ${view.cycle}` : `${operandNames().a} | ${operandNames().b}`;
}

function paintBar(
  context: CanvasRenderingContext2D,
  { label, lut, stretch, units }: Legend,
  { left, top, width }: { left: number; top: number; width: number },
): void {
  const count = lut.length / 4;
  for (let x = 0; x < width; x++) {
    const at = 4 * Math.round((x / (width - 1)) * (count - 1));
    context.fillStyle = `rgb(${lut[at]} ${lut[at + 1]} ${lut[at + 2]})`;
    context.fillRect(left + x, top, 1.5, 12);
  }
  const { range, scale } = stretch;
  const values = scale === "log" ? logTicks(...range) : ticks(...range, 6);
  const step = scale === "log" ? undefined : (values[1] ?? 1) - (values[0] ?? 0);
  context.fillStyle = css("--text");
  context.font = `400 12px ${css("--font")}`;
  context.textAlign = "center";
  for (const value of values) {
    const x = left + placeOf(value, stretch) * width;
    context.fillRect(x - 0.5, top + 12, 1, 4);
    context.fillText(format(value, step), x, top + 29);
  }
  context.textAlign = "left";
  context.fillText(units, left + width + 10, top + 11);
  context.textAlign = "right";
  context.fillText(label, left - 10, top + 11, left - MARGIN - 10);
}

function bytesOf(canvas: HTMLCanvasElement): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (!blob) reject(new Error("the picture is too large for this browser"));
      else void blob.arrayBuffer().then((buffer) => resolve(new Uint8Array(buffer)));
    }, "image/png");
  });
}

const fileName = (end: string): string => `karin_${view.variable}_cycle_${view.cycle}${end}`;

/** Saves the map in print quality. */
export async function exportPng(): Promise<void> {
  const map = current()?.map;
  if (!map) return;
  const before = map.getPixelRatio();
  try {
    tell("Drawing the picture…");
    map.setPixelRatio(Math.max(PRINT_RATIO, before));
    await whole();
    const bytes = await bytesOf(compose(map.getPixelRatio()));
    save(new Blob([bytes as BlobPart], { type: "image/png" }), fileName(".png"));
    tell("Picture saved.");
  } catch (error) {
    complain(error);
  } finally {
    map.setPixelRatio(before);
  }
}

/** Saves all cycles as an animation; pressing it again, or Esc, gives it up. */
export async function exportAnimation(): Promise<void> {
  const map = current()?.map;
  const cycles = catalog.cycles().slice(-MAX_FRAMES);
  if (giveUpAnimation() || !map) return;
  const before = view.cycle;
  setPlaying(false);
  isAnimating = true;
  try {
    const frames: Uint8Array[] = [];
    for (const cycle of cycles) {
      change({ cycle, span: "one" });
      await new Promise(requestAnimationFrame);
      await whole();
      if (!isAnimating) {
        tell("The animation was given up.");
        return;
      }
      frames.push(await bytesOf(compose(map.getPixelRatio())));
      tell(`Animation: ${frames.length} of ${cycles.length} cycles`);
    }
    save(animate(frames, FRAME_TIME), fileName(`-${cycles.length}_frames.png`));
    tell("Animation saved.");
  } catch (error) {
    complain(error);
  } finally {
    isAnimating = false;
    change({ cycle: before });
  }
}

let isAnimating = false;

/** Gives an animation up that is being made; false if none is. */
export function giveUpAnimation(): boolean {
  const was = isAnimating;
  isAnimating = false;
  return was;
}
