/** Colour maps: 256 colours each, from `maps.json`. */

import table from "./maps.json";

export interface ColorMap {
  name: string;
  family: string;
  kind: "sequential" | "diverging" | "cyclic";
  /** Red, green and blue of 256 colours. */
  rgb: Uint8Array;
}

export const COLOR_MAPS: readonly ColorMap[] = table.map((entry) => ({
  name: entry.name,
  family: entry.family,
  kind: entry.kind as ColorMap["kind"],
  rgb: Uint8Array.from(atob(entry.rgb), (character) => character.charCodeAt(0)),
}));

/** The colours of a map by name, `_r` reversed; those of `haline` if there is no such map. */
export function colorsOf(name: string): Uint8Array {
  const isReversed = name.endsWith("_r");
  const base = isReversed ? name.slice(0, -2) : name;
  const found = COLOR_MAPS.find((map) => map.name === base) ?? COLOR_MAPS.find((map) => map.name === "haline")!;
  if (!isReversed) return found.rgb;
  const rgb = new Uint8Array(768);
  for (let index = 0; index < 256; index++) rgb.set(found.rgb.subarray(3 * index, 3 * index + 3), 3 * (255 - index));
  return rgb;
}

/** A CSS gradient of a map from left to right. */
export function gradient(name: string, direction = "to right"): string {
  const rgb = colorsOf(name);
  const stops = Array.from({ length: 17 }, (_, index) => {
    const at = 3 * Math.round((index * 255) / 16);
    return `rgb(${rgb[at]} ${rgb[at + 1]} ${rgb[at + 2]})`;
  });
  return `linear-gradient(${direction}, ${stops.join(",")})`;
}

/** Distinct colours of flags, readable beside each other (Okabe and Ito 2008, lightened and darkened in turn). */
const FLAG_COLORS: [number, number, number][] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
  [150, 150, 150],
];

export function flagColor(index: number): [number, number, number] {
  const base = FLAG_COLORS[index % FLAG_COLORS.length]!;
  const shade = [1, 0.72, 1.25, 0.5][Math.floor(index / FLAG_COLORS.length) % 4]!;
  return base.map((part) => Math.min(255, Math.round(part * shade))) as [number, number, number];
}
