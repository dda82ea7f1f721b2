/** The bar on top: what is shown, and what acts on the whole page. */

import { Show } from "solid-js";
import { exportAnimation, exportPng } from "../export/picture.ts";
import { isWhole, progress } from "../map/current.ts";
import * as actions from "../model/actions.ts";
import * as catalog from "../model/catalog.ts";
import { setOverlay } from "../model/overlays.ts";
import { change, redo, redoable, undo, undoable, view } from "../model/store.ts";
import { Icon, IconButton } from "./ui.tsx";

export function TopBar(props: { panelOpen: boolean; onPanel: () => void }) {
  return (
    <header class="top">
      <IconButton icon="panel" label="Side panel" pressed={props.panelOpen} onClick={props.onPanel} />
      <h1 class="brand">karin</h1>
      <Show when={catalog.group()}>
        {(group) => (
          <p class="top-what" title={catalog.catalog()?.inputs.join(" ")}>
            {group().title}
            <span class="muted"> · {group().granules.toLocaleString("en")} granules</span>
          </p>
        )}
      </Show>
      <Loading />
      <div class="top-actions">
        <button type="button" class="search-button" onClick={() => setOverlay("palette")} title="All commands (/)">
          <Icon name="search" />
          <span>Commands</span>
          <kbd>/</kbd>
        </button>
        <IconButton icon="undo" label="Undo" command="undo" disabled={undoable() === 0} onClick={() => void undo()} />
        <IconButton icon="redo" label="Redo" command="redo" disabled={redoable() === 0} onClick={() => void redo()} />
        <span class="divider" />
        <IconButton
          icon={view.projection === "globe" ? "flat" : "globe"}
          label={view.projection === "globe" ? "Flat map" : "Globe"}
          command="projection"
          onClick={() => change({ projection: view.projection === "globe" ? "mercator" : "globe" })}
        />
        <IconButton
          icon={view.theme === "dark" ? "sun" : "moon"}
          label={view.theme === "dark" ? "Light" : "Dark"}
          command="theme"
          onClick={() => change({ theme: view.theme === "dark" ? "light" : "dark" })}
        />
        <span class="divider" />
        <IconButton icon="image" label="Save as PNG" command="png" onClick={() => void exportPng()} />
        <IconButton
          icon="film"
          label="Save cycles as animation"
          command="animation"
          onClick={() => void exportAnimation()}
        />
        <IconButton icon="link" label="Copy link" command="copy-link" onClick={() => void actions.copyLink()} />
        <IconButton icon="help" label="Keys" command="help" onClick={() => setOverlay("help")} />
      </div>
    </header>
  );
}

function Loading() {
  const part = () => (progress().wanted ? progress().loaded / progress().wanted : 1);
  return (
    <div
      class="loading"
      classList={{ active: !isWhole() }}
      role="progressbar"
      aria-label="Loading"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow={Math.round(100 * part())}
    >
      <span style={{ transform: `scaleX(${part()})` }} />
    </div>
  );
}
