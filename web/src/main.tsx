// The start: the file, the draft or the link's text at once, the core as soon as it is there.
import { render } from "preact";
import { App } from "./app";
import * as file from "./file";
import { open } from "./share";
import * as storage from "./storage";
import * as store from "./store";

const app = document.getElementById("app");
if (app) {
  document.documentElement.dataset["theme"] = storage.theme();
  render(<App text={(await file.open()) ?? storage.draft() ?? ""} />, app);
  if (file.opened.value) file.guard();
  else store.keepDrafts();
  void store.start().then(openLink);
  addEventListener("hashchange", () => void openLink());
  keepOffline();
}

/** The text of a link takes the place of the draft, which undo brings back. */
async function openLink(): Promise<void> {
  const { hash } = location;
  if (hash.length < 2) return;
  try {
    const text = await open(hash);
    if (text === null) return;
    store.theEditor()?.replace(text);
    store.say("Opened the link's settings. Undo brings back what was here.");
  } catch (error) {
    store.say(`The link cannot be opened: ${error instanceof Error ? error.message : String(error)}.`, true);
  }
  // A later reload shows the draft, with what was changed since.
  history.replaceState(null, "", location.pathname + location.search);
}

function keepOffline(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  if (file.served) {
    // Another page at this address may have come from a host that is gone.
    void navigator.serviceWorker.getRegistrations().then((found) => found.forEach((one) => void one.unregister()));
    return;
  }
  // Private windows and plain HTTP allow none; the page works without.
  navigator.serviceWorker.register("./service-worker.js").catch(() => undefined);
}
