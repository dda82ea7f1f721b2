import { overlay } from "../model/overlays.ts";
import { commandFor } from "./registry.ts";

/** Elements that need the keys themselves. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** True for a button that the keyboard went to: Space presses it. One that was clicked does not keep the key. */
function isPressedByKey(target: EventTarget | null): boolean {
  return target instanceof HTMLButtonElement && target.matches(":focus-visible");
}

/** Runs commands by their keys, except while the user types or a dialog is open. */
export function listenToKeys(): () => void {
  const listen = (event: KeyboardEvent) => {
    if (event.defaultPrevented || overlay() !== "none") return;
    const isCheckbox = event.target instanceof HTMLInputElement && ["checkbox", "range"].includes(event.target.type);
    if (isTyping(event.target) && !isCheckbox) {
      if (event.key === "Escape") (event.target as HTMLElement).blur();
      return;
    }
    if (event.key === " " && (isCheckbox || isPressedByKey(event.target))) return;
    const command = commandFor(event);
    if (!command) return;
    event.preventDefault();
    command.run();
  };
  window.addEventListener("keydown", listen);
  return () => window.removeEventListener("keydown", listen);
}
