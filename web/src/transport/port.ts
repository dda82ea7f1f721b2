import { patiently } from "./retry.ts";
import { Problem, type Query, queryString, type Transport } from "./transport.ts";

/** What goes over the port, from the page to the notebook. */
export type Ask = { ask: number; target: string } | { cancel: number };

/** What comes back. */
export interface Answer {
  answer: number;
  status: number;
  body: ArrayBuffer;
}

interface Waiting {
  resolve: (body: ArrayBuffer) => void;
  reject: (error: unknown) => void;
}

/** Requests over a channel to the kernel of a notebook, which answers them as the server would. */
export class PortTransport implements Transport {
  private readonly send: (message: Ask) => void;
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  constructor(send: (message: Ask) => void) {
    this.send = send;
  }

  async json<T>(path: string, query: Query, signal?: AbortSignal): Promise<T> {
    return JSON.parse(new TextDecoder().decode(await this.bytes(path, query, signal))) as T;
  }

  bytes(path: string, query: Query, signal?: AbortSignal): Promise<ArrayBuffer> {
    return patiently(() => this.once(`/api/v1/${path}?${queryString(query)}`, signal), signal);
  }

  /** A notebook has no address that a file could be downloaded from. */
  link(): null {
    return null;
  }

  /** Hands an answer to whoever asked; what was given up is dropped. */
  hear({ answer, status, body }: Answer): void {
    const waiting = this.waiting.get(answer);
    this.waiting.delete(answer);
    if (status >= 200 && status < 300) waiting?.resolve(body);
    else waiting?.reject(problemOf(status, body));
  }

  private once(target: string, signal?: AbortSignal): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      const givenUp = () => new DOMException("given up", "AbortError");
      if (signal?.aborted) {
        reject(givenUp());
        return;
      }
      const ask = ++this.last;
      this.waiting.set(ask, { resolve, reject });
      signal?.addEventListener(
        "abort",
        () => {
          if (!this.waiting.delete(ask)) return;
          this.send({ cancel: ask });
          reject(givenUp());
        },
        { once: true },
      );
      this.send({ ask, target });
    });
  }
}

function problemOf(status: number, body: ArrayBuffer): Problem {
  let said: { kind?: string; detail?: string; hint?: string } = {};
  try {
    said = JSON.parse(new TextDecoder().decode(body)) as typeof said;
  } catch {
    // What has no words is told by its status.
  }
  return new Problem(status, said.kind ?? "error", said.detail ?? `karin answered ${status}.`, said.hint);
}
