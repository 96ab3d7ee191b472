"""How long the explorer takes to draw another selection of the 10,000 test images, in Chromium."""

from cifar.bench.rows import Row, total_time
from cifar.report.screenshot import chromium, serving

CHANGES = 60

# Change one filter after the other and lay the page out, in turns with as many new plain tiles.
REDRAW = """
async (changes) => {
  const root = document.querySelector("#explorer .explorer");
  const selects = [...root.querySelectorAll(".filters .fields select")].slice(0, 5);
  const line = root.querySelector(".expression");
  const expressions = ["conf:>50 or people:<0.5", "not (true:cat difficulty:<3)", ""];
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
  const acts = [...Array(changes).keys()].map((k) => {
    if (k % 6 === 5) return () => change(line, expressions[Math.floor(k / 6) % 3]);
    const select = selects[k % 6];
    const place = (Math.floor(k / 6) * 3 + 1) % select.options.length;
    return () => change(select, select.options[place].value);
  });
  const bare = () => plain.replaceChildren(...Array.from({ length: 60 }, (_, k) => {
    const tile = document.createElement("button");
    tile.append(document.createElement("span"), `#${k} cat, seen as dog 99%`);
    return tile;
  }));
  const [ours, reference] = [[], []];
  for (const act of acts) {
    ours.push(timed(act));
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
