/** Programs and textures of WebGL2. */

import type { CustomRenderMethodInput } from "maplibre-gl";
import { type Raw, type Strip, TILE_SIZE, type Tile } from "./data.ts";
import { fragmentShader, type Variant, vertexShader } from "./shaders.ts";

const UPLOAD_UNIT = 8;

export interface Program {
  program: WebGLProgram;
  /** Location of a uniform; `null` if the shader does not use it. */
  at: (name: string) => WebGLUniformLocation | null;
}

/** Programs by what they read and by the projection of the map. */
export class Programs {
  private readonly made = new Map<string, Program>();
  private readonly gl: WebGL2RenderingContext;

  constructor(gl: WebGL2RenderingContext) {
    this.gl = gl;
  }

  /** The program for `variant`, made when first asked for; in use after the call. */
  use(variant: Variant, input: CustomRenderMethodInput): Program {
    const { variantName, vertexShaderPrelude, define } = input.shaderData;
    const key = `${variantName}/${variant.integersA}/${variant.integersB}/${variant.strip}`;
    let program = this.made.get(key);
    if (!program) {
      program = link(this.gl, vertexShader(vertexShaderPrelude, define, variant), fragmentShader(variant));
      this.made.set(key, program);
    }
    this.gl.useProgram(program.program);
    setProjection(this.gl, program, input);
    return program;
  }
}

function link(gl: WebGL2RenderingContext, vertex: string, fragment: string): Program {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, vertex],
    [gl.FRAGMENT_SHADER, fragment],
  ] as const) {
    const shader = gl.createShader(type);
    if (!shader) throw new Error("WebGL context was lost");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
    gl.deleteShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
      throw new Error(`shader: ${gl.getShaderInfoLog(shader)}`);
    }
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`program: ${gl.getProgramInfoLog(program)}`);
  }
  const places = new Map<string, WebGLUniformLocation | null>();
  const at = (name: string) => {
    if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
    return places.get(name) ?? null;
  };
  return { program, at };
}

function setProjection(gl: WebGL2RenderingContext, { at }: Program, input: CustomRenderMethodInput): void {
  const data = input.defaultProjectionData;
  gl.uniformMatrix4fv(at("u_projection_matrix"), false, data.mainMatrix as Float32Array);
  gl.uniformMatrix4fv(at("u_projection_fallback_matrix"), false, data.fallbackMatrix as Float32Array);
  gl.uniform4f(at("u_projection_tile_mercator_coords"), ...data.tileMercatorCoords);
  gl.uniform4f(at("u_projection_clipping_plane"), ...data.clippingPlane);
  gl.uniform1f(at("u_projection_transition"), data.projectionTransition);
}

/** Textures of data, made when first drawn. */
export class Textures {
  private readonly made = new WeakMap<object, WebGLTexture>();
  private readonly gl: WebGL2RenderingContext;
  /** Stands for data that are not there. */
  readonly noIntegers: WebGLTexture;
  readonly noFloats: WebGLTexture;

  constructor(gl: WebGL2RenderingContext) {
    this.gl = gl;
    this.noIntegers = this.upload(new Int16Array([0]), 1, 1);
    this.noFloats = this.upload(new Float32Array([Number.NaN]), 1, 1);
  }

  of(data: Tile | Strip): WebGLTexture {
    const found = this.made.get(data);
    if (found) return found;
    const texture =
      "raw" in data
        ? this.upload(data.raw, data.columns, data.rows)
        : this.upload(data.values ?? new Int16Array([0]), TILE_SIZE, TILE_SIZE);
    this.made.set(data, texture);
    return texture;
  }

  drop(data: object): void {
    this.gl.deleteTexture(this.made.get(data) ?? null);
    this.made.delete(data);
  }

  private upload(values: Raw, width: number, height: number): WebGLTexture {
    const { gl } = this;
    const texture = gl.createTexture();
    // On a unit of its own: those of the draw call that is being prepared stay as they are.
    gl.activeTexture(gl.TEXTURE0 + UPLOAD_UNIT);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    if (values instanceof Int16Array) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16I, width, height, 0, gl.RED_INTEGER, gl.SHORT, values);
    } else if (values instanceof Int32Array) {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32I, width, height, 0, gl.RED_INTEGER, gl.INT, values);
    } else {
      // Whether NaN survives an upload is the driver's choice: what is huge means "none" instead.
      const floats = values.map((value) => (Number.isNaN(value) ? 3e38 : value));
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, width, height, 0, gl.RED, gl.FLOAT, floats);
    }
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 4);
    nearest(gl);
    return texture;
  }
}

export function nearest(gl: WebGL2RenderingContext): void {
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
  gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
}
