/** The page. */

import { createEffect, createSignal, lazy, Match, onCleanup, onMount, Show, Suspense, Switch } from "solid-js";
import { listenToKeys } from "./commands/keyboard.ts";
import { KarinMap } from "./map/karin_map.tsx";
import * as catalog from "./model/catalog.ts";
import { runClocks } from "./model/clocks.ts";
import { dismiss, notice } from "./model/notices.ts";
import { asked, start, view } from "./model/store.ts";
import { defaults, type View } from "./model/view.ts";
import { ColorBar } from "./panels/color_bar.tsx";
import { Hints } from "./panels/hints.tsx";
import { Overlays } from "./panels/overlays.tsx";
import { Readout } from "./panels/readout.tsx";
import { SidePanel } from "./panels/side_panel.tsx";
import { Timeline } from "./panels/timeline.tsx";
import { TopBar } from "./panels/top_bar.tsx";
import { Empty, IconButton } from "./panels/ui.tsx";
import { Problem } from "./transport/transport.ts";
import type { Collections, Group } from "./transport/types.ts";

/** Plots are loaded when the first one is opened. */
const Dock = lazy(() => import("./views/dock.tsx").then((module) => ({ default: module.Dock })));

/** The view that is asked for; what does not exist in the collection becomes what is shown first of it. */
function viewOf(found: Collections, asked: Partial<View>): View {
  const group =
    found.groups.find((one) => one.id === asked.group) ??
    found.groups.find((one) => one.id === found.default_group) ??
    found.groups[0]!;
  const names = [
    ...(asked.lets ?? []).map((definition) => definition.split("=")[0]!),
    ...group.variables.map(({ name }) => name),
  ];
  const theme = window.matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  const has = (cycle: number | undefined): cycle is number => cycle !== undefined && group.cycles.includes(cycle);
  return {
    ...defaults(),
    theme,
    ...asked,
    group: group.id,
    variable: names.includes(asked.variable ?? "") ? asked.variable! : group.default_variable,
    cycle: has(asked.cycle) ? asked.cycle : (group.cycles.at(-1) ?? 0),
    ...viewOfB(found, group, asked),
  };
}

/** What A is compared with, as far as it exists. */
function viewOfB(found: Collections, groupA: Group, asked: Partial<View>) {
  const other = found.groups.find((one) => one.id === asked.groupB && one.id !== groupA.id);
  const group = other ?? groupA;
  const lets = other ? [] : (asked.lets ?? []).map((definition) => definition.split("=")[0]!);
  const names = [...lets, ...group.variables.map(({ name }) => name)];
  const has = asked.cycleB !== undefined && group.cycles.includes(asked.cycleB);
  return {
    compare: has ? (asked.compare ?? "off") : ("off" as const),
    groupB: other?.id ?? "",
    variableB: names.includes(asked.variableB ?? "") ? asked.variableB! : "",
  };
}

export function App() {
  const [state, setState] = createSignal<"loading" | "ready" | Problem>("loading");
  const load = async () => {
    setState("loading");
    try {
      start(viewOf(await catalog.load(), asked()));
      setState("ready");
    } catch (error) {
      setState(error instanceof Problem ? error : new Problem(0, "defect", String(error)));
    }
  };
  onMount(() => void load());
  createEffect(() => {
    document.documentElement.dataset.theme = view.theme;
  });
  return (
    <Switch>
      <Match when={state() === "loading"}>
        <div class="page-state" role="status">
          <span class="spinner" />
          <p>Opening the collection…</p>
        </div>
      </Match>
      <Match when={state() instanceof Problem && (state() as Problem)}>
        {(problem) => (
          <main class="page-state">
            <Empty title={problem().message} hint={problem().hint}>
              <button type="button" class="button primary" onClick={() => void load()}>
                Try again
              </button>
            </Empty>
          </main>
        )}
      </Match>
      <Match when={state() === "ready"}>
        <Page />
      </Match>
    </Switch>
  );
}

function Page() {
  const [panelOpen, setPanelOpen] = createSignal(window.innerWidth >= 900);
  onMount(() => {
    const stops = [listenToKeys(), runClocks()];
    const follow = () => start(viewOf(catalog.catalog()!, asked()));
    window.addEventListener("hashchange", follow);
    onCleanup(() => {
      for (const stop of stops) stop();
      window.removeEventListener("hashchange", follow);
    });
  });
  return (
    <div class="app" classList={{ "with-panel": panelOpen(), "with-dock": view.tab !== "none" }}>
      <TopBar panelOpen={panelOpen()} onPanel={() => setPanelOpen(!panelOpen())} />
      <Show when={panelOpen()}>
        <SidePanel />
      </Show>
      <main class="stage" aria-label="Map">
        <KarinMap />
        <ColorBar />
        <Readout />
        <Hints />
      </main>
      <Show when={view.tab !== "none"}>
        <Suspense fallback={<aside class="dock" aria-label="Plots" />}>
          <Dock />
        </Suspense>
      </Show>
      <Timeline />
      <Overlays />
      <Notice />
    </div>
  );
}

function Notice() {
  return (
    <div class="notices" role="status" aria-live="polite">
      <Show when={notice()}>
        {(now) => (
          <div class="notice" classList={{ error: now().kind === "error" }}>
            <div>
              <p>{now().text}</p>
              <Show when={now().hint}>
                <p class="muted">{now().hint}</p>
              </Show>
            </div>
            <IconButton icon="close" label="Close the message" onClick={dismiss} />
          </div>
        )}
      </Show>
    </div>
  );
}
