/** The colours of the map, for plots. */

import { placeOf } from "../color/scale.ts";
import { look, stretch } from "../model/look.ts";

/** Colours of values as the map shows them. */
export function mapColors(): (value: number) => [number, number, number] {
  const { lut } = look();
  const now = stretch();
  const last = lut.length / 4 - 1;
  return (value) => {
    const place = placeOf(value, now);
    const at = 4 * Math.round(Math.min(1, Math.max(0, Number.isNaN(place) ? 0 : place)) * last);
    return [lut[at]!, lut[at + 1]!, lut[at + 2]!];
  };
}
