/** Which pixel of a swath lies at a place: the inverse of what is drawn, by the same triangles. */

import { MESH_STEP, type Mesh } from "./data.ts";

export interface Cell {
  line: number;
  pixel: number;
}

/** The cell of `mesh` at a Mercator position, among `rows` lines from `first`; `null` if it lies elsewhere. */
export function locate(mesh: Mesh, first: number, rows: number, x: number, y: number): Cell | null {
  const columns = mesh.pixel.length;
  const { vertices } = mesh;
  const from = Math.floor(first / MESH_STEP);
  const to = Math.min(mesh.line.length - 1, from + Math.ceil(rows / MESH_STEP));
  for (let row = from; row < to; row++) {
    // A pass runs on beyond the antimeridian: bring the place to its turn.
    const middle = vertices[4 * (row * columns + (columns >> 1))]!;
    const turned = x + Math.round(middle - x);
    if (!mayContain(mesh, row, turned, y)) continue;
    for (let column = 0; column + 1 < columns; column++) {
      const a = row * columns + column;
      const found =
        inTriangle(vertices, [a, a + 1, a + columns], turned, y) ??
        inTriangle(vertices, [a + 1, a + columns + 1, a + columns], turned, y);
      if (found) return found;
    }
  }
  return null;
}

/** False if the place lies outside the box of a row of quads. */
function mayContain({ vertices, pixel }: Mesh, row: number, x: number, y: number): boolean {
  const columns = pixel.length;
  let [west, east, north, south] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let vertex = row * columns; vertex < (row + 2) * columns; vertex++) {
    const [vx, vy] = [vertices[4 * vertex]!, vertices[4 * vertex + 1]!];
    west = Math.min(west, vx);
    east = Math.max(east, vx);
    north = Math.min(north, vy);
    south = Math.max(south, vy);
  }
  return x >= west && x <= east && y >= north && y <= south;
}

function inTriangle(vertices: Float32Array, corners: [number, number, number], x: number, y: number): Cell | null {
  const [[x1, y1, l1, p1], [x2, y2, l2, p2], [x3, y3, l3, p3]] = corners.map((corner) =>
    vertices.subarray(4 * corner, 4 * corner + 4),
  ) as unknown as [
    [number, number, number, number],
    [number, number, number, number],
    [number, number, number, number],
  ];
  const area = (y2 - y3) * (x1 - x3) + (x3 - x2) * (y1 - y3);
  const a = ((y2 - y3) * (x - x3) + (x3 - x2) * (y - y3)) / area;
  const b = ((y3 - y1) * (x - x3) + (x1 - x3) * (y - y3)) / area;
  const c = 1 - a - b;
  const slack = -1e-6;
  if (!(a >= slack && b >= slack && c >= slack)) return null;
  return { line: a * l1 + b * l2 + c * l3, pixel: a * p1 + b * p2 + c * p3 };
}

/** Mercator position of the centre of a cell; `null` where the mesh has none. */
export function centreOf(mesh: Mesh, line: number, pixel: number): { x: number; y: number } | null {
  const columns = mesh.pixel.length;
  const below = (grid: Float32Array, value: number) => {
    let index = grid.length - 2;
    while (index > 0 && grid[index]! > value) index--;
    return index;
  };
  const row = below(mesh.line, line);
  const column = below(mesh.pixel, pixel);
  const s = (line - mesh.line[row]!) / (mesh.line[row + 1]! - mesh.line[row]!);
  const t = (pixel - mesh.pixel[column]!) / (mesh.pixel[column + 1]! - mesh.pixel[column]!);
  // Within the triangle of the quad that the pixel lies in, as the GPU interpolates.
  const weights = s + t <= 1 ? [1 - s - t, t, s, 0] : [0, 1 - s, 1 - t, s + t - 1];
  const a = row * columns + column;
  let [x, y] = [0, 0];
  [a, a + 1, a + columns, a + columns + 1].forEach((vertex, index) => {
    const weight = weights[index]!;
    if (weight === 0) return;
    x += weight * mesh.vertices[4 * vertex]!;
    y += weight * mesh.vertices[4 * vertex + 1]!;
  });
  return Number.isFinite(x + y) ? { x, y } : null;
}
