/** Lines over an axis, drawn by uPlot in the colours of the page. */

import { createEffect, on, onCleanup, onMount } from "solid-js";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { format } from "../color/ticks.ts";
import { view } from "../model/store.ts";

export interface Line {
  label: string;
  /** Of each place of the axis; `undefined`: the line goes on past it. */
  values: (number | null | undefined)[];
  /** A name of a colour of the page, as `--accent`. */
  color: string;
  /** Lower and upper end of a band around the line. */
  band?: { low: (number | null)[]; high: (number | null)[] } | undefined;
  points?: boolean;
  /** Points alone. */
  apart?: boolean;
  /** Bars from zero instead of a line. */
  bars?: boolean;
}

export interface LinePlotProps {
  label: string;
  x: number[];
  lines: Line[];
  xLabel: string;
  yLabel: string;
  time?: boolean;
  logX?: boolean;
  logY?: boolean;
  height?: number;
  /** A mark on the x axis: the pinned or linked place. */
  mark?: number | null | undefined;
  onPoint?: (index: number | null) => void;
  onClick?: (index: number) => void;
}

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function axis(label: string, side: number, log: boolean): uPlot.Axis {
  return {
    label,
    side,
    stroke: css("--muted"),
    font: `11px ${css("--font")}`,
    labelFont: `500 11px ${css("--font")}`,
    labelSize: 18,
    labelGap: 2,
    size: side === 2 ? 30 : 52,
    grid: { stroke: css("--line"), width: 1 },
    ticks: { stroke: css("--line"), width: 1, size: 4 },
    ...(log
      ? {
          values: (_: uPlot, splits: number[]) =>
            splits.map((value) => (value === null || !isRound(value) ? "" : format(value))),
        }
      : {}),
  };
}

const isRound = (value: number): boolean => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6;

function options(props: LinePlotProps, width: number): uPlot.Options {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const line of props.lines) {
    const color = css(line.color);
    series.push({
      label: line.label,
      stroke: color,
      width: line.bars || line.apart ? 0 : 1.4,
      spanGaps: false,
      points: { show: line.points ?? false, size: 5, fill: color, stroke: color },
      ...(line.bars && uPlot.paths.bars ? { paths: uPlot.paths.bars({ size: [1, Infinity] }), fill: color } : {}),
    });
    if (line.band) {
      series.push(
        { stroke: "transparent", points: { show: false } },
        { stroke: "transparent", points: { show: false } },
      );
      bands.push({
        series: [series.length - 1, series.length - 2],
        fill: `color-mix(in srgb, ${color} 22%, transparent)`,
      });
    }
  }
  const xAxis = axis(props.xLabel, 2, props.logX ?? false);
  const yAxis = axis(props.yLabel, 3, props.logY ?? false);
  if (!props.logY) yAxis.values = (_, splits) => splits.map((value) => format(value));
  if (props.time) {
    xAxis.space = 84;
    xAxis.values = (_, splits) => splits.map((seconds) => new Date(seconds * 1000).toISOString().slice(0, 10));
  } else if (!props.logX) xAxis.values = (_, splits) => splits.map((value) => format(value));
  return {
    width,
    height: props.height ?? 220,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    padding: [8, 18, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: {
        time: props.time ?? false,
        distr: props.logX ? 3 : 1,
        ...(props.logX ? { range: (_, low, high) => [low, high] } : {}),
      },
      y: props.logY ? { distr: 3 } : {},
    },
    axes: [xAxis, yAxis],
    series,
    bands,
    hooks: {
      setCursor: [(plot) => props.onPoint?.(plot.cursor.left! >= 0 ? (plot.cursor.idx ?? null) : null)],
      draw: [(plot) => drawMark(plot, props.mark)],
    },
  };
}

function drawMark(plot: uPlot, mark: number | null | undefined): void {
  if (mark === null || mark === undefined) return;
  const x = plot.valToPos(mark, "x", true);
  const { left, top, width, height } = plot.bbox;
  if (x < left || x > left + width) return;
  plot.ctx.save();
  plot.ctx.strokeStyle = css("--mark");
  plot.ctx.lineWidth = 1.5 * (window.devicePixelRatio || 1);
  plot.ctx.beginPath();
  plot.ctx.moveTo(x, top);
  plot.ctx.lineTo(x, top + height);
  plot.ctx.stroke();
  plot.ctx.restore();
}

function dataOf(props: LinePlotProps): uPlot.AlignedData {
  const columns: (number | null | undefined)[][] = [];
  for (const line of props.lines) {
    columns.push(line.values);
    if (line.band) columns.push(line.band.low, line.band.high);
  }
  // A logarithm has no place for zero and less.
  const kept = props.logY
    ? columns.map((column) => column.map((value) => (value && value > 0 ? value : null)))
    : columns;
  return [props.x, ...kept] as uPlot.AlignedData;
}

export function LinePlot(props: LinePlotProps) {
  let holder!: HTMLDivElement;
  let plot: uPlot | undefined;
  const make = () => {
    plot?.destroy();
    plot = new uPlot(options(props, holder.clientWidth || 380), dataOf(props), holder);
    plot.over.addEventListener("click", () => {
      const index = plot?.cursor.idx;
      if (index !== null && index !== undefined) props.onClick?.(index);
    });
  };
  onMount(() => {
    const observer = new ResizeObserver(() =>
      plot?.setSize({ width: holder.clientWidth, height: props.height ?? 220 }),
    );
    observer.observe(holder);
    onCleanup(() => {
      observer.disconnect();
      plot?.destroy();
    });
  });
  createEffect(
    on(
      [() => props.x, () => props.lines, () => view.theme, () => props.yLabel, () => props.logY, () => props.logX],
      () => queueMicrotask(make),
    ),
  );
  createEffect(
    on(
      () => props.mark,
      () => plot?.redraw(false),
    ),
  );
  return (
    <div
      class="line-plot"
      ref={holder}
      role="img"
      aria-label={props.label}
      onPointerLeave={() => props.onPoint?.(null)}
    />
  );
}
