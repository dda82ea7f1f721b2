import { Problem } from "./transport.ts";

/** How often a request is sent again when the server is busy (429). */
const RETRIES = 4;

/** Sends a request, again and later if the server is busy; `send` throws a {@link Problem} for what is no answer. */
export async function patiently<T>(send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 429 || attempt === RETRIES) throw error;
    }
    await pause(250 * 2 ** attempt, signal);
  }
}

function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("given up", "AbortError"));
    });
  });
}
