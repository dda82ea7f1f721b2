/** The layer of the map that draws the swath: tiles from afar, strips from near. */

import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from "maplibre-gl";
import { MESH_STEP, type Mesh, type Strip, type Tile } from "./data.ts";
import { type GpuMesh, uploadMesh, uploadTileGrid } from "./meshes.ts";
import { nearest, type Program, Programs, Textures } from "./program.ts";
import { MAX_FLAGS } from "./shaders.ts";

/** A tile, or the piece of a coarser one that stands for it. */
export interface TileItem {
  kind: "tile";
  z: number;
  x: number;
  y: number;
  /** Part of the data: left, top, width and height, of 0 to 1. */
  piece: [number, number, number, number];
  a: Tile | null;
  b: Tile | null;
}

export interface StripItem {
  kind: "strip";
  mesh: Mesh;
  first: number;
  a: Strip | null;
  b: Strip | null;
  flagsA: Strip | null;
  flagsB: Strip | null;
}

export type Item = TileItem | StripItem;

/** How values become colours; changing it needs no data. */
export interface Look {
  mode: 0 | 1 | 2 | 3;
  /** Of the width of the map. */
  divide: number;
  /** Colours as RGBA, one row. */
  lut: Uint8Array;
  range: [number, number];
  log: boolean;
  opacity: number;
  /** Flags that reject a pixel, and their colours when it is told why. */
  flags: { mask: number; value: number; color: [number, number, number] }[];
  rejectBits: number;
  why: boolean;
}

/** Tiles of one layer beside the swath, with its colours. */
export interface Stack {
  items: TileItem[];
  look: Look;
  /** Over the swath; else under it. */
  over: boolean;
}

/** Values of the map as it was drawn last, by pixel of its canvas from the bottom up; NaN where none is. */
export interface Picture {
  width: number;
  height: number;
  values: Float32Array;
}

export class SwathLayer implements CustomLayerInterface {
  readonly id = "swath";
  readonly type = "custom" as const;
  readonly renderingMode = "2d" as const;
  items: Item[] = [];
  look: Look | null = null;
  /** Layers under and over the swath, lowest first. */
  under: Stack[] = [];
  over: Stack[] = [];
  /** World copies to the left and right (Mercator alone has them). */
  copies: number[] = [0];
  /** Milliseconds that the last frame took, the work of the GPU included. */
  frameTime = 0;
  /** Called after every frame with how long it took to issue, in milliseconds. */
  drawn: ((milliseconds: number) => void) | undefined;

  private gl!: WebGL2RenderingContext;
  private programs!: Programs;
  private textures: Textures | undefined;
  private tileGrid!: GpuMesh;
  private meshes = new WeakMap<Mesh, GpuMesh>();
  private lut!: WebGLTexture;
  private lutShown: Uint8Array | null = null;
  private input: CustomRenderMethodInput | undefined;
  private map: MapLibre | undefined;
  private fence: WebGLSync | null = null;
  private readers: ((picture: Picture) => void)[] = [];

  onAdd(map: MapLibre, gl: WebGLRenderingContext | WebGL2RenderingContext): void {
    this.map = map;
    this.gl = gl as WebGL2RenderingContext;
    this.programs = new Programs(this.gl);
    this.textures = new Textures(this.gl);
    this.tileGrid = uploadTileGrid(this.gl);
    this.meshes = new WeakMap();
    this.lut = this.gl.createTexture();
    this.lutShown = null;
  }

  /** Frees the texture of data that left the cache. */
  drop(data: object): void {
    this.textures?.drop(data);
  }

  render(_gl: WebGLRenderingContext | WebGL2RenderingContext, input: CustomRenderMethodInput): void {
    const start = performance.now();
    this.input = input;
    this.draw(false);
    this.drawn?.(performance.now() - start);
    this.timeFrame(start);
    for (const resolve of this.readers.splice(0)) resolve(this.readNow());
  }

  /** Learns how long a frame takes, without waiting for it. */
  private timeFrame(start: number): void {
    if (this.fence) return;
    const { gl } = this;
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    this.fence = fence;
    const look = () => {
      const isDone = !fence || gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.SIGNALED || gl.isContextLost();
      if (!isDone) {
        setTimeout(look, 8);
        return;
      }
      this.frameTime = performance.now() - start;
      gl.deleteSync(fence);
      this.fence = null;
    };
    setTimeout(look, 0);
  }

  /** Draws values instead of colours beside the next frame, and reads them back. */
  readValues(): Promise<Picture> {
    this.map?.triggerRepaint();
    return new Promise((resolve) => this.readers.push(resolve));
  }

  private readNow(): Picture {
    const { gl } = this;
    const { drawingBufferWidth: width, drawingBufferHeight: height } = gl;
    const buffer = gl.createFramebuffer();
    const target = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, target);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGBA8, width, height);
    nearest(gl);
    gl.bindFramebuffer(gl.FRAMEBUFFER, buffer);
    gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, target, 0);
    gl.viewport(0, 0, width, height);
    // The bits of a quiet NaN, as the shader writes them: little endian.
    gl.clearColor(0, 0, 192 / 255, 127 / 255);
    gl.disable(gl.SCISSOR_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.DEPTH_TEST);
    gl.colorMask(true, true, true, true);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.disable(gl.BLEND);
    this.draw(true);
    const bytes = new Uint8Array(width * height * 4);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.deleteFramebuffer(buffer);
    gl.deleteTexture(target);
    return { width, height, values: new Float32Array(bytes.buffer) };
  }

  /** Draws the layers and the swath between them; values are those of the swath alone. */
  private draw(encode: boolean): void {
    const { gl, look } = this;
    if (!encode) {
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      for (const stack of this.under) this.drawItems(stack.items, stack.look, false);
    }
    if (look) this.drawItems(this.items, look, encode);
    if (!encode) for (const stack of this.over) this.drawItems(stack.items, stack.look, false);
    gl.bindVertexArray(null);
    gl.activeTexture(gl.TEXTURE0);
  }

  private drawItems(items: readonly Item[], look: Look, encode: boolean): void {
    if (items.length === 0) return;
    this.showLut(look.lut);
    const { gl } = this;
    gl.disable(gl.CULL_FACE);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    for (const item of items) {
      if (!isDrawn(item, look)) continue;
      const program = this.prepare(item, look, encode);
      if (item.kind === "tile") this.drawTile(item, program);
      else this.drawStrip(item, program, look);
    }
  }

  private showLut(lut: Uint8Array): void {
    const { gl } = this;
    if (lut === this.lutShown) return;
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.lut);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, lut.length / 4, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, lut);
    nearest(gl);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    this.lutShown = lut;
  }

  private prepare(item: Item, look: Look, encode: boolean): Program {
    const { gl } = this;
    const some = item.a ?? item.b!;
    const [integersA, integersB] = [hasIntegers(item.a ?? some), hasIntegers(item.b ?? some)];
    const program = this.programs.use({ integersA, integersB, strip: item.kind === "strip" }, this.input!);
    const { at } = program;
    const { noIntegers, noFloats } = this.textures!;
    this.bind(0, at("u_a"), item.a ? this.textures!.of(item.a) : integersA ? noIntegers : noFloats);
    this.bind(1, at("u_b"), item.b ? this.textures!.of(item.b) : integersB ? noIntegers : noFloats);
    this.bind(2, at("u_lut"), this.lut);
    const [a, b] = [item.a ?? some, item.b ?? some];
    gl.uniform4f(at("u_packing"), a.scale, a.offset, b.scale, b.offset);
    gl.uniform2f(at("u_fill"), fillOf(a), fillOf(b));
    gl.uniform4i(at("u_rows"), ...rowsOf(a), ...rowsOf(b));
    gl.uniform1i(at("u_columns"), "raw" in some ? some.columns : 256);
    gl.uniform1i(at("u_mode"), look.mode);
    gl.uniform1f(at("u_divide"), look.divide * gl.drawingBufferWidth);
    gl.uniform2f(at("u_range"), ...(look.log ? logs(look.range) : look.range));
    gl.uniform1i(at("u_log"), look.log ? 1 : 0);
    gl.uniform1f(at("u_opacity"), encode ? 1 : look.opacity);
    gl.uniform1i(at("u_encode"), encode ? 1 : 0);
    return program;
  }

  private drawTile(item: TileItem, { at }: Program): void {
    const { gl } = this;
    const size = 2 ** -item.z;
    gl.uniform3f(at("u_tile"), item.x * size, item.y * size, size);
    gl.uniform4f(at("u_piece"), ...item.piece);
    gl.bindVertexArray(this.tileGrid.array);
    for (const copy of this.copies) {
      gl.uniform1f(at("u_shift"), copy);
      gl.drawElements(gl.TRIANGLES, this.tileGrid.count, gl.UNSIGNED_INT, 0);
    }
  }

  private drawStrip(item: StripItem, program: Program, look: Look): void {
    const { gl } = this;
    this.setFlags(item, program, look);
    let mesh = this.meshes.get(item.mesh);
    if (!mesh) {
      mesh = uploadMesh(gl, item.mesh);
      this.meshes.set(item.mesh, mesh);
    }
    const some = item.a ?? item.b!;
    const rows = Math.ceil(some.rows / MESH_STEP);
    const first = (item.first / MESH_STEP) * mesh.indicesPerRow;
    const count = Math.min(rows * mesh.indicesPerRow, mesh.count - first);
    gl.bindVertexArray(mesh.array);
    // Longitudes of a pass run on beyond 180: on a globe a turn makes no difference, on Mercator it does.
    for (const copy of this.copies.length > 1 ? [-2, -1, 0, 1, 2] : [0]) {
      gl.uniform1f(program.at("u_shift"), copy);
      gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_INT, 4 * first);
    }
  }

  private setFlags(item: StripItem, { at }: Program, look: Look): void {
    const { gl } = this;
    const { flagsA, flagsB } = item;
    const has = (flagsA || !item.a) && (flagsB || !item.b || look.mode === 0) && (flagsA ?? flagsB);
    gl.uniform1i(at("u_flagCount"), has ? Math.min(look.flags.length, MAX_FLAGS) : -1);
    const { noIntegers } = this.textures!;
    this.bind(3, at("u_flagsA"), flagsA ? this.textures!.of(flagsA) : noIntegers);
    this.bind(4, at("u_flagsB"), flagsB ? this.textures!.of(flagsB) : noIntegers);
    if (!has) return;
    const [a, b] = [flagsA ?? has, flagsB ?? has];
    gl.uniform4i(at("u_flagRows"), ...rowsOf(a), ...rowsOf(b));
    const flags = look.flags.slice(0, MAX_FLAGS);
    if (flags.length) {
      gl.uniform2iv(
        at("u_flags"),
        flags.flatMap(({ mask, value }) => [mask | 0, value | 0]),
      );
      gl.uniform3fv(
        at("u_flagColors"),
        flags.flatMap(({ color }) => color.map((part) => part / 255)),
      );
    }
    gl.uniform1i(at("u_rejectBits"), look.rejectBits | 0);
    gl.uniform1i(at("u_flagFill"), has.fill ?? -0x80000000);
    gl.uniform1i(at("u_why"), look.why ? 1 : 0);
  }

  private bind(unit: number, place: WebGLUniformLocation | null, texture: WebGLTexture): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.uniform1i(place, unit);
  }
}

/** True if an item has what the mode of comparison needs. */
function isDrawn(item: Item, look: Look): boolean {
  const has = (data: Tile | Strip | null) => data !== null && ("raw" in data || data.values !== null);
  if (look.mode === 0) return has(item.a);
  if (look.mode === 1) return has(item.b);
  return look.mode === 2 ? has(item.a) && has(item.b) : has(item.a) || has(item.b);
}

const logs = ([low, high]: [number, number]): [number, number] => [
  Math.log(Math.max(low, 1e-30)),
  Math.log(Math.max(high, 1e-29)),
];

const hasIntegers = (data: Tile | Strip): boolean => !("raw" in data && data.raw instanceof Float32Array);

function fillOf(data: Tile | Strip): number {
  // A fill that no raw value has stands for "no fill".
  return "raw" in data ? (data.fill ?? 1e37) : -32768;
}

function rowsOf(data: Tile | Strip): [number, number] {
  return "raw" in data ? [data.firstLine, data.rows] : [0, 256];
}
