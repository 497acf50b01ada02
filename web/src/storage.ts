// The draft and the theme, in this browser alone.
import { signal } from "@preact/signals";

const DRAFT = "runai-step:draft";
const THEME = "runai-step:theme";

/** Whether a draft is kept; a text says why it cannot be. */
export const kept = signal<boolean | string>(false);
/** Whether drafts are kept at all, until the page is closed. */
let forgotten: string | null = null;

export function draft(): string | null {
  const found = guarded((storage) => storage.getItem(DRAFT)) ?? null;
  if (found !== null) kept.value = true;
  return found;
}

export function keep(text: string): void {
  // What was forgotten is not kept again until it is changed.
  if (text === forgotten) return;
  forgotten = null;
  try {
    localStorage.setItem(DRAFT, text);
    kept.value = true;
  } catch (error) {
    const full = error instanceof DOMException && error.name === "QuotaExceededError";
    kept.value = full ? "the browser's storage is full" : "the browser allows no storage";
  }
}

export function forget(text: string): void {
  forgotten = text;
  guarded((storage) => storage.removeItem(DRAFT));
  kept.value = false;
}

export type Theme = "dark" | "light";

export function theme(): Theme {
  const chosen = guarded((storage) => storage.getItem(THEME));
  if (chosen === "dark" || chosen === "light") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function keepTheme(theme: Theme): void {
  guarded((storage) => storage.setItem(THEME, theme));
}

function guarded<T>(action: (storage: Storage) => T): T | undefined {
  try {
    return action(localStorage);
  } catch {
    return undefined;
  }
}
