/** What lies over the page. */

import { createSignal } from "solid-js";

export type Overlay = "none" | "palette" | "help" | "variable" | "colors" | "expression";

export const [overlay, setOverlay] = createSignal<Overlay>("none");
