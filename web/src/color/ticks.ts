/** Ticks and numbers of axes. */

/** Round values from low to high, about `count` of them. */
export function ticks(low: number, high: number, count = 5): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / count;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * magnitude).find((one) => one >= rough) ?? 10 * magnitude;
  const out: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++)
    out.push(tidy(index * step));
  return out;
}

/** Powers of ten, and twice and five times them where there is room, from low to high. */
export function logTicks(low: number, high: number): number[] {
  const factors = Math.log10(high / low) > 3 ? [1] : [1, 2, 5];
  const out: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const factor of factors) {
      const value = tidy(factor * 10 ** power);
      if (value >= low * 0.999 && value <= high * 1.001) out.push(value);
    }
  }
  return out;
}

const tidy = (value: number): number => (value === 0 ? 0 : Number(value.toPrecision(12)));

/** A number for people: a true minus, no more digits than its step asks for. */
export function format(value: number, step?: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    const [digits, power] = value.toExponential(2).split("e") as [string, string];
    return minus(`${Number(digits)}×10${superscript(Number(power))}`);
  }
  if (step === undefined) return minus(String(Number(value.toPrecision(4))));
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return minus(value.toFixed(Math.min(8, Number((step * 10 ** decimals).toFixed(6)) % 1 ? decimals + 1 : decimals)));
}

const minus = (text: string): string => text.replace("-", "−");

export function superscript(power: number): string {
  return String(power).replace(/[-0-9]/g, (sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(sign)]!));
}

/** Units for people: `m s-1` as `m s⁻¹`; nothing for pure numbers. */
export function prettyUnits(units: string | null | undefined): string {
  if (!units || units === "1" || units === "count") return "";
  if (/^degrees?(_|$)/.test(units)) return "°";
  return units
    .replace(/\((\w+)\)(?=\d)/g, "$1")
    .replace(/([A-Za-z])\^?(-?\d+)/g, (_, unit: string, power: string) => unit + superscript(Number(power)));
}

/** Longitude and latitude with hemisphere. */
export function formatPlace(lon: number, lat: number, digits = 3): string {
  return `${formatLatitude(lat, digits)} ${formatLongitude(lon, digits)}`;
}

export const formatLatitude = (lat: number, digits: number): string =>
  `${Math.abs(lat).toFixed(digits)}°${lat < 0 ? "S" : "N"}`;

export const formatLongitude = (lon: number, digits: number): string =>
  `${Math.abs(lon).toFixed(digits)}°${lon < 0 ? "W" : "E"}`;

/** Seconds since 2000-01-01 UTC as a time. */
export function formatTime(seconds: number): string {
  if (!Number.isFinite(seconds)) return "no time";
  return isoTime(new Date(Date.UTC(2000, 0, 1) + seconds * 1000).toISOString());
}

/** `2024-02-01T03:04:05.123Z` as `2024-02-01 03:04:05`. */
export const isoTime = (iso: string): string => iso.replace("T", " ").replace(/(\.\d+)?Z$/, "");

export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes > 0 ? Math.min(4, Math.floor(Math.log10(bytes) / 3)) : 0;
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}
