// @ts-check
// Applied before the first paint, so that nothing moves or flickers: the size of the type,
// and what the token allowed when it was last used. Keep this script small.
(() => {
  const root = document.documentElement;
  const query = new URLSearchParams(location.search);
  /** @param {string} key */
  const stored = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // browsers may deny storage, for example in a frame
    }
  };
  root.classList.toggle(
    "projector",
    query.has("projector") || Boolean(stored("stepbox-projector")),
  );
  if (root.dataset.access) root.dataset.access = stored("stepbox-scope") ?? "unknown";
})();
