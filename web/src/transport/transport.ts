/** How a request reaches karin: over HTTP from the browser, or over the channel of a notebook widget. */

/** Parameters of a request; lists become repeated parameters, `undefined` is left out. */
export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface Transport {
  /** Fetches JSON. */
  json<T>(path: string, query: Query, signal?: AbortSignal): Promise<T>;
  /** Fetches a binary body. */
  bytes(path: string, query: Query, signal?: AbortSignal): Promise<ArrayBuffer>;
  /** A link that downloads the answer, or `null` where the transport has no links. */
  link(path: string, query: Query): string | null;
}

/** An answer that says what went wrong, in the server's words. */
export class Problem extends Error {
  readonly status: number;
  readonly kind: string;
  readonly hint: string | undefined;

  constructor(status: number, kind: string, detail: string, hint?: string) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.kind = kind;
    this.hint = hint;
  }
}

/** True if the request was given up by us. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** The query string of `query`, without the question mark. */
export function queryString(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (typeof value === "object") for (const one of value) parameters.append(name, one);
    else parameters.append(name, String(value));
  }
  return parameters.toString();
}
