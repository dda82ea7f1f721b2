/** Dialogs over the page: commands, keys, variables, colour maps, expressions. */

import { createMemo, createSignal, For, type JSX, Match, onCleanup, onMount, Show, Switch } from "solid-js";
import { COLOR_MAPS, gradient } from "../color/maps.ts";
import { prettyUnits } from "../color/ticks.ts";
import { Picker } from "../commands/picker.tsx";
import { COMMANDS, keyName } from "../commands/registry.ts";
import type { Choice } from "../commands/search.ts";
import * as actions from "../model/actions.ts";
import * as catalog from "../model/catalog.ts";
import { colorMapName } from "../model/look.ts";
import { overlay, setOverlay } from "../model/overlays.ts";
import { change, view } from "../model/store.ts";
import { IconButton } from "./ui.tsx";

const close = () => setOverlay("none");

export function Overlays() {
  return (
    <Switch>
      <Match when={overlay() === "palette"}>
        <Palette />
      </Match>
      <Match when={overlay() === "help"}>
        <Help />
      </Match>
      <Match when={overlay() === "variable"}>
        <Variables />
      </Match>
      <Match when={overlay() === "colors"}>
        <Colors />
      </Match>
      <Match when={overlay() === "expression"}>
        <Expression />
      </Match>
    </Switch>
  );
}

function Palette() {
  const choices = createMemo<Choice[]>(() => [
    ...COMMANDS.map((command) => ({
      id: command.id,
      title: command.title,
      section: command.section,
      aside: () => <For each={command.keys.slice(0, 1)}>{(key) => <kbd>{keyName(key)}</kbd>}</For>,
    })),
    ...catalog.variables().map((variable) => ({
      id: `variable:${variable.name}`,
      title: variable.name,
      detail: variable.long_name ?? "",
      section: "Show variable",
      isCode: true,
    })),
    ...catalog.cycles().map((cycle) => ({ id: `cycle:${cycle}`, title: `Cycle ${cycle}`, section: "Go to cycle" })),
  ]);
  const pick = (id: string) => {
    close();
    const [kind, name] = id.split(":") as [string, string | undefined];
    if (name === undefined) COMMANDS.find((command) => command.id === id)?.run();
    else if (kind === "cycle") change({ cycle: Number(name) });
    else actions.showVariable(name);
  };
  return (
    <Picker
      label="All commands"
      placeholder="What do you want to do?"
      choices={choices()}
      onPick={pick}
      onClose={close}
    />
  );
}

const SECTIONS: Record<string, string> = { flag: "Flags", derived: "Derived quantities", stored: "Stored variables" };

function Variables() {
  const choices = createMemo<Choice[]>(() => {
    const order = ["expressions", "derived", "stored", "flag"];
    const kind = (section: string | null, of: string) => (section === "expressions" ? "expressions" : of);
    const all = catalog.variables().map((variable) => ({ variable, kind: kind(variable.section, variable.kind) }));
    all.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    return all.map(({ variable, kind: of }) => ({
      id: variable.name,
      title: variable.name,
      detail: variable.long_name ?? variable.formula ?? "",
      section: of === "expressions" ? "Your expressions" : (SECTIONS[of] ?? of),
      isCode: true,
      aside: () => <span class="muted">{variable.units?.includes("since") ? "" : prettyUnits(variable.units)}</span>,
    }));
  });
  const pick = (name: string) => {
    close();
    actions.showVariable(name);
  };
  return (
    <Picker
      label="Choose the variable"
      placeholder="Search variables: name, meaning, kind"
      choices={choices()}
      current={view.variable}
      onPick={pick}
      onClose={close}
      footer={
        <footer class="picker-footer">
          <button type="button" class="button" onClick={() => setOverlay("expression")}>
            New expression…
          </button>
        </footer>
      }
    />
  );
}

function Colors() {
  const before = view.colorMap;
  const choices: Choice[] = COLOR_MAPS.map((map) => ({
    id: map.name,
    title: map.name,
    detail: map.kind,
    section: map.family,
    aside: () => <span class="swatch wide" style={{ background: gradient(map.name) }} />,
  }));
  const [isReversed, setReversed] = createSignal(colorMapName().endsWith("_r"));
  const named = (id: string) => (isReversed() ? `${id}_r` : id);
  return (
    <Picker
      label="Choose the colour map"
      placeholder="Search colour maps: name, family, kind"
      choices={choices}
      current={colorMapName().replace(/_r$/, "")}
      onPick={(id) => {
        change({ colorMap: named(id) });
        close();
      }}
      onHover={(id) => change({ colorMap: named(id) })}
      onClose={() => {
        change({ colorMap: before });
        close();
      }}
      footer={
        <footer class="picker-footer">
          <label class="toggle">
            <input
              type="checkbox"
              checked={isReversed()}
              onChange={(event) => {
                setReversed(event.currentTarget.checked);
                change({ colorMap: named(colorMapName().replace(/_r$/, "")) });
              }}
            />
            <span>Reversed</span>
          </label>
        </footer>
      }
    />
  );
}

/** A modal dialog with a title. */
function Dialog(props: { title: string; class?: string; children: JSX.Element }) {
  let dialog!: HTMLDialogElement;
  onMount(() => dialog.showModal());
  onCleanup(() => dialog.close());
  return (
    <dialog
      class={`dialog ${props.class ?? ""}`}
      ref={dialog}
      aria-label={props.title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => event.target === dialog && close()}
      onKeyDown={(event) => event.key === "?" && !(event.target instanceof HTMLInputElement) && close()}
    >
      <header class="dialog-head">
        <h2>{props.title}</h2>
        <IconButton icon="close" label="Close" onClick={close} />
      </header>
      {props.children}
    </dialog>
  );
}

function Help() {
  const sections = [...new Set(COMMANDS.map((command) => command.section))];
  return (
    <Dialog title="Keys" class="help">
      <div class="help-columns">
        <For each={sections}>
          {(section) => (
            <section>
              <h3>{section}</h3>
              <dl>
                <For each={COMMANDS.filter((command) => command.section === section && command.keys.length)}>
                  {(command) => (
                    <div>
                      <dt>
                        <For each={command.keys.slice(0, 1)}>{(key) => <kbd>{keyName(key)}</kbd>}</For>
                      </dt>
                      <dd>{command.title}</dd>
                    </div>
                  )}
                </For>
              </dl>
            </section>
          )}
        </For>
      </div>
      <p class="note">
        Drag the ends of the colour bar to change the range, its middle to shift it; double-click fits it. Shift-click a
        cycle in the timeline to compare with it. Click the swath to pin a pixel.
      </p>
    </Dialog>
  );
}

function Expression() {
  const [name, setName] = createSignal("");
  const [formula, setFormula] = createSignal("");
  const isName = () =>
    /^[A-Za-z_]\w*$/.test(name()) && !catalog.group()?.variables.some((variable) => variable.name === name());
  const add = (event: Event) => {
    event.preventDefault();
    if (!isName() || !formula().trim()) return;
    const others = view.lets.filter((definition) => definition.split("=")[0]!.trim() !== name());
    change({ lets: [...others, `${name()}=${formula().trim()}`] });
    actions.showVariable(name());
    close();
  };
  return (
    <Dialog title="New expression">
      <form class="expression" onSubmit={add}>
        <label class="field stacked">
          <span>Name</span>
          <input
            class="number wide code"
            type="text"
            spellcheck={false}
            placeholder="ssh_without_tide"
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <Show when={name() && !isName()}>
          <p class="note warning">Letters, digits and _, not a name that exists.</p>
        </Show>
        <label class="field stacked">
          <span>Expression</span>
          <input
            class="number wide code"
            type="text"
            spellcheck={false}
            placeholder="ssha_karin_2 + height_cor_xover"
            onInput={(event) => setFormula(event.currentTarget.value)}
          />
        </label>
        <p class="note">
          Names of variables, numbers, + − * / **, comparisons, and or not, abs sqrt exp log sin cos min max where hypot
          … Values that are missing make the result missing.
        </p>
        <div class="row end">
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={!isName() || !formula().trim()}>
            Show
          </button>
        </div>
      </form>
    </Dialog>
  );
}
