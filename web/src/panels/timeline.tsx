/** Cycles as an axis: which granules exist, which cycle is shown, and how to go on. */

import { createEffect, createMemo, createSignal, onCleanup, onMount, Show } from "solid-js";
import { isoTime, ticks } from "../color/ticks.ts";
import { playing, setPlaying } from "../map/current.ts";
import * as actions from "../model/actions.ts";
import * as catalog from "../model/catalog.ts";
import { change, view } from "../model/store.ts";
import type { CoverageEntry } from "../transport/types.ts";
import { IconButton } from "./ui.tsx";

const HEIGHT = 62;
const AXIS = 15;

export function Timeline() {
  const dates = createMemo(() => {
    const times = (catalog.coverage()?.granules ?? [])
      .filter((one) => (view.span === "all" || one.cycle === view.cycle) && one.time)
      .map((one) => one.time!);
    if (times.length === 0) return "";
    const from = times
      .map(([start]) => start)
      .sort()[0]!
      .slice(0, 10);
    const to = times
      .map(([, end]) => end)
      .sort()
      .at(-1)!
      .slice(0, 10);
    return from === to ? from : `${from} – ${from.slice(0, 4) === to.slice(0, 4) ? to.slice(5) : to}`;
  });
  return (
    <footer class="timeline">
      <div class="timeline-controls">
        <div class="timeline-buttons">
          <IconButton
            icon="previous"
            label="Previous cycle"
            command="cycle-previous"
            onClick={() => actions.stepCycle(-1)}
          />
          <IconButton
            icon={playing() ? "pause" : "play"}
            label={playing() ? "Pause" : "Play"}
            command="play"
            onClick={() => setPlaying(!playing())}
            class="play"
          />
          <IconButton icon="next" label="Next cycle" command="cycle-next" onClick={() => actions.stepCycle(1)} />
        </div>
        <div class="timeline-cycle">
          <span class="timeline-number" aria-live="polite">
            <span class="muted">{view.compare === "off" ? "Cycle" : "A"} </span>
            {view.span === "all" ? "all" : view.cycle}
            <Show when={view.compare !== "off"}>
              <span class="muted"> · B </span>
              {view.cycleB}
            </Show>
          </span>
          <span class="timeline-dates">{dates()}</span>
        </div>
      </div>
      <Coverage />
    </footer>
  );
}

/** Cycles to the right, passes down: what exists is filled. */
function Coverage() {
  let canvas!: HTMLCanvasElement;
  const [width, setWidth] = createSignal(600);
  const [tip, setTip] = createSignal<{ x: number; text: string } | null>(null);
  const span = createMemo(() => {
    const cycles = catalog.cycles();
    return { first: cycles[0] ?? 0, count: (cycles.at(-1) ?? 0) - (cycles[0] ?? 0) + 1 };
  });
  const entries = createMemo(() => {
    const by = new Map<string, CoverageEntry>();
    for (const entry of catalog.coverage()?.granules ?? []) by.set(`${entry.cycle}/${entry.pass}`, entry);
    return by;
  });
  onMount(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(100, entry!.contentRect.width)));
    observer.observe(canvas.parentElement!);
    onCleanup(() => observer.disconnect());
  });
  createEffect(() => {
    view.theme;
    paint(canvas, width(), span());
  });
  const cycleAt = (event: MouseEvent) => {
    const box = canvas.getBoundingClientRect();
    const { first, count } = span();
    return first + Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * count)));
  };
  const nearest = (cycle: number) => {
    const cycles = catalog.cycles();
    return cycles.reduce((best, one) => (Math.abs(one - cycle) < Math.abs(best - cycle) ? one : best), cycles[0] ?? 0);
  };
  const choose = (event: PointerEvent) => {
    const cycle = nearest(cycleAt(event));
    if (event.shiftKey)
      change({ cycleB: cycle, groupB: "", compare: view.compare === "off" ? "difference" : view.compare, span: "one" });
    else change({ cycle, span: "one" });
  };
  const point = (event: PointerEvent) => {
    const box = canvas.getBoundingClientRect();
    const cycle = cycleAt(event);
    const passes = catalog.group()?.pass_count ?? 1;
    const shown = rowsOfPasses();
    const pass =
      shown[
        Math.min(
          shown.length - 1,
          Math.max(0, Math.floor(((event.clientY - box.top) / (HEIGHT - AXIS)) * shown.length)),
        )
      ] ?? 1;
    const entry = entries().get(`${cycle}/${pass}`);
    const count = catalog.passesByCycle().get(cycle)?.size ?? 0;
    const what = entry
      ? `pass ${pass} · ${[entry.version, entry.time && isoTime(entry.time[0]).slice(0, 16)].filter(Boolean).join(" · ")}`
      : `pass ${pass} is missing`;
    setTip({ x: event.clientX - box.left, text: `Cycle ${cycle}: ${count} of ${passes} passes · ${what}` });
    if (event.buttons & 1) choose(event);
  };
  return (
    <div class="coverage">
      <canvas
        ref={canvas}
        style={{ height: `${HEIGHT}px` }}
        role="slider"
        tabIndex={0}
        aria-label="Cycle"
        aria-valuemin={span().first}
        aria-valuemax={span().first + span().count - 1}
        aria-valuenow={view.cycle}
        onPointerDown={choose}
        onPointerMove={point}
        onPointerLeave={() => setTip(null)}
        onKeyDown={(event) => {
          const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (!step) return;
          event.preventDefault();
          event.stopPropagation();
          actions.stepCycle(step);
        }}
      />
      <Show when={tip()}>
        {(now) => (
          <div class="tip" style={{ left: `${Math.min(width() - 150, Math.max(150, now().x))}px` }}>
            {now().text}
          </div>
        )}
      </Show>
    </div>
  );
}

/** Passes that any cycle has: a row each. */
function rowsOfPasses(): number[] {
  const all = new Set<number>();
  for (const passes of catalog.passesByCycle().values()) for (const pass of passes) all.add(pass);
  return [...all].sort((a, b) => a - b);
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function paint(canvas: HTMLCanvasElement, width: number, { first, count }: { first: number; count: number }): void {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(HEIGHT * ratio);
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  const rows = HEIGHT - AXIS;
  const column = width / count;
  context.fillStyle = css("--sunken");
  context.fillRect(0, 0, width, rows);
  paintGranules(context, column, first, rows);
  context.font = `500 10.5px ${css("--font")}`;
  context.textAlign = "center";
  context.fillStyle = css("--muted");
  const labels = count === 1 ? [first] : ticks(first, first + count - 1, Math.min(count, Math.max(2, width / 70)));
  for (const cycle of labels.filter(Number.isInteger))
    context.fillText(String(cycle), (cycle - first + 0.5) * column, HEIGHT - 3);
  const frame = (cycle: number, color: string, label: string) => {
    const x = (cycle - first) * column;
    const wide = Math.max(3, column);
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.strokeRect(x + column / 2 - wide / 2 + 1, 1, wide - 2, rows - 2);
    if (!label) return;
    context.fillStyle = color;
    context.fillRect(x + column / 2 - 7, 0, 14, 13);
    context.fillStyle = css("--sunken");
    context.fillText(label, x + column / 2, 10);
  };
  const compares = view.compare !== "off";
  if (compares) frame(view.cycleB, css("--second"), "B");
  if (view.span === "one") frame(view.cycle, css("--accent"), compares ? "A" : "");
}

/** One mark per granule; where there are more passes than pixels, rows of pixels as full as their passes are. */
function paintGranules(context: CanvasRenderingContext2D, column: number, first: number, rows: number): void {
  const shown = rowsOfPasses();
  const places = new Map(shown.map((pass, row) => [pass, row]));
  const passes = shown.length;
  const bins = Math.max(1, Math.min(passes, Math.floor(rows)));
  const filled = new Map<string, number>();
  for (const { cycle, pass } of catalog.coverage()?.granules ?? []) {
    const key = `${cycle}/${Math.floor((places.get(pass)! / passes) * bins)}`;
    filled.set(key, (filled.get(key) ?? 0) + 1);
  }
  const gap = column > 6 ? 1 : 0;
  context.fillStyle = css("--coverage");
  for (const [key, number] of filled) {
    const [cycle, bin] = key.split("/").map(Number) as [number, number];
    context.globalAlpha = Math.min(1, 0.25 + (0.75 * number * bins) / passes);
    context.fillRect((cycle - first) * column + gap / 2, (bin / bins) * rows, column - gap, rows / bins);
  }
  context.globalAlpha = 1;
}
