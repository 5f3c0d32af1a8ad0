"""The page as text: what a reader without script gets, that it asks nothing of a network, and that nothing escapes."""

import base64
import copy
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.benchmark import pages

from gan_bench.benchmark import page
from gan_bench.benchmark.page.charts import Axis, Plane, Point, front, plane
from gan_bench.benchmark.page.html import shell

VOID = {"meta", "img", "input", "br", "hr", "link", "wbr"}
DOCUMENTS = {
    "small": pages.document,
    "hostile": pages.hostile,
    "empty": pages.empty,
    "one row": lambda: pages.document(rows=1, tables=1),
    "two rows": lambda: pages.document(rows=2, tables=3),
    "no crops": lambda: pages.document(crops=0, shown=0),
    "little measured": lambda: pages.document(leave_out=("ssim", "lpips", "niqe", "consistency")),
    "nothing measured": lambda: pages.document(leave_out=[name for name, *_ in pages.METRICS], tables=1),
}


class Node:
    """An element: its name, attributes, children and text."""

    def __init__(self, name, attributes, parent):
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children = []

    def walk(self):
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, name=None, **attributes):
        return [
            node
            for node in self.walk()
            if name in (None, node.name)
            and all(value in (node.attributes.get(key.rstrip("_")) or "").split() for key, value in attributes.items())
        ]

    def text(self, without=()):
        """What can be read, without elements of a class in `without`."""
        return "".join(
            child if isinstance(child, str) else child.text(without)
            for child in self.children
            if isinstance(child, str) or not set(without) & set((child.attributes.get("class") or "").split())
        )


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.root = self.at = Node("", {}, None)
        self.feed(text)
        assert self.at is self.root, f"<{self.at.name}> is not closed"

    def handle_starttag(self, name, attributes):
        assert len({key for key, _ in attributes}) == len(attributes), f"<{name}> says an attribute twice"
        node = Node(name, dict(attributes), self.at)
        self.at.children.append(node)
        if name not in VOID:
            self.at = node

    def handle_startendtag(self, name, attributes):
        self.at.children.append(Node(name, dict(attributes), self.at))

    def handle_endtag(self, name):
        assert name == self.at.name, f"</{name}> closes <{self.at.name}>"
        self.at = self.at.parent

    def handle_data(self, text):
        self.at.children.append(text)


def read(document):
    return Reader(page.render(document)).root


@pytest.fixture(scope="module", params=sorted(DOCUMENTS))
def case(request):
    document = DOCUMENTS[request.param]()
    return document, read(document)


@pytest.fixture(scope="module")
def thousand():
    return pages.document(rows=1000, images=100, tables=1, shown=30, crops=4, facts=5)


def test_nothing_is_asked_of_a_network(case):
    text = page.render(case[0])
    for node in case[1].walk():
        for name in ("src", "href", "action", "data", "poster", "srcset", "xlink:href"):
            value = node.attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/")), (node.name, name, value)
        assert not {"link", "iframe", "object", "embed", "base", "form"} & {node.name}
        assert not [name for name in node.attributes if name.startswith("on") or name == "style"], node.attributes
    style, script = shell()
    for part in (style, script):
        assert not re.search(r"https?:|//[a-z]+\.|url\(|@import|fetch\(|XMLHttp|WebSocket|import\(", part)
    assert "http" not in text.split("<style>")[0].replace("http-equiv", "")


def test_only_our_own_style_and_script_may_run(case):
    policy = case[1].all("meta")[1].attributes["content"]
    allowed = {kind: set(values.split()) for kind, values in (rule.strip().split(" ", 1) for rule in policy.split(";"))}
    assert allowed["default-src"] == {"'none'"}
    assert allowed["img-src"] == {"data:"}
    for kind, name in (("script-src", "script"), ("style-src", "style")):
        texts = [node.text() for node in case[1].all(name) if node.attributes.get("type") != "application/json"]
        found = {f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in texts}
        assert found == allowed[kind]


def test_the_outline_is_sound(case):
    root = case[1]
    assert len(root.all("h1")) == 1
    assert root.all("html")[0].attributes["lang"] == "en"
    ids = [node.attributes["id"] for node in root.walk() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    for node in root.walk():
        for name in ("aria-labelledby", "aria-describedby"):
            assert set((node.attributes.get(name) or "").split()) <= set(ids)
        href = node.attributes.get("href")
        assert not href or href == "#main" or href[1:] in ids, href
    for image in root.all("img"):
        assert image.attributes["alt"].strip()
    for drawing in root.all("svg"):
        hidden = drawing.attributes.get("aria-hidden") == "true"
        assert hidden or (
            drawing.attributes["role"] == "img" and {"aria-labelledby", "aria-label"} & set(drawing.attributes)
        )


def test_tables_say_what_their_cells_are_of(case):
    for table in case[1].all("table"):
        assert len(table.all("caption")) == 1
        assert all(head.attributes.get("scope") in ("row", "col", "colgroup") for head in table.all("th"))
        wide = len(table.all("thead")[0].all("th"))
        for line in table.all("tbody")[0].all("tr"):
            cells = [cell for cell in line.children if isinstance(cell, Node)]
            assert sum(int(cell.attributes.get("colspan") or 1) for cell in cells) == wide
        sorted_heads = [head for head in table.all("th") if "aria-sort" in head.attributes]
        assert len(sorted_heads) == (table.attributes["class"] == "main")
        scroll = table.parent.attributes
        assert (scroll["class"], scroll["tabindex"], scroll["role"]) == ("scroll", "0", "region")


def test_no_control_is_dead_without_the_script(case):
    for name in ("button", "input", "select", "textarea"):
        for control in case[1].all(name):
            node, found = control, False
            while node and not found:
                found = node.name == "dialog" or "js-only" in (node.attributes.get("class") or "").split()
                node = node.parent
            assert found, control.attributes


def spelled(value, digits):
    text = f"{value:.{digits}f}"
    return (text[1:] if float(text) == 0 else "\u2212" + text[1:]) if text.startswith("-") else text


def test_every_number_of_the_table_is_the_documents(case):
    document, root = case
    for i, table in enumerate(document["tables"]):
        lines = {line.attributes["id"]: line for line in root.all("tr") if "id" in line.attributes}
        for r, row in enumerate(table["rows"]):
            cells = [cell for cell in lines[f"t{i}r{r}"].children if isinstance(cell, Node)]
            rank = cells[0].text(without=("tie", "vh"))
            assert rank == ("–" if row["rank"] is None else "–".join(map(str, sorted(set(row["rank"])))))
            for cell, metric in zip(cells[3:], table["metrics"], strict=False):
                score, text = row["scores"][metric["name"]], cell.text(without=("vh",))
                if score["mean"] is None:
                    note = re.fullmatch(r"n/a(\d+)", text)
                    assert root.all("li", id=f"t{i}n{note[1]}")[0].text() == score["note"]
                    continue
                half = score["low"] is not None and (score["high"] - score["low"]) / 2
                digits = metric["digits"]
                assert text == spelled(score["mean"], digits) + (f"±{spelled(half, digits)}" if half else "")


def test_rows_stand_as_in_the_document_and_what_has_no_rank_below_the_line(case):
    document, root = case
    for i, table in enumerate(document["tables"]):
        section = root.all("section", id=f"t{i}")[0]
        bodies = {body.attributes["class"]: body for body in section.all("table")[0].all("tbody")}
        ranked = [f"t{i}r{r}" for r, row in enumerate(table["rows"]) if row["rank"] is not None]
        assert [line.attributes["id"] for line in bodies["ranked"].all("tr")] == ranked
        loose = bodies["unranked"].all("tr")[1:] if "unranked" in bodies else []
        assert {line.attributes["id"] for line in loose} == {
            f"t{i}r{r}" for r, row in enumerate(table["rows"]) if row["rank"] is None
        }
        for quoted in table["quoted"]:
            assert " ".join(quoted["source"].split()) in " ".join(bodies["quoted"].text().split())


def test_the_best_of_a_column_is_marked_with_its_ties_and_never_what_is_not_ranked():
    document = pages.document(tables=1)
    rows = document["tables"][0]["rows"]
    rows[0]["scores"]["psnr"].update(mean=30.0)
    rows[5]["scores"]["psnr"].update(mean=30.0000001)
    rows[-1]["scores"]["psnr"].update(mean=30.0)
    root = read(document)
    marked = {line.attributes["id"] for line in root.all("tr") if "id" in line.attributes
              for cell in line.all("strong") if cell.text().startswith("30.00")}  # fmt: skip
    assert marked == {"t0r0", "t0r5"}
    assert not root.all("tr", id="t0r11")[0].all("td")[2].all("strong")


def test_the_fastest_is_marked_within_one_machine_only():
    document = pages.document(tables=1)
    rows = document["tables"][0]["rows"]
    root = read(document)

    def marked(root):
        return {
            int(n.parent.parent.attributes["id"].split("r")[1]) for n in root.all("strong") if "fastest" in n.text()
        }

    def fastest(rows, machine):
        mine = [row for row in rows if row["cost"]["machine"] == machine and row["rank"]]
        least = min(row["cost"]["ms_per_megapixel"] for row in mine)
        return {rows.index(row) for row in mine if row["cost"]["ms_per_megapixel"] == least and len(mine) > 1}

    assert marked(root) == fastest(rows, pages.MACHINE) | fastest(rows, pages.OTHER_MACHINE)
    for row in rows:
        row["cost"]["machine"] = None
    assert not marked(read(document))


@pytest.mark.parametrize(("slower", "marked"), [(1.0, False), (1.09, False), (1.11, True)])
def test_of_two_speeds_that_are_close_none_is_called_the_fastest(slower, marked):
    document = pages.document(tables=1)
    for row in document["tables"][0]["rows"]:
        row["cost"]["machine"] = "one"
        row["cost"]["ms_per_megapixel"] = 50.0
    document["tables"][0]["rows"][0]["cost"]["ms_per_megapixel"] = 50.0 / slower
    document["tables"][0]["rows"][-1]["cost"]["ms_per_megapixel"] = 1.0  # not ranked
    found = [n.parent.parent.attributes["id"] for n in read(document).all("strong") if "fastest" in n.text()]
    assert found == ["t0r0"] * marked


def test_a_number_and_its_unit_stay_on_one_line():
    document = pages.document(tables=1)
    section = read(document).all("section", id="t0")[0]
    for part in (section.all("p", class_="answer"), section.all("p", class_="more"), section.all("p", class_="legend")):
        assert "\u00a0dB" in part[0].text()
        assert not re.search(r"\d (dB|%)", part[0].text())


def test_the_legend_says_how_small_a_difference_is_found():
    document = pages.document(tables=1)
    metrics = document["tables"][0]["metrics"]

    def legend():
        return read(document).all("p", class_="legend")[0].text().replace("\u00a0", " ")

    assert "A difference of PSNR 0.12 dB or more is found in 4 of 5 cases between any two rows." in legend()
    metrics[1]["resolvable"] = 0.0021
    assert "between any two rows: PSNR 0.12 dB, SSIM 0.0021." in legend()
    metrics[0]["resolvable"] = metrics[1]["resolvable"] = None
    assert "4 of 5" not in legend()


def test_hostile_names_stay_text():
    document = pages.hostile()
    root = read(document)
    ours = [node for node in root.all("script") if node.attributes.get("type") != "application/json"]
    assert len(ours) == 2
    assert all(image.attributes["src"].startswith("data:image/webp;base64,") for image in root.all("img"))
    shown = root.all("table", class_="main")[0].text()
    for name in pages.HOSTILE[:6]:
        assert " ".join("".join(c if c.isprintable() else " " for c in name).split()) in " ".join(shown.split())
    data = root.all("script", id="data")[0].text()
    assert not re.search("[<>&\u2028\u2029]", data)
    assert json.loads(data)["tables"][0]["rows"][0]["make"].startswith("python train.py model=<img")
    page.render(document).encode("utf-8")


def test_equal_documents_give_equal_bytes_in_another_process_too():
    code = "import sys; from tests.benchmark import pages; from gan_bench.benchmark.page import render;"
    code += "sys.stdout.buffer.write(render(pages.document()).encode())"
    root = Path(__file__).parents[2]
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=root, env={"PYTHONHASHSEED": seed, "PATH": ""},
                       capture_output=True, check=True).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert runs[0] == runs[1] == page.render(pages.document()).encode()


def test_a_document_is_not_changed():
    document = pages.document()
    before = copy.deepcopy(document)
    page.render(document)
    assert document == before


def unpacked(per, row):
    raw = base64.b64decode(per["rows"][str(row)])
    steps = [int.from_bytes(raw[i : i + 3], "little", signed=True) for i in range(0, len(raw), 3)]
    return [None if step == -(2**23) else per["middle"] + step / per["size"] for step in steps]


def test_the_script_is_given_the_documents_numbers():
    document = pages.document()
    document["tables"][0]["per_image"]["psnr"]["r000001"][3] = None
    document["tables"][0]["per_image"]["consistency"]["r000001"][3] = -4000.0
    data = json.loads(read(document).all("script", id="data")[0].text())
    for told, table in zip(data["tables"], document["tables"], strict=True):
        ids = [row["id"] for row in table["rows"]]
        assert [row["id"] for row in told["rows"]] == ids
        for m, metric in enumerate(table["metrics"]):
            name = metric["name"]
            for row, packed in zip(table["rows"], told["rows"], strict=True):
                score = row["scores"][name]
                if score["mean"] is None:
                    assert packed["scores"][m] is None
                else:
                    wanted = [score["mean"], score["low"], score["high"], *score["seeds"]]
                    assert packed["scores"][m] == pytest.approx(wanted, abs=10.0 ** -(metric["digits"] + 3))
            for identity, values in table["per_image"][name].items():
                near = pytest.approx(values, abs=0.51 / told["per"][name]["size"])
                assert unpacked(told["per"][name], ids.index(identity)) == near
            if name in table["pairs"]:
                assert_pairs(table["pairs"][name], told["pairs"][name], metric, ids)


def assert_pairs(wanted, told, metric, ids):
    count, k = len(wanted["rows"]), 0
    assert [ids[place] for place in told["rows"]] == wanted["rows"]
    for i in range(count):
        for j in range(i + 1, count):
            assert told["d"][k] == pytest.approx(wanted["difference"][i][j], abs=10.0 ** -(metric["digits"] + 3))
            assert told["h"][k] == pytest.approx(wanted["half"][i][j], abs=10.0 ** -(metric["digits"] + 3))
            assert told["v"][k] == wanted["verdict"][i][j]
            k += 1
    assert len(told["d"]) == len(told["h"]) == len(told["v"]) == k


def test_provenance_is_the_documents_whether_shared_or_not():
    document = pages.document(tables=1)
    data = json.loads(read(document).all("script", id="data")[0].text())
    for row, told in zip(document["tables"][0]["rows"], data["tables"][0]["rows"], strict=True):
        shape, *values = told["facts"]
        texts = iter([data["pool"][value] if isinstance(value, int) else value for value in values])
        found = [[group, [[name, next(texts)] for name in names]] for group, names in data["shapes"][shape]]
        assert found == row["provenance"]


def test_a_row_is_explained_without_the_script():
    document = pages.document(tables=1)
    root = read(document)
    row = document["tables"][0]["rows"][0]
    words = root.all("details", id="t0d0")[0].text()
    for text in (row["make"], row["verify"], *(value for _, pairs in row["provenance"] for _, value in pairs)):
        assert text in words
    assert {code.text() for code in root.all("details", id="t0d0")[0].all("code")} == {row["make"], row["verify"]}


def test_the_front_is_what_nothing_beats_in_both():
    x, y = Axis("x", True), Axis("y", False)
    values = [(1, 5), (1, 4), (2, 4), (2, 6), (3, 4.5), (0, 1), (3, 4.5), (2.5, 9)]
    points = [Point(i, str(i), "method", (a, a, a), (b, b, b)) for i, (a, b) in enumerate(values)]
    beaten = {
        i for i, (a, b) in enumerate(values)
        for c, d in values if c >= a and d <= b and (c, d) != (a, b)
    }  # fmt: skip
    found = front(Plane("", x, y, points))
    assert {values[i] for i in found} == {value for i, value in enumerate(values) if i not in beaten}
    assert [values[i][0] for i in found] == sorted(values[i][0] for i in found)


def ticks(drawing):
    """Numbers of the x axis and of the y axis, each with its place."""
    found = [(t.attributes, t.text()) for t in Reader(drawing).root.all("text", class_="tick")]
    return [[(float(a[way]), text) for a, text in found if a["text-anchor"] == anchor]
            for way, anchor in (("x", "middle"), ("y", "end"))]  # fmt: skip


@pytest.mark.parametrize("span", [1e-5, 0.004, 0.02, 0.3, 40.0])
@pytest.mark.parametrize("turned", [False, True])
def test_no_two_ticks_of_an_axis_read_alike(span, turned):
    axis, slow = Axis("psnr", not turned, 2, turned=turned), Axis("ms", False, None, log=True)
    points = [Point(i, str(i), "method", (s, s, s), (10.68 + i * span / 9,) * 3) for i in range(10)
              for s in [0.002 * (1 + i) ** 2]]  # fmt: skip
    for way in ticks(plane(Plane("", slow, axis, points), "p")):
        words = [text for _, text in way]
        assert len(words) > 1
        assert len(set(words)) == len(words)


def test_what_costs_nothing_has_a_place_of_its_own_and_is_on_the_front():
    values = [(0, 24.0), (0, 25.0), (159_000, 27.0), (1_500_000, 26.0), (5_000_000, 29.0)]
    points = [Point(i, f"row{i}", "fixed", (a, a, a), (b, b, b)) for i, (a, b) in enumerate(values)]
    chart = Plane("", Axis("Parameters", False, None, log=True), Axis("PSNR", True, 2), points)
    assert front(chart) == [4, 2, 1]  # from worse to better
    drawing = Reader(plane(chart, "p")).root
    marks = {int(g.attributes["data-r"]): float(re.match(r"M([\d.]+)", g.all("path")[-1].attributes["d"])[1]) + 4.5
             for g in drawing.all("g", class_="pt")}  # fmt: skip
    assert marks[0] == marks[1] < marks[2] < marks[3] < marks[4]
    nought = [at for at, text in ticks(plane(chart, "p"))[0] if text == "0"]
    assert nought == [pytest.approx(marks[0], abs=0.1)]
    gap = float(re.match(r"M[\d.]+ [\d.]+H([\d.]+)M", drawing.all("path", class_="break")[0].attributes["d"])[1])
    assert marks[0] < gap < marks[2]
    assert "On the Pareto front: row4, row2, row1." in drawing.all("desc")[0].text()
    whole = Plane("", chart.x, chart.y, points[2:])
    assert not Reader(plane(whole, "p")).root.all("path", class_="break")


def test_rows_that_a_plane_leaves_out_are_named():
    document = pages.document(tables=1)
    rows = document["tables"][0]["rows"]
    rows[2]["cost"]["parameters"] = None
    root = read(document)
    cost = root.all("figure", class_="chart")[1]
    assert f"Not drawn, without both numbers: {rows[2]['label']}." in cost.text()
    assert len(cost.all("g", class_="pt")) == len(rows) - 1
    for row in rows:
        row["cost"] = dict.fromkeys(row["cost"], 0)
    cost = read(document).all("figure", class_="chart")[1]
    assert "Too few rows" in cost.text()  # all cost nothing
    assert "hidden" in cost.all("figcaption")[0].attributes  # no front, no legend of it
    assert "hidden" not in root.all("figcaption")[0].attributes


def test_the_plane_shows_the_metrics_that_are_there():
    def titles(document):
        return [figure.all("h3")[0].text() for figure in read(document).all("figure", class_="chart")]

    assert titles(pages.document(tables=1)) == ["LPIPS against PSNR", "PSNR against parameters"]
    assert titles(pages.document(tables=1, leave_out=("lpips",)))[0] == "NIQE against PSNR"
    assert titles(pages.document(tables=1, leave_out=("psnr",)))[0] == "LPIPS against SSIM"
    family = pages.document(tables=1)
    for table in family["tables"]:
        table["metrics"][2]["name"] = "lpips_vgg"
        for row in table["rows"]:
            row["scores"]["lpips_vgg"] = row["scores"].pop("lpips")
    assert titles(family)[0] == "LPIPS vgg against PSNR"
    assert "Too few rows" in read(DOCUMENTS["nothing measured"]()).all("figure", class_="chart")[0].text()


def test_missing_cells_of_the_matrix_are_said_and_hatched():
    document = pages.document()
    table = read(document).all("section", class_="grids")[-1].all("table", class_="heat")[0]
    cells = [cell for line in table.all("tbody")[0].all("tr") for cell in line.all("td")]
    wanted = [cell for row in document["heat"][0]["rows"] for cell in row["cells"]]
    for cell, told in zip(cells, wanted, strict=True):
        if told["value"] is None:
            assert (cell.text(), cell.attributes["class"]) == ("not run", "none")
        else:
            gain, shade = told["difference"], cell.attributes["class"]
            assert cell.text().startswith(f"{told['value']:.2f}")
            assert shade == "h0" or shade[0] == ("p" if gain > 0 else "m")


def test_the_matrix_names_what_its_differences_are_from():
    document = pages.document()

    def grids():
        return read(document).all("section", class_="grids")[-1]

    assert "the difference from bicubic" in grids().all("caption")[0].text()
    assert "worse than bicubic" in grids().all("ul", class_="scale")[0].text()
    document["tables"][1]["reference"] = document["tables"][1]["rows"][0]["id"]
    first = document["tables"][1]["rows"][0]["label"]
    assert f"the reference of each table (bicubic, {first})" in grids().all("caption")[0].text()
    for table in document["tables"]:
        table["reference"] = None
    table = grids().all("table", class_="heat")[0]
    assert "difference" not in grids().all("caption")[0].text()
    assert {cell.attributes["class"] for cell in table.all("td")} == {"h0", "none"}
    assert not table.all("small")
    assert "worse" not in grids().all("ul", class_="scale")[0].text()


def test_the_shell_is_small():
    assert sum(len(part.encode()) for part in shell()) <= 120_000


def test_a_thousand_rows_fit_and_the_page_says_what_it_left_out(thousand):
    text = page.render(thousand)
    assert len(text.encode()) <= page.LIMIT
    root = Reader(text).root
    assert len([line for line in root.all("tr") if "id" in line.attributes]) == 1000
    rows = json.loads(root.all("script", id="data")[0].text())["tables"][0]["rows"]
    told = sum("facts" in row for row in rows)
    assert told == 1000 or f"Provenance: of the first {told} rows" in root.all("footer")[0].text()


@pytest.mark.full
def test_what_cannot_fit_is_left_out_in_order():
    document = pages.document(rows=60, images=400, tables=2, facts=60)
    crops = document["tables"][0]["crops"]
    big = "data:image/webp;base64," + "A" * 400_000
    for crop in crops:
        crop["gt"] = big
    text = page.render(document)
    assert len(text.encode()) <= page.LIMIT
    root = Reader(text).root
    said = root.all("footer")[0].text()
    assert "Provenance: of the first 50 rows" in said
    left = len(root.all("section", id="t0")[0].all("div", class_="sheet"))
    assert left < len(crops)
    assert f"Crops: of {left} images" in said or (left == 0 and "Crops: none" in said)


def test_the_empty_board_says_so():
    root = read(pages.empty())
    assert "no results yet" in root.all("main")[0].text()
    assert not root.all("table")


def test_what_was_left_out_is_said_with_its_reason():
    document = pages.document()
    trust = read(document).all("section", class_="trust")[0].text()
    for one in document["left_out"]:
        assert one["reason"] in trust and one["files"][0] in trust
    assert document["fits"] in read(document).all("footer")[0].text()


# ------------------------------------------------------------------------------------------------- contrast
TEXT = {"--ink": 7, "--soft": 4.5, "--accent": 4.5, "--better": 4.5, "--worse": 4.5, "--even": 4.5,
        "--side-a": 4.5, "--side-b": 4.5}  # fmt: skip
GRAPHICS = {"--method": 3, "--weights": 3, "--fixed": 3, "--edge": 3}
SHADES = [f"--{kind}{step}" for kind in "pm" for step in range(1, 5)]


def colours():
    style, _ = shell()
    pairs = re.findall(r"(--[\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", style)
    assert len(pairs) > 20
    return [{name: pair[theme] for name, *pair in pairs} for theme in (0, 1)]


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_contrast_is_enough(theme):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    of = colours()[theme]
    for wanted in (TEXT, GRAPHICS):
        for name, least in wanted.items():
            for ground in ("--bg", "--surface", "--sunk", "--wash"):
                if wanted is GRAPHICS and ground in ("--sunk", "--wash") and name == "--edge":
                    continue  # edges of controls, which stand on neither
                assert contrast(of[name], of[ground]) >= least, (name, ground)
    for shade in SHADES:
        assert contrast(of["--ink"], of[shade]) >= 4.5, shade
    assert contrast(of["--on-accent"], of["--accent"]) >= 4.5
