/** Data that are loaded when they are wanted, kept while there is room, and given up when nobody wants them. */

import { isAbort } from "../transport/transport.ts";

export interface Want<T> {
  key: string;
  load: (signal: AbortSignal) => Promise<T>;
  /** Not needed yet, but likely soon: nobody is told when it is here. */
  ahead?: boolean;
}

interface Loading {
  controller: AbortController;
  ahead: boolean;
}

const MAX_FAILURES = 2;

/** A cache bounded in bytes; what was not used for longest leaves first. */
export class Demand<T extends object> {
  private readonly kept = new Map<string, { data: T; bytes: number }>();
  private readonly loading = new Map<string, Loading>();
  private readonly failures = new Map<string, number>();
  private bytes = 0;
  private readonly limit: number;
  private readonly bytesOf: (data: T) => number;
  private readonly arrived: () => void;
  private readonly failed: (error: unknown) => void;
  private readonly dispose: (data: T) => void;

  constructor(options: {
    limit: number;
    bytesOf: (data: T) => number;
    arrived: () => void;
    failed: (error: unknown) => void;
    dispose?: (data: T) => void;
  }) {
    this.limit = options.limit;
    this.bytesOf = options.bytesOf;
    this.arrived = options.arrived;
    this.failed = options.failed;
    this.dispose = options.dispose ?? (() => {});
  }

  /** What is kept under `key`. */
  get(key: string): T | undefined {
    const found = this.kept.get(key);
    if (!found) return undefined;
    this.kept.delete(key);
    this.kept.set(key, found);
    return found.data;
  }

  /** True if `key` failed for good: asking again would give the same answer. */
  hasFailed(key: string): boolean {
    return (this.failures.get(key) ?? 0) >= MAX_FAILURES;
  }

  /** How many are loading that are needed now. */
  get pending(): number {
    return [...this.loading.values()].filter(({ ahead }) => !ahead).length;
  }

  /** Loads what is wanted and not here, in this order, and gives up what is no longer wanted. */
  want(wants: readonly Want<T>[]): void {
    const wanted = new Set(wants.map((want) => want.key));
    for (const [key, { controller }] of this.loading) {
      if (!wanted.has(key)) {
        controller.abort();
        this.loading.delete(key);
      }
    }
    for (const want of wants) {
      const loading = this.loading.get(want.key);
      if (loading) loading.ahead = want.ahead ?? false;
      if (!this.kept.has(want.key) && !this.loading.has(want.key) && !this.hasFailed(want.key)) this.start(want);
    }
  }

  /** Gives everything up. */
  clear(): void {
    this.want([]);
    for (const { data } of this.kept.values()) this.dispose(data);
    this.kept.clear();
    this.failures.clear();
    this.bytes = 0;
  }

  private start(want: Want<T>): void {
    const controller = new AbortController();
    const entry = { controller, ahead: want.ahead ?? false };
    this.loading.set(want.key, entry);
    want
      .load(controller.signal)
      .then((data) => this.keep(want.key, data))
      .catch((error: unknown) => {
        if (isAbort(error)) return;
        this.failures.set(want.key, (this.failures.get(want.key) ?? 0) + 1);
        this.failed(error);
      })
      .finally(() => {
        if (this.loading.get(want.key) === entry) this.loading.delete(want.key);
        if (!entry.ahead) this.arrived();
      });
  }

  private keep(key: string, data: T): void {
    const bytes = this.bytesOf(data);
    this.kept.set(key, { data, bytes });
    this.bytes += bytes;
    for (const [oldest, entry] of this.kept) {
      if (this.bytes <= this.limit || oldest === key) break;
      this.kept.delete(oldest);
      this.bytes -= entry.bytes;
      this.dispose(entry.data);
    }
  }
}
