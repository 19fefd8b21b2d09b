// Fetches the parts of a page, and again those that are still being worked on or belong to a run under way.
async function show(part) {
  let again = 5;
  try {
    const answer = await fetch(part.dataset.src);
    const content = await answer.text();
    if (answer.ok && content !== part.shown) {
      part.innerHTML = content;
      part.shown = content;
    }
    again = Number(answer.headers.get("x-again"));
  } catch {
    // The explorer is away; the page keeps what it has and tries again.
  }
  if (again) setTimeout(() => show(part), 1000 * again);
}
document.querySelectorAll("[data-src]").forEach(show);
