// The draft and the theme in the browser's local storage.
import { signal } from "@preact/signals";

const DRAFT = "runai-step:draft";
const THEME = "runai-step:theme";

/** Whether a draft is saved; a string is the reason why it cannot be. */
export const draftState = signal<boolean | string>(false);
/** The text of a discarded draft, which is not saved again until it changes. */
let discarded: string | null = null;

export function loadDraft(): string | null {
  const found = guarded((storage) => storage.getItem(DRAFT)) ?? null;
  if (found !== null) draftState.value = true;
  return found;
}

export function saveDraft(text: string): void {
  if (text === discarded) return;
  discarded = null;
  try {
    localStorage.setItem(DRAFT, text);
    draftState.value = true;
  } catch (error) {
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    draftState.value = full ? "the browser's storage is full" : "the browser blocks storage";
  }
}

export function discardDraft(text: string): void {
  discarded = text;
  guarded((storage) => storage.removeItem(DRAFT));
  draftState.value = false;
}

export type Theme = "dark" | "light";

export function theme(): Theme {
  const chosen = guarded((storage) => storage.getItem(THEME));
  if (chosen === "dark" || chosen === "light") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function saveTheme(theme: Theme): void {
  guarded((storage) => storage.setItem(THEME, theme));
}

function guarded<T>(action: (storage: Storage) => T): T | undefined {
  try {
    return action(localStorage);
  } catch {
    return undefined;
  }
}
