/** The page's side of a notebook's widget: requests and the view go over a port in place of HTTP and the address. */

import { createEffect, createRoot, on } from "solid-js";
import { unwrap } from "solid-js/store";
import { current } from "../map/current.ts";
import { wrapped } from "../map/geometry.ts";
import { showGroup, showVariable } from "../model/actions.ts";
import * as api from "../model/api.ts";
import { change, keepIn, view } from "../model/store.ts";
import { toHash, type View } from "../model/view.ts";
import { PortTransport } from "../transport/port.ts";
import { type Bounds, READY, type ToNotebook, type ToPage, type Wanted } from "./messages.ts";

/** Waits for the port that the widget hands over, and lives by it from then on. */
export async function joinNotebook(): Promise<void> {
  const { port, wanted } = await handedOver();
  const send = (message: ToNotebook) => port.postMessage(message);
  const transport = new PortTransport(send);
  api.useTransport(transport);
  let serial = wanted.serial ?? 0;
  const tell = () => send({ shown: { serial, view: structuredClone(unwrap(view)), bounds: bounds() } });
  keepIn({
    read: () => wanted.view ?? {},
    write: tell,
    link: (now: View) => toHash(now),
  });
  port.onmessage = ({ data }: MessageEvent<ToPage>) => {
    if ("answer" in data) transport.hear(data);
    else {
      serial = data.wanted.serial ?? serial;
      follow(data.wanted);
      // A wish that changes nothing is answered too.
      setTimeout(tell, 200);
    }
  };
  // The map knows what it shows only once it is there.
  createRoot(() => {
    createEffect(
      on(current, (here) => {
        if (!here) return;
        if (wanted.bounds) lookAt(wanted.bounds);
        tell();
      }),
    );
  });
}

function handedOver(): Promise<{ port: MessagePort; wanted: Wanted }> {
  return new Promise((resolve) => {
    const listen = ({ source, data, ports }: MessageEvent<Wanted>) => {
      const port = ports[0];
      if (source !== window.parent || !port) return;
      window.removeEventListener("message", listen);
      resolve({ port, wanted: data });
    };
    window.addEventListener("message", listen);
    window.parent.postMessage(READY, "*");
  });
}

/** Does what the notebook wants as the user would: another variable has its own colours. */
function follow({ view: part = {}, bounds }: Wanted): void {
  const { group, variable, ...rest } = part;
  if (group !== undefined && group !== view.group) showGroup(group);
  change(rest);
  if (variable !== undefined && variable !== view.variable) showVariable(variable);
  if (bounds) lookAt(bounds);
}

function lookAt([west, south, east, north]: Bounds): void {
  const over = east < west ? east + 360 : east;
  current()?.map.fitBounds([west, south, over, north], { padding: 20, duration: 0 });
}

function bounds(): Bounds | null {
  const here = current()?.map.getBounds();
  if (!here) return null;
  const [west, east] = [here.getWest(), here.getEast()];
  if (east - west >= 360) return [-180, here.getSouth(), 180, here.getNorth()];
  return [wrapped(west), here.getSouth(), wrapped(east), here.getNorth()];
}
