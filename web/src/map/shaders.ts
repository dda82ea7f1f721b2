/** The shaders of the swath layer. */

/** Most flags that can be told apart while drawing. */
export const MAX_FLAGS = 32;

/** What a shader reads: integers or floats as A and as B, of tiles (no flags) or strips. */
export interface Variant {
  integersA: boolean;
  integersB: boolean;
  strip: boolean;
}

export function vertexShader(prelude: string, define: string, { strip }: Variant): string {
  const place = strip
    ? "v_cell = a_cell; vec2 place = a_pos + vec2(u_shift, 0.0);"
    : "v_cell = u_piece.xy + a_pos * u_piece.zw; vec2 place = u_tile.xy + a_pos * u_tile.z + vec2(u_shift, 0.0);";
  return `#version 300 es
${prelude}
${define}
layout(location = 0) in vec2 a_pos;
${strip ? "layout(location = 1) in vec2 a_cell; layout(location = 2) in vec3 a_sphere;" : "uniform vec3 u_tile; uniform vec4 u_piece;"}
uniform float u_shift;
out highp vec2 v_cell;
void main() {
  ${place}
${strip ? projectPrecisely() : "  gl_Position = projectTile(place);"}
}`;
}

/**
 * Sines and exponentials of GPUs are good to a kilometre at worst: on the globe, strips bring their place on the unit
 * sphere with them.
 */
function projectPrecisely(): string {
  return `#ifdef GLOBE
  gl_Position = interpolateProjection(place, a_sphere, 0.0);
#else
  gl_Position = projectTile(place);
#endif`;
}

/**
 * Colours of values: raw numbers are fetched cell by cell (never blended), decoded, masked, subtracted and scaled here,
 * so that no change of colours, range, masks or comparison asks the server.
 */
export function fragmentShader({ integersA, integersB, strip }: Variant): string {
  const sampler = (integers: boolean) => (integers ? "highp isampler2D" : "highp sampler2D");
  return `#version 300 es
precision highp float;
precision highp int;
in highp vec2 v_cell;
out vec4 color;
uniform ${sampler(integersA)} u_a;
uniform ${sampler(integersB)} u_b;
uniform vec4 u_packing;    // scale and offset of A, scale and offset of B
uniform vec2 u_fill;       // fill of A and of B
uniform ivec4 u_rows;      // first line and rows of A, of B
uniform int u_columns;
uniform int u_mode;        // 0: A, 1: B, 2: A - B, 3: A left of u_divide and B right of it
uniform float u_divide;
uniform sampler2D u_lut;
uniform vec2 u_range;      // of colours; of their logarithms if u_log
uniform bool u_log;
uniform float u_opacity;
uniform bool u_encode;
${strip ? flagDeclarations() : ""}

ivec2 cellIn(ivec2 rows) {
  ${
    strip
      ? "ivec2 cell = ivec2(floor(v_cell.yx + 0.5)); cell.y -= rows.x;"
      : `ivec2 cell = ivec2(floor(v_cell * 256.0));`
  }
  return clamp(cell, ivec2(0), ivec2(u_columns, rows.y) - 1);
}
bool fetch(highp isampler2D source, ivec2 rows, float fill, vec2 packing, out float value, out int raw) {
  raw = texelFetch(source, cellIn(rows), 0).r;
  value = float(raw) * packing.x + packing.y;
  return float(raw) != fill;
}
bool fetch(highp sampler2D source, ivec2 rows, float fill, vec2 packing, out float value, out int raw) {
  raw = 0;
  value = texelFetch(source, cellIn(rows), 0).r;
  return value < 1e30;
}
${strip ? flagFunctions() : ""}
void main() {
  int mode = u_mode == 3 ? (gl_FragCoord.x < u_divide ? 0 : 1) : u_mode;
  float a = 0.0, b = 0.0;
  int rawA = 0, rawB = 0;
  bool hasA = mode == 1 || fetch(u_a, u_rows.xy, u_fill.x, u_packing.xy, a, rawA);
  bool hasB = mode == 0 || fetch(u_b, u_rows.zw, u_fill.y, u_packing.zw, b, rawB);
  if (!hasA || !hasB) discard;
  float value = mode == 0 ? a : mode == 1 ? b : a - b;
  ${integersA && integersB ? "if (mode == 2 && u_packing.xy == u_packing.zw) value = float(rawA - rawB) * u_packing.x;" : ""}
  if (isnan(value)) discard;
  ${strip ? "if (isMasked(mode)) return;" : ""}
  if (u_encode) {
    uint bits = floatBitsToUint(value);
    color = vec4(uvec4(bits, bits >> 8u, bits >> 16u, bits >> 24u) & 255u) / 255.0;
    return;
  }
  if (u_log && value <= 0.0) discard;
  float place = ((u_log ? log(value) : value) - u_range.x) / (u_range.y - u_range.x);
  color = vec4(texture(u_lut, vec2(clamp(place, 0.0, 1.0) * 0.9990234375 + 0.00048828125, 0.5)).rgb, 1.0) * u_opacity;
}`;
}

function flagDeclarations(): string {
  return `
uniform highp isampler2D u_flagsA;
uniform highp isampler2D u_flagsB;
uniform ivec4 u_flagRows;
uniform int u_flagCount;           // how many of the rejected flags follow; -1: there are no flags
uniform ivec2 u_flags[${MAX_FLAGS}];      // mask and value of each
uniform vec3 u_flagColors[${MAX_FLAGS}];
uniform int u_rejectBits;
uniform int u_flagFill;
uniform bool u_why;`;
}

function flagFunctions(): string {
  return `
// Index of the first flag that rejects a pixel; u_flagCount for any other bit; -1 if none does.
int rejection(highp isampler2D flags, ivec2 rows) {
  ivec2 cell = ivec2(floor(v_cell.yx + 0.5));
  cell.y -= rows.x;
  int raw = texelFetch(flags, clamp(cell, ivec2(0), ivec2(u_columns, rows.y) - 1), 0).r;
  if (raw == u_flagFill) return -1;
  for (int index = 0; index < ${MAX_FLAGS}; index++) {
    if (index >= u_flagCount) break;
    if ((raw & u_flags[index].x) == u_flags[index].y) return index;
  }
  return (raw & u_rejectBits) != 0 ? u_flagCount : -1;
}

bool isMasked(int mode) {
  if (u_flagCount < 0) return false;
  int why = -1;
  if (mode != 1) why = rejection(u_flagsA, u_flagRows.xy);
  if (mode != 0 && why < 0) why = rejection(u_flagsB, u_flagRows.zw);
  if (why < 0) return false;
  if (!u_why || u_encode) discard;
  vec3 shade = why < u_flagCount ? u_flagColors[why] : vec3(0.6);
  float hatch = mod(gl_FragCoord.x + gl_FragCoord.y, 6.0) < 2.0 ? 0.75 : 1.0;
  color = vec4(shade * hatch, 1.0) * u_opacity;
  return true;
}`;
}
