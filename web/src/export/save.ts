/** Files for the user. */

export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

export type Cell = string | number | null;

/** A table as CSV: `.` in numbers, nothing for missing values, comments first. */
export function csv(
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  comments: readonly string[] = [],
): string {
  const quoted = (cell: Cell) => {
    if (cell === null || (typeof cell === "number" && !Number.isFinite(cell))) return "";
    const text = String(cell);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns, ...rows].map((row) => row.map(quoted).join(","));
  return `${[...comments.map((comment) => `# ${comment}`), ...lines].join("\n")}\n`;
}

export function saveCsv(
  name: string,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  comments: readonly string[],
): void {
  save(new Blob([csv(columns, rows, comments)], { type: "text/csv" }), name);
}
