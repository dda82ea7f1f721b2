/** A field of values in the colours of the map, with axes: strips, Hovmöllers, densities. */

import { createEffect, createSignal, onCleanup, onMount } from "solid-js";
import { format, ticks } from "../color/ticks.ts";
import { view } from "../model/store.ts";

export interface RasterProps {
  label: string;
  /** Values row by row, the first row on top; NaN is left empty. */
  values: ArrayLike<number>;
  rows: number;
  columns: number;
  /** Values of the axes at the outer edges of the first and last column and row. */
  x: [number, number];
  y: [number, number];
  xLabel: string;
  yLabel: string;
  /** Labels of rows in place of numbers. */
  yTicks?: { at: number; text: string }[];
  /** At most; less where the panel is lower, so that the axis below is seen. */
  height: number;
  /** Red, green, blue of a value, 0 to 255. */
  color: (value: number) => [number, number, number];
  /** What colours follow: the field is painted anew when it changes. */
  follow?: unknown;
  mark?: { column: number | null; row: number | null } | null;
  onPoint?: (cell: { row: number; column: number } | null) => void;
  onClick?: (cell: { row: number; column: number }) => void;
}

const LEFT = 52;
const BOTTOM = 34;
const TOP = 8;
const RIGHT = 10;
/** Height that is never gone below, and what a note below the field takes. */
const LEAST = 240;
const NOTE = 56;

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The field as a picture of one pixel per value. */
function picture(props: RasterProps): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = props.columns;
  canvas.height = props.rows;
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(props.columns, props.rows);
  for (let at = 0; at < props.rows * props.columns; at++) {
    const value = props.values[at]!;
    if (Number.isNaN(value)) continue;
    const [red, green, blue] = props.color(value);
    image.data[4 * at] = red;
    image.data[4 * at + 1] = green;
    image.data[4 * at + 2] = blue;
    image.data[4 * at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export function RasterPlot(props: RasterProps) {
  let canvas!: HTMLCanvasElement;
  const [width, setWidth] = createSignal(380);
  const [room, setRoom] = createSignal(Infinity);
  const size = () => ({ width: width(), height: Math.min(props.height, Math.max(LEAST, room())) });
  onMount(() => {
    const holder = canvas.parentElement!;
    const panel = holder.closest(".dock-body");
    const measure = () => {
      setWidth(Math.max(120, holder.clientWidth));
      if (!panel) return;
      const above = holder.getBoundingClientRect().top - panel.getBoundingClientRect().top + panel.scrollTop;
      setRoom(panel.clientHeight - above - NOTE);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(holder);
    if (panel) observer.observe(panel);
    onCleanup(() => observer.disconnect());
  });
  let painted: HTMLCanvasElement | undefined;
  createEffect(() => {
    props.follow;
    view.theme;
    painted = picture(props);
    paint(canvas, painted, props, size());
  });
  createEffect(() => {
    props.mark;
    if (painted) paint(canvas, painted, props, size());
  });
  const cellAt = (event: MouseEvent) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left - LEFT) / (width() - LEFT - RIGHT)) * props.columns);
    const row = Math.floor(((event.clientY - box.top - TOP) / (size().height - TOP - BOTTOM)) * props.rows);
    return row >= 0 && row < props.rows && column >= 0 && column < props.columns ? { row, column } : null;
  };
  return (
    <div class="raster-plot">
      <canvas
        ref={canvas}
        role="img"
        aria-label={props.label}
        style={{ height: `${size().height}px` }}
        onPointerMove={(event) => props.onPoint?.(cellAt(event))}
        onPointerLeave={() => props.onPoint?.(null)}
        onClick={(event) => {
          const cell = cellAt(event);
          if (cell) props.onClick?.(cell);
        }}
      />
    </div>
  );
}

interface Size {
  width: number;
  height: number;
}

function paint(canvas: HTMLCanvasElement, field: HTMLCanvasElement, props: RasterProps, size: Size): void {
  const { width, height } = size;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  const box = { left: LEFT, top: TOP, width: width - LEFT - RIGHT, height: height - TOP - BOTTOM };
  context.fillStyle = css("--sunken");
  context.fillRect(box.left, box.top, box.width, box.height);
  context.imageSmoothingEnabled = field.width > box.width * 2 || field.height > box.height * 2;
  context.drawImage(field, box.left, box.top, box.width, box.height);
  context.strokeStyle = css("--line");
  context.strokeRect(box.left - 0.5, box.top - 0.5, box.width + 1, box.height + 1);
  context.fillStyle = css("--muted");
  context.font = `11px ${css("--font")}`;
  paintAxes(context, props, box);
  const { mark } = props;
  if (!mark) return;
  context.strokeStyle = css("--mark");
  context.lineWidth = 1.2;
  context.beginPath();
  if (mark.column !== null) {
    const x = box.left + ((mark.column + 0.5) / props.columns) * box.width;
    context.moveTo(x, box.top);
    context.lineTo(x, box.top + box.height);
  }
  if (mark.row !== null) {
    const y = box.top + ((mark.row + 0.5) / props.rows) * box.height;
    context.moveTo(box.left, y);
    context.lineTo(box.left + box.width, y);
  }
  context.stroke();
}

interface Box extends Size {
  left: number;
  top: number;
}

function axisTicks([from, to]: [number, number], count: number): { at: number; text: string }[] {
  const values = ticks(Math.min(from, to), Math.max(from, to), count);
  const step = (values[1] ?? 1) - (values[0] ?? 0);
  return values.map((value) => ({ at: (value - from) / (to - from), text: format(value, step) }));
}

function paintAxes(context: CanvasRenderingContext2D, props: RasterProps, box: Box): void {
  context.textAlign = "center";
  for (const { at, text } of axisTicks(props.x, Math.max(2, box.width / 70))) {
    context.fillRect(box.left + at * box.width - 0.5, box.top + box.height, 1, 4);
    context.fillText(text, box.left + at * box.width, box.top + box.height + 15);
  }
  context.fillText(props.xLabel, box.left + box.width / 2, box.top + box.height + 30);
  context.textAlign = "right";
  for (const { at, text } of props.yTicks ?? axisTicks(props.y, Math.max(2, box.height / 40))) {
    context.fillRect(box.left - 4, box.top + at * box.height - 0.5, 4, 1);
    context.fillText(text, box.left - 7, box.top + at * box.height + 4);
  }
  context.save();
  context.translate(11, box.top + box.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(props.yLabel, 0, 0);
  context.restore();
}
