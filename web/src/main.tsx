// Entry point: renders the file, the draft or the link's text at once, then loads the core.
import { render } from "preact";
import { App } from "./app";
import * as file from "./file";
import { open } from "./share";
import * as storage from "./storage";
import * as store from "./store";

const app = document.getElementById("app");
if (app) {
  document.documentElement.dataset["theme"] = storage.theme();
  render(<App text={(await file.open()) ?? storage.loadDraft() ?? ""} />, app);
  if (file.opened.value) file.installSaveHandlers();
  else store.saveDrafts();
  void store.start().then(openLink);
  addEventListener("hashchange", () => void openLink());
  keepOffline();
}

/** Replaces the draft with the text of a share link; undo restores the draft. */
async function openLink(): Promise<void> {
  const { hash } = location;
  if (hash.length < 2) return;
  try {
    const text = await open(hash);
    if (text === null) return;
    store.theEditor()?.replace(text);
    store.notify("Opened the settings from the link. Undo restores the previous text.");
  } catch (error) {
    store.notify(`Cannot open the link: ${error instanceof Error ? error.message : String(error)}.`, true);
  }
  // Without the fragment, a reload shows the draft with later changes.
  history.replaceState(null, "", location.pathname + location.search);
}

function keepOffline(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  if (file.served) {
    // Remove workers that another page on this address registered.
    void navigator.serviceWorker.getRegistrations().then((registrations) => registrations.forEach((registration) => void registration.unregister()));
    return;
  }
  // Private windows and plain HTTP have no service workers; the page works without one.
  navigator.serviceWorker.register("./service-worker.js").catch(() => undefined);
}
