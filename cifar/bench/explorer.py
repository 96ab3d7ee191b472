"""Measure the time in which the explorer draws another selection of test images, in Chromium."""

from cifar.bench.rows import Row, total_time
from cifar.report.screenshot import chromium, serving

CHANGES = 60

# Set one filter and take it off again, and lay the page out, in turns with as many plain tiles.
REDRAW = """
async (changes) => {
  const root = document.querySelector("#explorer .explorer");
  const [label, predicted, , , agreement] = root.querySelectorAll(".filters .fields select");
  const line = root.querySelector(".expression");
  const layOut = () => document.body.getBoundingClientRect().height;
  const plain = document.body.appendChild(document.createElement("div"));
  const timed = (act) => {
    const start = performance.now();
    act();
    layOut();
    return performance.now() - start;
  };
  const change = (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const settings = [
    ...[0, 3, 5, 8].flatMap((k) => [[label, k], [predicted, k]]),
    ...[0, 1, 2].map((k) => [agreement, k]),
    [line, "conf:>50 or people:<0.5"],
    [line, "not (true:cat difficulty:<3)"],
  ];
  const bare = () => plain.replaceChildren(...Array.from({ length: 60 }, (_, k) => {
    const tile = document.createElement("button");
    tile.append(document.createElement("span"), `#${k} cat, seen as dog 99%`);
    return tile;
  }));
  const [ours, reference] = [[], []];
  for (let k = 0; k < changes; k++) {
    const [field, value] = settings[Math.floor(k / 2) % settings.length];
    const off = field === line ? "" : "-1";
    const before = root.explorer.selection().length;
    ours.push(timed(() => change(field, k % 2 ? off : value)));
    const after = root.explorer.selection().length;
    if (!after || after === before) throw new Error(`change ${k} selects ${after}`);
    reference.push(timed(bare));
    await new Promise(requestAnimationFrame);
  }
  return [ours, reference];
}
"""


def explorer_suite() -> list[Row]:
    """Time another filter until the page is laid out, and as many plain tiles."""
    with serving() as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.goto(f"{url}/?outcome=all")
        page.locator("#explorer .gallery button").first.wait_for(timeout=120_000)
        ours, reference = page.evaluate(REDRAW, CHANGES)
    return [total_time("another selection of 10,000 images", ours, reference, at_most=50)]
