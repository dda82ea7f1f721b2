/** Vertices and triangles on the GPU. */

import type { Mesh } from "./data.ts";

/** Subdivisions of a tile, so that it bends on the globe. */
const TILE_DIVISIONS = 24;

export interface GpuMesh {
  array: WebGLVertexArrayObject;
  /** Indices per row of quads (between two control lines); 0 for a tile. */
  indicesPerRow: number;
  count: number;
}

/** Two triangles per quad of a grid; quads with a corner that has no place become empty. */
export function quadIndices(rows: number, columns: number, hasPlace: (vertex: number) => boolean): Uint32Array {
  const indices = new Uint32Array((rows - 1) * (columns - 1) * 6);
  let at = 0;
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++, at += 6) {
      const a = row * columns + column;
      const corners = [a, a + 1, a + columns, a + columns + 1];
      if (corners.every(hasPlace)) indices.set([a, a + 1, a + columns, a + 1, a + columns + 1, a + columns], at);
    }
  }
  return indices;
}

export function uploadMesh(gl: WebGL2RenderingContext, mesh: Mesh): GpuMesh {
  const columns = mesh.pixel.length;
  const { vertices } = mesh;
  const indices = quadIndices(
    mesh.line.length,
    columns,
    (vertex) => !Number.isNaN(vertices[4 * vertex]! + vertices[4 * vertex + 1]!),
  );
  const array = upload(gl, withSphere(vertices), indices, [2, 2, 3]);
  return { array, indicesPerRow: (columns - 1) * 6, count: indices.length };
}

/** Vertices of position and cell, and where they lie on MapLibre's unit sphere: y to the north, z at longitude 0. */
function withSphere(vertices: Float32Array): Float32Array {
  const count = vertices.length / 4;
  const out = new Float32Array(count * 7);
  for (let vertex = 0; vertex < count; vertex++) {
    const [x, y] = [vertices[4 * vertex]!, vertices[4 * vertex + 1]!];
    const lon = 2 * Math.PI * (x - 0.5);
    const sine = Math.tanh(Math.PI * (1 - 2 * y));
    const cosine = Math.sqrt(1 - sine * sine);
    out.set(vertices.subarray(4 * vertex, 4 * vertex + 4), 7 * vertex);
    out.set([Math.sin(lon) * cosine, sine, Math.cos(lon) * cosine], 7 * vertex + 4);
  }
  return out;
}

export function uploadTileGrid(gl: WebGL2RenderingContext): GpuMesh {
  const side = TILE_DIVISIONS + 1;
  const vertices = new Float32Array(side * side * 2);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      vertices.set([column / TILE_DIVISIONS, row / TILE_DIVISIONS], 2 * (row * side + column));
    }
  }
  const indices = quadIndices(side, side, () => true);
  return { array: upload(gl, vertices, indices, [2]), indicesPerRow: 0, count: indices.length };
}

function upload(
  gl: WebGL2RenderingContext,
  vertices: Float32Array,
  indices: Uint32Array,
  sizes: readonly number[],
): WebGLVertexArrayObject {
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, vertices, gl.STATIC_DRAW);
  const stride = 4 * sizes.reduce((sum, size) => sum + size, 0);
  let offset = 0;
  sizes.forEach((size, location) => {
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, gl.FLOAT, false, stride, offset);
    offset += 4 * size;
  });
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STATIC_DRAW);
  gl.bindVertexArray(null);
  return array;
}
