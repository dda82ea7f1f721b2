import { overlay } from "../model/overlays.ts";
import { commandFor } from "./registry.ts";

/** Elements that need the keys themselves. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** A button that was clicked with a pointer gives the keys back to the page: Space plays, and does not press it again. */
function release(event: MouseEvent): void {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  if (event.detail > 0 && button === document.activeElement && !button?.closest("dialog")) button?.blur();
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
    if (event.key === " " && (isCheckbox || event.target instanceof HTMLButtonElement)) return;
    const command = commandFor(event);
    if (!command) return;
    event.preventDefault();
    command.run();
  };
  window.addEventListener("keydown", listen);
  window.addEventListener("click", release);
  return () => {
    window.removeEventListener("keydown", listen);
    window.removeEventListener("click", release);
  };
}
