// @ts-check
// Applied before the first paint, so that nothing moves or flickers: the size of the type, and what
// the token allowed when it was last used. Keep this script small.
(() => {
  const root = document.documentElement;
  let storage = null;
  try {
    storage = localStorage;
  } catch {
    // Browsers may deny storage, for example in a frame.
  }
  if (root.dataset.access) root.dataset.access = storage?.getItem("stepbox-scope") ?? "unknown";
  const asked = new URLSearchParams(location.search).has("projector");
  if (asked || storage?.getItem("stepbox-projector")) root.classList.add("projector");
  if (asked) storage?.setItem("stepbox-projector", "on"); // last: it fails if the storage is full
})();
