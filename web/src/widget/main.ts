/** The widget of a notebook (anywidget): the page in a frame, and the channel between it and the kernel. */

import type { Answer } from "../transport/port.ts";
import { assemble } from "./assemble.ts";
import { READY, type Shown, type ToNotebook, type ToPage, type Wanted } from "./messages.ts";

/** What anywidget gives: traits of the Python object, and messages. */
interface Model {
  get(name: "height"): number;
  get(name: "_shown"): Partial<Shown>;
  get(name: "_wanted"): Wanted;
  set(name: "_shown", value: Shown): void;
  save_changes(): void;
  on(event: string, listen: (...what: never[]) => void): void;
  off(event: string, listen: (...what: never[]) => void): void;
  send(message: object): void;
}

type FromKernel = { page: string[] } | { answer: string; status: number };

const bytesOf = ({ buffer, byteOffset, byteLength }: DataView) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength).slice();

async function inflated(content: DataView): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytesOf(content)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** True if the notebook around the widget is light. */
function isLight(): boolean {
  const said = document.body.dataset.jpThemeLight;
  if (said !== undefined) return said === "true";
  if (document.body.dataset.vscodeThemeKind) return document.body.dataset.vscodeThemeKind.includes("light");
  return window.matchMedia("(prefers-color-scheme: light)").matches;
}

/** What is to be shown first: what was shown last, and what was wanted since. */
function firstOf(model: Model): Wanted {
  const { view: shown } = model.get("_shown");
  const { serial = 0, view, bounds } = model.get("_wanted");
  const theme = isLight() ? "light" : "dark";
  return { serial, view: { theme, ...shown, ...view }, ...(bounds ? { bounds } : {}) };
}

let views = 0;

function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const own = `${++views}:`;
  const frame = document.createElement("iframe");
  const addresses: string[] = [];
  const asked = new Set<string>();
  let port: MessagePort | undefined;
  frame.title = "karin";
  frame.allow = "clipboard-write; fullscreen";
  const resize = () => {
    frame.style.cssText = `display: block; width: 100%; height: ${model.get("height")}px; border: 0`;
  };
  resize();

  const publish = (content: BlobPart, type: string) => {
    addresses.push(URL.createObjectURL(new Blob([content], { type })));
    return addresses.at(-1)!;
  };
  const show = async (names: string[], buffers: DataView[]) => {
    if (frame.srcdoc) return;
    const contents = await Promise.all(buffers.map(inflated));
    frame.srcdoc = assemble(new Map(names.map((name, index) => [name, contents[index]!])), publish);
  };
  const fromKernel = (message: FromKernel, buffers: DataView[]) => {
    if ("page" in message) void show(message.page, buffers);
    else if (asked.delete(message.answer)) {
      const body = bytesOf(buffers[0]!).buffer;
      const answer: Answer = { answer: Number(message.answer.slice(own.length)), status: message.status, body };
      port?.postMessage(answer satisfies ToPage, [body]);
    }
  };
  const fromPage = ({ data }: MessageEvent<ToNotebook>) => {
    if ("shown" in data) {
      model.set("_shown", data.shown);
      model.save_changes();
    } else if ("cancel" in data) {
      asked.delete(`${own}${data.cancel}`);
      model.send({ cancel: `${own}${data.cancel}` });
    } else {
      asked.add(`${own}${data.ask}`);
      model.send({ ask: `${own}${data.ask}`, target: data.target });
    }
  };
  const greet = ({ source, data }: MessageEvent) => {
    if (source !== frame.contentWindow || data !== READY) return;
    const channel = new MessageChannel();
    port = channel.port1;
    port.onmessage = fromPage;
    frame.contentWindow!.postMessage(firstOf(model), "*", [channel.port2]);
  };
  const want = () => port?.postMessage({ wanted: model.get("_wanted") } satisfies ToPage);

  window.addEventListener("message", greet);
  model.on("msg:custom", fromKernel);
  model.on("change:_wanted", want);
  model.on("change:height", resize);
  el.append(frame);
  model.send({ page: true });
  return () => {
    for (const id of asked) model.send({ cancel: id });
    window.removeEventListener("message", greet);
    model.off("msg:custom", fromKernel);
    model.off("change:_wanted", want);
    model.off("change:height", resize);
    port?.close();
    frame.remove();
    for (const address of addresses) URL.revokeObjectURL(address);
  };
}

export default { render };
