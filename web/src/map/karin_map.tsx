/** The map of the page: it follows the view, and the view follows it. */

import { type LngLat, type Map as MapLibre, type MapMouseEvent, Marker } from "maplibre-gl";
import { createEffect, on, onCleanup, onMount, Show } from "solid-js";
import { unwrap } from "solid-js/store";
import { motion, placeOfPin } from "../model/actions.ts";
import * as catalog from "../model/catalog.ts";
import { layersNow } from "../model/layers.ts";
import { pointedAt } from "../model/linked.ts";
import { look } from "../model/look.ts";
import { complain } from "../model/notices.ts";
import { change, view } from "../model/store.ts";
import { makeMap, setData, setTheme, setVisible } from "./base.ts";
import { current, drawing, isWhole, progress, setCurrent, setDrawing, setProgress, tracks } from "./current.ts";
import { drawBox, drawPolygon } from "./draw.ts";
import { wrapped } from "./geometry.ts";
import { SwathLayer } from "./layer.ts";
import { pinFeatures, regionFeatures, trackFeatures } from "./marks.ts";
import { readAt, setReading } from "./reading.ts";
import { Scene } from "./scene.ts";
import { Swipe } from "./swipe.tsx";

export function KarinMap() {
  let container!: HTMLDivElement;
  onMount(() => {
    const layer = new SwathLayer();
    const map = makeMap(container, unwrap(view), layer);
    // Before anything is drawn: what the swath needs is on its way while MapLibre makes its own, for the page waits for the first
    // frame as long as its programs are made.
    map.once("style.load", () => {
      const scene = new Scene(map, layer, setProgress, complain);
      setCurrent({ map, layer, scene });
      map.getCanvas().setAttribute("aria-label", "Map of the swath: arrow keys move it, plus and minus zoom");
      scene.update();
      connect(map, scene);
    });
    onCleanup(() => map.remove());
  });
  followView();
  return (
    <div class="map" data-whole={isWhole()}>
      <div class="map-canvas" ref={container} />
      <Show when={view.compare === "swipe"}>
        <Swipe />
      </Show>
    </div>
  );
}

/** What happens on the map goes into the view. */
function connect(map: MapLibre, scene: Scene): void {
  map.on("move", () => {
    const { lng, lat } = map.getCenter();
    change({ lon: wrapped(lng), lat, zoom: map.getZoom(), bearing: map.getBearing(), pitch: map.getPitch() });
    scene.schedule();
  });
  map.on("moveend", () => scene.schedule());
  map.on("resize", () => scene.schedule());
  map.on("mousemove", (event: MapMouseEvent) => {
    if (!drawing()) setReading(readAt(scene, event.lngLat.lng, event.lngLat.lat));
  });
  map.on("mouseout", () => setReading(null));
  map.on("click", (event: MapMouseEvent) => {
    if (!drawing()) pin(scene, event.lngLat);
  });
}

/** Pins the pixel that was clicked; from afar the server finds it. */
function pin(scene: Scene, place: LngLat): void {
  const lon = wrapped(place.lng);
  const { cell } = readAt(scene, place.lng, place.lat);
  const pixel = cell ?? { pass: 0, line: 0, pixel: 0 };
  change({
    side: cell?.side ?? view.side,
    pin: { lon, lat: place.lat, pass: pixel.pass, line: pixel.line, pixel: pixel.pixel },
    tab: view.tab === "none" ? "point" : view.tab,
  });
}

/** What changes in the view goes to the map. */
function followView(): void {
  const withMap = (act: (here: NonNullable<ReturnType<typeof current>>) => void) => () => {
    const here = current();
    if (here) act(here);
  };
  createEffect(withMap(({ map }) => map.setProjection({ type: view.projection })));
  createEffect(withMap(({ map }) => setTheme(map, view.theme)));
  createEffect(withMap(({ map }) => setVisible(map, "graticule", view.graticule)));
  createEffect(withMap(({ map }) => setVisible(map, "tracks", view.tracks)));
  createEffect(withMap(({ map }) => setData(map, "region", regionFeatures(view.region))));
  createEffect(withMap(({ map }) => setData(map, "pinned", pinFeatures(tracks(), view.pin))));
  createEffect(
    withMap(({ map }) => {
      const known = tracks();
      const passes = catalog.passesByCycle().get(view.cycle);
      if (known)
        setData(
          map,
          "tracks",
          trackFeatures(known, (pass) => passes?.has(pass) ?? false),
        );
    }),
  );
  // Colours alone: one frame, no request.
  createEffect(
    withMap(({ map, layer, scene }) => {
      layer.look = look();
      layersNow();
      scene.beside.restyle();
      map.triggerRepaint();
    }),
  );
  const needs = () => {
    const { group, variable, lets, quality, where, nadir, masks, cycle, span, statistic, why } = view;
    const { compare, cycleB, groupB, variableB } = view;
    return JSON.stringify([
      group,
      variable,
      lets,
      quality,
      where,
      nadir,
      masks,
      cycle,
      compare,
      [cycleB, groupB, variableB],
      span,
      statistic,
      why,
      catalog.passesByCycle().size,
      catalog.passesByCycleB().size,
      catalog.coverageIsKnown(),
      layersNow().map(({ shown: { id, variable, over }, steps }) => [id, variable, over, steps]),
    ]);
  };
  createEffect(on([needs, current], () => current()?.scene.schedule()));
  followCamera();
  followPin();
  followPlots();
  followDrawing();
}

/** Undo and links move the camera. */
function followCamera(): void {
  createEffect(() => {
    const { lon, lat, zoom, bearing, pitch } = view;
    const map = current()?.map;
    if (!map || map.isMoving()) return;
    const centre = map.getCenter();
    const isThere =
      Math.abs(wrapped(centre.lng) - lon) < 1e-6 &&
      Math.abs(centre.lat - lat) < 1e-6 &&
      Math.abs(map.getZoom() - zoom) < 1e-6;
    if (!isThere) map.easeTo({ center: [lon, lat], zoom, bearing, pitch, duration: motion(400) });
  });
}

function followPin(): void {
  const element = document.createElement("div");
  element.className = "pin";
  element.setAttribute("role", "img");
  let marker: Marker | undefined;
  createEffect(() => {
    const map = current()?.map;
    progress();
    if (!map) return;
    if (!view.pin) {
      marker?.remove();
      marker = undefined;
      return;
    }
    marker ??= new Marker({ element, subpixelPositioning: true });
    marker.setLngLat(placeOfPin(view.pin)).addTo(map);
    element.setAttribute("aria-label", "Pinned place");
  });
}

/** The place under the cursor of a plot is marked on the map. */
function followPlots(): void {
  const element = document.createElement("div");
  element.className = "ghost";
  const marker = new Marker({ element, subpixelPositioning: true });
  createEffect(() => {
    const map = current()?.map;
    const place = pointedAt();
    marker.remove();
    if (!map || !place) return;
    const spot = placeOfPin({ ...place, pixel: place.pixel ?? view.pin?.pixel ?? 0 });
    if (spot.every(Number.isFinite)) marker.setLngLat(spot).addTo(map);
  });
}

function followDrawing(): void {
  createEffect(() => {
    const kind = drawing();
    const map = current()?.map;
    if (!kind || !map) return;
    const before = [...unwrap(view.region)];
    const draw = kind === "box" ? drawBox : drawPolygon;
    const stop = draw(map, {
      moved: (region) => setData(map, "region", regionFeatures(region)),
      ended: (region) => {
        setDrawing(null);
        if (region) change({ region, tab: "region" });
        else setData(map, "region", regionFeatures(before));
      },
    });
    onCleanup(() => {
      stop();
      setData(map, "region", regionFeatures(unwrap(view.region)));
    });
  });
}
