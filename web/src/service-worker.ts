// Keeps the page's own files, so that it works without a network. It asks no other origin for anything.
declare const self: ServiceWorkerGlobalScope;
// Both are written by the build.
declare const __FILES__: string[];
declare const __VERSION__: string;

const PREFIX = `runai-step:${new URL("./", self.location.href).pathname}:`;
const NAME = PREFIX + __VERSION__;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(NAME)
      // What has a hash in its name never changes: the page has just fetched most of it.
      .then((cache) => cache.addAll(__FILES__.map((file) => new Request(file, { cache: file.startsWith("assets/") ? "force-cache" : "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const old = (names: string[]) => names.filter((name) => name.startsWith(PREFIX) && name !== NAME);
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(old(names).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(answer(request));
});

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(NAME);
  // A page of a newer version asks for files of newer names, which are not here.
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept) return kept;
  if (request.mode === "navigate") {
    const page = await cache.match("./");
    if (page) return page;
  }
  return fetch(request);
}

export {};
