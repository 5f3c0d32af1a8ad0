"""The page in a Chromium: what its script does, by mouse and by keyboard, and what axe says of it.

One document is opened in one browser; each test has a window of its own. Skipped where Chromium or Playwright is not.
"""

import importlib.util
import re
import shutil
import time
from pathlib import Path

import pytest
from tests.benchmark import pages

from gan_bench.benchmark.page import render

pytestmark = pytest.mark.browser

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
ARGUMENTS += ["--disable-sync"]
MINUS = "\u2212"
WORDS = {"b": "better", "w": "worse", "e": "equivalent", "u": "unresolved", "-": "no verdict"}


@pytest.fixture(scope="module")
def chromium():
    if not importlib.util.find_spec("playwright"):
        pytest.skip("Playwright is not installed")
    if not CHROMIUM:
        pytest.skip("there is no Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def document():
    return pages.document()


@pytest.fixture(scope="module")
def files(tmp_path_factory, document):
    folder = tmp_path_factory.mktemp("pages")
    made = {"small": document, "hostile": pages.hostile(), "no crops": pages.document(crops=0, shown=0, tables=1)}
    made |= {"no lpips": pages.document(leave_out=("lpips",)), "close": close(), "late": late()}
    for name, one in made.items():
        (folder / f"{name}.html").write_text(render(one), "utf-8")
    return folder


def close():
    """Rows whose numbers differ in the third decimal only."""
    board = pages.document(tables=1, shown=0)
    for place, row in enumerate(board["tables"][0]["rows"]):
        row["scores"]["psnr"].update(mean=10.68 + 0.0007 * place, low=None, high=None, seeds=[])
    return board


def late():
    """A board whose first table ranks nothing."""
    board = pages.document()
    for row in board["tables"][0]["rows"]:
        row.update(rank=None, band=None)
    return board


@pytest.fixture
def window(chromium, files):
    """Open a page in a window of its own; at the end there must have been no request and no error."""
    told, contexts = [], []

    def show(name="small", at="", *, width=1280, height=900, **settings):
        settings.setdefault("reduced_motion", "reduce")
        context = chromium.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        page = context.new_page()
        url = (files / f"{name}.html").as_uri()
        page.on("request", lambda one: told.append(one.url) if not one.url.startswith((url, "data:")) else None)
        page.on("console", lambda one: told.append(one.text))
        page.on("pageerror", lambda one: told.append(str(one)))
        page.on("dialog", lambda one: (told.append(one.message), one.dismiss()))
        page.set_default_timeout(5000)
        page.goto(url + at)
        return page

    yield show
    for context in contexts:
        context.close()
    assert told == []


def order(page, board=0):
    """The places of the rows that are shown, from the top."""
    lines = page.locator(f"#t{board} table.main tbody:not(.quoted) tr[id]").all()
    return [int(line.get_attribute("id").split("r")[1]) for line in lines if line.is_visible()]


def cell(page, row, column):
    """The text of a row's metric, without words for the ear alone."""
    script = (
        "e => { const c = e.cloneNode(true); c.querySelectorAll('.vh').forEach(x => x.remove()); return c.textContent }"
    )
    return page.locator(f"#t0r{row} td.n").nth(column).evaluate(script)


def signed(value, digits):
    return f"{value:+.{digits}f}".replace("-", MINUS) if round(value, digits) else f"{0:.{digits}f}"


@pytest.mark.parametrize("name", ["small", "hostile", "no crops"])
def test_it_opens_without_request_or_error(window, name):
    page = window(name)
    assert page.locator("#live").inner_text().endswith("shown, sorted by rank")
    assert page.evaluate("document.querySelectorAll('main img[src=x], main script').length") == 0


def test_hostile_names_are_told_as_they_are(window):
    page = window("hostile")
    page.locator("button.name").first.click()
    assert page.locator("#detail-name").inner_text() == pages.HOSTILE[0]
    page.keyboard.press("Escape")
    page.select_option("#side-a", "5")
    assert pages.HOSTILE[5] in page.locator("#verdict").inner_text()


@pytest.mark.parametrize("metric", ["psnr", "lpips", "niqe"])
def test_sorting_by_keyboard_puts_nothing_first_that_is_missing(window, document, metric):
    page = window()
    rows, higher = document["tables"][0]["rows"], metric == "psnr"
    button = page.locator(f"#t0 th[data-k={metric}] button")
    for turned in (False, True):
        button.focus()
        page.keyboard.press("Enter")
        ranked = [i for i in order(page) if rows[i]["rank"]]
        means = [rows[i]["scores"][metric]["mean"] for i in ranked]
        there = [mean for mean in means if mean is not None]
        assert means == sorted(there, reverse=higher != turned) + [None] * (len(means) - len(there))
        assert order(page)[len(ranked) :] == [11]  # what is not ranked stays below
        marks = page.locator("#t0 th[aria-sort]")
        assert marks.count() == 1
        assert marks.get_attribute("aria-sort") == ("descending" if higher != turned else "ascending")
        assert page.locator("#live").inner_text() == f"12 of 12 shown, sorted by {metric.upper()}"


def test_speeds_are_sorted_within_each_machine(window, document):
    page = window()
    page.click("#t0 th[data-k=ms_per_megapixel] button")
    rows = document["tables"][0]["rows"]
    body = page.locator("#t0 tbody.ranked tr").all()
    seen, machine = [], None
    for line in body:
        if "machine" in (line.get_attribute("class") or ""):
            machine = line.inner_text().strip().removeprefix("On ")
            continue
        seen.append((machine, int(line.get_attribute("id").split("r")[1])))
    assert all(rows[i]["cost"]["machine"] == machine for machine, i in seen)
    for name in {machine for machine, _ in seen}:
        speeds = [rows[i]["cost"]["ms_per_megapixel"] for machine, i in seen if machine == name]
        assert speeds == sorted(speeds)
    page.click("#t0 th[data-k=psnr] button")
    assert page.locator("#t0 tr.machine").count() == 0


def test_search_and_filters_hide_rows_and_never_change_a_rank(window, document):
    page = window()
    rows = document["tables"][0]["rows"]
    ranks = page.locator("#t0 td.rank").all_inner_texts()
    page.keyboard.press("/")
    page.keyboard.type("srgan")
    assert {rows[i]["label"] for i in order(page)} == {"srgan", "esrgan", "bsrgan"}
    assert page.locator("#live").inner_text().startswith("3 of 12 shown")
    page.keyboard.press("Escape")
    assert len(order(page)) == 12
    for claim in ("weights", "fixed"):
        page.locator(f"input[value={claim}]").press("Space")
    page.locator("#unranked").press("Space")
    assert order(page) == [i for i in order(page) if rows[i]["claim"] == "method" and rows[i]["rank"]]
    assert len(order(page)) == sum(row["claim"] == "method" and row["rank"] is not None for row in rows)
    assert not page.locator("#t0 tbody.quoted").is_visible()
    for box in page.locator(".chip input").all():
        box.set_checked(True, force=True)
    assert page.locator("#t0 td.rank").all_inner_texts() == ranks


def test_where_no_row_matches_one_button_shows_all(window):
    page = window(at="#table=photos-bicubic&show=method&q=nothing+of+this+name")
    body = page.locator("#t0 .nomatch")
    assert body.inner_text().strip().startswith("No row matches.")
    assert order(page) == []
    assert page.locator("#live").inner_text().startswith("0 of 12")
    body.locator("button").focus()
    page.keyboard.press("Enter")
    assert len(order(page)) == 12
    assert not body.is_visible()
    assert page.locator("#search").input_value() == ""
    assert "q=" not in page.url and "show=" not in page.url
    assert page.evaluate("document.activeElement.id") == "search"


def test_a_metric_without_numbers_cannot_be_chosen(window):
    page = window("no lpips", at="#table=photos-bicubic&metric=lpips")
    choice = page.locator("#metrics input[value='2']")
    assert choice.is_disabled()
    assert choice.get_attribute("title") == "No row has LPIPS: n/a, needs images of 96 pixels and more"
    assert page.locator("#metrics input:disabled").count() == 1
    assert page.locator("#metrics input:checked").get_attribute("value") == "0"
    assert page.locator("#t0 th.strip .t").inner_text() == "PSNR interval"


def test_no_axis_is_that_of_another_metric(window, document):
    page = window()
    page.click("label:has(input[name=metric][value='3'])")
    niqe = [row["scores"]["niqe"] for row in document["tables"][0]["rows"] if row["scores"]["niqe"]["mean"]]
    values = [v for s in niqe for v in (s["mean"], s["low"], s["high"], *s["seeds"]) if v is not None]
    ends = page.locator("#t0 th.strip .ends span")
    assert ends.all_inner_texts() == [f"{min(values):.3f}", f"{max(values):.3f}"]
    page.select_option("#reference", "2")  # which has no NIQE
    assert ends.count() == 0
    assert page.locator("#t0 td.strip svg").count() == 0


def test_the_legend_says_of_what_the_interval_is(window):
    page = window()
    words = page.locator("#t0 .legend .of")
    plain = words.inner_text()
    assert "mean over its seeds" in plain
    page.select_option("#reference", "9")
    assert words.inner_text() == "a row’s difference from bicubic"
    assert "differences from bicubic" in page.locator("#live").inner_text()
    page.click("#reset")
    assert words.inner_text() == plain


def test_the_first_table_that_ranks_is_shown_first(window):
    page = window("late")
    assert not page.locator("#t0").is_visible()
    assert page.locator("#t1 #controls").is_visible()
    assert [tab.get_attribute("data-i") for tab in page.locator(".tabs a").all()] == ["0", "1"]
    assert page.locator(".tabs a[aria-current]").get_attribute("data-i") == "1"
    assert window("late", at="#table=photos-bicubic").locator("#t0").is_visible()
    assert window("late", at="#t0").locator("#t0").is_visible()
    assert window("late", java_script_enabled=False).locator("#t0").is_visible()


def test_a_column_of_the_matrix_leads_to_its_table(window):
    page = window()
    page.locator(".heat a").nth(1).click()
    box = page.locator("#t1 .scroll").first
    assert 0 <= box.bounding_box()["y"] < 100
    assert box.evaluate("e => e === document.activeElement")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_table_shows_that_it_scrolls_until_its_end(window, width):
    page = window(width=width)
    box = page.locator("#t0 .scroll").first

    def shade(box):
        script = "e => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() =>"
        return float(box.evaluate(script + " r(getComputedStyle(e, '::after').opacity))))"))

    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    assert shade(box) == 1
    box.evaluate("e => e.scrollLeft = e.scrollWidth")
    assert shade(box) == 0
    head, edge = page.locator("#t0r0 th").bounding_box(), box.bounding_box()
    assert head["x"] > edge["x"] - 1
    short = page.locator(".scroll[aria-labelledby^=matrix]")
    assert short.evaluate("e => e.scrollWidth === e.clientWidth") == (shade(short) == 0)
    assert width == 360 or shade(short) == 0  # all of it is in sight


@pytest.mark.parametrize("reference", [0, 9])
def test_a_reference_turns_numbers_into_differences_with_verdicts(window, document, reference):
    page = window()
    table = document["tables"][0]
    rows = table["rows"]
    plain = [cell(page, r, 0) for r in range(12)]
    assert page.locator("#reference option").nth(1).inner_text() == "bicubic (baseline)"
    page.select_option("#reference", str(reference))
    for m, metric in enumerate(table["metrics"]):
        pairs = table["pairs"].get(metric["name"])
        for r, row in enumerate(rows):
            text, mean = cell(page, r, m), row["scores"][metric["name"]]["mean"]
            if mean is None or r == reference:
                assert text.startswith("n/a" if mean is None else f"{mean:.{metric['digits']}f}")
                continue
            difference = mean - rows[reference]["scores"][metric["name"]]["mean"]
            assert text.startswith(signed(difference, metric["digits"]))
            if not pairs:
                assert text.endswith("no verdict") and "±" not in text
                continue
            i, j = pairs["rows"].index(row["id"]), pairs["rows"].index(rows[reference]["id"])
            assert f"±{pairs['half'][i][j]:.{metric['digits']}f}" in text
            assert text.endswith(WORDS[pairs["verdict"][i][j]])
    page.click("#reset")
    assert [cell(page, r, 0) for r in range(12)] == plain


def test_keys_choose_reference_and_rows(window):
    page = window()
    page.locator("#t0r2 button.name").focus()
    page.keyboard.press("r")
    assert "ref=r000002" in page.url
    page.keyboard.press("r")
    assert "ref=" not in page.url
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("c")
    chosen = order(page)[order(page).index(2) + 1 :][:2]
    assert f"sel=r{chosen[0]:06x},r{chosen[1]:06x}" in page.url
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


@pytest.mark.parametrize(("metric", "digits"), [("psnr", 2), ("lpips", 4)])
def test_two_rows_are_compared_image_by_image(window, document, metric, digits):
    page = window(at=f"#table=photos-bicubic&metric={metric}&sel=r000000,r000002")
    table = document["tables"][0]
    left, right = (table["per_image"][metric][row] for row in ("r000000", "r000002"))
    differences = [a - b for a, b in zip(left, right, strict=True)]
    better = [d if metric == "psnr" else -d for d in differences]
    text = page.locator("#verdict").inner_text()
    wins, losses = sum(round(d, digits) > 0 for d in better), sum(round(d, digits) < 0 for d in better)
    assert f"A wins {wins}, ties {10 - wins - losses}, loses {losses}" in text
    pairs = table["pairs"][metric]
    d, h = pairs["difference"][0][2], pairs["half"][0][2]
    assert f"95\u00a0% interval {signed(d - h, digits)} to {signed(d + h, digits)}" in text
    assert WORDS[pairs["verdict"][0][2]] in text
    titles = [title.text_content() for title in page.locator(".bars rect title").all()]
    wanted = sorted(zip(differences, table["images"], strict=True), reverse=True)
    assert [title.split(": ")[0] for title in titles] == [name for _, name in wanted]
    for title, (value, _) in zip(titles, wanted, strict=True):
        assert title.split(": ")[1].startswith(signed(value, digits)) or round(value, digits) == 0
    page.click(".numbers summary")
    page.locator(".numbers tbody tr").last.wait_for()
    assert page.locator(".numbers tbody tr").count() == 10
    page.click("#swap")
    assert "sel=r000002,r000000" in page.url


def test_what_is_not_on_the_page_is_said(window):
    page = window("no crops", at="#sel=r000000,r000002")
    assert "not on this page for msrresnet and srgan" in page.locator("#differences").inner_text()
    assert "No crops" in page.locator("#slider").inner_text()
    assert "interval of this pair is not on this page" in page.locator("#verdict").inner_text()


def divider(page):
    return page.evaluate("getComputedStyle(document.querySelector('#stage .over')).clipPath")


def test_the_divider_moves_by_mouse_and_by_keyboard(window):
    page = window(at="#sel=r000000,r000002")
    stage = page.locator("#stage")
    stage.scroll_into_view_if_needed()
    area = stage.bounding_box()
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.2 * area["width"], area["y"] + 0.5 * area["height"], steps=4)
    page.mouse.up()
    assert 18 <= float(re.search(r"([\d.]+)%", divider(page))[1]) <= 22
    page.locator("#cut").press("End")
    assert "100%" in divider(page)
    page.locator("#cut").press("ArrowLeft")
    assert "99%" in divider(page)


def test_the_details_follow_the_mouse_only_while_it_drags(window):
    page = window(at="#sel=r000000,r000002")
    stage = page.locator("#stage")
    stage.scroll_into_view_if_needed()
    area = stage.bounding_box()

    def places():
        return [one.input_value() for one in page.locator("#slider .ranges input").all()]

    before = places()
    page.mouse.move(area["x"] + 0.3 * area["width"], area["y"] + 0.7 * area["height"], steps=3)
    assert places() == before
    page.mouse.down()
    page.mouse.move(area["x"] + 0.2 * area["width"], area["y"] + 0.9 * area["height"], steps=3)
    page.mouse.up()
    assert places() == [before[0], "20", "90"]


def test_crops_are_chosen_and_enlarged(window, document):
    page = window(at="#sel=r000000,r000002")
    crop = document["tables"][0]["crops"][1]
    slider = page.locator("#slider")
    slider.locator("[data-f=crop]").select_option("1")
    slider.locator("[data-f=left]").select_option("lq")
    slider.locator("[data-f=right]").select_option("gt")
    assert slider.locator(".under").get_attribute("src") == crop["lq"]
    assert slider.locator(".over").get_attribute("src") == crop["gt"]
    tiles = [tile.get_attribute("src") for tile in slider.locator(".tile img").all()]
    assert tiles == [crop["restored"]["r000000"], crop["restored"]["r000002"], crop["lq"], crop["gt"]]
    before = slider.locator(".tile img").first.bounding_box()["width"]
    slider.locator(".ranges input").first.press("End")
    assert slider.locator(".tile img").first.bounding_box()["width"] == pytest.approx(4 * before, rel=0.01)
    page.select_option("#side-a", "10")  # a row without crops
    assert "No crop of this image is on this page for lanczos" in slider.inner_text()


def test_the_state_survives_a_reload_and_the_way_back(window):
    page = window()
    page.click("label:has(input[name=metric][value='2'])")
    page.select_option("#reference", "0")
    page.click("#t0 th[data-k=ssim] button")
    page.fill("#search", "gan")
    page.locator("#t0r4 .cb").check()
    state = (page.url, order(page), page.locator("#live").inner_text(), cell(page, 5, 2))
    for part in ("metric=lpips", "ref=r000000", "sort=ssim", "q=gan", "sel=r000004"):
        assert part in page.url
    page.reload()
    assert (page.url, order(page), page.locator("#live").inner_text(), cell(page, 5, 2)) == state
    page.go_back()
    assert not page.locator("#t0r4 .cb").is_checked()
    page.go_back()
    assert "sort=lpips" in page.url
    page.locator("#t0r5 button.name").focus()
    page.go_back()
    assert page.evaluate("document.activeElement.textContent") == "wgan_gp"  # though its row has moved
    assert "better" not in page.locator("#t0 tbody.ranked").inner_text()
    page.click(".tabs a >> nth=1")
    assert not page.locator("#t0").is_visible()
    assert page.locator("#t1 #controls").is_visible()
    page.go_back()
    assert page.locator("#t0 #controls").is_visible()


def test_a_state_that_is_not_there_is_passed_over(window):
    page = window(at="#table=none&metric=none&ref=none&sel=x,y,%&sort=none&cost=none&machine=none&show=method")
    assert page.locator("#t0").is_visible()
    assert page.locator("#live").inner_text().endswith("sorted by rank")


def test_on_a_phone_only_the_table_scrolls(window):
    page = window(width=320, height=640)
    for name in ("small", "hostile"):
        page = window(name, width=320, height=640)
        assert page.evaluate("document.documentElement.scrollWidth") == 320
    page = window(width=320, height=640)
    box = page.locator("#t0 .scroll").first
    box.evaluate("e => e.scrollLeft = 300")
    head, edge = page.locator("#t0r0 th").bounding_box(), box.bounding_box()
    assert head["x"] == pytest.approx(edge["x"], abs=2)  # the method stays in sight
    assert box.evaluate("e => e.tabIndex") == 0


@pytest.mark.parametrize("width", [360, 1280])
def test_rows_are_of_whole_pixels_so_that_their_lines_meet(window, width):
    page = window(width=width)
    script = "e => [...e.querySelectorAll('tbody tr[id]')].map(r => r.getBoundingClientRect().height % 1)"
    parts = page.locator("#t0 table.main").evaluate(script)
    assert len(parts) == 12
    assert set(parts) == {0}


def test_dark_by_the_system_and_by_the_button(window):
    def ground(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = ground(window()), ground(window(color_scheme="dark"))
    assert light != dark
    page = window()
    page.click("#theme")
    assert ground(page) == dark
    assert page.locator("#theme").get_attribute("aria-pressed") == "true"
    page.reload()
    assert ground(page) == dark


def test_without_script_there_is_a_sorted_table_and_no_dead_control(window, document):
    page = window(java_script_enabled=False)
    assert page.locator("button:visible, input:visible, select:visible").count() == 0
    for i in range(2):
        assert page.locator(f"#t{i} table.main").is_visible()
        assert page.locator(f"#t{i} svg.plane:visible").count() == 2
        assert page.locator(f"#t{i} .sheet img:visible").count() == 3 * 10
    page.click("#t0d0 summary")
    assert document["tables"][0]["rows"][0]["make"] in page.locator("#t0d0").inner_text()


@pytest.mark.parametrize(("name", "tables"), [("small", 2), ("close", 1)])
def test_the_script_draws_what_python_drew(window, name, tables):
    still, live = window(name, java_script_enabled=False), window(name)
    for board in range(tables):
        for kind in ("plane", "cost"):
            at = f"#t{board} .chart[data-kind={kind}] svg.plane"
            live.evaluate(f"document.querySelector('.tabs a[data-i=\"{board}\"]')?.click()")
            drawn = live.evaluate(f"document.querySelector('{at}').outerHTML")
            assert drawn == still.locator(at).evaluate("e => e.outerHTML")
            missing = at.replace("svg.plane", ".missing")
            assert live.locator(missing).text_content() == still.locator(missing).text_content()
        for one in (live, still):
            ends = one.locator(f"#t{board} th.strip .ends span").all_inner_texts()
            assert len(set(ends)) == 2
        strips = f"[...document.querySelectorAll('#t{board} td.strip')].map(e => e.innerHTML).join('')"
        assert live.evaluate(strips) == still.evaluate(strips)


def test_a_missing_number_tells_its_reason_by_keyboard(window):
    page = window()
    link = page.locator("#t0r4 a.fn").first
    link.focus()
    assert page.locator("#tip").inner_text() == "lpips: n/a, needs images of 96 pixels and more"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "lpips: n/a, needs images of 96 pixels and more"


def test_a_row_tells_all_that_stands_behind_it(window, document):
    page = window(permissions=["clipboard-read", "clipboard-write"])
    row = document["tables"][0]["rows"][2]
    page.locator("#t0r2 button.name").press("Enter")
    text = page.locator("#detail").inner_text()
    for value in (row["make"], row["verify"], *(v for _, pairs in row["provenance"] for _, v in pairs)):
        assert value in text
    assert page.locator("#detail .dots circle").count() == 3 * sum(
        len(score["seeds"]) == 3 for score in row["scores"].values()
    )
    page.locator("#detail .command button").first.click()
    page.locator("#detail .command button:text('Copied')").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == row["make"]


def test_pointing_at_a_row_lights_it_in_the_charts_and_back(window):
    page = window()
    page.locator("#t0r2 button.name").focus()
    lit = page.locator("#t0 .chart .pt.lit")
    assert {mark.get_attribute("data-r") for mark in lit.all()} == {"2"}
    page.locator("#t0 .chart .pt[data-r='5']").first.hover(force=True)
    assert "lit" in page.locator("#t0r5").get_attribute("class")


def test_quality_against_each_cost_one_machine_at_a_time(window, document):
    page = window()
    figure = page.locator("#t0 .chart[data-kind=cost]")
    figure.locator("select").select_option("2")
    rows = document["tables"][0]["rows"]
    for machine in (pages.MACHINE, pages.OTHER_MACHINE):
        figure.locator("select[aria-label=Machine]").select_option(machine)
        shown = {int(mark.get_attribute("data-r")) for mark in figure.locator(".pt").all()}
        assert shown == {i for i, row in enumerate(rows) if row["cost"]["machine"] == machine}
    assert "machine=" in page.url and "cost=ms_per_megapixel" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(window, scheme):
    axe = importlib.util.find_spec("axe_playwright_python")
    if not axe:
        pytest.skip("axe is not installed")
    script = (Path(axe.origin).parent / "axe.min.js").read_text("utf-8")
    states = [
        ("#ref=r000009&sel=r000000,r000002", None),
        ("#sort=ms_per_megapixel", "#t0r0 button.name"),
        ("", "#help"),
    ]
    for at, pressed in states:
        page = window(at=at, color_scheme=scheme)
        if pressed:
            page.click(pressed)
        page.evaluate(script)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
        told = [(one["id"], one["nodes"][0]["html"][:200], one["nodes"][0]["failureSummary"][:300]) for one in found
                if one["impact"] in ("serious", "critical")]  # fmt: skip
        assert told == []


def test_a_thousand_rows_are_there_in_seconds(window, files):
    many = pages.document(rows=1000, images=100, tables=1, shown=30, crops=4, facts=5)
    (files / "many.html").write_text(render(many), "utf-8")
    start = time.monotonic()
    page = window("many")
    assert page.locator("#live").inner_text() == "1000 of 1000 shown, sorted by rank"
    assert time.monotonic() - start < 10
    page.fill("#search", "method_0999")
    assert page.locator("#live").inner_text().startswith("1 of 1000")
