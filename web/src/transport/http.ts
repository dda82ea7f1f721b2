import { patiently } from "./retry.ts";
import { isAbort, Problem, type Query, queryString, type Transport } from "./transport.ts";

/**
 * Requests in flight at once. Browsers open about six connections to one origin and keep as many more waiting: they go on
 * while the page draws, which without a GPU takes long. What waits here was never sent when it is given up.
 */
const MAX_IN_FLIGHT = 18;

/** Requests to the server that served this page. */
export class HttpTransport implements Transport {
  private readonly base: string;
  private waiting: (() => void)[] = [];
  private inFlight = 0;

  constructor(base = "api/v1/") {
    this.base = base;
  }

  async json<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
    const response = await this.send(path, query, "application/json", signal);
    return (await response.json()) as T;
  }

  async bytes(path: string, query: Query, signal?: AbortSignal): Promise<ArrayBuffer> {
    const response = await this.send(path, query, "application/vnd.karin.arrays", signal);
    return response.arrayBuffer();
  }

  link(path: string, query: Query): string {
    return `${this.base}${path}?${queryString(query)}`;
  }

  private async send(path: string, query: Query, accept: string, signal?: AbortSignal): Promise<Response> {
    await this.turn(signal);
    try {
      return await patiently(async () => {
        const init: RequestInit = { headers: { accept }, credentials: "same-origin" };
        if (signal) init.signal = signal;
        const response = await reached(fetch(this.link(path, query), init));
        if (!response.ok) throw await problemOf(response);
        return response;
      }, signal);
    } finally {
      this.inFlight--;
      this.waiting.shift()?.();
    }
  }

  /** Waits until fewer than the maximum are in flight: newer requests can still be aborted before they are sent. */
  private async turn(signal?: AbortSignal): Promise<void> {
    while (this.inFlight >= MAX_IN_FLIGHT) {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
      if (signal?.aborted) {
        this.waiting.shift()?.();
        throw new DOMException("given up", "AbortError");
      }
    }
    this.inFlight++;
  }
}

async function reached(response: Promise<Response>): Promise<Response> {
  try {
    return await response;
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new Problem(0, "unreachable", "The karin server does not answer.", "Is `karin view` still running?");
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as { kind?: string; detail?: string; hint?: string };
  if (response.status === 401) {
    const hint = "Open the link that `karin view` printed when it started.";
    return new Problem(401, "no_session", "This browser has no session with the server.", hint);
  }
  const detail = body.detail ?? `The server answered ${response.status} ${response.statusText}.`;
  return new Problem(response.status, body.kind ?? "error", detail, body.hint);
}
