"""Opens the documentation site from file:// in headless Chromium and does what a reader does.

browser.py SITE WHAT: WHAT is a function below. What is not as it should be is printed, and the exit
code is 1.
"""

import html.parser
import os
import pathlib
import sys
import urllib.parse

from playwright.sync_api import sync_playwright

SITE = pathlib.Path(sys.argv[1]).resolve()
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
# A page of each kind.
KINDS = ["index.html", "metrics.html", "metric/win_rate_count.html", "tables.html",
         "table/kpi.win_rate.html", "table/mart.fct_opportunity.html", "lineage.html", "runs.html"]


class Reader:
    """A browser that notes whatever a page complains about or fetches from elsewhere."""

    def __init__(self, play, **options):
        # As root, Chromium starts without its sandbox only.
        self.browser = play.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                                            args=["--no-sandbox"])
        options.setdefault("viewport", DESK)
        self.context = self.browser.new_context(**options)
        self.page = self.context.new_page()
        self.troubles = []
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.troubles.append(m.text))
        self.page.on("pageerror", lambda e: self.troubles.append(str(e)))
        self.page.on("request", lambda r: r.url.startswith("file:") or self.troubles.append("asks " + r.url))
        self.page.on("requestfailed", self.failed)

    def failed(self, request):
        # What was still on its way when the page was left is no trouble.
        if "ERR_ABORTED" not in (request.failure or ""):
            self.troubles.append("has no " + request.url)

    def open(self, path):
        self.page.goto(SITE.as_uri() + "/" + path)
        return self.page


def same(found, expected, what):
    if found != expected:
        yield f"{what}: expected {expected!r}, found {found!r}"


def pages(play):
    """Every page opens without a complaint and asks no other host."""
    reader = Reader(play)
    count = 0
    for path in sorted(SITE.rglob("*.html")):
        reader.open(path.relative_to(SITE).as_posix())
        count += 1
        heads = reader.page.locator("h1").count()
        yield from same(heads, 1, f"{path}: headings of the first rank")
        for trouble in reader.troubles:
            yield f"{path}: {trouble}"
        reader.troubles.clear()
    if count < 250:
        yield f"only {count} pages"


class Links(html.parser.HTMLParser):
    """The links and places of one page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.places = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.places.add(attributes.get("id"))
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]


def links(_):
    """Every link of every page leads to a file, and to a place in it."""
    pages = {path.relative_to(SITE).as_posix(): Links(path.read_text()) for path in SITE.rglob("*.html")}
    total = 0
    for name, page in sorted(pages.items()):
        for href in page.links:
            total += 1
            file, _, place = urllib.parse.urljoin("http://site/" + name, href).removeprefix("http://site/").partition("#")
            file = urllib.parse.unquote(file)
            if not (SITE / file).is_file():
                yield f"{name}: {href} leads nowhere"
            elif place and file != "lineage.html" and urllib.parse.unquote(place) not in pages[file].places:
                yield f"{name}: {href} names no place"
    if total < 5000:
        yield f"only {total} links"


def search(play):
    """Typing finds metrics, tables and columns, and the keys lead there."""
    reader = Reader(play)
    page = reader.open("table/kpi.win_rate.html")
    page.keyboard.press("/")
    page.keyboard.type("win rate count")
    page.wait_for_selector("#found a")
    first = page.locator("#found a").first
    yield from same(first.locator("strong").inner_text(), "Win rate by count", "the first that is found")
    page.keyboard.press("ArrowDown")
    yield from same(first.get_attribute("aria-selected"), "true", "the first is chosen")
    page.keyboard.press("Enter")
    page.wait_for_url("**/metric/win_rate_count.html")
    page.locator("#search").fill("mart.fct_opportunity")
    page.keyboard.press("Enter")
    page.wait_for_url("**/table/mart.fct_opportunity.html")
    page.locator("#search").fill("forecast_category")
    page.wait_for_selector("#found a")
    if page.locator("#found a").count() < 5:
        yield "a column that many tables have is found fewer than five times"
    page.locator("#found a", has_text="mart.fct_opportunity").first.click()
    page.wait_for_url("**/table/mart.fct_opportunity.html#column-forecast_category")
    page.locator("#search").fill("<script>nothing</script>")
    page.wait_for_selector("#found p")
    yield from same(page.locator("#found a").count(), 0, "nonsense is found")
    page.keyboard.press("Escape")
    yield from same(page.locator("#found").is_visible(), False, "the results after Escape")
    page = reader.open("metrics.html")
    page.locator("[data-filter]").fill("coverage")
    shown = page.locator("[data-item]:visible").count()
    if not 2 <= shown <= 10:
        yield f"{shown} metrics are left by `coverage`"
    yield from reader.troubles


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('#graph .box')].map(b => b.getBBox());
  let count = 0;
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach(b => {
    if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height) count += 1;
  }));
  return [boxes.length, count];
}"""
BACKWARDS = """() => {
  const box = new Map([...document.querySelectorAll('#graph .node')].map(n => [n.dataset.table, n.querySelector('.box').getBBox()]));
  const all = window.SALESMART_GRAPH.tables;
  return [...document.querySelectorAll('#graph .edge')].filter(e =>
    box.get(all[e.dataset.from].n).x + box.get(all[e.dataset.from].n).width > box.get(all[e.dataset.to].n).x).length;
}"""


def graph(play):
    """The graph is clicked and typed through, for tables and for columns."""
    reader = Reader(play)
    page = reader.open("lineage.html#table=kpi.win_rate&up=1&down=1")
    middle = page.locator("#graph .node.middle")
    yield from same(middle.get_attribute("data-table"), "kpi.win_rate", "the middle")
    reads = page.locator("#graph .node[data-table='mart.fct_win_rate_contribution']")
    reads.click()
    page.wait_for_function("document.querySelector('#graph .middle').dataset.table == 'mart.fct_win_rate_contribution'")
    page.go_back()
    page.wait_for_function("document.querySelector('#graph .middle').dataset.table == 'kpi.win_rate'")
    page.locator("#graph .node[data-table='mart.dim_period']").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#graph .middle').dataset.table == 'mart.dim_period'")
    page.locator("#table").fill("kpi.metric_value")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#graph .middle').dataset.table == 'kpi.metric_value'")
    before = page.locator("#graph .node").count()
    page.locator("#up").fill("3")
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.querySelectorAll('#graph .node').length > {before}")
    for table in ["kpi.metric_value", "mart.fct_opportunity", "forecast.accuracy", "intermediate.int_opportunity"]:
        for steps in [0, 1, 2, 12]:
            page = reader.open(f"lineage.html#table={table}&up={steps}&down={steps}")
            page.reload()
            boxes, overlaps = page.evaluate(OVERLAPS)
            yield from same(overlaps, 0, f"{table}, {steps} steps: boxes of {boxes} that overlap")
            yield from same(page.evaluate(BACKWARDS), 0, f"{table}, {steps} steps: edges to the left")
    # A figure's column, back to what the CRM delivered.
    page = reader.open("lineage.html#column=kpi.win_rate.numerator&up=12&down=0")
    page.reload()
    raw = page.locator("#graph .node[data-table^='raw.salesforce.']").count()
    if raw == 0:
        yield "the win rate's numerator does not come from any raw table"
    yield from same(page.evaluate(OVERLAPS)[1], 0, "boxes of columns that overlap")
    page.locator("#graph .node[data-table='mart.fct_win_rate_contribution'] .cell").first.click()
    page.wait_for_function("location.hash.includes('column=mart.fct_win_rate_contribution.')")
    page.locator("#graph .node.middle text").first.click()
    page.wait_for_url("**/table/mart.fct_win_rate_contribution.html")
    yield from reader.troubles


def phone(play):
    """Nothing is wider than a phone, and the search can be used there."""
    reader = Reader(play, viewport=PHONE, has_touch=True, is_mobile=True)
    longest = max(SITE.glob("table/*.html"), key=lambda path: len(path.name)).relative_to(SITE).as_posix()
    for path in KINDS + [longest]:
        page = reader.open(path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        yield from same(wide <= PHONE["width"], True, f"{path}: {wide} pixels fit")
        for details in page.locator("details").all()[:5]:
            details.evaluate("d => d.open = true")
        wide = page.evaluate("document.documentElement.scrollWidth")
        yield from same(wide <= PHONE["width"], True, f"{path}, opened: {wide} pixels fit")
    page.locator("#search").tap()
    page.locator("#search").fill("sales cycle")
    page.wait_for_selector("#found a")
    box = page.locator("#found").bounding_box()
    yield from same(0 <= box["x"] and box["x"] + box["width"] <= PHONE["width"], True, f"results at {box}")
    yield from reader.troubles


CONTRASTS = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const over = (a, b) => a.slice(0, 3).map((v, i) => v * a[3] + b[i] * (1 - a[3]));
  const light = rgb => { const [r, g, b] = rgb.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const bad = new Set();
  for (const e of document.querySelectorAll('main *, header *, footer *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || e.closest('svg') || !e.getClientRects().length || e.closest('.hidden')) continue;
    const chain = [];
    let opacity = 1;
    for (let p = e; p; p = p.parentElement) {
      const style = getComputedStyle(p);
      opacity *= Number(style.opacity);
      if (style.backgroundColor.startsWith('rgb')) chain.push(parse(style.backgroundColor));
    }
    let back = [255, 255, 255];
    chain.reverse().forEach(c => { back = over(c, back); });
    const colour = parse(getComputedStyle(e).color);
    const front = over([...colour.slice(0, 3), colour[3] * opacity], back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) bad.add(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
  }
  return [...bad];
}"""


def colours(play):
    """Text can be read on its ground, light and dark; the choice is kept."""
    for scheme, expected in [("light", "rgb(255, 255, 255)"), ("dark", "rgb(16, 21, 27)")]:
        reader = Reader(play, color_scheme=scheme)
        for path in KINDS:
            page = reader.open(path)
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            yield from same(ground, expected, f"{path}: the ground when {scheme} is wished")
            for bad in page.evaluate(CONTRASTS):
                yield f"{path}, {scheme}: too little contrast: {bad}"
        yield from reader.troubles
    page.locator("#theme").click()
    page = reader.open("tables.html")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    yield from same(ground, "rgb(255, 255, 255)", "the ground on the next page, after choosing light")


def helped(play):
    """Whoever does not see the page, or prints it, gets everything."""
    reader = Reader(play)
    for path in KINDS:
        page = reader.open(path)
        nameless = page.evaluate("""[...document.querySelectorAll('input, select, button, a, [role=link]')].filter(e =>
          !(e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length))).map(e => e.outerHTML)""")
        for one in nameless:
            yield f"{path}: has no name: {one}"
        jumps = page.evaluate("""(() => { let last = 0; return [...document.querySelectorAll('h1,h2,h3,h4')].filter(h => {
          const rank = Number(h.tagName[1]), jump = rank > last + 1; last = rank; return jump; }).map(h => h.textContent); })()""")
        for one in jumps:
            yield f"{path}: a rank of headings is left out before {one}"
        yield from same(page.evaluate("document.documentElement.lang"), "en", f"{path}: its language")
        page.emulate_media(media="print")
        yield from same(page.locator("header.top").is_visible(), False, f"{path}: the menu in print")
        page.emulate_media(media="screen")
    page = reader.open("index.html")
    page.keyboard.press("Tab")
    yield from same(page.evaluate("document.activeElement.textContent"), "Skip to content", "the first stop of Tab")
    without = Reader(play, java_script_enabled=False)
    page = without.open("table/kpi.win_rate.html")
    yield from same(page.locator(".columns li").first.is_visible(), True, "columns without scripts")
    page = without.open("lineage.html")
    yield from same(page.get_by_text("needs JavaScript").is_visible(), True, "what is said without scripts")
    yield from reader.troubles


def harmless(play):
    """Nothing that stands in data or models runs."""
    reader = Reader(play)
    for path in sorted(SITE.rglob("*.html")):
        name = path.relative_to(SITE).as_posix()
        page = reader.open(name)
        if page.evaluate("window.hacked !== undefined || document.querySelector('[onerror], b.hacked') !== null"):
            yield f"{name}: what somebody wrote has run"
    page = reader.open("index.html")
    page.locator("#search").fill("hacked")
    page.wait_for_selector("#found a")
    if page.evaluate("window.hacked !== undefined"):
        yield "what somebody wrote has run in the results of the search"
    if "<script>window.hacked" not in reader.open("index.html").locator("main").inner_text():
        yield "the offending row is not shown"
    yield from reader.troubles


def shots(play):
    """Pictures for people, into the folder SHOTS."""
    folder = pathlib.Path(os.environ["SHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    paths = dict(home="index.html", metrics="metrics.html", metric="metric/win_rate_count.html", tables="tables.html",
                 table="table/kpi.win_rate.html", lineage="lineage.html#table=kpi.win_rate&up=2&down=2",
                 column="lineage.html#column=kpi.win_rate.numerator&up=4&down=1", runs="runs.html")
    for look, options in [("desk", {}), ("phone", dict(viewport=PHONE)), ("dark", dict(color_scheme="dark"))]:
        reader = Reader(play, **options)
        for name, path in paths.items():
            reader.open("index.html")
            reader.open(path).screenshot(path=folder / f"{look}-{name}.png")
    return []


if __name__ == "__main__":
    with sync_playwright() as play:
        troubles = list({"pages": pages, "links": links, "search": search, "graph": graph, "phone": phone,
                         "colours": colours, "helped": helped, "harmless": harmless, "shots": shots}[sys.argv[2]](play))
    for trouble in troubles[:40]:
        print(trouble)
    if len(troubles) > 40:
        print(f"and {len(troubles) - 40} more")
    sys.exit(1 if troubles else 0)
